"""How far apart rows are: one scale for synthetic, training and holdout rows, and each row's nearest neighbours.

The scale is learned from the real rows of both sides together. A scale for each side would move every distance to
that side, and a difference between the sides is what all measures of copying look for.

A row is a point. A number or moment lies between 0 and 1 over the range of its column; where a few outliers make up
most of that range, over that of the middle 98 %. A category is one-hot times 0.5, so that two different ones are 1
apart. A missing number lies in the middle with a flag of 0.5. Everything is divided by the number of columns, so a
distance (the sum of absolute differences, L1) is about the mean difference of a column, and within 0 and 1 for values
in range. Free text has no place on such a scale and is left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.quality.cells import read_numbers, read_texts, take_column
from workbench.quality.similarity import find_kind

if TYPE_CHECKING:
    import pandas as pd

_MOST_LEVELS = 64
_ROWS_PER_LEVEL = 10
_LONG_TAIL = 4.0
"""A column whose range is this many times that of its middle 98 % is scaled by the latter."""
_FARTHEST = (-1.0, 2.0)
"""A value beyond the range of the real ones counts as at most one range away from it."""

_QUERIES, _POINTS, _CACHED = 64, 32_768, 2048
"""Rows compared at a time: a block of distances is 8 MiB, and is added up in parts that stay in the cache."""
_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class _Scale:
    """A number or moment: where 0 and 1 lie."""

    name: str
    low: float
    high: float

    def encode(self, column: pd.Series[Any]) -> NDArray[np.float32]:
        numbers = read_numbers(column)
        missing = ~np.isfinite(numbers)
        span = self.high - self.low
        with np.errstate(invalid="ignore", over="ignore"):
            placed = (numbers - self.low) / span if span > 0 else np.sign(numbers - self.low)
        placed = np.where(missing, 0.5, np.clip(placed, *_FARTHEST))
        return np.column_stack([placed, missing * 0.5]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Levels:
    """A category: its commonest values, and one place for all others. A missing value is a value."""

    name: str
    levels: tuple[str, ...]

    def encode(self, column: pd.Series[Any]) -> NDArray[np.float32]:
        import pandas as pd

        codes = pd.Index(self.levels, dtype=object).get_indexer(pd.Index(read_texts(column).fillna(""), dtype=object))
        hot = np.zeros((len(column), len(self.levels) + 1), np.float32)
        hot[np.arange(len(column)), codes] = 0.5  # -1, a value that is none of the levels, is the last place
        return hot


@dataclass(frozen=True, slots=True)
class Points:
    """The scale of real rows, which turns any rows with the same columns into points."""

    columns: tuple[_Scale | _Levels, ...]

    @classmethod
    def fit(cls, train: pd.DataFrame, holdout: pd.DataFrame, columns: Sequence[str]) -> Points:
        """The scale of the rows of both frames over `columns`, of which free text is left out."""
        import pandas as pd

        found: list[_Scale | _Levels] = []
        for name in columns:
            parts = [take_column(frame, name) for frame in (train, holdout) if len(frame)]
            if not parts:
                continue
            column = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
            kind = find_kind(column)
            if kind == "number":
                found.append(_fit_scale(name, column))
            else:
                counts = read_texts(column).fillna("").value_counts()
                if kind == "category" or len(counts) * _ROWS_PER_LEVEL <= len(column):
                    found.append(_Levels(name, tuple(counts.index[:_MOST_LEVELS])))
        return cls(tuple(found))

    @property
    def names(self) -> list[str]:
        """The columns that distances are made of."""
        return [column.name for column in self.columns]

    @property
    def widths(self) -> list[int]:
        """How many numbers each of the `names` takes in a point."""
        return [2 if isinstance(column, _Scale) else len(column.levels) + 1 for column in self.columns]

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """The points of the rows of `frame`, shape (rows, numbers), which has all the `names`."""
        if not self.columns:
            return np.zeros((len(frame), 0), np.float32)
        parts = [column.encode(take_column(frame, column.name)) for column in self.columns]
        return np.hstack(parts) / np.float32(len(self.columns))


def find_nearest(
    queries: NDArray[np.float32], points: NDArray[np.float32], k: int = 1, *, skip_self: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The `k` nearest of `points` to each of `queries`: their distances (L1) and numbers, both shape (queries, k).

    Exact, nearest first; of points equally far the first. With `skip_self` both are the same rows, and no row is its
    own neighbour. All pairs are compared (trees gain nothing beyond some ten columns), and columns of two values each
    by one matrix product. Raises ValueError where there are fewer than `k` points.
    """
    if k > len(points) - skip_self:
        raise ValueError(f"{k} neighbours were asked for among {len(points)} points")
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    pairs = _Pairs.prepare(queries, points)

    def search(start: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return _search(pairs, start, min(start + _QUERIES, len(queries)), k, skip_self)

    starts = range(0, len(queries), _QUERIES)
    # One thread for each product: those of a product wait for one another, those of blocks do not.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        found = list(pool.map(search, starts))
    if not found:
        return np.empty((0, k), np.float32), np.empty((0, k), np.int64)
    return np.concatenate([each[0] for each in found]), np.concatenate([each[1] for each in found])


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Two sets of points, their columns parted into numbers (one row each, so that a column is contiguous) and flags.

    A flag is 0 or `weight`. Two sets of flags differ in as many places as both have ones less twice their product,
    which is exact: all are small whole numbers.
    """

    queries: NDArray[np.float32]
    points: NDArray[np.float32]
    query_flags: NDArray[np.float32]
    point_flags: NDArray[np.float32]
    weight: float

    @classmethod
    def prepare(cls, queries: NDArray[np.float32], points: NDArray[np.float32]) -> _Pairs:
        both = (queries, points)
        top = np.max([rows.max(axis=0, initial=0.0) for rows in both], axis=0)
        two_valued = np.all([((rows == 0) | (rows == top)).all(axis=0) for rows in both], axis=0) & (top > 0)
        weights, counts = np.unique(top[two_valued], return_counts=True)
        weight = weights[counts.argmax()] if len(weights) else np.float32(1)
        flags = two_valued & (top == weight)
        used = ~flags & (top != 0) | np.any([rows.min(axis=0, initial=0.0) < 0 for rows in both], axis=0)
        numbers = [np.ascontiguousarray(rows[:, used].T) for rows in both]
        ones = [(rows[:, flags] > 0).astype(np.float32) for rows in both]
        return cls(numbers[0], numbers[1], ones[0], ones[1], float(weight))


def _search(
    pairs: _Pairs, start: int, stop: int, k: int, skip_self: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rows = np.arange(stop - start)
    near = np.full((len(rows), 0), np.inf, np.float32)
    numbers = np.zeros((len(rows), 0), np.int64)
    total = pairs.points.shape[1]
    for first in range(0, total, _POINTS):
        last = min(first + _POINTS, total)
        block = _measure(pairs, start, stop, first, last)
        if skip_self:
            own = rows[(rows + start >= first) & (rows + start < last)]
            block[own, own + start - first] = np.inf
        for _ in range(min(k, last - first)):
            nearest = block.argmin(axis=1)
            near = np.column_stack([near, block[rows, nearest]])
            numbers = np.column_stack([numbers, nearest + first])
            block[rows, nearest] = np.inf
        order = np.argsort(near, axis=1, kind="stable")[:, :k]
        near, numbers = np.take_along_axis(near, order, 1), np.take_along_axis(numbers, order, 1)
    return near, numbers


def _measure(pairs: _Pairs, start: int, stop: int, first: int, last: int) -> NDArray[np.float32]:
    """The distances of some queries to some points, shape (stop - start, last - first)."""
    ones, others = pairs.query_flags[start:stop], pairs.point_flags[first:last]
    if ones.shape[1]:
        block = (ones @ others.T) * np.float32(-2)
        block += ones.sum(axis=1)[:, None]
        block += others.sum(axis=1)[None, :]
        block *= np.float32(pairs.weight)
    else:
        block = np.zeros((stop - start, last - first), np.float32)
    difference = np.empty((stop - start, _CACHED), np.float32)
    for left in range(0, last - first, _CACHED):
        part = block[:, left : left + _CACHED]
        room = difference[:, : part.shape[1]]
        for query, point in zip(pairs.queries, pairs.points, strict=True):
            np.subtract(query[start:stop, None], point[None, first + left : first + left + part.shape[1]], out=room)
            np.abs(room, out=room)
            part += room
    return block


def _fit_scale(name: str, column: pd.Series[Any]) -> _Scale:
    numbers = read_numbers(column)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return _Scale(name, 0.0, 0.0)
    low, inner_low, inner_high, high = (float(bound) for bound in np.quantile(numbers, [0, 0.01, 0.99, 1]))
    if inner_high > inner_low and high / _LONG_TAIL - low / _LONG_TAIL > inner_high - inner_low:
        return _Scale(name, inner_low, inner_high)
    return _Scale(name, low, high)
