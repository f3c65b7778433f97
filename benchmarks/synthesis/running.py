"""Fits and scores of all synthesizers on one table. The peers' are kept, so that ours can be run again alone."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from peers.environment import FOLDER, SYNTHESIZERS_HOME, find_python, run_script
from synthesis.measures import find_copies, measure_table
from synthesis.tables import SplitTable

PEERS = ("sdv_gaussian_copula", "sdv_ctgan", "sdv_tvae", "be_great")
OURS = ("gaussian_copula", "ctgan", "tvae", "diffusion", "language_model")

PEERS_SCRIPT = FOLDER / "synthesizers.py"
OUR_SCRIPT = Path(__file__).parent / "ours.py"
PEERS_RESULTS = SYNTHESIZERS_HOME / "results.json"

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """`epochs` are those of GANs and autoencoders of both sides, `great_epochs` those of be-great.

    A fit with its sample may take `cpu_seconds` of one thread.
    """

    epochs: int
    great_epochs: int
    cpu_seconds: int


def run_peers(split: SplitTable, peers: Sequence[str], limits: Limits, *, fresh: bool) -> dict[str, Record]:
    """The records of `peers` by name: those kept from an earlier run of the same data and limits, unless `fresh`."""
    return {name: _run_peer(split, name, limits, fresh) for name in peers}


def run_ours(split: SplitTable, types: Sequence[str], limits: Limits) -> dict[str, Record]:
    """The records of this project's synthesizers by type."""
    found = {}
    for type in types:
        out = split.folder / f"{type}.parquet"
        epochs = limits.epochs if type in ("ctgan", "tvae") else 0
        arguments = ("fit", str(split.folder), type, str(out), str(epochs))
        found[type] = _measure(split, _try(sys.executable, OUR_SCRIPT, arguments, limits), out)
    return found


def measure_real(split: SplitTable) -> Record:
    """What the real training rows score, and how many real test rows are copies of one of them."""
    train, test = pd.read_parquet(split.train), pd.read_parquet(split.test)
    return measure_table(split.table, train, test, train) | {"copies": find_copies(train, test)}


def measure_epochs(split: SplitTable, few: int, many: int, *, peers: bool, fresh: bool) -> dict[str, Record]:
    """CPU seconds of an epoch of CTGAN on the same rows, ours and that of the package ctgan."""
    arguments = ("epochs", str(split.folder), str(few), str(many))
    limits = Limits(many, 0, 1800)
    found = {"ours": _try(sys.executable, OUR_SCRIPT, arguments, limits)}
    if peers:
        python = str(find_python(SYNTHESIZERS_HOME))
        key = f"epochs/{split.digest}/{few}/{many}"
        found["ctgan"] = _keep(key, lambda: _try(python, PEERS_SCRIPT, arguments, limits), fresh)
    return found


def measure_memory(type: str, rows: int, levels: int) -> Record:
    """What a large table takes of memory, in a process of its own."""
    arguments = ("large", type, str(rows), str(levels))
    return _try(sys.executable, OUR_SCRIPT, arguments, Limits(1, 0, 3600))


def _run_peer(split: SplitTable, name: str, limits: Limits, fresh: bool) -> Record:
    scripts = PEERS_SCRIPT.read_bytes() + (FOLDER / "requirements-synthesizers.txt").read_bytes()
    version = hashlib.sha256(scripts).hexdigest()[:8]
    epochs = limits.great_epochs if name == "be_great" else limits.epochs
    key = f"{split.table.name}/{split.digest}/{name}/{epochs}/{limits.cpu_seconds}/{version}"
    out = split.folder / f"{name}.parquet"
    arguments = ("fit", str(split.folder), name, str(out), str(epochs))
    python = str(find_python(SYNTHESIZERS_HOME))
    return _keep(key, lambda: _measure(split, _try(python, PEERS_SCRIPT, arguments, limits), out), fresh)


def _keep(key: str, work: Callable[[], Record], fresh: bool) -> Record:
    """The record that is kept under `key`, or what `work` answers now, which is kept from then on."""
    kept: dict[str, Record] = json.loads(PEERS_RESULTS.read_text()) if PEERS_RESULTS.is_file() else {}
    if fresh or key not in kept:
        record = work()
        kept = json.loads(PEERS_RESULTS.read_text()) if PEERS_RESULTS.is_file() else {}
        PEERS_RESULTS.write_text(json.dumps({**kept, key: record}, indent=1))
        return record
    return kept[key]


def _try(python: str, script: Path, arguments: Sequence[str], limits: Limits) -> Record:
    """What a script answers, or the reason why it does not."""
    try:
        return run_script(python, script, *arguments, cpu_seconds=limits.cpu_seconds)
    except subprocess.CalledProcessError as error:
        if error.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            return {"skipped": f"took more than {limits.cpu_seconds} CPU seconds"}
        return {"skipped": next(iter(reversed(error.stderr.strip().splitlines())), "failed without a word")}


def _measure(split: SplitTable, record: Record, out: Path) -> Record:
    if "skipped" in record:
        return record
    train, test, made = (pd.read_parquet(path) for path in (split.train, split.test, out))
    try:
        record |= measure_table(split.table, train, test, made)
    except ValueError as error:
        return record | {"skipped": f"what it made cannot be learned from: {error}"}
    python = str(find_python(SYNTHESIZERS_HOME))
    return record | {"quality": run_script(python, PEERS_SCRIPT, "score", str(split.folder), str(out))["scores"][0]}
