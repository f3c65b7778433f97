"""Edge cases: the real rows that stand apart, and whether other rows reach them.

There are two kinds. Regions: the outermost values of a column, a rare category, a rare pair of categories, in which
rows are counted. And rows that are far from all others in all columns together, which have a nearest neighbour or not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.cells import code_levels, find_scale, read_numbers, take_column
from workbench.quality.clusters import Clusters
from workbench.quality.distances import find_nearest
from workbench.quality.similarity import find_kind

if TYPE_CHECKING:
    import pandas as pd

TAIL = 0.005
_FEWEST_REAL = 20
_SEEN = 5e-6
"""The p-value that an empty region must be able to reach: 0.0005 over a hundred regions."""
_MOST_EDGE = 0.05
_RARE_LEVEL, _RARE_PAIR = 0.02, 0.01
_FEWEST_NUMBERS = 20
_MOST_CATEGORIES, _MOST_LEVELS = 10, 30
_APART = 0.98
_NEAR = 1.25
"""A row is reached where another is at most this many times as far as its nearest real neighbour."""
_NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class Region:
    """A place at the edge: the real rows in it, and how many of the dataset's rows are."""

    words: str
    columns: tuple[str, ...]
    inside: NDArray[np.int64]
    real: int
    made: int
    p_value: float


def find_regions(
    real: pd.DataFrame, made: pd.DataFrame, columns: Sequence[str], clusters: Clusters | None = None
) -> Iterator[Region]:
    """The outermost 0.5 % of each number (20 rows at least) on either side, categories of at most 2 % of the real rows,
    and pairs of at most 1 %, each of 20 real rows or more. Numbers of few different values count as categories.

    The p-value is that of as few rows in the dataset, were both samples of one population: of all rows in the region,
    each is the dataset's with the chance n / (n + N) (the conditional binomial test). Where samples are small a region
    has as many more rows as it takes to see that none is there, up to 5 % of them; by `clusters`, those of the rows of
    both, as many effective ones.
    """
    import pandas as pd

    least = _find_fewest(len(real), len(made))
    sizes: dict[str, int] = {}
    codes: dict[str, tuple[NDArray[np.int64], NDArray[np.int64], list[str]]] = {}
    for name in columns:
        column, other = take_column(real, name), take_column(made, name)
        fewest = sizes[name] = math.ceil(least * (clusters.find_column_effect(column, 0) if clusters else 1))
        is_number = find_scale(column) is not None
        if is_number and column.nunique() >= _FEWEST_NUMBERS:
            yield from _find_tails(name, read_numbers(column), read_numbers(other), fewest)
        elif (is_number or find_kind(column) == "category") and len(codes) < _MOST_CATEGORIES:
            if is_number:  # 12 and 12.0 are one level, however each side was read
                column, other = pd.Series(read_numbers(column)), pd.Series(read_numbers(other))
            coded = _code_alike(column, other)
            if len(coded[2]) <= _MOST_LEVELS:
                codes[name] = coded
            yield from _find_rare((name,), coded[0], coded[1], coded[2], _RARE_LEVEL, fewest)
    for first, second in combinations(codes, 2):
        (a, x, levels), (b, y, others) = codes[first], codes[second]
        names = [f"{one} with {other}" for one in levels for other in others]
        pair = np.where((a >= 0) & (b >= 0), a * len(others) + b, -1)
        made_pair = np.where((x >= 0) & (y >= 0), x * len(others) + y, -1)
        fewest = max(sizes[first], sizes[second])
        yield from _find_rare((first, second), pair, made_pair, names, _RARE_PAIR, fewest)


def weigh_region(region: Region, clusters: Clusters, real_rows: int, made_rows: int) -> Region:
    """The region with the p-value of effective rows, where rows are of entities whose rows lie there together.

    `clusters` are those of the real rows and of the dataset's. What remains of a row is put to the dataset's favour.
    """
    if not clusters.owners:
        return region
    inside = np.zeros(real_rows)
    inside[region.inside] = 1
    own, other, _ = clusters.find_effects(inside)
    counts = math.floor(region.real / own), math.ceil(region.made / other)
    return replace(region, p_value=_test(*counts, real_rows / own, made_rows / other))


@dataclass(frozen=True, slots=True)
class Apart:
    """Real rows far from all others: `rows` are their numbers among those looked at, `reached` and `held` tell whether
    a row of the dataset, and one of the holdout in its stead, is near. `p_value` is that of as few of them having
    their nearest neighbour in the dataset, were the two alike.
    """

    rows: NDArray[np.int64]
    reached: NDArray[np.bool_]
    held: NDArray[np.bool_]
    p_value: float


def find_apart(
    train: NDArray[np.float32],
    made: NDArray[np.float32],
    held: NDArray[np.float32],
    clusters: Clusters | None = None,
) -> Apart:
    """The 2 % of the training rows whose fifth neighbour is farthest, and who reaches them.

    `made` and `held` are points of as many rows. If both are samples of one population, the nearest row to any place is
    one of `made` with chance 1/2; a row that is nearest to several places counts as often, so the variance of the
    count is a quarter of the sum of squares. By `clusters`, those of these rows, it is the nearest entity that counts.
    """
    from scipy.stats import norm

    near = find_nearest(train, train, _NEIGHBOURS, skip_self=True)[0]
    rows = np.flatnonzero(near[:, -1] > np.quantile(near[:, -1], _APART))
    if not len(rows):
        return Apart(rows, np.zeros(0, np.bool_), np.zeros(0, np.bool_), 1.0)
    reach = _NEAR * near[rows, 0]
    (to_made, made_rows), (to_held, held_rows) = find_nearest(train[rows], made), find_nearest(train[rows], held)
    wins = np.where(to_made[:, 0] == to_held[:, 0], 0.5, to_made[:, 0] < to_held[:, 0])
    nearest = np.where(to_made[:, 0] <= to_held[:, 0], made_rows[:, 0], len(made) + held_rows[:, 0])
    if clusters is not None and clusters.owners:
        _, own, held_own = clusters.owners[0]
        nearest = np.concatenate([own, held_own + own.max(initial=0) + 1])[nearest]
    _, counts = np.unique(nearest, return_counts=True)
    spread = math.sqrt(float((counts.astype(np.float64) ** 2).sum())) / 2
    score = (float(wins.sum()) - len(rows) / 2 + 0.5) / spread
    return Apart(rows, to_made[:, 0] <= reach, to_held[:, 0] <= reach, float(norm.cdf(score)))


def find_extremes(frame: pd.DataFrame, rows: NDArray[np.int64], columns: Sequence[str]) -> list[str]:
    """The columns in which most of `rows` hold one of the outermost 0.5 % of values, most first."""
    counts: dict[str, int] = {}
    for name in columns:
        column = take_column(frame, name)
        if find_scale(column) is None:
            codes, levels = code_levels(column)
            shares = np.bincount(codes[codes >= 0], minlength=len(levels)) / max(len(codes), 1)
            picked = codes[rows]
            counts[name] = int((np.append(shares, 1.0)[picked] <= _RARE_LEVEL).sum())
            continue
        numbers = read_numbers(column)
        known = numbers[np.isfinite(numbers)]
        if len(known):
            low, high = np.quantile(known, [TAIL, 1 - TAIL])
            counts[name] = int(((numbers[rows] < low) | (numbers[rows] > high)).sum())
    return [name for name in sorted(counts, key=lambda key: -counts[key]) if counts[name]]


def _find_fewest(real: int, made: int) -> int:
    """Real rows that a region needs, so that none of the dataset's in it is no chance: p**rows below _SEEN."""
    return max(_FEWEST_REAL, math.ceil(math.log(1 / _SEEN) / math.log1p(made / max(real, 1)))) if made else real + 1


def _find_tails(name: str, real: NDArray[np.float64], made: NDArray[np.float64], fewest: int) -> Iterator[Region]:
    known = np.sort(real[np.isfinite(real)])
    wanted = max(fewest, math.ceil(TAIL * len(real)))
    if wanted > _MOST_EDGE * len(real) or len(known) < 2 * wanted or len(np.unique(known)) < _FEWEST_NUMBERS:
        return
    with np.errstate(invalid="ignore"):
        for words, inside, others in (
            ("highest", real >= known[-wanted], made >= known[-wanted]),
            ("lowest", real <= known[wanted - 1], made <= known[wanted - 1]),
        ):
            rows = np.flatnonzero(inside)
            if len(rows) <= 2 * wanted:  # more share the value, so that it is no edge
                count, total = int(others.sum()), len(real)
                told = f"{words} {len(rows) / total:.1%} of {clean_text(name)[:40]}"
                yield Region(told, (name,), rows, len(rows), count, _test(len(rows), count, total, len(made)))


def _find_rare(
    columns: tuple[str, ...],
    real: NDArray[np.int64],
    made: NDArray[np.int64],
    names: list[str],
    most: float,
    fewest: int,
) -> Iterator[Region]:
    limit = max(most * len(real), min(2 * fewest, _MOST_EDGE * len(real)))
    counts = np.bincount(real[real >= 0], minlength=len(names))
    others = np.bincount(made[made >= 0], minlength=len(names))
    label = " and ".join(clean_text(name)[:40] for name in columns)
    for code in np.flatnonzero((counts >= fewest) & (counts <= limit)):
        count, found = int(counts[code]), int(others[code])
        told = f"{label}: {clean_text(names[code])[:60]}"
        yield Region(
            told, columns, np.flatnonzero(real == code), count, found, _test(count, found, len(real), len(made))
        )


def _code_alike(a: pd.Series[Any], b: pd.Series[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Both columns by the levels of the first; -1 for a missing value and for one that the first lacks."""
    import pandas as pd

    codes, levels = code_levels(a)
    others, other_levels = code_levels(b)
    places = np.append(pd.Index(levels, dtype=object).get_indexer(pd.Index(other_levels, dtype=object)), -1)
    return codes, places[others].astype(np.int64), levels


def _test(real: int, made: int, real_rows: float, made_rows: float) -> float:
    from scipy.stats import binom

    return float(binom.cdf(made, real + made, made_rows / (real_rows + made_rows)))
