"""Faker asked row by row: any of its methods, each row from a random state of its own.

Faker draws from a `random.Random`. Seeding that per row costs more than the name, so it is given one whose state is
a single number, taken from the row's own draws: the value of a row then depends on no other row.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from workbench.spec.problems import suggest

if TYPE_CHECKING:
    from faker import Generator

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_LOCK = Lock()


class RowRandom(random.Random):
    """SplitMix64 (Steele, Lea, Flood, 2014) as a `random.Random`: seeding is setting one number."""

    state = 0
    gauss_next: float | None = None

    def random(self) -> float:
        return (self._next() >> 11) * 2.0**-53

    def getrandbits(self, count: int, /) -> int:
        if count <= 64:
            return self._next() >> (64 - count) if count > 0 else 0
        bits = 0
        for _ in range(-(-count // 64)):
            bits = bits << 64 | self._next()
        return bits >> (-count % 64)

    def seed(self, *arguments: Any, **named: Any) -> None:
        """Faker seeds its generators; a row's state is set by its column alone."""

    def _next(self) -> int:
        self.state = state = (self.state + _GOLDEN) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return state ^ (state >> 31)


@lru_cache(maxsize=16)
def load_generator(locale: str) -> Generator:
    """Faker's generator of a locale, drawing from a `RowRandom`. Raises ValueError if there is no such locale."""
    from faker.config import AVAILABLE_LOCALES
    from faker.factory import Factory

    if locale not in AVAILABLE_LOCALES:
        raise ValueError(f"Faker has no locale “{locale}”. {suggest(locale, AVAILABLE_LOCALES)}".strip())
    generator: Generator = Factory.create(locale)
    generator.random = RowRandom()
    return generator


def call_rows(generator: Generator, call: Callable[..., Any], args: Mapping[str, Any], states: list[int]) -> list[Any]:
    """`call(**args)` once for each of `states`, 64 bits each, from which all that the call draws follows."""
    source = cast(RowRandom, generator.random)
    found = []
    with _LOCK:  # the columns of a locale share one generator
        for state in states:
            source.state = state
            source.gauss_next = None
            found.append(call(**args))
    return found


def probe(generator: Generator, call: Callable[..., Any], args: Mapping[str, Any], count: int) -> list[Any]:
    """What a call gives for `count` fixed states, to see of what type its values are."""
    return call_rows(generator, call, args, [state * _GOLDEN & _MASK for state in range(count)])
