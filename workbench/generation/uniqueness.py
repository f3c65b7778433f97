"""`unique` over columns that chance may repeat: of equal rows the first is kept, in the order of the rows.

Types that repeat nothing by construction (`id`, `uuid`, and those with `unique: true`) need none of this. For the
others the 64-bit hashes of the kept values are remembered, eight bytes a row, so the rows of such a table are made in
order; a row is wrongly left out where two hashes fall together, which ten million rows do once in 370,000 datasets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values, join_masks
from workbench.datasets.row_hashes import hash_rows

_MERGED = 8

Redraw = Callable[[NDArray[np.int64], int], Values]
"""`redraw(positions, attempt)`: the column's values of another attempt, for the rows at these positions."""


class UniqueRule(Protocol):
    """A rule by which rows are compared with all earlier ones."""

    @property
    def columns(self) -> tuple[str, ...]:
        """What is compared."""

    @property
    def text(self) -> str:
        """The rule as reports name it."""

    @property
    def kept(self) -> str:
        """How it is kept, in a few words."""

    def start(self) -> SeenRows:
        """What remembers the rows, empty as before the first one."""


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """Which rows may stay; shape (rows,). `values` are the new ones of the rule's one column where rows are `changed`.

    `redrawn` counts the rows that were drawn again, in vain or not.
    """

    fresh: NDArray[np.bool_]
    changed: NDArray[np.bool_] | None = None
    values: Values | None = None
    redrawn: int = 0


class SeenRows(ABC):
    """What a rule remembers of the rows that are kept so far."""

    rule: UniqueRule

    @abstractmethod
    def settle(self, columns: Mapping[str, Values], rows: NDArray[np.int64], redraw: Redraw) -> Settled:
        """Decide on the rows that come next, numbered `rows` in the table, and remember those that stay."""


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """Columns whose values together are to occur once."""

    columns: tuple[str, ...]
    text: str
    kept: ClassVar[str] = "leaves repeats out"

    def start(self) -> SeenHashes:
        """Nothing seen yet."""
        return SeenHashes(self)


@dataclass(slots=True)
class SeenHashes(SeenRows):
    """The hashes of the rows that are kept so far, in a few sorted arrays."""

    rule: Uniqueness
    _sorted: list[NDArray[np.uint64]] = field(default_factory=list)

    def settle(self, columns: Mapping[str, Values], rows: NDArray[np.int64], redraw: Redraw) -> Settled:
        """The rows that equal no earlier one stay. A null equals nothing, as in SQL."""
        hashes, known = _hash_columns([columns[name] for name in self.rule.columns])
        fresh = np.ones(len(hashes), np.bool_)
        for earlier in self._sorted:
            place = np.minimum(np.searchsorted(earlier, hashes), max(len(earlier) - 1, 0))
            fresh &= earlier[place] != hashes if len(earlier) else True
        first = np.zeros(len(hashes), np.bool_)
        first[np.unique(hashes, return_index=True)[1]] = True
        fresh = (fresh & first) | ~known
        self._sorted.append(np.sort(hashes[fresh & known]))
        if len(self._sorted) > _MERGED:
            self._sorted = [np.sort(np.concatenate(self._sorted))]
        return Settled(fresh)


def _hash_columns(columns: Sequence[Values]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """A 64-bit hash of each row of the columns, and which rows hold no null; shapes (rows,)."""
    import pyarrow

    known = join_masks(*(values.valid for values in columns))
    arrays = [pyarrow.array(values.data, mask=None if values.valid is None else ~values.valid) for values in columns]
    names = [str(position) for position in range(len(arrays))]
    hashes = hash_rows(pyarrow.RecordBatch.from_arrays(arrays, names=names), names)
    return hashes, np.ones(len(hashes), np.bool_) if known is None else known
