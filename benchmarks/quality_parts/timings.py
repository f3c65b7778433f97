"""Seconds and memory of the whole report, beside those of SDMetrics' reports on the same rows."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from statistics import median
from typing import Any

from peers.environment import FOLDER, QUALITY_HOME, find_python, run_script
from quality_parts.planted import Tables, write_tables

from workbench.quality.selftest.population import LABEL, draw_people

CHILD = Path(__file__).parent / "child.py"
ROWS, MANY = 50_000, 1_000_000
THREADS = "2"


def measure_timings(work: Path, times: int, *, many: bool, peers: bool) -> dict[str, Any]:
    """The report on ROWS rows, the median of `times`, and on MANY rows once; both sides have THREADS threads."""
    os.environ["OMP_NUM_THREADS"] = THREADS
    runs = sorted((run_script(sys.executable, CHILD, str(ROWS), str(seed)) for seed in range(times)), key=_take_seconds)
    found: dict[str, Any] = {
        "ours": runs[len(runs) // 2] | {"seconds": median(run["seconds"] for run in runs)},
        "runs": [run["seconds"] for run in runs],
    }
    if many:
        found["many"] = run_script(sys.executable, CHILD, str(MANY), "0")
    if peers:
        fresh, train, holdout = (draw_people(size, side) for side, size in enumerate((ROWS, ROWS // 2, ROWS // 2)))
        folder = write_tables(Tables("people", train, holdout, {"fresh": fresh}, LABEL), work / "timings")
        found["sdmetrics"] = run_script(
            str(find_python(QUALITY_HOME)), FOLDER / "quality_oracles.py", "report", str(folder)
        )
    return found


def _take_seconds(run: dict[str, Any]) -> float:
    return float(run["seconds"])
