"""A table that stands in for the real one where its columns, each by itself, are enough: all of it was released.

Encoders and calibrations look at columns one by one. What they see of a private table are noisy quantiles of numbers,
on a histogram that the private bounds alone decide, and the private profile's shares of levels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.privacy.accounting import PrivacyAccountant
from workbench.synthesizers.profile import ColumnProfile, RealTable, decode_codes, decode_numbers

QUANTILE_SHARE = 0.1
"""The share of the budget for the quantiles of all numbers together."""

CELLS = 100
"""Cells of equal width of a number's histogram; one for each value of numbers that have no more values."""

CLEAR_NOISE = 1.5
"""Counts of fewer standard deviations are taken for none: else those of many empty cells would add up."""

Floats = NDArray[np.float64]


def make_stand_in(
    table: RealTable, accountant: PrivacyAccountant, generator: np.random.Generator, rows: int = 2_000
) -> RealTable:
    """`rows` rows without nulls in which each column has the released distribution, independent of the others."""
    shares = (np.arange(rows) + 0.5) / rows
    quantiles = release_quantiles(table, accountant, shares)
    columns: dict[str, Values] = {}
    for name, column in table.profile.columns.items():
        order = generator.permutation(rows)
        if name in quantiles:
            columns[name] = decode_numbers(column, quantiles[name][order])
        else:
            ends = np.cumsum(column.shares)
            codes = np.minimum(np.searchsorted(ends, shares[order], side="right"), len(ends) - 1)
            columns[name] = decode_codes(column, codes)
    return RealTable(table.profile, columns)


def release_quantiles(table: RealTable, accountant: PrivacyAccountant, shares: Floats) -> dict[str, Floats]:
    """For each number without levels its noisy quantiles at `shares` (rising, from 0 to 1), by one release for all.

    `table` is the private view. A row is in one cell of each number, so that it changes the counts by the root of how
    many numbers there are.
    """
    numbers = [column for column in table.profile.of_role("number") if column.levels is None]
    if not numbers:
        return {}
    edges = [_make_edges(column) for column in numbers]
    counts = [_count(table.numbers(column.name), edge) for column, edge in zip(numbers, edges, strict=True)]
    sensitivity = float(np.sqrt(len(numbers)))
    noisy = accountant.release_gaussian(np.concatenate(counts), sensitivity, QUANTILE_SHARE)
    sigma = accountant.find_sigma(QUANTILE_SHARE, sensitivity)
    parts = np.split(noisy, np.cumsum([len(count) for count in counts])[:-1])
    return {
        column.name: _find_quantiles(np.where(part > CLEAR_NOISE * sigma, part, 0.0), edge, shares, column)
        for column, part, edge in zip(numbers, parts, edges, strict=True)
    }


def _make_edges(column: ColumnProfile) -> Floats:
    """The edges of a number's cells. Cells of one value each have it in their middle."""
    first, step, cells = column.low, (column.high - column.low) / CELLS, CELLS
    if _has_few(column):
        step = _find_grain(column)
        first, cells = column.low - step / 2, round((column.high - column.low) / step) + 1
    return np.asarray(first + step * np.arange(cells + 1), np.float64)


def _has_few(column: ColumnProfile) -> bool:
    step = _find_grain(column)
    return step > 0 and (column.high - column.low) / step < CELLS


def _find_grain(column: ColumnProfile) -> float:
    """The distance of the values that a number can have, 0 where they lie anywhere."""
    if column.kind == "double":
        return 0.0 if column.decimals is None else 10.0**-column.decimals
    return float(column.step)


def _count(numbers: Floats, edges: Floats) -> NDArray[np.int64]:
    present = numbers[~np.isnan(numbers)]
    places = np.clip(np.searchsorted(edges, present, side="right") - 1, 0, len(edges) - 2)
    return np.bincount(places, minlength=len(edges) - 1)


def _find_quantiles(counts: Floats, edges: Floats, shares: Floats, column: ColumnProfile) -> Floats:
    if not counts.any():
        counts = np.ones_like(counts)
    ends: Floats = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    if not _has_few(column):
        between: Floats = np.interp(shares, ends, edges)
        return between
    places = np.clip(np.searchsorted(ends, shares, side="left") - 1, 0, len(counts) - 1)
    middles: Floats = (edges[:-1] + edges[1:]) / 2
    return middles[places]
