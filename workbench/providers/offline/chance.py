"""The chance of one answer: a small generator started from the request, so that equal requests get equal answers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


class Chance:
    """SplitMix64 (Steele, Lea, Flood, 2014), started from a hash of the `names`."""

    def __init__(self, *names: object) -> None:
        digest = hashlib.blake2b("\x1f".join(map(str, names)).encode("utf-8", "replace"), digest_size=8).digest()
        self._state = int.from_bytes(digest, "little")

    def bits(self) -> int:
        """64 uniform bits."""
        self._state = (self._state + _GOLDEN) & _MASK
        word = self._state
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
        return word ^ (word >> 31)

    def below(self, count: int) -> int:
        """A whole number from 0 to `count` - 1."""
        return (self.bits() * count) >> 64

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number from `low` to just below `high`."""
        return low + (high - low) * ((self.bits() >> 11) * 2.0**-53)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.below(len(options))]

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different options, or all, in a random order."""
        left = list(options)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]
