"""Copies: does the dataset repeat real rows it was made from, more than it "repeats" rows it never saw?

Equal rows also arise by chance, where columns are few and coarse. So the same count is taken against the holdout, and
only the excess speaks of copying. Averages of distances to the nearest real row are not used: 25 rows copied among
5,000 leave them unmoved (the criticism is that of Yao et al., arXiv 2505.01524). A pass reads "no sign of copied
rows" and never "private": copying is one way among many to give a person away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.sources import RealData
from workbench.quality.cells import read_texts, take_column
from workbench.quality.check import FROM_SPEC, Finding, Verdict, judge_high, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.personal import find_learned_columns
from workbench.quality.privacy.excess import Excess, find_excess, measure_excess
from workbench.quality.rows import find_wilson_interval, hash_rows
from workbench.quality.similarity import find_kind

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_copies", "find_excess"]

_QUESTION = "Are real rows repeated word by word?"
_SOURCE = "exact test against the holdout at 0.002, after arXiv 2606.16952; the level is ours"
_FEWEST_COLUMNS = 3


@register_check("privacy.copies", _QUESTION, group="privacy", live=True, needs_real=True, gate="max_exact_match")
def check_copies(evidence: Evidence) -> list[Finding]:
    """Share of rows equal to a real training row on the shared columns, beside the share equal to a holdout row.

    All rows are compared, by 64 bits each: a sample would miss the few that matter. They are compared once more
    without the texts that are different in each real row: a copied row that got another number is a copy.
    """
    real = evidence.real
    assert real is not None
    rows = len(evidence.frame)
    names = [name for name in find_learned_columns(evidence) if name in real.holdout.columns or not len(real.holdout)]
    gate = evidence.gates.max_exact_match
    if not names or not rows or not len(real.train):
        detail = "there is no column or row to compare"
        return [Finding("privacy.copies", _QUESTION, "not assessed", rows, gated=gate is not None, detail=detail)]
    repeated = [name for name in names if not _is_different_text(take_column(real.train, name))]
    tried = [names, repeated] if len(repeated) < len(names) and len(repeated) >= _FEWEST_COLUMNS else [names]
    found = [_compare(evidence, real, each) for each in tried]
    worst = next((each for each in found if each.excess.is_leak(len(tried), may_repeat=True)), found[0])
    is_leak = worst.excess.is_leak(len(tried), may_repeat=True)
    verdict = _judge(worst, is_leak, gate)
    return [
        Finding(
            "privacy.copies",
            _QUESTION,
            verdict,
            rows,
            value=worst.value,
            reference=worst.reference,
            interval=find_wilson_interval(len(worst.copied), rows),
            threshold=gate,
            gated=gate is not None,
            detail=_describe(worst, is_leak),
            examples=[int(row) for row in worst.copied] if verdict != "pass" else (),
            source=_SOURCE if gate is None else FROM_SPEC,
            seed=evidence.seed,
            figures={"p": worst.excess.p, "p_repeats": min(worst.excess.p_repeats, worst.excess.p_pairs)},
            fix="" if verdict == "pass" else "Drop these rows, and learn with fewer epochs or differential privacy.",
        )
    ]


@dataclass(frozen=True, slots=True)
class _Comparison:
    """What was found on some columns: the rows that equal a training row, their share, and that of the holdout."""

    columns: int
    copied: NDArray[np.int64]
    value: float
    reference: float | None
    excess: Excess


def _compare(evidence: Evidence, real: RealData, names: list[str]) -> _Comparison:
    made, train = hash_rows(evidence.frame, names), hash_rows(real.train, names)
    holdout = hash_rows(real.holdout, names) if len(real.holdout) else np.empty(0, np.uint64)
    copied = np.flatnonzero(np.isin(made, np.unique(train)))
    different = len(np.unique(train)), len(np.unique(holdout))
    reference = float(np.isin(made, holdout).mean()) * different[0] / different[1] if different[1] else None
    excess = measure_excess(made, train, holdout, evidence.draw("copies"))
    return _Comparison(len(names), copied, len(copied) / len(made), reference, excess)


def _is_different_text(column: pd.Series[Any]) -> bool:
    """Whether each real row has a text of its own, as names, numbers of customers and letters are."""
    if find_kind(column) != "text":
        return False
    texts = read_texts(column).dropna()
    return len(texts) > 0 and bool(texts.is_unique)


def _judge(found: _Comparison, is_leak: bool, gate: float | None) -> Verdict:
    """By the spec's gate, if any; else an excess over the holdout is a failure, and a warning without one."""
    if gate is not None:
        return judge_high(found.value, gate, gated=True)
    if not is_leak:
        return "pass"
    return "fail" if found.excess.sizes[1] else "warn"


def _describe(found: _Comparison, is_leak: bool) -> str:
    told = f"{found.excess.describe('rows')}, on {found.columns} columns"
    if not found.excess.sizes[1]:
        told += ", with no holdout to compare with"
    if is_leak:
        return f"{told} (p = {min(found.excess.p, found.excess.p_repeats, found.excess.p_pairs):.2g})"
    return f"no sign of copied rows: {told}"
