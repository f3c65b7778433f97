"""Near duplicates by words and letters: the Jaccard similarity of the 3-character shingles of two texts.

Jaccard is |A ∩ B| / |A ∪ B| over the sets of shingles. Shingles of characters also work for texts of a few words, and
digits count as one, since texts of one template often differ by numbers alone.

The index is exact, unlike MinHash. Two sets of a Jaccard above t share one of their first |A| - ⌈t |A|⌉ + 1 shingles
under any common order (prefix filter: Bayardo, Ma, Srikant, Scaling Up All Pairs Similarity Search, 2007), so only
these are indexed, rarest first, and how many of them are shared tells most others apart unread (as in Xiao, Wang, Lin,
Yu: Efficient Similarity Joins for Near Duplicate Detection, 2008). A text of 300 characters takes some 1.5 kB.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Shingles = NDArray[np.uint32]

_SIZE = 3
_FIRST_ORDER = 256
_GROWTH = 4
_SLACK = 1e-9  # a product like 0.7 * 10 may lie a hair beside the whole number that is meant


def cut_shingles(text: str) -> set[str]:
    """The shingles of a text, of which there is at least one; case, digits and the width of gaps make no difference."""
    plain = " ".join(re.sub(r"\d+", "0", text.casefold()).split())
    padded = f" {plain} "
    return {padded[start : start + _SIZE] for start in range(max(len(padded) - _SIZE + 1, 1))}


def measure_jaccard(one: set[str], other: set[str]) -> float:
    """The share of all shingles of the two sets that are in both."""
    return len(one & other) / len(one | other)


class ShingleIndex:
    """Texts, and whether a new one has a similarity above `max_similarity` (0 to below 1) to one of them."""

    def __init__(self, max_similarity: float) -> None:
        self.max_similarity = max_similarity
        self._numbers: dict[str, int] = {}
        self._texts: list[Shingles] = []
        self._sizes = array("q")
        self._postings: dict[int, array[int]] = {}
        self._order: NDArray[np.int64] = np.empty(0, np.int64)
        self._reordered_at = _FIRST_ORDER

    def __len__(self) -> int:
        return len(self._texts)

    def read(self, text: str) -> Shingles:
        """A text as `has_near` and `add` take it."""
        numbers = self._numbers
        return np.array([numbers.setdefault(each, len(numbers)) for each in cut_shingles(text)], np.uint32)

    def has_near(self, shingles: Shingles) -> bool:
        """Whether one of the texts is more alike than allowed."""
        found = [self._postings[each] for each in self._find_prefix(shingles) if self._postings.get(each)]
        if not found:
            return False
        hits = np.bincount(np.concatenate([np.frombuffer(each, np.int64) for each in found]))
        near = np.flatnonzero(hits)
        size, limit = len(shingles), self.max_similarity
        sizes = np.frombuffer(self._sizes, np.int64)[near]
        # Whichever of the two prefixes ends first in the order, what both texts share of it was hit.
        behind = np.maximum(size - self._find_lengths(np.array(size)), sizes - self._find_lengths(sizes))
        fits = (hits[near] + behind) * (1 + limit) >= limit * (size + sizes) - _SLACK
        near, sizes = near[fits], sizes[fits]
        if not len(near):
            return False
        own = np.zeros(len(self._numbers), np.int64)
        own[shingles] = 1
        together = np.concatenate([self._texts[each] for each in near.tolist()])
        shared = np.add.reduceat(own[together], np.concatenate([[0], np.cumsum(sizes)[:-1]]))
        return bool((shared / (size + sizes - shared) > limit).any())

    def add(self, shingles: Shingles) -> None:
        """Add a text."""
        self._post(len(self._texts), shingles)
        self._texts.append(shingles)
        self._sizes.append(len(shingles))
        if len(self._texts) >= self._reordered_at:
            self._reorder()

    def shorten(self, count: int) -> None:
        """Forget all texts but the first `count`."""
        while len(self._texts) > count:
            for each in self._find_prefix(self._texts.pop()):
                self._postings[each].pop()
            self._sizes.pop()

    def _reorder(self) -> None:
        """Put rare shingles first again, after many texts came in. It changes the speed alone."""
        self._reordered_at = _GROWTH * len(self._texts)
        counts = np.bincount(np.concatenate(self._texts), minlength=len(self._numbers))
        self._order = np.empty(len(counts), np.int64)
        self._order[np.argsort(counts, kind="stable")] = np.arange(len(counts))
        self._postings.clear()
        for number, shingles in enumerate(self._texts):
            self._post(number, shingles)

    def _post(self, number: int, shingles: Shingles) -> None:
        for each in self._find_prefix(shingles):
            self._postings.setdefault(each, array("q")).append(number)

    def _find_prefix(self, shingles: Shingles) -> Iterable[int]:
        """The shingles of a text that are looked for; those met after the last ordering count as the rarest."""
        known = len(self._order)
        places = -1 - shingles.astype(np.int64)
        old = shingles < known
        places[old] = self._order[shingles[old]]
        chosen: list[int] = shingles[np.argsort(places)[: self._find_lengths(np.array(len(shingles)))]].tolist()
        return chosen

    def _find_lengths(self, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
        """How long the prefixes of texts with so many shingles are."""
        shared = np.ceil(self.max_similarity * sizes - _SLACK).astype(np.int64)
        lengths: NDArray[np.int64] = np.minimum(sizes, sizes - shared + 1)
        return lengths
