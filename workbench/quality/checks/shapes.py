"""Shapes: does each column look like the real one?

A synthetic column is scored against the real *training* rows. What a perfect generator would reach is not 1 but what
fresh real rows reach, so the holdout is scored against the same rows and stands beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.files import clean_text
from workbench.quality.cells import take_column
from workbench.quality.check import FEWEST_ROWS, FROM_SPEC, OURS, Finding, judge_low, register_check
from workbench.quality.clusters import describe_clusters
from workbench.quality.evidence import Evidence
from workbench.quality.similarity import (
    Codes,
    bootstrap_similarity,
    encode_columns,
    expect_similarity,
    find_kind,
    measure_similarity,
)

if TYPE_CHECKING:
    import pandas as pd

_NAME = "fidelity.columns"
_QUESTION = "Does each column have the shape of the real one?"
_TOLERANCE = 0.05
"""How far a column may be from the real one, however many rows there are, before it is warned of (ours)."""
_BOOTSTRAP_ROWS = 200_000


@register_check(_NAME, _QUESTION, group="fidelity", live=True, needs_real=True, gate="min_fidelity")
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
    names = list(dict.fromkeys(evidence.shared_columns))
    source = OURS if gate is None else FROM_SPEC
    if not names or min(rows, len(real.train)) < FEWEST_ROWS:
        few = f"{min(rows, len(real.train))} rows are too few to judge a shape by, {FEWEST_ROWS} are needed"
        detail = few if names else "no column of the real data is in the table"
        return [
            Finding(
                _NAME,
                _QUESTION,
                "not assessed",
                rows,
                gated=gate is not None,
                source=source,
                detail=detail,
            )
        ]
    encoded = {name: evidence.clusters.weigh(_encode(real.train, evidence.frame, name)) for name in names}
    similarity = {name: measure_similarity(codes) for name, codes in encoded.items()}
    reference = {name: _measure_holdout(evidence, name) for name in names}
    thresholds = {
        name: gate if gate is not None else expect_similarity(codes, reference[name], len(names), _TOLERANCE)
        for name, codes in encoded.items()
    }
    worst = min(names, key=lambda name: similarity[name] - thresholds[name])
    few_enough = len(encoded[worst].a) + len(encoded[worst].b) <= _BOOTSTRAP_ROWS
    verdict = judge_low(similarity[worst], thresholds[worst], gated=gate is not None)
    held = [figure for figure in reference.values() if figure is not None]
    missing = {name: 1 - abs(_missing(codes.a) - _missing(codes.b)) for name, codes in encoded.items()}
    mean = sum(similarity.values()) / len(names)
    alike, effective = describe_clusters(evidence, rows, encoded[worst].effects[1])
    return [
        Finding(
            _NAME,
            _QUESTION,
            verdict,
            rows,
            value=similarity[worst],
            reference=reference[worst],
            interval=bootstrap_similarity(encoded[worst], evidence.seed) if few_enough else None,
            threshold=thresholds[worst],
            gated=gate is not None,
            detail=f"worst of {len(names)} columns: {clean_text(worst)[:80]}; mean {mean:.3f}{alike}",
            seed=evidence.seed,
            columns={
                name: {
                    "similarity": similarity[name],
                    "reference": reference[name],
                    "threshold": thresholds[name],
                    "missing_similarity": missing[name],
                }
                for name in names
            },
            source=source,
            figures={"mean": mean, "mean_holdout": sum(held) / len(held) if held else None, **effective},
            fix=_advise(worst, missing[worst] <= similarity[worst]) if verdict != "pass" else "",
            better="high",
        )
    ]


def _advise(name: str, missing: bool) -> str:
    what = "the share of missing values" if missing else "the distribution"
    return (
        f"Bring {what} of {clean_text(name)[:80]} closer to the real column's, or fit a synthesizer to the real data."
    )


def _encode(real: pd.DataFrame, other: pd.DataFrame, name: str) -> Codes:
    column: pd.Series[Any] = take_column(real, name)
    return encode_columns(column, take_column(other, name), find_kind(column))


def _missing(codes: Any) -> float:
    return float((codes < 0).mean())


def _measure_holdout(evidence: Evidence, name: str) -> float | None:
    real = evidence.real
    if real is None or len(real.holdout) < FEWEST_ROWS:
        return None
    return measure_similarity(_encode(real.train, real.holdout, name))
