"""Noisy histograms of one column: its levels, its nulls and its bounds, and what follows from the noisy counts.

Each row counts in one cell, so that a histogram changes by 1 with a row. What is done after the noise costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import DTYPES, Values
from workbench.errors import WorkbenchError
from workbench.synthesizers.privacy.accounting import PrivacyAccountant
from workbench.synthesizers.profile import MOST_DISCRETE, ColumnProfile, find_codes, find_numbers

FALSE_CELLS = 1e-4
"""The chance that any of the empty cells of a grid of bounds is taken for one with rows: it may be far away."""

NULL_NOISE = 3.5
"""Nulls are taken for noise, and a column for one without nulls, below so many standard deviations."""

COVERED_SHARE = 0.5
"""Texts are a category where the levels that are kept cover this share of the values, else an identifier."""

FINE_CELLS = 16
"""Parts of each of the two outermost cells of the grid."""

FINE_NOISE = 1.5
"""Rows are taken for noise below so many standard deviations there, where a mistake makes bounds a little too wide."""

REACH = 16
"""Cells beside those that surely have rows, of which some together may have more than noise."""

REACH_NOISE = 4.0
"""By so many standard deviations: a mistake makes bounds far too wide."""

_LEAST_POWER, _SMALL_STEP, _MOST_POWER = -20, 4, 63
"""Powers of two of the grid: below 1 every fourth, as FINE_CELLS parts of a cell reach down to the next."""

_FIRST_YEAR, _LAST_YEAR = 1850, 2150

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Releases:
    """What a column may spend: `share` of the budget, and `threshold_delta` of delta for its threshold."""

    accountant: PrivacyAccountant
    generator: np.random.Generator
    share: float
    threshold_delta: float

    def release(self, counts: NDArray[Any], part: float = 1.0) -> tuple[Array, float]:
        """Noisy counts of disjoint cells at `part` of the share, and the noise's standard deviation."""
        share = self.share * part
        noisy = self.accountant.release_gaussian(counts, 1.0, share, self.generator)
        return noisy, self.accountant.find_sigma(share)


def learn_levels(column: ColumnProfile, values: Values, releases: Releases) -> ColumnProfile:
    """The column with its levels, their noisy counts and its share of nulls.

    Levels that the column has already are public: all stay. Else those above the threshold are kept, and `levels` is
    None where they cover too little. `missing` is 1 where hardly any row has a value.
    """
    rows = len(values)
    public = column.levels is not None
    seen = column if public else replace(column, levels=_find_levels(values))
    codes = find_codes(seen, values)
    nulls = values.count_nulls()
    counts = np.bincount(codes[codes >= 0], minlength=len(seen.levels or ()))
    noisy, sigma = releases.release(np.array([nulls, *counts]))
    missing = _find_missing(noisy[0], sigma, rows, most=_find_most(rows) if public else 1.0)
    kept = np.arange(len(counts))
    if not public:
        threshold = 1.0 + sigma * NormalDist().inv_cdf(1.0 - releases.threshold_delta)
        kept = np.flatnonzero(noisy[1:] > threshold)
        if missing >= 1 or noisy[1:][kept].sum() < COVERED_SHARE * rows * (1.0 - missing):
            return replace(column, missing=missing)
    order = sorted(kept.tolist(), key=lambda at: (-noisy[1 + at], (seen.levels or ())[at]))
    levels = tuple((seen.levels or ())[at] for at in order)
    return replace(column, levels=levels, counts=tuple(round(float(noisy[1 + at])) for at in order), missing=missing)


def settle_counts(column: ColumnProfile, rows: int) -> ColumnProfile:
    """The column with counts of at least 1 that sum up, but for rounding, to the values that are there."""
    counts = np.maximum(np.array(column.counts, np.float64), 1.0)
    scaled = np.maximum(np.round(counts * (rows * (1.0 - column.missing) / counts.sum())), 1.0)
    return replace(column, counts=tuple(scaled.astype(int).tolist()))


def learn_missing(values: Values, releases: Releases) -> float:
    """The noisy share of nulls; 0 where it may be noise."""
    noisy, sigma = releases.release(np.array([values.count_nulls()]))
    return _find_missing(noisy[0], sigma, len(values), most=_find_most(len(values)))


def learn_bounds(column: ColumnProfile, values: Values, releases: Releases) -> ColumnProfile:
    """The column with its noisy share of nulls and bounds that cut off few rows; empty where hardly any has a value.

    Whole numbers between bounds that are near to each other have all of these as levels. Raises WorkbenchError where
    the noise hides where its values lie.
    """
    numbers = find_numbers(values)
    present = numbers[~np.isnan(numbers)]
    edges = _make_grid(column)
    noisy, sigma = releases.release(np.array([len(numbers) - len(present), *_count(present, edges)]), 0.5)
    missing = _find_missing(noisy[0], sigma, len(numbers))
    if missing >= 1:
        return replace(column, role="empty", missing=1.0)
    cells = noisy[1:]
    passed = np.flatnonzero(cells > sigma * NormalDist().inv_cdf(1.0 - FALSE_CELLS / len(cells)))
    if not len(passed):
        raise WorkbenchError(
            f"The privacy budget is too small for the bounds of “{column.name}”: the table has too few rows.",
            f"Give them: differential_privacy: {{bounds: {{{column.name}: [lowest, highest]}}}}, or raise max_epsilon.",
        )
    first = int(passed[0]) - _find_reach(cells[: passed[0]][::-1], sigma)
    last = int(passed[-1]) + _find_reach(cells[passed[-1] + 1 :], sigma)
    column = replace(column, missing=missing)
    if is_discrete(column, edges[first], edges[last + 1] - 1):
        return _learn_whole(column, present, np.arange(edges[first], edges[last + 1]), releases)
    lower = np.linspace(edges[first], edges[first + 1], FINE_CELLS + 1)
    upper = np.linspace(edges[last], edges[last + 1], FINE_CELLS + 1)
    fine = lower if first == last else np.concatenate([lower, upper])
    noisy, sigma = releases.release(_count(present, fine), 0.5)
    low = fine[_find_start(noisy[:FINE_CELLS], sigma)]
    high = fine[len(fine) - 1 - _find_start(noisy[::-1][:FINE_CELLS], sigma)]
    return _round_bounds(column, *((low, high) if low < high else (fine[0], fine[-1])))


def is_discrete(column: ColumnProfile, low: float, high: float) -> bool:
    """Whether the column holds whole numbers of which few lie between these two."""
    whole = column.kind == "int64" or (column.kind == "double" and column.decimals == 0)
    return bool(whole and high - low < MOST_DISCRETE)


def make_whole_levels(column: ColumnProfile, numbers: Array) -> tuple[Any, ...]:
    """Whole numbers in the type that the column's levels have."""
    return tuple(numbers.astype(DTYPES[column.kind]).tolist())


def _learn_whole(column: ColumnProfile, present: Array, numbers: Array, releases: Releases) -> ColumnProfile:
    """The column with those of `numbers`, rising whole ones, that rows have, or that lie between such ones."""
    noisy, sigma = releases.release(_count(present, np.append(numbers, numbers[-1] + 1)), 0.5)
    noise = sigma * NULL_NOISE / FINE_NOISE
    start, stop = _find_start(noisy, noise), len(noisy) - _find_start(noisy[::-1], noise)
    if start >= stop:
        start, stop = 0, len(noisy)
    kept = start + np.argsort(-noisy[start:stop], kind="stable")
    return replace(
        column,
        levels=make_whole_levels(column, numbers[kept]),
        counts=tuple(np.round(noisy[kept]).astype(int).tolist()),
        low=float(numbers[start]),
        high=float(numbers[stop - 1]),
    )


def _find_levels(values: Values) -> tuple[Any, ...]:
    """The different texts, in the order of the texts, which says nothing of the rows."""
    present = values.data if values.valid is None else values.data[values.valid]
    return tuple(sorted(set(present.tolist())))


def _find_most(rows: int) -> float:
    """The largest share of nulls of a column that has a value."""
    return 1.0 - 1.0 / max(rows, 2)


def _find_missing(noisy: float, sigma: float, rows: int, most: float = 1.0) -> float:
    if noisy < NULL_NOISE * sigma:
        return 0.0
    return most if noisy > rows - NULL_NOISE * sigma else float(noisy / rows)


def _make_grid(column: ColumnProfile) -> Array:
    """The edges of the cells, rising, the same for any table."""
    if column.kind == "timestamp":
        years = np.arange(_FIRST_YEAR, _LAST_YEAR + 1)
        starts = np.array([f"{year}-01-01" for year in years], DTYPES["timestamp"])
        return starts.astype(np.int64).astype(np.float64)
    whole = column.kind == "int64" or column.decimals == 0
    small = np.arange(0) if whole else np.arange(_LEAST_POWER, 0, _SMALL_STEP)
    powers = 2.0 ** np.concatenate([small, np.arange(0, _MOST_POWER)])
    return np.concatenate([-powers[::-1], [0.0], powers])


def _count(numbers: Array, edges: Array) -> NDArray[np.int64]:
    """How many numbers lie in each cell; those beyond the first and last edge count in the outermost cells."""
    places = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    return np.bincount(places, minlength=len(edges) - 1)


def _find_reach(cells: Array, sigma: float) -> int:
    """How many of the next cells, told from the inside, hold together more than noise."""
    reach = 0
    while len(cells) > reach:
        window = cells[reach : reach + REACH]
        scores = np.cumsum(window) / (sigma * np.sqrt(np.arange(1, len(window) + 1)))
        if scores.max() < REACH_NOISE:
            break
        reach += int(scores.argmax()) + 1
    return reach


def _find_start(noisy: Array, sigma: float) -> int:
    """The first cell by which the cells so far hold more than noise; the first of all where none does."""
    sums = np.cumsum(noisy)
    found = np.flatnonzero(sums > FINE_NOISE * sigma * np.sqrt(np.arange(1, len(noisy) + 1)))
    return int(found[0]) if len(found) else 0


def _round_bounds(column: ColumnProfile, low: float, high: float) -> ColumnProfile:
    """Bounds on the column's grain, between two edges of which the upper one belongs to the next cell."""
    if column.kind == "double":
        return put_on_grain(column, low, high)
    step = float(column.step)
    first = np.ceil(low / step) * step
    return put_on_grain(column, first, max(np.ceil(high / step) * step - step, first + step))


def put_on_grain(column: ColumnProfile, low: float, high: float) -> ColumnProfile:
    """The column with bounds that its values can have, between these two; as they are where none lie between them."""
    if column.kind == "double":
        if column.decimals is None:
            return replace(column, low=float(low), high=float(high))
        scale = 10.0**column.decimals
        inner = np.ceil(low * scale) / scale, np.floor(high * scale) / scale
    else:
        step = float(column.step)
        inner = np.ceil(low / step) * step, np.floor(high / step) * step
    low, high = inner if inner[0] < inner[1] else (low, high)
    return replace(column, low=float(low), high=float(high))
