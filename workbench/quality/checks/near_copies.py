"""Near copies: are real rows repeated with small changes, and are the nearest rows too near?

Two questions on the same distances. The first counts training rows that some synthetic row is nearer to than 99 % of
holdout rows are to any training row, beside the same count of holdout rows: if nothing was learned, any of the real
rows might have been training rows, so an excess has an exact p-value. Rows that are repeated exactly are left to the
check of copies. The second is the "DCR" ratio that reports of vendors print: the 5th percentile of distances from
synthetic to training rows over that from holdout to training rows. It is kept because it is asked for: like every
figure of distances it can look good where rows leak (Yao et al., arXiv 2505.01524).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.quality.check import FROM_SPEC, OURS, Finding, Verdict, judge_low, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.privacy.excess import LEVEL, find_excess
from workbench.quality.privacy.neighbours import (
    Neighbours,
    explain_missing,
    find_neighbours,
    find_query_rows,
    tell_sample,
)
from workbench.quality.rows import find_wilson_interval

_NEAR = "Are real rows repeated with small changes?"
_RATIO = "Are the nearest real rows nearer than chance allows?"
_FIX = "Learn with fewer epochs, more regularisation or differential privacy, and drop the rows that are too near."
_SAME = 1e-6
_FEWEST_TWINS = 2.0
"""How many times as many training as holdout rows must be met for near copies to fail, rather than warn."""
_LOWEST_RATIO = 0.8
_RESAMPLES = 400


@register_check("privacy.near_copies", _NEAR, group="privacy", needs_real=True)
def check_near_copies(evidence: Evidence) -> list[Finding]:
    """Share of training rows with a synthetic row very near, beside that of holdout rows, and an exact test."""
    found = find_neighbours(evidence)
    if not isinstance(found, Neighbours):
        return explain_missing("privacy.near_copies", _NEAR, evidence, found)
    near = float(np.quantile(found.holdout_to_train[0][:, 0], 0.01))
    if near <= _SAME:
        detail = "rows are so coarse that equal ones are common, so near ones tell nothing; see privacy.copies"
        return [Finding("privacy.near_copies", _NEAR, "not assessed", found.queries, detail=detail)]
    sides = found.sides
    counts = [
        _count_near(points, distances, near)
        for points, distances in ((sides.train, found.train_to_made), (sides.holdout, found.holdout_to_made))
    ]
    matched, sizes = (counts[0][0], counts[1][0]), (counts[0][1], counts[1][1])
    p = find_excess(matched, sizes)
    value, reference = matched[0] / max(sizes[0], 1), matched[1] / max(sizes[1], 1)
    verdict: Verdict = "pass"
    if p < LEVEL:
        verdict = "fail" if value > _FEWEST_TWINS * reference else "warn"
    distances = found.made_to_train[0][:, 0]
    rows = find_query_rows(found)[np.argsort(distances, kind="stable")]
    met = f"{matched[0]:,} of {sizes[0]:,} training rows have a synthetic row very near, {matched[1]:,} of {sizes[1]:,}"
    told = f"{met} never seen (p = {p:.2g})"
    return [
        Finding(
            "privacy.near_copies",
            _NEAR,
            verdict,
            len(sides.made),
            value=value,
            reference=reference,
            interval=find_wilson_interval(matched[0], sizes[0]),
            detail=(told if verdict != "pass" else f"no sign of near copies: {told}")
            + tell_sample(evidence, len(sides.made)),
            examples=[int(row) for row in rows[: int((distances <= near).sum())]] if verdict != "pass" else (),
            source=f"exact test against the holdout at {LEVEL}, after arXiv 2606.16952; the level is ours",
            seed=evidence.seed,
            figures={"p": p, "distance": near, "columns": float(len(sides.names))},
            fix="" if verdict == "pass" else _FIX,
        )
    ]


@register_check("privacy.distance_ratio", _RATIO, group="privacy", needs_real=True, gate="min_dcr_ratio")
def check_distance_ratio(evidence: Evidence) -> list[Finding]:
    """The 5th percentile of distances to the nearest training row, over that of holdout rows.

    The reference is the same figure with the sides exchanged, which nothing was learned from. Without a gate a ratio
    below 0.8 of it warns, where a bootstrap of all four sets of distances rules out chance.
    """
    found = find_neighbours(evidence)
    gate = evidence.gates.min_dcr_ratio
    if not isinstance(found, Neighbours):
        return explain_missing("privacy.distance_ratio", _RATIO, evidence, found, gate is not None)
    value = measure_ratio(found.made_to_train[0][:, 0], found.holdout_to_train[0][:, 0])
    reference = measure_ratio(found.made_to_holdout[0][:, 0], found.train_to_holdout[0][:, 0])
    if value is None or reference is None:
        detail = "rows are so coarse that the nearest real rows are equal ones; see privacy.copies"
        return [
            Finding(
                "privacy.distance_ratio", _RATIO, "not assessed", found.queries, gated=gate is not None, detail=detail
            )
        ]
    interval, below = _bootstrap(found, evidence.draw("distance ratio"))
    threshold = _LOWEST_RATIO if gate is None else gate
    verdict: Verdict = judge_low(value, gate, gated=True)
    if gate is None and value < _LOWEST_RATIO * reference and below:
        verdict = "warn"
    figures: dict[str, float | None] = {
        "isolation_train": measure_isolation(found.made_to_train[0]),
        "isolation_holdout": measure_isolation(found.made_to_holdout[0]),
        "isolation_real": measure_isolation(found.holdout_to_train[0]),
    }
    told = f"the nearest 5 % of rows are {value:.2f} times as far from training rows as holdout rows are"
    return [
        Finding(
            "privacy.distance_ratio",
            _RATIO,
            verdict,
            found.queries,
            value=value,
            reference=reference,
            interval=interval,
            threshold=threshold,
            gated=gate is not None,
            detail=(told if verdict != "pass" else f"no sign of rows that are too near: {told}")
            + tell_sample(evidence, found.queries),
            source=OURS if gate is None else FROM_SPEC,
            seed=evidence.seed,
            figures=figures,
            fix="" if verdict == "pass" else _FIX,
        )
    ]


def measure_ratio(made: NDArray[np.float32], real: NDArray[np.float32]) -> float | None:
    """The ratio of the 5th percentiles of two sets of distances, shape (rows,); None where that of `real` is 0."""
    base = float(np.quantile(real, 0.05))
    return float(np.quantile(made, 0.05)) / base if base > _SAME else None


def measure_isolation(distances: NDArray[np.float32]) -> float:
    """The median of nearest over second nearest distance ("NNDR"), shape (rows, 2): a copy is near to one row alone.

    Two real rows at distance 0 count as 0. Only the figure of the holdout can be compared with it.
    """
    first, second = distances[:, 0].astype(np.float64), distances[:, 1].astype(np.float64)
    return float(np.median(np.divide(first, second, out=np.zeros(len(first)), where=second > _SAME)))


def _count_near(points: NDArray[np.float32], distances: NDArray[np.float32], near: float) -> tuple[int, int]:
    """How many different rows have a synthetic row within `near` but none equal, of how many without an equal one."""
    _, first = np.unique(np.ascontiguousarray(points).view(f"V{points.shape[1] * 4}").ravel(), return_index=True)
    unequal = distances[first][distances[first] > _SAME]
    return int((unequal <= near).sum()), len(unequal)


def _bootstrap(found: Neighbours, generator: np.random.Generator) -> tuple[tuple[float, float], bool]:
    """The 95 % interval of the ratio, and whether it is below 0.8 of its reference in 99.9 % of the resamples."""
    sets = [
        found.made_to_train[0][:, 0],
        found.holdout_to_train[0][:, 0],
        found.made_to_holdout[0][:, 0],
        found.train_to_holdout[0][:, 0],
    ]
    low = [
        np.maximum(np.quantile(each[generator.integers(0, len(each), (_RESAMPLES, len(each)))], 0.05, axis=1), _SAME)
        for each in sets
    ]
    ratios = low[0] / low[1]
    against = ratios / (low[2] / low[3])
    bounds = np.quantile(ratios, [0.025, 0.975])
    return (float(bounds[0]), float(bounds[1])), bool(np.quantile(against, 0.999) < _LOWEST_RATIO)
