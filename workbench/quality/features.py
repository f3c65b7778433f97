"""A table as a matrix of numbers for a model: fitted on the rows that the model learns from, applied to any others.

Trees take numbers as they are and categories as codes, with gaps left as NaN. Linear models take standardised numbers
with gaps filled, and a column of 0 and 1 for each category. A text counts by how long it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.quality.cells import code_levels, find_scale, is_flag, read_numbers, read_texts, take_column
from workbench.quality.similarity import find_kind

if TYPE_CHECKING:
    import pandas as pd

_MOST_LEVELS = 250
"""Histogram boosting tells 255 values apart; rarer levels than the 249 commonest share the last code."""
_LARGEST = 1e30
"""Forests work with single precision, which ends at 3e38."""
_FURTHEST = 1e6
"""Standard deviations from the mean that a linear model sees at most."""

_Kind = Literal["number", "flag", "level", "text"]


@dataclass(frozen=True, slots=True)
class _Column:
    """How one column becomes features. `centre`, `spread` and `filling` have one entry for each feature of numbers."""

    name: str
    kind: _Kind
    levels: dict[str, int]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    filling: NDArray[np.float64]
    gaps: bool


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a table. `names` and `categorical` have one entry for each feature, in the matrix's order."""

    columns: tuple[_Column, ...]
    one_hot: bool

    @classmethod
    def fit(cls, frame: pd.DataFrame, columns: Sequence[str], *, one_hot: bool) -> Features:
        """Learn levels, means and fillings from `frame`; a column that it lacks counts as one without values."""
        return cls(tuple(_fit(take_column(frame, name), name) for name in dict.fromkeys(columns)), one_hot)

    @property
    def names(self) -> list[str]:
        """What each feature is of."""
        return [name for column in self.columns for name, _ in _describe(column, self.one_hot)]

    @property
    def owners(self) -> list[str]:
        """For each feature the column that it is made of."""
        return [column.name for column in self.columns for _ in _describe(column, self.one_hot)]

    @property
    def categorical(self) -> list[bool]:
        """For each feature whether its numbers are codes, which have no order."""
        return [coded for column in self.columns for _, coded in _describe(column, self.one_hot)]

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Shape (rows, features). Without `one_hot` unknown levels and missing values are NaN; with it none is."""
        parts = [_transform(column, take_column(frame, column.name), self.one_hot) for column in self.columns]
        return np.column_stack(parts) if parts else np.empty((len(frame), 0))


def _fit(column: pd.Series[Any], name: str) -> _Column:
    kind = _find_kind(column)
    nothing = np.empty(0)
    gaps = bool(column.isna().any())
    if kind == "level":
        codes, levels = code_levels(column)
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        by_count = np.argsort(-counts, kind="stable")
        ranks = {levels[place]: min(rank, _MOST_LEVELS - 1) for rank, place in enumerate(by_count)}
        return _Column(name, kind, ranks, nothing, nothing, nothing, gaps)
    numbers = _read(column, kind)
    gaps = bool(np.isnan(numbers).any())
    filled = [values[~np.isnan(values)] for values in numbers.T]
    filling = np.array([np.median(values) if len(values) else 0.0 for values in filled])
    centre = np.array([values.mean() if len(values) else 0.0 for values in filled])
    spread = np.array([values.std() if len(values) else 0.0 for values in filled])
    return _Column(name, kind, {}, centre, np.where(spread > 0, spread, 1.0), filling, gaps)


def _transform(column: _Column, values: pd.Series[Any], one_hot: bool) -> NDArray[np.float64]:
    if column.kind == "level":
        codes, levels = code_levels(values)
        places = np.array([*(column.levels.get(level, -1) for level in levels), -1], dtype=np.int64)[codes]
        if not one_hot:
            return np.where(places < 0, np.nan, places.astype(np.float64))[:, None]
        chosen = places[:, None] == np.arange(_count_levels(column))[None, :]
        return np.asarray(chosen, np.float64)
    numbers = _read(values, column.kind)
    if not one_hot:
        return numbers
    missing = np.isnan(numbers)
    scaled = (np.where(missing, column.filling, numbers) - column.centre) / column.spread
    scaled = np.clip(scaled, -_FURTHEST, _FURTHEST)
    return np.column_stack([scaled, missing[:, :1]]) if column.gaps else scaled


def _describe(column: _Column, one_hot: bool) -> list[tuple[str, bool]]:
    """The name of each feature of a column, and whether it is a code."""
    if column.kind == "level":
        if not one_hot:
            return [(column.name, True)]
        first = {place: level for level, place in reversed(column.levels.items())}
        return [(f"{column.name}: {first[place]}", False) for place in range(_count_levels(column))]
    names = [column.name] if column.kind != "text" else [f"{column.name}: characters", f"{column.name}: words"]
    return [(name, False) for name in [*names, *([f"{column.name}: missing"] if one_hot and column.gaps else [])]]


def _count_levels(column: _Column) -> int:
    return max(column.levels.values(), default=-1) + 1


def _find_kind(column: pd.Series[Any]) -> _Kind:
    if is_flag(column):
        return "flag"
    if find_scale(column) is not None:
        return "number"
    return "text" if find_kind(column) == "text" else "level"


def _read(column: pd.Series[Any], kind: _Kind) -> NDArray[np.float64]:
    """Shape (rows, 1), or (rows, 2) for texts: characters and words."""
    if kind == "text":
        texts = read_texts(column)
        missing = texts.isna().to_numpy(np.bool_)
        lengths = [(np.nan, np.nan) if gap else (len(text), text.count(" ") + 1)
                   for text, gap in zip(texts, missing, strict=True)]  # fmt: skip
        return np.array(lengths, dtype=np.float64).reshape(-1, 2)
    numbers = read_numbers(column)
    if kind == "flag" and not is_flag(column) and find_scale(column) is None:
        words = read_texts(column).str.casefold()
        numbers = np.select([words == "true", words == "false"], [1.0, 0.0], numbers)
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(numbers), np.clip(numbers, -_LARGEST, _LARGEST), np.nan)[:, None]
