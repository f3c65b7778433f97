"""Texts as numbers: a hash per word or letter, and one per run of neighbouring words, for many texts at once.

All texts lie one behind the other in one array, so that a comparison of 50,000 of them is a few passes of NumPy. Two
different words among a million share a hash with a chance below one in ten million.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
_DIGITS = re.compile(r"\d+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Sequences:
    """The items of text i are `flat[starts[i]:starts[i + 1]]`: shapes (items,) of uint64 and (texts + 1,) of int64."""

    flat: NDArray[np.uint64]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many items each text has."""
        return np.diff(self.starts)

    def find_owners(self) -> NDArray[np.int64]:
        """The number of the text that each item belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)


def split_words(text: str, *, digits: bool = True) -> list[str]:
    """The words of a text in lower case, without punctuation. Where not `digits`, all runs of digits are alike."""
    plain = text.casefold()
    return _WORD.findall(plain if digits else _DIGITS.sub("0", plain))


def hash_words(words: Sequence[Sequence[str]]) -> Sequences:
    """Hash the words of each text."""
    return _join([word for each in words for word in each], [len(each) for each in words])


def hash_letters(texts: Sequence[str]) -> Sequences:
    """The code points of each text."""
    joined = _SURROGATES.sub("?", "".join(texts)).encode("utf-32-le")
    return Sequences(
        _mix(np.frombuffer(joined, np.uint32).astype(np.uint64)), _find_starts([len(text) for text in texts])
    )


def roll(items: Sequences, width: int) -> Sequences:
    """A hash for each run of `width` neighbouring items of one text; a text of fewer has none. The order counts."""
    count = max(len(items.flat) - width + 1, 0)
    rolled = np.zeros(count, np.uint64)
    for place in range(width):
        rolled = rolled * _FACTOR + items.flat[place : place + count]
    ends = np.repeat(items.starts[1:], items.lengths)[:count]
    whole = np.arange(width, width + count) <= ends
    return Sequences(_mix(rolled[whole]), _find_starts(np.maximum(items.lengths - width + 1, 0)))


def _join(flat: list[str], lengths: Sequence[int]) -> Sequences:
    from pandas.util import hash_array

    # One object array of unique words is hashed; pandas finds the unique ones first.
    plain = np.array([_SURROGATES.sub("?", word) if not word.isascii() else word for word in flat], object)
    hashed = np.asarray(hash_array(plain, categorize=True), np.uint64) if flat else np.zeros(0, np.uint64)
    return Sequences(hashed, _find_starts(lengths))


def _find_starts(lengths: Iterable[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = np.fromiter(lengths, np.int64) if not isinstance(lengths, np.ndarray) else lengths
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of 64-bit numbers (the finalizer of SplitMix64: Steele, Lea, Flood, 2014)."""
    mixed = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return result
