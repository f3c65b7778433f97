"""Which rows belong together: strata by one column, and clusters within a stratum that has rows enough.

A copula of normals knows one correlation for all rows. Rows of another class, or of another cluster, may have others;
a mixture of copulas learns them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workbench.synthesizers.types.gaussian_copula.features import Features, sum_by_level
from workbench.synthesizers.types.gaussian_copula.readings import Reading

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

MOST_STRATA = 20
"""A label with more levels is learned like any other category."""

MOST_CHOSEN = 10
"""Levels of a column that is chosen without being named."""

MOST_COMPONENTS = 24
"""Components of all strata together, unless there are more strata."""

_ITERATIONS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """`component` numbers each row's component; `codes` has the stratum's level of each, rising, -1 for null."""

    component: Places
    codes: Places
    weights: Floats


def choose_strata(readings: Sequence[Reading], features: Features) -> int | None:
    """The column with few levels that changes the others most, all its levels counting alike; None if there is none.

    The change is the mean square of the other features' means by level, less what chance alone would make of it.
    """
    best, most = None, 0.0
    for number, reading in enumerate(readings):
        if not 2 <= reading.levels <= MOST_CHOSEN:
            continue
        assert reading.codes is not None
        others = features.matrix[:, features.owners != number]
        sums, counts = sum_by_level(reading.codes[features.rows], reading.levels, others)
        squares = (sums / (counts + 5.0)[:, None]) ** 2 - 1 / (counts + 5.0)[:, None]
        change = float(squares.sum(axis=1).mean()) if others.shape[1] else 0.0
        if change > most:
            best, most = number, change
    return best


def split_rows(
    reading: Reading | None,
    rows: int,
    sample: Places,
    score: Callable[[Places], Floats],
    most: int | None,
    rows_each: int,
    generator: Generator,
) -> Partition:
    """Strata by `reading` (all `rows` are one if None), each in clusters of what `score` gives for rows.

    The clusters are found on the rows `sample`. A stratum has `most` clusters at most, and on average `rows_each` rows
    in each. The strata's weights are the shares of the profile, which has seen the validation rows too.
    """
    if reading is None:
        strata, codes, shares = np.zeros(rows, np.int64), [-1], np.ones(1)
    else:
        assert reading.codes is not None
        nulls = [-1] if reading.missing is not None else []
        codes = [*nulls, *range(reading.levels)]
        strata = reading.codes + len(nulls)
        missing = reading.column.missing
        shares = np.array([*([missing] if nulls else []), *(reading.column.shares * (1 - missing))])
    allowed = max(1, MOST_COMPONENTS // len(codes)) if most is None else most
    component = np.zeros(rows, np.int64)
    found: list[int] = []
    weights: list[float] = []
    points = score(sample)
    for stratum, code in enumerate(codes):
        mine = np.flatnonzero(strata == stratum)
        seen = points[strata[sample] == stratum]
        centres = find_clusters(seen, len(mine), min(allowed, len(mine) // rows_each), generator)
        cluster = np.zeros(len(mine), np.int64)
        if centres is not None:
            _, cluster = np.unique(_find_nearest(score(mine), centres), return_inverse=True)
        counts = np.bincount(cluster, minlength=1)
        component[mine] = cluster + len(found)
        found.extend([code] * len(counts))
        weights.extend((shares[stratum] * np.maximum(counts, 1) / np.maximum(counts, 1).sum()).tolist())
    total = np.maximum(np.array(weights), 1e-12)
    return Partition(component, np.array(found, np.int64), total / total.sum())


def find_clusters(points: Floats, rows: int, most: int, generator: Generator) -> Floats | None:
    """The centres of clusters of points, which stand for `rows` rows; None where all are better one cluster.

    There are as many clusters, doubled up to `most`, as the Bayesian information criterion wants. Each is a normal with
    its own covariance (Schwarz, 1978, on the classification likelihood), so that points of one normal stay one cluster.
    """
    if most < 2 or len(points) < 2 or not points.shape[1]:
        return None
    best = _judge(points, np.zeros(len(points), np.int64), rows)
    centres: Floats | None = None
    wanted = 2
    while wanted <= most:
        tried = _find_centres(points, wanted, generator)
        judged = _judge(points, _find_nearest(points, tried), rows)
        if judged >= best:
            break
        best, centres, wanted = judged, tried, wanted * 2
    return centres


def _find_centres(points: Floats, wanted: int, generator: Generator) -> Floats:
    """k-means (Lloyd, 1982) from the k-means++ start (Arthur and Vassilvitskii, 2007), without small clusters."""
    chosen = [points[generator.integers(len(points))]]
    nearest: Floats = np.full(len(points), np.inf)
    for _ in range(wanted - 1):
        nearest = np.minimum(nearest, ((points - chosen[-1]) ** 2).sum(axis=1))
        total = nearest.sum()
        chosen.append(points[generator.choice(len(points), p=nearest / total if total > 0 else None)])
    middle = np.stack(chosen)
    for _ in range(_ITERATIONS):
        sums, counts = sum_by_level(_find_nearest(points, middle), len(middle), points)
        middle = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], middle)
    sizes = np.bincount(_find_nearest(points, middle), minlength=wanted)
    kept: Floats = middle[sizes >= len(points) / wanted / 4]
    return kept


def _judge(points: Floats, cluster: Places, rows: int) -> float:
    """The information criterion, lower is better, of normals in clusters, for `rows` rows like `points`."""
    size = points.shape[1]
    fit = 0.0
    clusters = np.unique(cluster)
    for number in clusters:
        mine = points[cluster == number]
        share = len(mine) / len(points)
        covariance = np.cov(mine, rowvar=False, bias=True).reshape(size, size) + 0.01 * np.eye(size)
        fit += share * (2 * np.log(share) - float(np.linalg.slogdet(covariance)[1]))
    parameters = len(clusters) * (size + size * (size + 1) / 2 + 1)
    return float(parameters * np.log(rows) - rows * fit)


def _find_nearest(points: Floats, centres: Floats) -> Places:
    distances = (centres**2).sum(axis=1) - 2 * points @ centres.T
    nearest: Places = distances.argmin(axis=1).astype(np.int64)
    return nearest
