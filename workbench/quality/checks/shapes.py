"""Shapes: does each column look like the real one?

A synthetic column is scored against the real *training* rows. What a perfect generator would reach is not 1 but what
fresh real rows reach, so the holdout is scored against the same rows and stands beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.quality.check import FEWEST_ROWS, Finding, judge_low, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.similarity import (
    Codes,
    bootstrap_similarity,
    bound_noise,
    encode_columns,
    find_kind,
    measure_similarity,
)

if TYPE_CHECKING:
    import pandas as pd

_QUESTION = "Does each column have the shape of the real one?"
_TOLERANCE = 0.05
"""How far a column may be from the real one, however many rows there are, before it is warned of (ours)."""
_BOOTSTRAP_ROWS = 200_000


@register_check("fidelity.columns", _QUESTION, group="fidelity", live=True, needs_real=True, gate="min_fidelity")
def check_shapes(evidence: Evidence) -> list[Finding]:
    """The worst column's similarity, with every column's beside that of the holdout.

    A gate of the spec is the threshold for all columns. Without one, a column has a threshold of its own: it should be
    as near to the training rows as the holdout is, give or take chance and a tolerance, and the worst is the one that
    misses its threshold by most.
    """
    real = evidence.real
    assert real is not None
    rows = len(evidence.frame)
    gate = evidence.gates.min_fidelity
    names = evidence.shared_columns
    if not names or min(rows, len(real.train)) < FEWEST_ROWS:
        detail = f"{rows} rows are too few" if names else "no column of the real data is in the table"
        return [Finding("fidelity.columns", _QUESTION, "not assessed", rows, gated=gate is not None, detail=detail)]
    encoded = {name: _encode(real.train[name], evidence.frame[name]) for name in names}
    similarity = {name: measure_similarity(codes) for name, codes in encoded.items()}
    reference = {name: _measure_holdout(evidence, name) for name in names}
    thresholds = dict.fromkeys(names, gate) if gate is not None else _expect(encoded, reference)
    worst = min(names, key=lambda name: similarity[name] - (thresholds[name] or 0.0))
    few = len(encoded[worst].a) + len(encoded[worst].b) <= _BOOTSTRAP_ROWS
    return [
        Finding(
            "fidelity.columns",
            _QUESTION,
            judge_low(similarity[worst], thresholds[worst], gated=gate is not None),
            rows,
            value=similarity[worst],
            reference=reference[worst],
            interval=bootstrap_similarity(encoded[worst], evidence.seed) if few else None,
            threshold=thresholds[worst],
            gated=gate is not None,
            detail=f"worst of {len(names)} columns: {worst}; mean {sum(similarity.values()) / len(names):.3f}",
            seed=evidence.seed,
            columns={
                name: {"similarity": similarity[name], "reference": reference[name], "threshold": thresholds[name]}
                for name in names
            },
        )
    ]


def _expect(encoded: dict[str, Codes], reference: dict[str, float | None]) -> dict[str, float | None]:
    """What each column should reach: what chance and tolerance leave of 1, or the holdout's figure if that is lower."""
    expected: dict[str, float | None] = {}
    for name, codes in encoded.items():
        likely = 1 - max(bound_noise(codes, len(encoded)), _TOLERANCE)
        held = reference[name]
        expected[name] = likely if held is None else min(likely, held)
    return expected


def _encode(real: pd.Series[Any], synthetic: pd.Series[Any]) -> Codes:
    return encode_columns(real, synthetic, find_kind(real))


def _measure_holdout(evidence: Evidence, name: str) -> float | None:
    real = evidence.real
    if real is None or len(real.holdout) < FEWEST_ROWS:
        return None
    return measure_similarity(_encode(real.train[name], real.holdout[name]))
