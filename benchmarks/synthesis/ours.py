"""This project's synthesizers, each fit in a process of its own, so that time and memory are those of one fit.

    ours.py fit FOLDER TYPE OUT EPOCHS    fit on FOLDER/train.parquet, write as many rows to OUT; 0 epochs: the default
    ours.py epochs FOLDER FEW MANY        CPU seconds of an epoch of our CTGAN
    ours.py large TYPE ROWS LEVELS        the most memory held while fitting a large table and sampling from it

Each prints one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.synthesizers import fit
from workbench.synthesizers.registry import SYNTHESIZERS

LARGE_SAMPLE = 10_000
LARGE_STEPS = 200


def main() -> None:
    """Do what the arguments say and print JSON."""
    command, *rest = sys.argv[1:]
    if command == "large":
        answer = measure_memory(rest[0], int(rest[1]), int(rest[2]))
    elif command == "epochs":
        answer = measure_epochs(Path(rest[0]), int(rest[1]), int(rest[2]))
    else:
        answer = measure_fit(Path(rest[0]), rest[1], Path(rest[2]), int(rest[3]))
    print(json.dumps(answer))


def measure_fit(folder: Path, type: str, out: Path, epochs: int) -> dict[str, Any]:
    """Seconds, of the clock and of this process, of fitting and of sampling as many rows as it saw."""
    train = pd.read_parquet(folder / "train.parquet")
    target = json.loads((folder / "kinds.json").read_text())["target"]
    settings = _choose_epochs(type, epochs) | (
        {} if pd.api.types.is_numeric_dtype(train[target]) else {"label": target}
    )
    _import_libraries(type)
    begin = _read_clocks()
    fitted = fit(train, type, device="cpu", **settings)
    done = _read_clocks()
    made = fitted.sample(len(train))
    end = _read_clocks()
    made.to_parquet(out, index=False)
    return {
        "fit_seconds": done[0] - begin[0],
        "fit_cpu_seconds": done[1] - begin[1],
        "sample_seconds": end[0] - done[0],
        "sample_cpu_seconds": end[1] - done[1],
        "rows": len(made),
        "note": "",
    }


def measure_epochs(folder: Path, few: int, many: int) -> dict[str, Any]:
    """CPU seconds of one epoch over all rows of the table: the difference of two fits.

    Rows that are kept apart for validation are not learned from, so the time is scaled to what all rows would take.
    """
    kinds = json.loads((folder / "kinds.json").read_text())["kinds"]
    names = [name for name, kind in kinds.items() if kind != "datetime"]
    frame = pd.read_parquet(folder / "train.parquet")[names].dropna().reset_index(drop=True)
    _import_libraries("ctgan")
    took, learned = [], len(frame)
    for epochs in (few, many):
        begin = _read_clocks()
        learned = fit(frame, "ctgan", device="cpu", epochs=epochs).report.rows
        took.append(_read_clocks()[1] - begin[1])
    scale = len(frame) / learned
    return {"rows": len(frame), "cpu_seconds": (took[1] - took[0]) / (many - few) * scale, "once_cpu_seconds": took[0]}


def measure_memory(type: str, rows: int, levels: int) -> dict[str, Any]:
    """The peak of resident memory in MiB, and seconds, for one epoch or LARGE_STEPS steps."""
    generator = np.random.default_rng(7)
    # A few values are common and most are rare, as with shops, products and postcodes.
    rank = np.minimum((levels * generator.random(rows) ** 3).astype(np.int64), levels - 1)
    rank[:levels] = np.arange(levels)
    amount = np.round(np.exp(generator.normal(3, 1, rows) + (rank % 17) / 17), 2)
    frame = pd.DataFrame(
        {
            "merchant": pd.Series([f"M{number:05d}" for number in rank]),
            "amount": amount,
            "hour": generator.integers(0, 24, rows),
            "country": generator.choice(["DE", "FR", "IT", "ES"], rows, p=[0.5, 0.3, 0.15, 0.05]),
            "is_fraud": generator.random(rows) < 0.01,
        }
    )
    begin = _read_clocks()
    fitted = fit(frame, type, device="cpu", label="is_fraud", **_choose_epochs(type, 1, LARGE_STEPS))
    made = fitted.sample(LARGE_SAMPLE)
    end = _read_clocks()
    return {
        "rows": rows,
        "levels": levels,
        "levels_made": int(made["merchant"].nunique()),
        "levels_real": int(frame["merchant"].sample(LARGE_SAMPLE, random_state=0).nunique()),
        "cpu_seconds": end[1] - begin[1],
        "peak_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }


def _import_libraries(type: str) -> None:
    """What a fit imports on first use, which the peers import before their clock starts too."""
    entry = SYNTHESIZERS.get(type)
    for name in ("scipy.stats", "scipy.special", "sklearn.mixture", *(["torch"] if entry and entry.neural else [])):
        importlib.import_module(name)
    if entry is not None:
        entry.load()


def _choose_epochs(type: str, epochs: int, steps: int = 0) -> dict[str, int]:
    """The settings of the type that limit its fit; none where both are 0, which leaves its defaults."""
    entry = SYNTHESIZERS.get(type)
    known = set() if entry is None else set(entry.config.model_fields)
    return {name: limit for name, limit in (("epochs", epochs), ("steps", steps)) if limit and name in known}


def _read_clocks() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
