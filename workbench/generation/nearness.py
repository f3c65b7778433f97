"""`near_unique`: a text too much like the one of an earlier row is drawn again, and at last its row is left out.

Row by row, the first of its attempts that is near no earlier kept text is taken, so the rows are the same in any
blocks. Models are faster in batches: rows are decided ahead, all attempts that they need are asked for at once, and
what was decided behind the first open row is decided again with them. A null, which is what a row without an answer
has, is near nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.calls.asking import ask
from workbench.calls.failures import Place
from workbench.calls.session import Model, Session
from workbench.columns.embedding import read_vector
from workbench.columns.generated import spread
from workbench.columns.values import Values
from workbench.generation.uniqueness import Redraw, SeenRows, Settled
from workbench.likeness.shingles import ShingleIndex
from workbench.likeness.vectors import VectorIndex, scale_vector
from workbench.providers.requests import EmbeddingRequest

Read = Callable[[Sequence[str], NDArray[np.int64]], Sequence[Any]]
"""Turns the texts of some rows into what the index takes, None where that is not known."""

_TRIES = 2


class Index(Protocol):
    """Items that were kept, in order."""

    def __len__(self) -> int:
        """How many there are."""

    def has_near(self, item: Any) -> bool:
        """Whether one of them is too much like `item`."""

    def add(self, item: Any) -> None:
        """Keep an item."""

    def shorten(self, count: int) -> None:
        """Forget all but the first `count`."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """A column whose texts are to differ: no two with a similarity above `limit`. `model` makes vectors, if any."""

    table: str
    column: str
    text: str
    measure: Literal["ngram", "embedding"]
    limit: float
    redraws: int
    session: Session
    model: Model | None = None
    kept: ClassVar[str] = "draws near duplicates again, then leaves them out"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    def start(self) -> SeenTexts:
        """No text seen yet."""
        if self.model is not None:
            return SeenTexts(self, VectorIndex(self.limit), partial(_read_vectors, self, self.model))
        index = ShingleIndex(self.limit)
        return SeenTexts(self, index, lambda texts, rows: [index.read(text) for text in texts])


@dataclass(slots=True)
class SeenTexts(SeenRows):
    """The texts that were kept so far."""

    rule: Nearness
    index: Index
    read: Read

    def settle(self, columns: Mapping[str, Values], rows: NDArray[np.int64], redraw: Redraw) -> Settled:
        """The rows stay that have an attempt near no earlier text."""
        tries = _Tries(columns[self.rule.column], rows, redraw, self.read)
        first, chosen = 0, np.zeros(len(rows), np.int64)
        while first < len(rows):
            wanted: dict[int, int] = {}
            sure, kept_sure = len(rows), 0
            for position in range(first, len(rows)):
                attempt = self._choose(tries, position)
                if attempt is None:
                    if not wanted:
                        sure, kept_sure = position, len(self.index)
                    wanted[position] = tries.count(position)
                    continue
                chosen[position] = attempt
                item = None if attempt < 0 else tries.find(position, attempt)
                if item is not None:
                    self.index.add(item)
            if wanted:
                self.index.shorten(kept_sure)
                tries.draw(wanted)
            first = sure
        redrawn = int(np.count_nonzero(chosen)) if self.rule.redraws else 0
        return Settled(chosen >= 0, chosen > 0, tries.take(chosen), redrawn)

    def _choose(self, tries: _Tries, position: int) -> int | None:
        """The attempt of a row that is taken, -1 where all are too near, None where the next is not drawn yet."""
        for attempt in range(tries.count(position)):
            item = tries.find(position, attempt)
            if item is None or not self.index.has_near(item):
                return attempt
        return -1 if tries.count(position) > self.rule.redraws else None


@dataclass(slots=True)
class _Tries:
    """What each attempt of each row gave, as values and as the index takes it."""

    values: Values
    rows: NDArray[np.int64]
    redraw: Redraw
    read: Read
    items: list[list[Any]] = field(default_factory=list)
    drawn: list[list[str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.items = [[item] for item in self._read(self.values, np.arange(len(self.rows)))]
        self.drawn = [[] for _ in self.items]

    def count(self, position: int) -> int:
        """How many attempts of a row are there."""
        return len(self.items[position])

    def find(self, position: int, attempt: int) -> Any:
        """An attempt as the index takes it, None for a null."""
        return self.items[position][attempt]

    def draw(self, wanted: Mapping[int, int]) -> None:
        """Make the attempt that is wanted of each row."""
        for attempt in sorted(set(wanted.values())):
            positions = np.array([place for place, number in wanted.items() if number == attempt], np.int64)
            values = self.redraw(positions, attempt)
            found = zip(positions.tolist(), values.to_list(), self._read(values, positions), strict=True)
            for place, text, item in found:
                self.items[place].append(item)
                self.drawn[place].append(text)

    def take(self, chosen: NDArray[np.int64]) -> Values:
        """The values with the attempt that was chosen of each row."""
        again = np.flatnonzero(chosen > 0)
        texts = [self.drawn[place][chosen[place] - 1] for place in again.tolist()]
        return self.values.overlay(again, spread(texts)) if texts else self.values

    def _read(self, values: Values, positions: NDArray[np.int64]) -> list[Any]:
        known = np.arange(len(values)) if values.valid is None else np.flatnonzero(values.valid)
        items: list[Any] = [None] * len(values)
        texts = values.data[known].tolist()
        for place, item in zip(known.tolist(), self.read(texts, self.rows[positions[known]]), strict=True):
            items[place] = item
        return items


def _read_vectors(rule: Nearness, model: Model, texts: Sequence[str], rows: NDArray[np.int64]) -> list[Any]:
    """The vectors of the texts, None for an empty text and where the model gave none."""
    place = Place(rule.table, f"vector of {rule.column}")
    full = [position for position, text in enumerate(texts) if text.strip()]
    requests = [EmbeddingRequest(texts[position]) for position in full]
    vectors = ask(rule.session, model, place, rows[full].tolist(), requests, [read_vector] * len(full), _TRIES)
    items: list[Any] = [None] * len(texts)
    for position, vector in zip(full, vectors, strict=True):
        items[position] = None if vector is None else scale_vector(vector)
    return items
