"""Duplicates: rows that repeat an earlier one, and texts that repeat although the rows around them differ."""

from __future__ import annotations

from workbench.quality.check import Finding, judge_high, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.rows import find_wilson_interval, hash_rows
from workbench.quality.similarity import find_kind

_ROWS = "Do rows repeat?"
_TEXTS = "Do texts repeat?"
_TOLERATED_ROWS = 0.01
_TOLERATED_TEXTS = 0.10
"""Both ours: above the same figure of the real rows by this much, a repetition is warned of."""


@register_check("duplicates", _ROWS, group="duplicates", live=True, gate="max_duplicates")
def check_duplicates(evidence: Evidence) -> list[Finding]:
    """Share of rows equal to an earlier row in everything but their ids."""
    names = _content_columns(evidence)
    rows = len(evidence.frame)
    gate = evidence.gates.max_duplicates
    if not names or not rows:
        detail = "the table has no rows or only ids"
        return [Finding("duplicates", _ROWS, "not assessed", rows, gated=gate is not None, detail=detail)]
    repeats = _find_repeats(evidence, names)
    value = len(repeats) / rows
    reference = _measure_real(evidence, names)
    threshold = gate if gate is not None else (reference or 0.0) + _TOLERATED_ROWS
    return [
        Finding(
            "duplicates",
            _ROWS,
            judge_high(value, threshold, gated=gate is not None),
            rows,
            value=value,
            reference=reference,
            interval=find_wilson_interval(len(repeats), rows),
            threshold=threshold,
            gated=gate is not None,
            detail=f"{len(repeats):,} rows equal an earlier one" if repeats else "no row equals an earlier one",
            examples=repeats,
        )
    ]


@register_check("duplicates.text", _TEXTS, group="duplicates", live=True)
def check_repeated_texts(evidence: Evidence) -> list[Finding]:
    """Share of values equal to an earlier one in the text column where they repeat most. Not asked without texts."""
    names = [name for name in _content_columns(evidence) if find_kind(evidence.frame[name]) == "text"]
    findings = []
    for name in names:
        repeats = _find_repeats(evidence, [name])
        rows = len(evidence.frame)
        reference = _measure_real(evidence, [name])
        threshold = (reference or 0.0) + _TOLERATED_TEXTS
        findings.append(
            Finding(
                "duplicates.text",
                _TEXTS,
                judge_high(len(repeats) / rows, threshold, gated=False),
                rows,
                value=len(repeats) / rows,
                reference=reference,
                interval=find_wilson_interval(len(repeats), rows),
                threshold=threshold,
                detail=f"{name}: {rows - len(repeats):,} different texts in {rows:,} rows",
                examples=repeats,
            )
        )
    return sorted(findings, key=lambda finding: -(finding.value or 0.0))[:1]


def _content_columns(evidence: Evidence) -> list[str]:
    """All columns but keys and ids, which differ in every row by design."""
    ids = {column.name for column in evidence.config.columns if column.type in ("id", "uuid")}
    return [str(name) for name in evidence.frame.columns if name not in ids | {evidence.config.primary_key}]


def _find_repeats(evidence: Evidence, names: list[str]) -> list[int]:
    import pandas as pd

    repeated = pd.Series(hash_rows(evidence.frame, names)).duplicated()
    return [int(row) for row in repeated[repeated].index]


def _measure_real(evidence: Evidence, names: list[str]) -> float | None:
    """The share among the real rows, where they have all of the columns."""
    import pandas as pd

    if evidence.real is None or not set(names) <= set(evidence.real.train.columns):
        return None
    both = pd.concat([evidence.real.train, evidence.real.holdout], ignore_index=True)
    return float(pd.Series(hash_rows(both, names)).duplicated().mean())
