"""What the checks catch of planted defects, and how often they let real rows pass."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.datasets.packaged import load_packaged
from workbench.quality.selftest.holdouts import pass_real_holdouts
from workbench.quality.selftest.population import GROUPS, LABEL, draw_people
from workbench.quality.selftest.running import Outcome, run_self_test
from workbench.spec.model import QualityConfig
from workbench.spec.quality import FairnessConfig


@dataclass(frozen=True, slots=True)
class RealTable:
    """A real table, or a population whose law is known, with its label and the columns of groups of people."""

    name: str
    label: str
    groups: tuple[str, ...]
    read: Callable[[], pd.DataFrame]


REAL_TABLES = (
    RealTable("people", LABEL, GROUPS, lambda: draw_people(15_000, 99)),
    RealTable("german_credit", "creditability", (), lambda: load_packaged("german_credit")[1]),
    RealTable("breast_cancer", "diagnosis", (), lambda: load_packaged("breast_cancer")[1]),
    RealTable("health_insurance", "health", (), lambda: load_packaged("health_insurance")[1].drop(columns="person")),
)


def plant_defects(seed: int) -> dict[str, Any]:
    """The self-test of all defects, as `workbench quality --self-test` runs it."""

    def tell(outcome: Outcome) -> None:
        found = "caught" if outcome.passed else "NOT AS EXPECTED"
        print(f"  {outcome.scene}: {outcome.defect}: {found}, {outcome.seconds:.1f} s", file=sys.stderr, flush=True)

    return run_self_test(seed, on_defect=tell).as_json()


def pass_holdouts(splits: int, seed: int) -> list[dict[str, Any]]:
    """For each real table how many of `splits` random splits passed every check, and what warned in the others."""
    found = []
    for table in REAL_TABLES:
        fairness = FairnessConfig(across=list(table.groups), outcome=table.label) if table.groups else None
        gates = QualityConfig(label=table.label, fairness=fairness)
        frame = table.read()
        outcomes = list(pass_real_holdouts(frame, splits, seed, gates))
        alarms = Counter(alarm.name for outcome in outcomes for alarm in outcome.alarms)
        record = {
            "table": table.name, "rows": len(frame), "columns": frame.shape[1], "splits": splits,
            "passed": sum(outcome.passed for outcome in outcomes),
            "judged": round(sum(len(outcome.judged) for outcome in outcomes) / splits),
            "alarms": dict(alarms),
        }  # fmt: skip
        print(
            f"  {table.name}: {record['passed']} of {splits} splits pass, {dict(alarms)}", file=sys.stderr, flush=True
        )
        found.append(record)
    return found
