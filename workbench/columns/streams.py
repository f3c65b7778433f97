"""Chance by counter: what row i of a column draws depends on (seed, table, column, purpose, i) and on nothing else.

Each stream is Philox4x64-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011) under
a key hashed from its names, and row i takes word i of it: four words per counter, so the slice [a, b) starts at
counter a // 4. A column that needs several numbers per row uses several purposes, never a second word, so the stride
stays one. The number of a re-draw joins the key, so a rejected row's next try depends on no other row either.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Philox
from numpy.typing import NDArray

_WORDS_PER_COUNTER = 4
_SCHEME = b"workbench-1"  # changing how keys are made changes every dataset: then this changes too


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """For each row the first of the rows that have the same parent, and how many these are; both of shape (rows,).

    The rows of a family stand one after the other. In a table without a parent all rows are one family.
    """

    first: NDArray[np.int64]
    size: NDArray[np.int64]

    def take(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> Family:
        """The same for a part of the rows."""
        return Family(self.first[index], self.size[index])


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """The chance of one column for the rows `rows`, a rising int64 array of shape (rows,).

    `branch` names the scenario whose sampler draws ("" for the column's own), `attempt` counts re-draws from 0.
    `family` is None where it is not known: then each row stands alone.
    """

    seed: int
    table: str
    column: str
    rows: NDArray[np.int64]
    branch: str = ""
    attempt: int = 0
    family: Family | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def bits(self, purpose: str = "value") -> NDArray[np.uint64]:
        """64 uniform bits per row."""
        if not len(self.rows):
            return np.empty(0, np.uint64)
        start, stop = int(self.rows[0]), int(self.rows[-1]) + 1
        key = derive_key(self.seed, self.table, self.column, self.branch, purpose, self.attempt)
        if stop - start > _SPARSE * len(self.rows):
            return make_scattered_words(key, self.rows)
        words = _make_words(key, start, stop)
        return words if len(words) == len(self.rows) else words[self.rows - start]

    def uniform(self, purpose: str = "value") -> NDArray[np.float64]:
        """Uniform numbers strictly between 0 and 1, in steps of 2**-52, symmetric around one half."""
        numbers = (self.bits(purpose) >> np.uint64(12)).astype(np.float64)
        numbers += 0.5
        numbers *= 2.0**-52
        return numbers

    def select(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> Draws:
        """The same streams for a part of the rows."""
        return replace(self, rows=self.rows[index], family=None if self.family is None else self.family.take(index))


def derive_key(*names: object) -> NDArray[np.uint64]:
    """A 128-bit key, shape (2,), from the names of a stream. Names hold no control character, so joining is unique."""
    digest = hashlib.blake2b("\x1f".join(map(str, names)).encode(), digest_size=16, person=_SCHEME).digest()
    return np.frombuffer(digest, "<u8").astype(np.uint64)


def permute(rows: NDArray[np.int64], size: int, key: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where each of `rows` stands in a random order of range(size), chosen by `key`. Each row alone gives the same.

    A balanced Feistel network on the next even number of bits is a permutation; an image outside [0, size) is sent
    through again until it falls inside (cycle walking: Black and Rogaway, Ciphers with Arbitrary Finite Domains,
    2002), on average fewer than four times.
    """
    half = np.uint64(max(1, (max(1, (size - 1).bit_length()) + 1) // 2))
    mask = np.uint64((1 << int(half)) - 1)
    keys = _make_words(key, 0, _ROUNDS)
    images = rows.astype(np.uint64)
    open_rows = np.arange(len(images))
    while len(open_rows):
        images[open_rows] = _encipher(images[open_rows], half, mask, keys)
        open_rows = open_rows[images[open_rows] >= np.uint64(size)]
    return images.astype(np.int64)


_ROUNDS = 8

_SPARSE = 64
"""Of rows that lie further apart than this the words are computed one by one, not with all words between them."""

_MULTIPLIERS = (np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157))
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def make_scattered_words(key: NDArray[np.uint64], rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Word i of the stream `key` for each i of `rows`: Philox4x64-10 written out for an array of counters."""
    # numpy counts up before it makes its first four words.
    counter = [(rows // _WORDS_PER_COUNTER + 1).astype(np.uint64), *(np.zeros(len(rows), np.uint64) for _ in range(3))]
    keys = [int(part) for part in key]
    for _ in range(10):
        high_0, low_0 = _multiply(_MULTIPLIERS[0], counter[0])
        high_1, low_1 = _multiply(_MULTIPLIERS[1], counter[2])
        counter = [high_1 ^ counter[1] ^ np.uint64(keys[0]), low_1, high_0 ^ counter[3] ^ np.uint64(keys[1]), low_0]
        keys = [(part + step) & 0xFFFFFFFFFFFFFFFF for part, step in zip(keys, _WEYL, strict=True)]
    return np.choose(rows % _WORDS_PER_COUNTER, counter)


def _multiply(factor: np.uint64, words: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The upper and lower 64 bits of the 128-bit products."""
    factor_low, factor_high = factor & _LOW, factor >> _HALF
    word_low, word_high = words & _LOW, words >> _HALF
    low = factor_low * word_low
    middle = factor_high * word_low + (low >> _HALF)
    other = factor_low * word_high + (middle & _LOW)
    return factor_high * word_high + (middle >> _HALF) + (other >> _HALF), factor * words


def _make_words(key: NDArray[np.uint64], start: int, stop: int) -> NDArray[np.uint64]:
    first = start // _WORDS_PER_COUNTER
    skipped = start - first * _WORDS_PER_COUNTER
    words: NDArray[np.uint64] = Philox(key=key, counter=first).random_raw(stop - start + skipped)
    return words[skipped:]


def _encipher(
    values: NDArray[np.uint64], half: np.uint64, mask: np.uint64, keys: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    left, right = values >> half, values & mask
    for key in keys:
        left, right = right, left ^ (_mix(right ^ key) & mask)
    return (left << half) | right


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, 2014); its products wrap around on purpose."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
