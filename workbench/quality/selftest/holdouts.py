"""Real rows in the place of a dataset: the checks have to let a perfect one pass.

A real table is split at random into three disjoint parts, as dataset, training rows and holdout. Whatever a check then
warns of is a false alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.columns.synthesized import SynthesizedColumnConfig
from workbench.datasets.sources import RealData
from workbench.quality.check import Finding
from workbench.quality.evidence import Evidence
from workbench.quality.selftest.running import find_all
from workbench.spec.model import QualityConfig, TableConfig

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class HoldoutOutcome:
    """What was found of one split: the findings that warned or failed, and names of all checks that could judge."""

    split: int
    alarms: tuple[Finding, ...]
    judged: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """No check warned or failed."""
        return not self.alarms

    def as_json(self) -> dict[str, Any]:
        """The outcome as plain values."""
        return {
            "split": self.split,
            "passed": self.passed,
            "alarms": [alarm.as_json() for alarm in self.alarms],
            "judged": list(self.judged),
        }


def pass_real_holdouts(
    frame: pd.DataFrame, splits: int, seed: int, gates: QualityConfig | None = None
) -> Iterator[HoldoutOutcome]:
    """Ask every check of `splits` random splits of a real table into three parts of equal size.

    `gates` names the label and the groups of people, if there are any; it should set no gate.
    """
    for split in range(splits):
        findings = find_all(split_real(frame, seed + split, gates))
        alarms = tuple(finding for finding in findings if finding.verdict in ("warn", "fail"))
        judged = tuple(finding.name for finding in findings if finding.verdict != "not assessed")
        yield HoldoutOutcome(split, alarms, judged)


def split_real(frame: pd.DataFrame, seed: int, gates: QualityConfig | None = None) -> Evidence:
    """The rows of a real table in three disjoint parts at random: dataset, training rows, holdout."""
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(frame))
    made, train, holdout = (frame.iloc[np.sort(part)].reset_index(drop=True) for part in np.array_split(order, 3))
    real = RealData(train, holdout, "", len(train) + len(holdout), "another part of the same rows", "not stated")
    return describe_table("real", made, real, gates, seed)


def describe_table(
    name: str, frame: pd.DataFrame, real: RealData | None, gates: QualityConfig | None = None, seed: int = 0
) -> Evidence:
    """Evidence of a table without a spec of its own: all of its columns were made by a synthesizer."""
    columns = [SynthesizedColumnConfig(name=str(column), type="synthesized") for column in frame.columns]
    table = TableConfig(rows=len(frame), columns=list(columns))
    return Evidence(name, table, frame.reset_index(drop=True), real, gates or QualityConfig(), seed=seed)
