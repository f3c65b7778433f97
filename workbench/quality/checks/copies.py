"""Copies: does the dataset repeat real rows it was made from, more than it "repeats" rows it never saw?

Equal rows also arise by chance, where columns are few and coarse. So the same count is taken against the holdout, and
only the excess speaks of copying. Averages of distances to the nearest real row are not used: 25 rows copied among
5,000 leave them unmoved (the criticism is that of Yao et al., arXiv 2505.01524). A pass reads "no sign of copied
rows" and never "private": copying is one way among many to give a person away.
"""

from __future__ import annotations

import numpy as np

from workbench.quality.check import Finding, Verdict, judge_high, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.rows import find_wilson_interval, hash_rows

_QUESTION = "Are real rows repeated word by word?"
_RARE_BY_CHANCE = 0.01


@register_check("privacy.copies", _QUESTION, group="privacy", live=True, needs_real=True, gate="max_exact_match")
def check_copies(evidence: Evidence) -> list[Finding]:
    """Share of rows equal to a real training row on the shared columns, beside the share equal to a holdout row."""
    real = evidence.real
    assert real is not None
    rows = len(evidence.frame)
    names = evidence.shared_columns
    gate = evidence.gates.max_exact_match
    if not names or not rows or not len(real.train):
        detail = "there is no column or row to compare"
        return [Finding("privacy.copies", _QUESTION, "not assessed", rows, gated=gate is not None, detail=detail)]
    made = hash_rows(evidence.frame, names)
    train, holdout = np.unique(hash_rows(real.train, names)), np.unique(hash_rows(real.holdout, names))
    copied = np.flatnonzero(np.isin(made, train))
    value = len(copied) / rows
    reference = float(np.isin(made, holdout).mean()) * len(train) / len(holdout) if len(holdout) else None
    matched = (int(np.isin(train, made).sum()), int(np.isin(holdout, made).sum()))
    excess = find_excess(matched, (len(train), len(holdout)))
    verdict: Verdict = "warn" if excess < _RARE_BY_CHANCE else "pass"
    if gate is not None:
        verdict = judge_high(value, gate, gated=True)
    return [
        Finding(
            "privacy.copies",
            _QUESTION,
            verdict,
            rows,
            value=value,
            reference=reference,
            interval=find_wilson_interval(len(copied), rows),
            threshold=gate,
            gated=gate is not None,
            detail=_describe(matched, (len(train), len(holdout)), excess, len(names)),
            examples=[int(row) for row in copied],
        )
    ]


def find_excess(matched: tuple[int, int], sizes: tuple[int, int]) -> float:
    """One-sided exact p-value that training rows are met more often than holdout rows.

    `matched` and `sizes` count different rows of (train, holdout). If nothing was copied, each matched row is one of
    train with chance train / (train + holdout), so the count in train is binomial; P(X >= k) is the incomplete beta
    function. Without a holdout nothing can be told: 1 where no row is matched, and 0 where one is.
    """
    from scipy.special import betainc

    count, total = matched[0], sum(matched)
    if count == 0:
        return 1.0
    if sizes[1] == 0:
        return 0.0
    return float(betainc(count, total - count + 1, sizes[0] / sum(sizes)))


def _describe(matched: tuple[int, int], sizes: tuple[int, int], excess: float, columns: int) -> str:
    found = f"{matched[0]} of {sizes[0]:,} training rows met"
    if sizes[1]:
        found += f" against {matched[1]} of {sizes[1]:,} never seen, on {columns} columns"
    if matched[0] == 0 or excess >= _RARE_BY_CHANCE:
        return f"no sign of copied rows: {found}"
    return f"{found} (p = {excess:.2g})" if sizes[1] else f"{found}, with no holdout to compare with"
