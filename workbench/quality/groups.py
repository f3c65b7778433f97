"""Groups of people: the values of a column, or of two together, coded alike in the dataset and in the real data.

A number of few values counts as a category, one of many by which quarter of all rows it lies in. A missing value is a
group of its own: who is left out of a register is often the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.cells import find_scale, read_numbers, read_texts, take_column

if TYPE_CHECKING:
    import pandas as pd

MISSING = "no value"
_MOST_NUMBERS = 12
"""A number with more different values than this is cut into quarters."""
_MOST_LEVELS = 60
_LONGEST = 40
_QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")


@dataclass(frozen=True, slots=True)
class _Levels:
    """One column: its values, or where it is cut into quarters. The last group is that of missing values."""

    column: str
    names: tuple[str, ...]
    numbers: tuple[float, ...] = ()
    cuts: tuple[float, ...] = ()

    def code(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        """The group of each row; -1 for a value that was not there when the levels were learned."""
        import pandas as pd

        column = take_column(frame, self.column)
        missing = len(self.names) - 1
        if self.cuts or self.numbers:
            values = read_numbers(column)
            places = (
                np.searchsorted(np.asarray(self.cuts), values, side="right")
                if self.cuts
                else pd.Index(self.numbers).get_indexer(pd.Index(values))
            )
            return np.where(np.isnan(values), missing, places).astype(np.int64)
        texts = read_texts(column)
        return np.where(
            texts.isna(),
            missing,
            pd.Index(self.names[:missing], dtype=object).get_indexer(pd.Index(texts, dtype=object)),
        )


@dataclass(frozen=True, slots=True)
class Grouping:
    """The groups of one column or of several together. `names` has one entry for each code, as reports print it."""

    columns: tuple[str, ...]
    levels: tuple[_Levels, ...]

    @classmethod
    def fit(cls, frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> Grouping:
        """The groups that occur in any of `frames`; quarters are those of all their rows together."""
        import pandas as pd

        parts = [pd.concat([take_column(frame, name) for frame in frames], ignore_index=True) for name in columns]
        return cls(tuple(columns), tuple(_fit(part, name) for part, name in zip(parts, columns, strict=True)))

    @property
    def label(self) -> str:
        """The columns, as reports print them."""
        return " × ".join(clean_text(name)[:_LONGEST] for name in self.columns)

    @property
    def names(self) -> list[str]:
        names = [""]
        for level in self.levels:
            names = [f"{name}, {clean_text(each)[:_LONGEST]}" if name else clean_text(each)[:_LONGEST]
                     for name in names for each in level.names]  # fmt: skip
        return names

    def code(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        """Shape (rows,): the place of each row's group in `names`; -1 for a group that is not among them."""
        total = np.zeros(len(frame), np.int64)
        unknown = np.zeros(len(frame), np.bool_)
        for level in self.levels:
            codes = level.code(frame)
            unknown |= codes < 0
            total = total * len(level.names) + codes
        return np.where(unknown, -1, total)

    def count(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        """Rows of each group, in the order of `names`."""
        codes = self.code(frame)
        return np.bincount(codes[codes >= 0], minlength=len(self.names))


def make_groupings(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> Iterator[Grouping]:
    """Each of `columns`, then each two of them. Those of free text, which makes no groups, are left out."""
    fitted = {name: Grouping.fit(frames, [name]) for name in dict.fromkeys(columns)}
    singles = {name: each for name, each in fitted.items() if 2 < len(each.names) <= _MOST_LEVELS + 1}
    yield from singles.values()
    for first, second in combinations(singles, 2):
        yield Grouping((first, second), (singles[first].levels[0], singles[second].levels[0]))


def code_strata(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> list[NDArray[np.int64]]:
    """For each frame the stratum of each row: rows of one stratum have the same groups of all `columns`."""
    codes = [np.zeros(len(frame), np.int64) for frame in frames]
    for name in columns:
        grouping = Grouping.fit(frames, [name])
        for place, frame in enumerate(frames):
            codes[place] = codes[place] * len(grouping.names) + grouping.code(frame)
    lengths = np.cumsum([len(each) for each in codes])[:-1]
    _, dense = np.unique(np.concatenate(codes), return_inverse=True)
    return np.split(dense.astype(np.int64), lengths)


def _fit(column: pd.Series[Any], name: str) -> _Levels:
    if find_scale(column) is not None:
        numbers = read_numbers(column)
        numbers = numbers[np.isfinite(numbers)]
        different = np.unique(numbers)
        if find_scale(column) == "number" and len(different) <= _MOST_NUMBERS:
            return _Levels(name, (*(f"{value:g}" for value in different), MISSING), tuple(different.tolist()))
        cuts = np.unique(np.quantile(numbers, [0.25, 0.5, 0.75])) if len(numbers) else np.zeros(1)
        # Where many rows share a value two quarters are one.
        names = _QUARTERS if len(cuts) == 3 else tuple(f"part {place + 1}" for place in range(len(cuts) + 1))
        return _Levels(name, (*names, MISSING), cuts=tuple(cuts.tolist()))
    different_texts = read_texts(column).dropna().value_counts().index[: _MOST_LEVELS + 1]
    return _Levels(name, (*sorted(different_texts), MISSING))
