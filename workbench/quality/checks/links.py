"""Links: every foreign key leads to a row that is there."""

from __future__ import annotations

import numpy as np

from workbench.quality.check import Finding, register_check
from workbench.quality.evidence import Evidence

_QUESTION = "Does every foreign key lead to a row of the other table?"


@register_check("links", _QUESTION, group="rules", live=True)
def check_links(evidence: Evidence) -> list[Finding]:
    """Share of rows with a foreign key that the other table does not have. A table without foreign keys has none."""
    rows = len(evidence.frame)
    if not evidence.parent_keys:
        return []
    lost = np.zeros(rows, np.bool_)
    details = []
    for column, keys in evidence.parent_keys.items():
        if column not in evidence.frame.columns:
            continue
        values = evidence.frame[column]
        broken = (values.notna() & ~values.isin(keys)).to_numpy(np.bool_)
        lost |= broken
        details.append(f"{column}: {int(broken.sum()):,} of {rows:,} rows lead nowhere")
    return [
        Finding(
            "links",
            _QUESTION,
            "fail" if lost.any() else "pass" if rows else "not assessed",
            rows,
            value=float(lost.mean()) if rows else None,
            threshold=0.0,
            detail="; ".join(details),
            source="the spec",
            fix="Generate both tables again: one of them was changed." if lost.any() else "",
            examples=[int(row) for row in np.flatnonzero(lost)],
        )
    ]
