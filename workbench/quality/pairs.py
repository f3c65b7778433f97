"""Pairs of columns: do two columns go together as they do in the real data?

Two numbers: 1 - |r - s| / 2 of Pearson's correlations. Otherwise 1 - the total variation distance of the two tables of
counts, numbers cut into ten bins of equal width over the real range. These are SDMetrics' CorrelationSimilarity and
ContingencySimilarity, to the last digit. A number that never changes goes with nothing: its correlation counts as 0
where the real one is defined.

Where rows are of entities, chance is that of effective rows: of two numbers by the design effect of each row's share in
their rank correlation (its influence, ab - r (a^2 + b^2) / 2 of standardised ranks a and b), otherwise by that of the
cells of the table. Both are of the pair itself, which repeats within an entity less than its columns do.

Pearson's correlation of skewed columns swings too much by chance to be judged pair by pair, so a single pair of numbers
is judged by its rank correlation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.quality.binning import Binned, bin_by_width, join_bins
from workbench.quality.cells import find_scale, read_numbers, take_column
from workbench.quality.clusters import Clusters
from workbench.quality.similarity import Codes, bound_noise, find_kind, measure_similarity

if TYPE_CHECKING:
    import pandas as pd

_LARGEST = 1e100
_NEAR_ONE = 0.999_999


@dataclass(frozen=True, slots=True)
class Pair:
    """Two columns, how alike they go together, and how the same figure of the holdout is.

    `distance` is what is judged: of rank correlations their difference / 2, else 1 - similarity; `held_distance` is
    that of the holdout, and `allowed` is what chance alone leads to. `expected` is the distance that two real samples
    have on average, `effect` the design effect of the dataset's rows.
    """

    names: tuple[str, str]
    similarity: float
    held: float | None
    distance: float
    held_distance: float | None
    allowed: float
    expected: float
    effect: float


def compare_pairs(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame | None,
    columns: Sequence[str],
    chance: float = 0.002,
    clusters: Clusters | None = None,
) -> list[Pair]:
    """All pairs of `columns` but those of free texts, and of numbers that never change in the real data.

    The chance that any pair of two samples of one population is further apart than `allowed` is about `chance`. Where
    a column alone is off, its pairs are allowed that much more: what is judged here is how columns go together.
    `clusters` are those of the rows of the tables; rows are independent without.
    """
    clusters = clusters or Clusters()
    tables = [real, synthetic, *([holdout] if holdout is not None else [])]
    taken = {name: [take_column(table, name) for table in tables] for name in dict.fromkeys(columns)}
    names = [name for name, series in taken.items() if find_kind(series[0]) != "text"]
    numbers = [name for name in names if _are_numbers(taken[name])]
    count = len(names) * (len(names) - 1) // 2
    share = chance / max(count, 1)
    found = _compare_numbers({name: taken[name] for name in numbers}, share, clusters)
    binned = {name: bin_by_width(taken[name][0], taken[name][1:]) for name in names}
    excess = {name: _find_excess(column, share, clusters) for name, column in binned.items()}
    measured = set(numbers)
    for first, second in combinations(names, 2):
        if not {first, second} <= measured:
            allowance = excess[first] + excess[second]
            both = binned[first], binned[second]
            found[first, second] = _compare_counts((first, second), both, share, allowance, clusters)
    return [found[pair] for pair in combinations(names, 2) if pair in found]


def _compare_numbers(
    columns: dict[str, list[pd.Series[Any]]], share: float, clusters: Clusters
) -> dict[tuple[str, str], Pair]:
    import pandas as pd
    from scipy.stats import norm, t

    if len(columns) < 2:
        return {}
    names = list(columns)
    tables = len(next(iter(columns.values())))
    plain: list[NDArray[np.float64]] = []
    ranked: list[NDArray[np.float64]] = []
    spread: list[NDArray[np.float64]] = []
    standard = np.empty((0, len(names)))
    for place in range(tables):
        frame = pd.DataFrame({number: _read(columns[name][place]) for number, name in enumerate(names)})
        with np.errstate(all="ignore"):
            plain.append(_as_array(frame.corr()))
            ranks = frame.rank()
            ranked.append(_as_array(ranks.corr()))
            standard = _as_array((ranks - ranks.mean()) / ranks.std(ddof=0)) if not place else standard
        present = frame.notna().to_numpy(np.float64)
        # Bonett and Wright (2000): the variance of the Fisher transform of a rank correlation.
        spread.append((1 + np.nan_to_num(ranked[-1]) ** 2 / 2) / np.maximum(present.T @ present - 3, 1))
    # The variance between entities is known no better than from as many values as there are entities.
    entities = clusters.count_entities()
    furthest = float(norm.isf(share / 2) if entities is None else t.isf(share / 2, max(entities - 1, 1.0)))
    found = {}
    for a, b in combinations(range(len(names)), 2):
        real, other = plain[0][a, b], np.nan_to_num(plain[1][a, b])
        real_rank, other_rank = np.nan_to_num(ranked[0][a, b]), np.nan_to_num(ranked[1][a, b])
        if np.isnan(real):
            continue
        x, y = standard[:, a], standard[:, b]
        effects = clusters.find_effects(x * y - real_rank * (x * x + y * y) / 2)
        noise = math.sqrt(effects[0] * spread[0][a, b] + effects[1] * spread[1][a, b])
        centre = math.atanh(float(np.clip((real_rank + other_rank) / 2, -_NEAR_ONE, _NEAR_ONE)))
        allowed = math.tanh(centre + furthest * noise / 2) - math.tanh(centre - furthest * noise / 2)
        held = 1 - abs(real - np.nan_to_num(plain[2][a, b])) / 2 if tables > 2 else None
        found[names[a], names[b]] = Pair(
            (names[a], names[b]),
            float(1 - abs(real - other) / 2),
            None if held is None else float(held),
            float(abs(real_rank - other_rank) / 2),
            float(abs(real_rank - np.nan_to_num(ranked[2][a, b])) / 2) if tables > 2 else None,
            allowed / 2,
            math.sqrt(2 / math.pi) * noise * (1 - real_rank**2) / 2,
            effects[1],
        )
    return found


def _compare_counts(
    names: tuple[str, str], columns: tuple[Binned, Binned], share: float, allowance: float, clusters: Clusters
) -> Pair:
    joined = join_bins(columns)
    codes = clusters.weigh(Codes(joined.codes[0], joined.codes[1], joined.bins, ordered=False))
    similarity = measure_similarity(codes)
    held = None
    if len(joined.codes) > 2 and len(joined.codes[2]):
        held = measure_similarity(Codes(joined.codes[0], joined.codes[2], joined.bins, ordered=False))
    return Pair(
        names,
        similarity,
        held,
        1 - similarity,
        None if held is None else 1 - held,
        bound_noise(codes, 1, share) + allowance,
        bound_noise(codes, 1, 1.0),
        codes.effects[1],
    )


def _find_excess(column: Binned, share: float, clusters: Clusters) -> float:
    """How far apart a column alone is, where that is more than chance."""
    codes = clusters.weigh(Codes(column.codes[0], column.codes[1], column.bins, ordered=False))
    distance = 1 - measure_similarity(codes)
    return distance if distance > bound_noise(codes, 1, share) else 0.0


def _are_numbers(columns: Sequence[pd.Series[Any]]) -> bool:
    scales = {find_scale(column) for column in columns if column.notna().any()}
    return len(scales) == 1 and None not in scales


def _read(column: pd.Series[Any]) -> NDArray[np.float64]:
    numbers = read_numbers(column)
    return np.where(np.isfinite(numbers), np.clip(numbers, -_LARGEST, _LARGEST), np.nan)


def _as_array(frame: pd.DataFrame) -> NDArray[np.float64]:
    return frame.to_numpy(np.float64)
