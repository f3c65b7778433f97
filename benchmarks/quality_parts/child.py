"""Asks every check of fresh people against real ones and prints seconds and memory: one process, so that memory is its.

child.py ROWS SEED
"""

from __future__ import annotations

import json
import resource
import sys
import time

from workbench.datasets.sources import RealData
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import find_worst
from workbench.quality.selftest.holdouts import describe_table
from workbench.quality.selftest.population import GROUPS, LABEL, draw_people
from workbench.spec.model import QualityConfig
from workbench.spec.quality import FairnessConfig


def main() -> None:
    """Draw `ROWS` people and as many real ones, half of them held out, and ask."""
    rows, seed = int(sys.argv[1]), int(sys.argv[2])
    made, train, holdout = (
        draw_people(size, 3 * seed + side) for side, size in enumerate((rows, rows // 2, rows // 2))
    )
    real = RealData(train, holdout, "", len(train) + len(holdout), "", "")
    gates = QualityConfig(label=LABEL, fairness=FairnessConfig(across=list(GROUPS), outcome=LABEL, favourable=True))
    evidence = describe_table("people", made, real, gates, seed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    checks, begin = [], time.perf_counter()
    for name, check in sorted(CHECKS.items()):
        start = time.perf_counter()
        found = ask(check, evidence)
        if found:
            verdict = find_worst(finding.verdict for finding in found)
            checks.append({"check": name, "seconds": time.perf_counter() - start, "verdict": verdict})
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {"rows": rows, "columns": made.shape[1], "seconds": seconds, "checks": checks,
             "data_mebibytes": round(before / 1024), "peak_mebibytes": round(peak / 1024)}
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
