"""What all columns say of a row, as a few numbers: it decides the strata, the order of levels and the clusters.

Numbers count by their ranks' normal scores, categories with few levels by indicators. Levels are put in the
order of the first axis of a correspondence analysis against all other columns, so that one latent catches most of
what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray
from scipy.special import ndtri

from workbench.synthesizers.types.gaussian_copula.readings import Reading

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

MOST_INDICATORS = 8
"""Levels of a category, the most frequent ones, that have an indicator."""

MOST_FEATURES = 48
"""More are replaced by their leading components."""

_PRIOR = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """`matrix`, shape (rows, features), centred, is about the rows numbered `rows`.

    `owners` has for each feature the number of its column, -1 for several.
    """

    rows: Places

    matrix: Floats
    owners: Places


def make_features(readings: Sequence[Reading], rows: Places) -> Features:
    """The features of some rows, 0 where a value is missing."""
    parts: list[Floats] = []
    owners: list[int] = []
    for number, reading in enumerate(readings):
        if reading.codes is None or reading.column.role == "number":
            parts.append(score_reading(reading, rows)[:, None])
            owners.append(number)
            continue
        levels = min(MOST_INDICATORS, reading.levels if reading.levels > 2 else 1)
        indicators = (reading.codes[rows, None] == np.arange(levels)).astype(np.float64)
        indicators -= indicators.mean(axis=0)
        scale = indicators.std(axis=0) * np.sqrt(levels)
        parts.append(indicators / np.maximum(scale, 1e-9))
        owners.extend([number] * levels)
    matrix = np.hstack(parts)
    if matrix.shape[1] <= MOST_FEATURES:
        return Features(rows, matrix, np.array(owners))
    return Features(rows, _find_leading(matrix), np.full(MOST_FEATURES // 2, -1))


def subtract_strata(marks: Features, reading: Reading) -> Features:
    """The features without what the levels of a column explain."""
    assert reading.codes is not None
    codes = reading.codes[marks.rows] + 1
    sums, counts = sum_by_level(codes, reading.levels + 1, marks.matrix)
    means = sums / np.maximum(counts, 1)[:, None]
    return Features(marks.rows, marks.matrix - means[codes], marks.owners)


def score_reading(reading: Reading, rows: Places, generator: Generator | None = None) -> Floats:
    """The normal scores of a column's values, or of its levels in their order, in some rows; 0 where missing.

    Ties are together; with a generator, spread at random.
    """
    values = reading.find_places(rows).astype(np.float64) if reading.numbers is None else reading.numbers[rows]
    missing = None if reading.missing is None else reading.missing[rows]
    return _score_ranks(values, missing, generator)


def order_levels(reading: Reading, number: int, features: Features) -> Reading:
    """The reading with its levels in the order that tells most of the other columns.

    A level's mean counts less the fewer rows it has.
    """
    if reading.codes is None or reading.levels < 3 or reading.column.role == "number":
        return reading
    others = features.matrix[:, features.owners != number]
    if not others.shape[1]:
        return reading
    sums, counts = sum_by_level(reading.codes[features.rows], reading.levels, others)
    return replace(reading, order=find_order(sums, counts))


def find_order(sums: Floats, counts: Floats) -> Places:
    """The order of levels along the first axis of their means; `sums` of shape (levels, features)."""
    means = sums / (counts + _PRIOR)[:, None]
    _, vectors = np.linalg.eigh((means * counts[:, None]).T @ means)
    return np.lexsort((np.arange(len(means)), means @ vectors[:, -1])).astype(np.int64)


def sum_by_level(codes: Places, levels: int, matrix: Floats) -> tuple[Floats, Floats]:
    """The sums of the rows of each level, shape (levels, features), and how many they are. Rows of -1 do not count."""
    rows = np.flatnonzero(codes >= 0)
    counts = np.bincount(codes[rows], minlength=levels).astype(np.float64)
    if levels <= 64:
        sums = np.stack([matrix[codes == level].sum(axis=0) for level in range(levels)])
        return sums, counts
    sums = np.stack([np.bincount(codes[rows], column[rows], minlength=levels) for column in matrix.T], axis=1)
    return sums, counts


def _find_leading(matrix: Floats) -> Floats:
    """The leading components, by a random projection and two power iterations (Halko, Martinsson and Tropp, 2011)."""
    base = Generator(Philox(0)).standard_normal((matrix.shape[1], MOST_FEATURES // 2))
    for _ in range(2):
        base, _ = np.linalg.qr(matrix.T @ (matrix @ base))
    return matrix @ base


def _score_ranks(values: Floats, missing: NDArray[np.bool_] | None, generator: Generator | None) -> Floats:
    scores = np.zeros(len(values))
    present = values if missing is None else values[~missing]
    if not len(present):
        return scores
    _, place, counts = np.unique(present, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    if generator is None:
        found = ndtri(middle / len(present))[place]
    else:
        found = ndtri((middle[place] + counts[place] * (generator.random(len(present)) - 0.5)) / len(present))
    scores[slice(None) if missing is None else ~missing] = found
    return scores
