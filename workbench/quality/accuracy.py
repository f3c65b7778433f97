"""How exactly the shares of single columns, pairs and triples of them are met, and how exactly they can be met.

Every column is cut into few bins, and the accuracy of a combination of columns is 1 - the total variation distance of
its table of counts; the accuracy of one, two and three columns are means over combinations. Two samples of the same
population do not reach 1, so their expected accuracy, the ceiling, stands beside it: rows that are far above the
ceiling have learned their real rows by heart (the idea of mostlyai-qa).

The ceiling of a combination is 1 - half the expected L1 distance of two random parts of the pooled rows. A bin of c
pooled rows adds E|X/n - (c - X)/m|, X being binomial (c, n/(n + m)): exact for small c, else its normal limit
sqrt(2/pi p (1 - p) (1/n + 1/m)). Where rows are of entities these are wider by the root of the design effect, and no
wider than if all rows of a bin were on one side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.quality.binning import Binned, bin_by_rank, choose_triples, join_bins
from workbench.quality.cells import take_column
from workbench.quality.clusters import Clusters

if TYPE_CHECKING:
    import pandas as pd

_BINS, _COARSE_BINS = 10, 5
_MOST_TRIPLES = 100
_MOST_PAIRS = 1_000
_GROUPS = 20
_EXACT = 60
"""Up to so many pooled rows in a bin the expected distance is summed up, beyond it is that of the normal limit."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Means over combinations of columns of one table against another, and `error`, the standard error of `value`.

    `value` and `ceiling` are the means of `parts`: (accuracy, ceiling) of single columns, pairs and triples. `effect`
    is the mean design effect of the table's rows.
    """

    value: float
    ceiling: float
    error: float
    parts: dict[str, tuple[float, float]]
    effect: float


def measure_accuracy(
    real: pd.DataFrame,
    tables: Sequence[pd.DataFrame],
    columns: Sequence[str],
    draw: np.random.Generator,
    clusters: Clusters | None = None,
) -> list[Accuracy]:
    """The accuracy of each of `tables` against `real`, all on the same combinations of columns.

    Of many pairs and triples as many as can be counted in a few seconds are drawn by chance. The standard error is that
    of a jackknife that leaves out one of 20 groups of rows on both sides at a time (Efron and Tibshirani 1993).
    These are groups of entities where `clusters` tell whose the rows of `real` and of `tables`, one or two, are.
    """
    clusters = clusters or Clusters()
    names = list(dict.fromkeys(columns))
    taken = [(take_column(real, name), [take_column(table, name) for table in tables]) for name in names]
    fine = [bin_by_rank(first, others, _BINS) for first, others in taken]
    coarse = [bin_by_rank(first, others, _COARSE_BINS) for first, others in taken]
    pairs = list(combinations(range(len(names)), 2))
    if len(pairs) > _MOST_PAIRS:
        pairs = [pairs[place] for place in np.sort(draw.choice(len(pairs), _MOST_PAIRS, replace=False))]
    triples = choose_triples(len(names), _MOST_TRIPLES, draw)
    groups = {
        "univariate": [[column] for column in fine],
        "bivariate": [[fine[a], fine[b]] for a, b in pairs],
        "trivariate": [[coarse[place] for place in triple] for triple in triples],
    }
    rows = [len(real), *map(len, tables)]
    parts = [clusters.group(side, count, _GROUPS) for side, count in enumerate(rows)]
    return [_measure(groups, place + 1, parts, clusters) for place in range(len(tables))]


def expect_distance(
    pooled: NDArray[np.int64], rows: int, other_rows: int, effects: tuple[float, float] = (1.0, 1.0)
) -> float:
    """The expected L1 distance of the shares in two random parts, of `rows` and `other_rows`, of pooled bins.

    `pooled` has the rows of each bin on both sides together, shape (bins,); `effects` are the sides' design effects.
    """
    if max(effects) > 1:
        return _expect_clustered(pooled, rows, other_rows, effects)
    counts = np.bincount(np.minimum(pooled, _EXACT + 1), minlength=_EXACT + 2)[: _EXACT + 1]
    small = float(counts @ _expect_small(rows, other_rows))
    share = pooled[pooled > _EXACT] / (rows + other_rows)
    return small + float(np.sqrt(2 / math.pi * share * (1 - share) * (1 / rows + 1 / other_rows)).sum())


def _expect_clustered(pooled: NDArray[np.int64], rows: int, other_rows: int, effects: tuple[float, float]) -> float:
    share = pooled / (rows + other_rows)
    spread = effects[0] / rows + effects[1] / other_rows
    wide = np.sqrt(2 / math.pi * share * (1 - share) * spread)
    widening = math.sqrt(spread / (1 / rows + 1 / other_rows))
    few = pooled <= _EXACT
    wide[few] = widening * _expect_small(rows, other_rows)[pooled[few]]
    return float(np.minimum(wide, 2 * share).sum())


def _measure(
    groups: dict[str, list[list[Binned]]], place: int, parts_of: list[NDArray[np.int64]], clusters: Clusters
) -> Accuracy:
    parts: dict[str, tuple[float, float]] = {}
    left_out = []
    effects = []
    for name, combined in groups.items():
        measured = []
        for columns in combined:
            joined = join_bins(columns)
            found = clusters.find_level_effects(joined.codes[0])
            effects.append(found[place])
            measured.append(_measure_one(joined, place, (parts_of[0], parts_of[place]), (found[0], found[place])))
        if measured:
            parts[name] = (
                float(np.mean([accuracy for accuracy, _, _ in measured])),
                float(np.mean([ceiling for _, ceiling, _ in measured])),
            )
            left_out.append(np.mean([without for _, _, without in measured], axis=0))
    without = np.mean(left_out, axis=0)
    error = math.sqrt((_GROUPS - 1) / _GROUPS * float(((without - without.mean()) ** 2).sum()))
    value, ceiling = np.mean(list(parts.values()), axis=0)
    return Accuracy(float(value), float(ceiling), error, parts, float(np.mean(effects)))


def _measure_one(
    joined: Binned, place: int, groups: tuple[NDArray[np.int64], NDArray[np.int64]], effects: tuple[float, float]
) -> tuple[float, float, NDArray[np.float64]]:
    """The accuracy and ceiling of one combination, and the accuracy without each group of rows, shape (groups,)."""
    real, other = (
        _count_by_group(joined.codes[side], joined.bins, group) for side, group in zip((0, place), groups, strict=True)
    )
    whole_real, whole_other = real.sum(axis=0), other.sum(axis=0)
    rows, other_rows = int(whole_real.sum()), int(whole_other.sum())
    accuracy = 1 - np.abs(whole_real / rows - whole_other / other_rows).sum() / 2
    ceiling = 1 - expect_distance(whole_real + whole_other, rows, other_rows, effects) / 2
    left_real, left_other = whole_real - real, whole_other - other
    shares = [left / np.maximum(left.sum(axis=1, keepdims=True), 1) for left in (left_real, left_other)]
    return float(accuracy), ceiling, 1 - np.abs(shares[0] - shares[1]).sum(axis=1) / 2


def _count_by_group(codes: NDArray[np.int64], bins: int, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of each bin in each of the groups of rows that are counted in turn, shape (groups, bins)."""
    return np.bincount(groups * bins + codes, minlength=_GROUPS * bins).reshape(_GROUPS, bins)


def _expect_small(rows: int, other_rows: int) -> NDArray[np.float64]:
    """E|X/n - (c - X)/m| for c = 0 ... _EXACT, shape (_EXACT + 1,)."""
    from scipy.stats import binom

    pooled = np.arange(_EXACT + 1)[:, None]
    mine = np.arange(_EXACT + 1)[None, :]
    chances = binom.pmf(mine, pooled, rows / (rows + other_rows))
    return np.asarray((chances * np.abs(mine / rows - (pooled - mine) / other_rows)).sum(axis=1), np.float64)
