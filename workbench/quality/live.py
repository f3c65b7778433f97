"""Checks while a spec is written: those that are cheap, on the first rows that it will make."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from workbench.datasets.sources import RealData
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Finding, find_group_place
from workbench.quality.evidence import Evidence
from workbench.spec.model import Spec

if TYPE_CHECKING:
    import pandas as pd


def check_frames(
    spec: Spec,
    frames: Mapping[str, pd.DataFrame],
    real: Mapping[str, RealData],
    waiting: Mapping[str, Collection[str]],
) -> list[Finding]:
    """The findings of the live checks on the first rows of each table, in the order of a report.

    Columns `waiting` for a model, by table, are left out, and so are checks that need real data where there is none.
    Whether foreign keys lead somewhere only whole tables show, so nothing is said of it.
    """
    findings: list[Finding] = []
    for name, frame in frames.items():
        unknown = set(waiting.get(name, ()))
        table = spec.tables[name]
        known = table.model_copy(update={"columns": [column for column in table.columns if column.name not in unknown]})
        evidence = Evidence(
            name,
            known,
            frame.drop(columns=list(unknown & set(frame.columns))).reset_index(drop=True),
            real.get(name),
            spec.quality,
            seed=spec.seed,
            models=spec.models,
        )
        for _, check in sorted(CHECKS.items()):
            if check.live and (evidence.real is not None or not check.needs_real):
                findings += ask(check, evidence)
    return sorted(findings, key=lambda each: (list(frames).index(each.table), find_group_place(each.group)))
