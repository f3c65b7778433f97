"""Ordered records of entities in numbers: how many, how far apart, how each depends on the one before.

Every figure is a sum over entities, so that one can be asked what it would be if entities had changed sides: that is
how far chance alone takes it, and needs no assumption on how the records of one entity depend on one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

Vector = NDArray[np.float64]

PERMUTATIONS = 100
MOST_COLUMNS = 20
_BINS = 50
_LEVELS = 15
_FEWEST_STEPS = 3
"""Steps of an entity of fewer records say nothing of its own course."""


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The rows of some frames, sorted by entity and time. `entity` numbers the entities over all frames, `side` says
    which frame each entity is of, `time` is in the unit of the order, days for moments."""

    frame: pd.DataFrame
    entity: NDArray[np.int64]
    side: NDArray[np.int64]
    time: Vector

    @property
    def steps(self) -> NDArray[np.int64]:
        """The places of the rows that follow another row of the same entity."""
        return np.flatnonzero(self.entity[1:] == self.entity[:-1]) + 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many rows each entity has."""
        return np.bincount(self.entity, minlength=len(self.side))


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A figure as sums over entities: `parts` is of shape (entities, k).

    A `share` compares how k classes are shared out (total variation distance), a `rank` does so for classes that rise
    (Kolmogorov-Smirnov distance); both are from 0 to 1. A `mean` compares the mean of the first column by that of the
    second, a `correlation` that of pairs whose sums are n, x, y, xx, yy, xy.
    """

    name: str
    kind: Literal["share", "rank", "mean", "correlation"]
    parts: csr_matrix

    def compare(self, ours: Vector, theirs: Vector) -> Vector:
        """How far two groups of entities differ, by their sums of `parts`, shape (draws, k); shape (draws,)."""
        if self.kind in ("share", "rank"):
            shares = [each / np.maximum(each.sum(axis=1, keepdims=True), 1e-12) for each in (ours, theirs)]
            if self.kind == "rank":
                return np.asarray(np.abs(np.cumsum(shares[0] - shares[1], axis=1)).max(axis=1))
            return np.asarray(0.5 * np.abs(shares[0] - shares[1]).sum(axis=1))
        if self.kind == "mean":
            means = [each[:, 0] / np.maximum(each[:, 1], 1e-12) for each in (ours, theirs)]
            return np.asarray(np.abs(means[0] - means[1]))
        return np.asarray(np.abs(_correlate(ours) - _correlate(theirs)))


@dataclass(frozen=True, slots=True)
class Distance:
    """How far side 0 is from side 1, side 2 from side 1 (None without one), and what chance explains of the first."""

    name: str
    value: float
    reference: float | None
    chance: float


def read_records(
    frames: Sequence[pd.DataFrame], entities: Sequence[str], order_by: str, longest: int | None = None
) -> Records:
    """The records of several frames, each with its own name for the entity; rows without entity or time are left out.

    The first `longest` records of each entity are kept.
    """
    import pandas as pd

    parts, codes, sides, found = [], [], [], 0
    for number, (frame, name) in enumerate(zip(frames, entities, strict=True)):
        time = read_time(frame[order_by])
        code, uniques = pd.factorize(frame[name])
        kept = np.flatnonzero((code >= 0) & np.isfinite(time))
        order = kept[np.lexsort((time[kept], code[kept]))]
        part, code, time = frame.iloc[order], code[order], time[order]
        if longest is not None:
            first = np.searchsorted(code, code)
            head = np.arange(len(code)) - first < longest
            part, code, time = part[head], code[head], time[head]
        parts.append((part, time))
        codes.append(code + found)
        sides.append(np.full(len(uniques), number))
        found += len(uniques)
    return Records(
        pd.concat([part for part, _ in parts], ignore_index=True),
        np.concatenate(codes).astype(np.int64),
        np.concatenate(sides).astype(np.int64),
        np.concatenate([time for _, time in parts]),
    )


def read_time(column: pd.Series[Any]) -> Vector:
    """Numbers as they are, moments in days since 1970, NaN for null and for what is neither."""
    import pandas as pd
    from pandas.api import types

    if types.is_datetime64_any_dtype(column.dtype):
        plain = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
        moments = plain.to_numpy("datetime64[us]").astype(np.int64) / 86_400e6
        return np.where(column.isna().to_numpy(), np.nan, moments)
    numbers = pd.to_numeric(column, errors="coerce")
    return np.asarray(numbers.to_numpy(np.float64, na_value=np.nan))


def find_figures(records: Records, numbers: Sequence[str], categories: Sequence[str], order_by: str) -> list[Figure]:
    """The figures of the records: lengths, gaps, and for each column how a record depends on the one before."""
    steps = records.steps
    owner = records.entity[steps]
    gaps = records.time[steps] - records.time[steps - 1]
    everybody = np.arange(len(records.side))
    figures = [
        _count("records per entity", "rank", _bin(records.lengths.astype(np.float64)), everybody, records),
        _count(f"gaps of {order_by}", "rank", _bin(gaps), owner, records),
    ]
    for name in numbers:
        values = read_time(records.frame[name])
        figures += [_find_course(name, values, records), _find_persistence(name, values, records)]
    for name in categories:
        codes = _code_levels(records.frame[name])
        width = int(codes.max(initial=0)) + 1
        figures.append(
            _count(f"transitions of {name}", "share", codes[steps - 1] * width + codes[steps], owner, records)
        )
    return figures


def measure_distances(
    figures: Sequence[Figure], records: Records, draw: np.random.Generator, deviations: float
) -> list[Distance]:
    """The distance of each figure. What chance explains is the mean and so many standard deviations of the distances
    when the entities of sides 0 and 1 change sides at random."""
    sides = records.side
    own = (sides[sides <= 1] == 0).astype(np.float64)
    swapped = np.empty((len(own), PERMUTATIONS))
    for number in range(PERMUTATIONS):
        swapped[:, number] = draw.permutation(own)
    found = []
    for figure in figures:
        sums = [np.asarray(figure.parts[sides == side].sum(axis=0)).reshape(1, -1) for side in range(3)]
        ours = np.asarray(figure.parts[sides <= 1].T @ swapped).T
        by_chance = figure.compare(ours, sums[0] + sums[1] - ours)
        reference = float(figure.compare(sums[2], sums[1])[0]) if (sides == 2).any() else None
        chance = float(by_chance.mean() + deviations * by_chance.std())
        found.append(Distance(figure.name, float(figure.compare(sums[0], sums[1])[0]), reference, chance))
    return found


def count_backward_steps(frame: pd.DataFrame, entity: str, order_by: str) -> tuple[NDArray[np.int64], int]:
    """The row numbers at which time runs backwards within an entity, in the order of the rows, and all its steps."""
    import pandas as pd

    code, _ = pd.factorize(frame[entity])
    time = read_time(frame[order_by])
    kept = np.flatnonzero((code >= 0) & np.isfinite(time))
    order = kept[np.argsort(code[kept], kind="stable")]
    follows = code[order][1:] == code[order][:-1]
    backward = follows & (time[order][1:] < time[order][:-1])
    return np.sort(order[1:][backward]), int(follows.sum())


def _count(
    name: str, kind: Literal["share", "rank"], classes: NDArray[np.int64], owner: NDArray[np.int64], records: Records
) -> Figure:
    from scipy.sparse import csr_matrix

    shape = (len(records.side), int(classes.max(initial=0)) + 1)
    return Figure(name, kind, csr_matrix((np.ones(len(classes)), (owner, classes)), shape))


def _find_course(name: str, values: Vector, records: Records) -> Figure:
    """The lag-1 autocorrelation of each entity with four records at least, around its own mean; the mean over them."""
    from scipy.sparse import csr_matrix

    count = len(records.side)
    known = np.isfinite(values)
    entity = records.entity
    sums = np.bincount(entity[known], values[known], count)
    rows = np.bincount(entity[known], minlength=count)
    centred = np.where(known, values - (sums / np.maximum(rows, 1))[entity], 0.0)
    steps = records.steps
    products = np.bincount(entity[steps], centred[steps] * centred[steps - 1], count)
    squares = np.bincount(entity, centred * centred, count)
    usable = (rows > _FEWEST_STEPS) & (squares > 1e-12 * np.maximum(sums * sums, 1e-300)) & np.isfinite(products / 1)
    course = np.where(usable, products / np.where(squares > 0, squares, 1.0), 0.0)
    return Figure(
        f"autocorrelation of {name}", "mean", csr_matrix(np.column_stack([course, usable.astype(np.float64)]))
    )


def _find_persistence(name: str, values: Vector, records: Records) -> Figure:
    """The rank correlation of neighbouring records over all entities: whether a high value is followed by another."""
    from scipy.sparse import csr_matrix
    from scipy.stats import rankdata

    known = np.isfinite(values)
    ranks = np.zeros(len(values))
    if known.any():
        ranks[known] = rankdata(values[known]) / known.sum() - 0.5
    steps = records.steps
    steps = steps[known[steps] & known[steps - 1]]
    x, y, owner = ranks[steps - 1], ranks[steps], records.entity[steps]
    parts = [np.bincount(owner, each, len(records.side)) for each in (np.ones(len(x)), x, y, x * x, y * y, x * y)]
    return Figure(f"persistence of {name}", "correlation", csr_matrix(np.column_stack(parts)))


def _correlate(sums: Vector) -> Vector:
    """Correlations from sums n, x, y, xx, yy, xy of shape (draws, 6); 0 where nothing varies."""
    count = np.maximum(sums[:, 0], 1.0)
    x, y = sums[:, 1] / count, sums[:, 2] / count
    spread = (sums[:, 3] / count - x * x) * (sums[:, 4] / count - y * y)
    joint = sums[:, 5] / count - x * y
    return np.where(spread > 1e-18, joint / np.sqrt(np.maximum(spread, 1e-18)), 0.0)


def _bin(values: Vector) -> NDArray[np.int64]:
    """Each value's class: up to 50 of about the same size, or one for each value where they are fewer."""
    if not len(values):
        return np.zeros(0, np.int64)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1), method="inverted_cdf"))
    return np.searchsorted(edges, values, side="left").astype(np.int64)


def _code_levels(column: pd.Series[Any]) -> NDArray[np.int64]:
    """Each value as a number: the 15 most frequent levels, one for all others, one for null."""
    import pandas as pd

    text = column.astype(str).where(column.notna(), "\0")
    common = text.value_counts().index[:_LEVELS]
    codes = common.get_indexer(pd.Index(text))
    return np.where(codes < 0, len(common), codes).astype(np.int64)
