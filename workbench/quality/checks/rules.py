"""Rules: keys are unique, constraints hold, and values lie where their column type can put them."""

from __future__ import annotations

import numpy as np

from workbench.quality.check import Finding, register_check
from workbench.quality.constraints import Broken, find_broken
from workbench.quality.evidence import Evidence
from workbench.quality.support import find_scenario_supports, find_support

_QUESTION = "Does every row keep the spec's rules?"


@register_check("rules", _QUESTION, group="rules", live=True)
def check_rules(evidence: Evidence) -> list[Finding]:
    """Share of rows that break at least one rule, with the number of rows that break each."""
    rows = len(evidence.frame)
    if not rows:
        return [Finding("rules", _QUESTION, "not assessed", rows, detail="the table has no rows")]
    broken = {**_break_keys(evidence), **_break_constraints(evidence), **_break_values(evidence)}
    any_broken = np.zeros(rows, np.bool_)
    for mask in broken.values():
        any_broken |= mask
    found = {name: int(mask.sum()) for name, mask in broken.items() if mask.any()}
    detail = "; ".join(
        f"{name}: {count:,} rows" for name, count in sorted(found.items(), key=lambda pair: -pair[1])[:5]
    )
    return [
        Finding(
            "rules",
            _QUESTION,
            "fail" if found else "pass",
            rows,
            value=float(any_broken.mean()),
            threshold=0.0,
            detail=detail or f"{len(broken)} rules hold",
            source="the spec",
            fix="Drop these rows, or correct the rule or what it compares and generate again." if found else "",
            examples=[int(row) for row in np.flatnonzero(any_broken)],
        )
    ]


def _break_keys(evidence: Evidence) -> dict[str, Broken]:
    unique = {name for name, maker in evidence.makers.items() if maker.unique}
    unique |= {evidence.config.primary_key} if evidence.config.primary_key else set()
    broken = {}
    for name in sorted(unique & {str(column) for column in evidence.frame.columns}):
        column = evidence.frame[name]
        broken[f"{name} is unique"] = (column.duplicated() | column.isna()).to_numpy(np.bool_)
    return broken


def _break_constraints(evidence: Evidence) -> dict[str, Broken]:
    found = (find_broken(rule, evidence.frame) for rule in evidence.config.constraints)
    return dict(each for each in found if each is not None)


def _break_values(evidence: Evidence) -> dict[str, Broken]:
    """Values outside a column's bounds or options, unless a scenario asks for them; nulls where none are asked for."""
    makers = evidence.makers
    configs = {column.name: column for column in evidence.config.columns}
    broken = {}
    for name in (str(name) for name in evidence.frame.columns):
        if name not in makers:
            continue
        column, support = evidence.frame[name], find_support(makers[name])
        setting = [scenario for scenario in evidence.config.scenarios if name in scenario.set]
        if support.options is not None or support.bounds is not None:
            allowed = support.holds(column)
            for scenario in setting:
                asked = find_scenario_supports(scenario, makers, [name]).get(name)
                allowed |= asked.holds(column) if asked else True
            broken[f"{name} is within its values"] = ~allowed
        if getattr(configs[name], "missing", None) == 0.0 and not setting:
            broken[f"{name} is there"] = column.isna().to_numpy(np.bool_)
    return broken
