"""Scenarios: is each rare event there as often as the spec asks?

Counted from the rows themselves, not from what generation says it did: a row counts if all visible columns that the
scenario sets hold what it sets. Other rows may look the same by chance, so the figure may be above the asked share.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.quality.cells import code_levels, take_column
from workbench.quality.check import FEWEST_ROWS, FROM_SPEC, Finding, Verdict, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.rows import find_wilson_interval
from workbench.quality.support import find_scenario_supports

_QUESTION = "Is the scenario there as often as asked?"


@register_check("scenarios", _QUESTION, group="trust")
def check_scenarios(evidence: Evidence) -> list[Finding]:
    """One finding a scenario: the share of rows that show it, against the asked share less one row of rounding."""
    makers = evidence.makers
    rows = len(evidence.frame)
    findings = []
    for scenario in evidence.config.scenarios:
        name = f"scenario.{scenario.name}"
        asked = find_scenario_supports(scenario, makers, [str(column) for column in evidence.frame.columns])
        if not asked or not rows:
            detail = "none of the columns it sets can be seen in the dataset" if rows else "the table has no rows"
            fix = "Keep a column that the scenario sets in the dataset." if rows else "Make more rows."
            refused = Finding(name, _QUESTION, "not assessed", rows, source=FROM_SPEC, detail=detail, fix=fix)
            findings.append(refused)
            continue
        shown = np.ones(rows, np.bool_)
        for column, support in asked.items():
            present = evidence.frame[column].notna().to_numpy(np.bool_)
            shown &= support.holds(evidence.frame[column]) & (present | (None in (support.options or ())))
        count = int(shown.sum())
        wanted = int(scenario.share * rows)
        verdict: Verdict = "pass" if count >= wanted else "fail"
        few = f"; not enough data to judge a model on it, which takes {FEWEST_ROWS} rows" if count < FEWEST_ROWS else ""
        different = _count_different(evidence, shown)
        findings.append(
            Finding(
                name,
                _QUESTION,
                verdict,
                rows,
                value=count / rows,
                interval=find_wilson_interval(count, rows),
                threshold=scenario.share,
                source=FROM_SPEC,
                detail=f"{count:,} rows show it, {wanted:,} were asked for, by {', '.join(asked)}{few}",
                figures={"rows": float(count), "asked rows": float(wanted), "different rows": float(different)},
                fix="" if verdict == "pass" else "Generate the dataset again, or set fewer columns in the scenario.",
            )
        )
    return findings


def _count_different(evidence: Evidence, shown: NDArray[np.bool_]) -> int:
    """Rows that show a scenario and differ from one another: a rare event told a hundred times is one event."""
    names = sorted({str(name) for name in evidence.frame.columns} - evidence.keys)
    if not names or not shown.any():
        return 0
    codes = np.column_stack([code_levels(take_column(evidence.frame, name)[shown])[0] for name in names])
    return len(np.unique(codes, axis=0))
