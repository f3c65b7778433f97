"""How much of the dependence between real columns made rows have: what quality turns on once marginals are right.

Rows calibrated to the real marginals score well on shapes, and on most pairs of columns, from the first step on: most
pairs hardly depend on each other. So weights are chosen by this score as well. For each pair that depends, the table of
shares in coarse bins is compared by Pearson's chi-squared, which looks at rare levels as closely as at frequent ones:
1 is the real dependence, 0 that of independent columns, less than 0 a worse one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.profile import ColumnProfile, RealTable, find_codes, find_numbers

BINS = 5
"""Bins of equal share for a number."""

MOST_LEVELS = 8
"""Frequent levels that are told apart; the others count as one."""

MOST_COLUMNS = 150
"""Columns that are looked at: the table of all pairs grows with their square."""


class DependenceScore:
    """Scores made rows against `real` rows, which are looked at once."""

    def __init__(self, real: RealTable) -> None:
        self._columns = [
            column
            for column in real.profile.of_role("number", "category")
            if real.find_missing(column.name).sum() < real.rows
        ][:MOST_COLUMNS]
        self._edges: dict[str, NDArray[np.float64]] = {}
        for column in self._columns:
            if column.levels is None:
                numbers = real.numbers(column.name)
                inner = np.nanquantile(numbers, np.arange(1, BINS) / BINS)
                self._edges[column.name] = np.unique(inner)
        self._sizes = np.array([self._count(column) for column in self._columns], np.int64)
        self._real = self._count_pairs(real.columns)
        alone = np.diag(self._real)
        self._expected = np.maximum(np.outer(alone, alone), 1.0 / real.rows**2)
        owner = np.repeat(np.arange(len(self._sizes)), self._sizes)
        strength = self._sum_pairs(np.square(self._real - np.outer(alone, alone)) / self._expected)
        # Chi-squared of independent columns is near its degrees of freedom: only pairs well above it depend.
        freedom = np.outer(self._sizes - 1, self._sizes - 1)
        depends = strength * real.rows > freedom + 3.0 * np.sqrt(2.0 * np.maximum(freedom, 1))
        np.fill_diagonal(depends, False)
        self._counts = depends[np.ix_(owner, owner)]
        self._total = float(strength[depends].sum())

    @property
    def is_known(self) -> bool:
        """Whether any pair of columns depends on each other."""
        return self._total > 0

    def score(self, made: Mapping[str, Values]) -> float:
        """The share of the dependence that `made` has."""
        apart = np.square(self._count_pairs(made) - self._real) / self._expected
        return 1.0 - float(apart[self._counts].sum()) / self._total

    def _count(self, column: ColumnProfile) -> int:
        known = len(self._edges[column.name]) + 1 if column.levels is None else min(len(column.levels), MOST_LEVELS + 1)
        return known + 1

    def _count_pairs(self, values: Mapping[str, Values]) -> NDArray[np.float64]:
        """The share of rows that have each two of all bins, shape (bins, bins)."""
        rows = len(values[self._columns[0].name]) if self._columns else 1
        starts = np.cumsum(self._sizes) - self._sizes
        shown = np.zeros((rows, int(self._sizes.sum())), np.float32)
        for column, start, size in zip(self._columns, starts, self._sizes, strict=True):
            shown[np.arange(rows), start + self._find_bins(column, values[column.name], int(size))] = 1.0
        return (shown.T @ shown).astype(np.float64) / rows

    def _find_bins(self, column: ColumnProfile, values: Values, size: int) -> NDArray[np.int64]:
        if column.levels is None:
            numbers = find_numbers(values)
            bins = np.searchsorted(self._edges[column.name], numbers, side="left")
            return np.where(np.isnan(numbers), size - 1, bins)
        codes = find_codes(column, values)
        return np.where(codes < 0, size - 1, np.minimum(codes, size - 2))

    def _sum_pairs(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        starts = np.cumsum(self._sizes) - self._sizes
        return np.asarray(np.add.reduceat(np.add.reduceat(cells, starts, 0), starts, 1))
