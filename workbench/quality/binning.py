"""Columns cut into few bins, so that whole combinations of columns can be counted and compared.

Two ways: ten bins of equal width, as SDMetrics' ContingencySimilarity has them, which keeps every category; and bins
that hold equally many real rows, the rarest categories in one. A missing value is a bin of its own in both. Bins come
from the real training rows, and every other table is cut at the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.quality.cells import code_levels, find_scale, measure_lengths, read_numbers
from workbench.quality.similarity import find_kind

if TYPE_CHECKING:
    import pandas as pd

EQUAL_BINS = 10
_MOST_EMPTY = 20


@dataclass(frozen=True, slots=True)
class Binned:
    """The bin of each row of several tables, one array of shape (rows,) for each, all below `bins`."""

    codes: tuple[NDArray[np.int64], ...]
    bins: int


def bin_by_width(real: pd.Series[Any], others: Sequence[pd.Series[Any]]) -> Binned:
    """`real` and `others` in ten bins of equal width between the smallest and the largest real value; what lies beyond
    is in the outer bins. Categories and texts stay as they are, each a bin.
    """
    columns = [real, *others]
    if not _is_measured(columns):
        return _code_together(columns)
    numbers = [_read_finite(column) for column in columns]
    present = numbers[0][~np.isnan(numbers[0])]
    edges = np.linspace(present.min(), present.max(), EQUAL_BINS + 1)[1:-1] if len(present) else np.empty(0)
    return Binned(tuple(_cut(values, edges, EQUAL_BINS) for values in numbers), EQUAL_BINS + 1)


def bin_by_rank(real: pd.Series[Any], others: Sequence[pd.Series[Any]], bins: int) -> Binned:
    """`real` and `others` in at most `bins` bins of equally many real rows, with the missing values in one more.

    Texts count by their length. Of categories the commonest have bins of their own and the others share one.
    """
    columns = [real, *others]
    kind = find_kind(real)
    if kind == "text" or _is_measured(columns):
        numbers = [measure_lengths(column) if kind == "text" else _read_finite(column) for column in columns]
        present = numbers[0][~np.isnan(numbers[0])]
        edges = np.unique(np.quantile(present, np.arange(1, bins) / bins)) if len(present) else np.empty(0)
        return Binned(tuple(_cut(values, edges, bins) for values in numbers), bins + 1)
    coded = _code_together(columns)
    missing = coded.bins - 1
    counts = np.bincount(coded.codes[0], minlength=coded.bins)[:missing]
    places = np.full(coded.bins, bins - 1, np.int64)
    for place, level in enumerate(np.argsort(-counts, kind="stable")[: bins - 1]):
        places[level] = place
    places[missing] = bins
    return Binned(tuple(places[codes] for codes in coded.codes), bins + 1)


def join_bins(binned: Sequence[Binned]) -> Binned:
    """Combinations of several columns as bins of one; tables keep their order."""
    joined = list(binned[0].codes)
    bins = binned[0].bins
    for column in binned[1:]:
        joined = [before * column.bins + codes for before, codes in zip(joined, column.codes, strict=True)]
        bins *= column.bins
        if bins > _MOST_EMPTY * sum(len(codes) for codes in joined):  # number those that occur
            seen, places = np.unique(np.concatenate(joined), return_inverse=True)
            ends = np.cumsum([len(codes) for codes in joined])[:-1]
            joined, bins = [part.astype(np.int64) for part in np.split(places, ends)], max(len(seen), 1)
    return Binned(tuple(joined), bins)


def choose_triples(columns: int, most: int, draw: np.random.Generator) -> list[tuple[int, int, int]]:
    """All triples of columns, or `most` different ones drawn by chance where there are more."""
    total = columns * (columns - 1) * (columns - 2) // 6
    if total <= most:
        return list(combinations(range(columns), 3))
    chosen: set[tuple[int, ...]] = set()
    while len(chosen) < most:
        chosen.add(tuple(sorted(int(place) for place in draw.choice(columns, 3, replace=False))))
    return [(triple[0], triple[1], triple[2]) for triple in sorted(chosen)]


def _is_measured(columns: Sequence[pd.Series[Any]]) -> bool:
    scales = {find_scale(column) for column in columns if column.notna().any()}
    return len(scales) == 1 and None not in scales


def _read_finite(column: pd.Series[Any]) -> NDArray[np.float64]:
    numbers = read_numbers(column)
    return np.where(np.isfinite(numbers), np.clip(numbers, -1e150, 1e150), np.nan)


def _cut(values: NDArray[np.float64], edges: NDArray[np.float64], missing: int) -> NDArray[np.int64]:
    return np.where(np.isnan(values), missing, np.searchsorted(edges, values, side="right")).astype(np.int64)


def _code_together(columns: Sequence[pd.Series[Any]]) -> Binned:
    """Each different text a bin, missing values in the last."""
    coded = [code_levels(column) for column in columns]
    levels = {level: place for place, level in enumerate(sorted({level for _, own in coded for level in own}))}
    codes = tuple(
        np.array([*(levels[level] for level in own), len(levels)], dtype=np.int64)[places] for places, own in coded
    )
    return Binned(codes, len(levels) + 1)
