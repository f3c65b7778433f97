"""What a pattern is made of. Each node knows how long its texts are and how many ways there are to make one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Chars:
    """One of the characters, which are distinct and in rising order."""

    characters: str

    @property
    def lengths(self) -> tuple[int, int]:
        """Fewest and most characters of a text."""
        return 1, 1

    @property
    def slots(self) -> int:
        """Places for characters with all repetitions written out; a branch not taken leaves its places empty."""
        return 1

    @property
    def work(self) -> int:
        """Steps to draw a text; more than `slots` where groups are empty."""
        return 1

    @property
    def count(self) -> int:
        """In how many ways a text can be made."""
        return len(self.characters)


@dataclass(frozen=True)
class Joined:
    """The parts one after the other."""

    parts: tuple[Node, ...]

    @cached_property
    def lengths(self) -> tuple[int, int]:
        """As of Chars."""
        return sum(part.lengths[0] for part in self.parts), sum(part.lengths[1] for part in self.parts)

    @cached_property
    def slots(self) -> int:
        """As of Chars."""
        return sum(part.slots for part in self.parts)

    @cached_property
    def work(self) -> int:
        """As of Chars."""
        return 1 + sum(part.work for part in self.parts)

    @cached_property
    def count(self) -> int:
        """As of Chars."""
        return math.prod(part.count for part in self.parts)


@dataclass(frozen=True)
class Choice:
    """One of the branches."""

    branches: tuple[Node, ...]

    @cached_property
    def lengths(self) -> tuple[int, int]:
        """As of Chars."""
        return min(each.lengths[0] for each in self.branches), max(each.lengths[1] for each in self.branches)

    @cached_property
    def slots(self) -> int:
        """As of Chars."""
        return sum(each.slots for each in self.branches)

    @cached_property
    def work(self) -> int:
        """As of Chars."""
        return 1 + sum(each.work for each in self.branches)

    @cached_property
    def count(self) -> int:
        """As of Chars."""
        return sum(each.count for each in self.branches)


@dataclass(frozen=True)
class Repeat:
    """The part from `low` to `high` times, each time made anew."""

    part: Node
    low: int
    high: int

    @cached_property
    def lengths(self) -> tuple[int, int]:
        """As of Chars."""
        return self.low * self.part.lengths[0], self.high * self.part.lengths[1]

    @cached_property
    def slots(self) -> int:
        """As of Chars."""
        return self.high * self.part.slots

    @cached_property
    def work(self) -> int:
        """As of Chars."""
        return 1 + self.high * self.part.work

    @cached_property
    def counts(self) -> Sequence[int]:
        """In how many ways a text of `low`, `low` + 1, … `high` parts can be made."""
        counts = [self.part.count**self.low]
        for _ in range(self.high - self.low):
            counts.append(counts[-1] * self.part.count)
        return counts

    @cached_property
    def count(self) -> int:
        """As of Chars."""
        return sum(self.counts)


Node = Chars | Joined | Choice | Repeat
