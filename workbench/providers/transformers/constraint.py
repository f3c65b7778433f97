"""One answer on its way through a schema: which tokens may come next, and how to reach the end before the limit.

A model that rambles inside a string would be cut off in the middle of a record, and a cut record is worth nothing. So
when as many tokens are left as the shortest end may need, strings end where they may, lists and objects close where
they may, and the model still chooses all that the schema leaves open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHECKED_EVERY = 8
_MOST_STEPS = 400
_MARGIN = 1.25
"""The model may take other tokens than the count of the shortest end did."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The tokens that are exactly a quotation mark, the two closing brackets, a comma, and a letter."""

    quote: int
    brackets: tuple[int, int]
    comma: int
    letter: int


class Constraint:
    """`matcher` is llguidance's, fresh. Without `marks` an answer is not led to its end."""

    def __init__(self, matcher: Any, marks: Marks | None, shortest: int | None = None) -> None:
        self._matcher = matcher
        self._marks = marks
        self._shortest = shortest if shortest is not None else self._count_to_end()
        self._consumed = 0
        self.is_closing = False

    def copy(self) -> Constraint:
        """The same for another answer; only before anything was consumed."""
        return Constraint(self._matcher.deep_copy(), self._marks, self._shortest)

    @property
    def fault(self) -> str:
        """Why the schema cannot be followed any further; empty while it can."""
        return str(self._matcher.get_error())

    @property
    def is_complete(self) -> bool:
        """Whether the value is whole: nothing but the end could follow."""
        return bool(self._matcher.is_stopped())

    def pack_allowed(self, count: int) -> NDArray[np.uint8]:
        """The tokens that may come next as `count` bytes, a bit for each word, the lowest bit first."""
        packed = _compute(self._matcher, count)
        if not packed.any():  # no value can be valid: whatever comes next shows why
            return ~packed
        return _narrow(packed, self._marks) if self.is_closing and self._marks is not None else packed

    def consume(self, token: int, left: int) -> None:
        """Go on with a token; `left` more may follow."""
        self._matcher.consume_token(token)
        self._consumed += 1
        if self._marks is None or self.is_closing or self._consumed % _CHECKED_EVERY:
            return
        # While there is much room it is cheaper to hope.
        if left <= max(self._consumed, 2 * self._shortest) and not self.is_complete:
            self.is_closing = left <= _MARGIN * self._count_to_end() + _CHECKED_EVERY

    def _count_to_end(self) -> int:
        """The tokens of an end made by taking the first token that may come. First ones are single characters mostly,
        so that a model needs fewer.
        """
        if self._marks is None:
            return 0
        matcher = self._matcher.deep_copy()
        for step in range(_MOST_STEPS):
            if matcher.is_stopped():
                return step
            packed = _narrow(_compute(matcher, None), self._marks)
            if not packed.any():
                return step
            place = int(np.flatnonzero(packed)[0])
            byte = int(packed[place])
            matcher.consume_token(place * 8 + (byte & -byte).bit_length() - 1)
        return _MOST_STEPS


def _compute(matcher: Any, count: int | None) -> NDArray[np.uint8]:
    return np.frombuffer(matcher.compute_bitmask(), np.uint8)[:count].copy()


def _narrow(packed: NDArray[np.uint8], marks: Marks) -> NDArray[np.uint8]:
    """Keep what ends a string, else, outside of strings, what closes a bracket, else a comma, else all.

    A letter may come next in a string alone, or in a word such as true, where no bracket may.
    """
    if _allows(packed, marks.quote):
        return _keep(packed, marks.quote)
    if _allows(packed, marks.letter):
        return packed
    for token in (*marks.brackets, marks.comma):
        if _allows(packed, token):
            return _keep(packed, token)
    return packed


def _allows(packed: NDArray[np.uint8], token: int) -> bool:
    return bool(packed[token >> 3] >> (token & 7) & 1)


def _keep(packed: NDArray[np.uint8], token: int) -> NDArray[np.uint8]:
    packed[:] = 0
    packed[token >> 3] = 1 << (token & 7)
    return packed
