"""Foreign keys: which row of the parent table a row refers to, known for any row alone.

With `per_parent` the rows of a table stand in the order of their parents: first all rows of parent 0, then those of
parent 1. How many each has is drawn per parent, so a row's parent is found by adding the numbers up; the sums are kept
for every CHUNK parents only, and inside a chunk they are made anew, so memory does not grow with the rows.
Where the table also states its `rows`, the sums are stretched to end exactly there: parent p then has the rows from
floor(S(p) * rows / S) to floor(S(p + 1) * rows / S), S(p) being the sum before it and S the sum of all.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Maker, Row
from workbench.columns.streams import Draws, Family
from workbench.columns.values import Values

if TYPE_CHECKING:
    from workbench.generation.plan import TablePlan

CHUNK = 65_536
"""Parents whose numbers of rows are added up together: half a megabyte."""

_MAX_TRIES = 100

Whole = NDArray[np.int64]


class ParentRows(Protocol):
    """Some rows of a parent table."""

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which of them are in the dataset."""

    def make(self, name: str) -> Values:
        """A column of them; it is made once."""


OpenRows = Callable[["TablePlan", Whole], ParentRows]


@dataclass(frozen=True, slots=True, eq=False)
class Brood:
    """How many rows each parent has. `totals[k]` is the sum of all parents before chunk k; the last one is the sum."""

    count: Callable[[Whole], Whole]
    parents: int
    totals: Whole
    rows: int

    def spread(self, sums: Whole) -> Whole:
        """Sums of drawn numbers as row numbers of the table."""
        total = int(self.totals[-1])
        if total == self.rows:
            return sums
        if total * self.rows < 2**63:
            return sums * self.rows // total
        return np.array([int(each) * self.rows // total for each in sums], np.int64)

    def find(self, rows: Whole) -> tuple[Whole, Family]:
        """The parent of each of the rising `rows`, and the family of rows that share it; shapes (rows,)."""
        parents, first, size = (np.empty(len(rows), np.int64) for _ in range(3))
        starts = self.spread(self.totals)
        begin = 0
        while begin < len(rows):
            chunk = int(np.searchsorted(starts, rows[begin], side="right")) - 1
            end = int(np.searchsorted(rows, starts[chunk + 1], side="left"))
            members = np.arange(chunk * CHUNK, min((chunk + 1) * CHUNK, self.parents), dtype=np.int64)
            sums = np.concatenate([[0], np.cumsum(self.count(members))]) + self.totals[chunk]
            bounds = self.spread(sums)
            place = np.searchsorted(bounds, rows[begin:end], side="right") - 1
            parents[begin:end] = members[place]
            first[begin:end] = bounds[place]
            size[begin:end] = bounds[place + 1] - bounds[place]
            begin = end
        return parents, Family(first, size)


MOST_PARENTS = 100_000_000
MOST_ROWS = 10_000_000_000
"""Of a table. Sums of sums stay far within 64 bits."""

_MOST_KNOWN = 64
_known: dict[Hashable, Whole] = {}
"""Sums of earlier plans: a preview plans its spec at each key, and a million parents take 40 ms to add up."""


def count_rows(
    count: Callable[[Whole], Whole], parents: int, rows: int | None, identity: Hashable | None = None
) -> Brood:
    """Add up the rows of all parents. Equal `identity` means equal sums.

    Raises ValueError where there are none, more than MOST_ROWS, or more parents than can be added up in a moment.
    """
    if parents > MOST_PARENTS:
        raise ValueError(f"per_parent can be used for {MOST_PARENTS:,} parents at most, and there are {parents:,}")
    totals = None if identity is None else _known.get(identity)
    if totals is None:
        sums = [0]
        for start in range(0, parents, CHUNK):
            members = np.arange(start, min(start + CHUNK, parents), dtype=np.int64)
            sums.append(sums[-1] + int(count(members).sum()))
        totals = np.array(sums, np.int64)
        if identity is not None:
            if len(_known) >= _MOST_KNOWN:
                _known.clear()
            _known[identity] = totals
    if not totals[-1]:
        raise ValueError("per_parent gives no row to any parent")
    if totals[-1] > MOST_ROWS:
        raise ValueError(f"per_parent makes {int(totals[-1]):,} rows, and {MOST_ROWS:,} is the limit")
    return Brood(count, parents, totals, rows or int(totals[-1]))


@dataclass(slots=True, eq=False)
class Link:
    """A foreign key. `brood` is set where the rows are made per parent; otherwise each row picks a parent at random.

    `open_rows` gives rows of the parent table. Those opened last are kept, as are the parents found last, since every
    column that follows the link asks for the same rows again.
    """

    table: str
    column: str
    parent: TablePlan
    seed: int
    open_rows: OpenRows
    brood: Brood | None = None
    _last: tuple[tuple[int, int], Whole, Family | None] | None = field(default=None, repr=False)
    _opened: tuple[Whole, ParentRows, Whole] | None = field(default=None, repr=False)

    def find_parents(self, rows: Whole) -> tuple[Whole, Family | None]:
        """The parent row of each of the rising `rows`, and with `per_parent` their families."""
        span = (int(rows[0]), int(rows[-1])) if len(rows) else (0, -1)
        whole = span[1] - span[0] + 1 == len(rows)
        last = self._last
        if whole and last is not None and last[0] == span:
            return last[1], last[2]
        found = self._locate(rows)
        if whole:
            self._last = (span, *found)
        return found

    def read(self, rows: Whole, column: str) -> Values:
        """The values that a column of the parent table has in the rows that `rows` refer to."""
        opened, back = self._open(rows)
        return opened.make(column).take(back)

    def find_kept(self, rows: Whole) -> NDArray[np.bool_] | None:
        """Whether the parent of each row is in the dataset; None where all parents are."""
        if not self.parent.rejects:
            return None
        opened, back = self._open(rows)
        return np.asarray(opened.kept[back])

    def _open(self, rows: Whole) -> tuple[ParentRows, Whole]:
        """The rows of the parent table that `rows` refer to, each once, and the place of each row's among them."""
        parents, _ = self.find_parents(rows)
        last = self._opened
        if last is not None and last[0] is parents:
            return last[1], last[2]
        different, back = np.unique(parents, return_inverse=True)
        opened = self.open_rows(self.parent, different)
        self._opened = (parents, opened, back)
        return opened, back

    def _locate(self, rows: Whole) -> tuple[Whole, Family | None]:
        if not len(rows):
            return np.empty(0, np.int64), None
        if self.brood is not None:
            return self.brood.find(rows)
        return self._pick(rows), None

    def _pick(self, rows: Whole) -> Whole:
        """A parent at random for each row; one that is not in the dataset is replaced by another try."""
        parents = self._draw(rows, 0)
        if not self.parent.rejects:
            return parents
        open_rows = np.arange(len(rows))
        for attempt in range(1, _MAX_TRIES + 1):
            different, back = np.unique(parents[open_rows], return_inverse=True)
            open_rows = open_rows[~self.open_rows(self.parent, different).kept[back]]
            if not len(open_rows):
                break
            parents[open_rows] = self._draw(rows[open_rows], attempt)
        return parents

    def _draw(self, rows: Whole, attempt: int) -> Whole:
        draws = Draws(self.seed, self.table, self.column, rows, attempt=attempt)
        picked = (draws.uniform("parent") * self.parent.rows).astype(np.int64)
        return np.minimum(picked, self.parent.rows - 1)


def make_counter(
    maker: Maker | int, needs: list[str], table: str, column: str, parent: TablePlan, seed: int, open_rows: OpenRows
) -> Callable[[Whole], Whole]:
    """The number of rows for each of some parent rows, from a constant or a sampler; null and negative are none."""

    def count(parents: Whole) -> Whole:
        if isinstance(maker, int):
            return np.full(len(parents), maker, np.int64)
        inputs: Row = {}
        if needs:
            opened = open_rows(parent, parents)
            inputs = {need: opened.make(need) for need in needs}
        values = maker.values(Draws(seed, table, column, parents, branch="per parent"), inputs)
        numbers = np.maximum(values.data.astype(np.int64), 0)
        return numbers if values.valid is None else np.where(values.valid, numbers, 0)

    return count
