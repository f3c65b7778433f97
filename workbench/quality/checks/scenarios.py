"""Scenarios: is each rare event there as often as the spec asks?

Counted from the rows themselves, not from what generation says it did: a row counts if all visible columns that the
scenario sets hold what it sets. Other rows may look the same by chance, so the figure may be above the asked share.
"""

from __future__ import annotations

import numpy as np

from workbench.quality.check import Finding, Verdict, register_check
from workbench.quality.evidence import Evidence
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
            findings.append(Finding(name, _QUESTION, "not assessed", rows, detail=detail))
            continue
        shown = np.ones(rows, np.bool_)
        for column, support in asked.items():
            present = evidence.frame[column].notna().to_numpy(np.bool_)
            shown &= support.holds(evidence.frame[column]) & (present | (None in (support.options or ())))
        count = int(shown.sum())
        wanted = int(scenario.share * rows)
        verdict: Verdict = "pass" if count >= wanted else "fail"
        findings.append(
            Finding(
                name,
                _QUESTION,
                verdict,
                rows,
                value=count / rows,
                threshold=scenario.share,
                detail=f"{count:,} rows show it, {wanted:,} were asked for, by {', '.join(asked)}",
            )
        )
    return findings
