"""Families of near duplicates among very many texts, or rows, by MinHash and banding; each match is then verified.

MinHash (Broder: On the Resemblance and Containment of Documents, 1997): the share of hash functions whose smallest
value over two sets agrees estimates their Jaccard similarity. Signatures of 112 hashes are cut into 14 bands of 8; sets
that agree in one band are compared exactly. These are the figures of FineWeb (Penedo et al., 2024): a pair of
similarity 0.75 is found with 77 %, one of 0.85 with 99 %.

A set is made of 5-word shingles, as there. These tell nothing about short texts, where one other word ends five of
them: texts below 60 words are sets of word pairs, those below 10 words of 4-letter shingles. Digits count as one, since
texts of one template often differ by numbers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.likeness.ngrams import Sequences, hash_letters, hash_words, roll, split_words

SIMILARITY = 0.75
HASHES = 112
BANDS = 14

_LONG = 60
_SHORT = 10
_CHUNK = 1 << 15
"""Items whose hashes are worked on at once: they stay in the processor's cache."""
_PAIRS = 1 << 18

Labels = NDArray[np.int64]


def find_families(texts: Sequence[str], similarity: float = SIMILARITY) -> Labels:
    """For each text the place of the first text of its family, shape (texts,); texts without a word stand alone.

    A family is what is connected by pairs of at least that Jaccard similarity.
    """
    import pandas as pd

    words = [split_words(text, digits=False) for text in texts]
    codes, plain = pd.factorize(np.array([" ".join(each) for each in words], object))
    firsts = np.full(len(plain), len(texts), np.int64)
    np.minimum.at(firsts, codes, np.arange(len(texts)))
    families = find_set_families(cut_shingles([words[first] for first in firsts.tolist()]), similarity)
    labels: Labels = firsts[families][codes] if len(texts) else np.zeros(0, np.int64)
    wordless = np.array([not each for each in words], np.bool_)
    return np.where(wordless, np.arange(len(texts)), labels)


def cut_shingles(words: Sequence[Sequence[str]]) -> Sequences:
    """The shingles of texts of these words, by their number of words: see the head of this module."""
    sizes = np.array([len(each) for each in words], np.int64)
    owners, items = list[Labels](), list[NDArray[np.uint64]]()
    for low, high in ((1, _SHORT), (_SHORT, _LONG), (_LONG, np.iinfo(np.int64).max)):
        places = np.flatnonzero((sizes >= low) & (sizes < high))
        chosen = [words[place] for place in places.tolist()]
        if low == 1:
            shingles = roll(hash_letters([f" {' '.join(each)} ".ljust(4) for each in chosen]), 4)
        else:
            shingles = roll(hash_words(chosen), 2 if low == _SHORT else 5)
        owners.append(np.repeat(places, shingles.lengths))
        items.append(shingles.flat)
    owner, flat = np.concatenate(owners), np.concatenate(items)
    order = np.argsort(owner, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(sizes)))]).astype(np.int64)
    return Sequences(flat[order], starts)


def find_set_families(sets: Sequences, similarity: float = SIMILARITY) -> Labels:
    """For each set of numbers the place of the first set of its family; empty sets stand alone."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    full = np.flatnonzero(sets.lengths)
    labels = np.arange(len(sets))
    if len(full) < 2:
        return labels
    held = _make_matrix(sets)
    signatures = _sign(sets, full)
    width = HASHES // BANDS
    edges: list[NDArray[np.int64]] = []
    groups = np.arange(len(sets))
    for band in range(BANDS):
        pairs = full[_find_pairs(signatures[:, band * width : (band + 1) * width])]
        pairs = pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]
        if not len(pairs):
            continue
        edges.append(pairs[_measure_pairs(held, pairs) >= similarity])
        joined = np.concatenate(edges)
        graph = csr_matrix((np.ones(len(joined), np.int8), joined.T), shape=(len(sets), len(sets)))
        groups = connected_components(graph, directed=False)[1]
    first = np.full(int(groups.max()) + 1, len(sets), np.int64)
    np.minimum.at(first, groups, labels)
    result: Labels = first[groups]
    return result


def find_repeats(labels: Labels) -> Labels:
    """The places of those that are near an earlier one."""
    return np.flatnonzero(labels != np.arange(len(labels)))


def find_largest(labels: Labels) -> Labels:
    """The places of the largest family's members."""
    if not len(labels):
        return labels
    return np.flatnonzero(labels == np.bincount(labels).argmax())


def _sign(sets: Sequences, full: Labels) -> NDArray[np.uint32]:
    """The smallest value of each hash function over each set that is not empty, shape (sets, HASHES)."""
    generator = np.random.Generator(np.random.Philox(1997))
    factors = generator.integers(0, 1 << 63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    shifts = generator.integers(0, 1 << 63, HASHES, dtype=np.uint64)
    starts = sets.starts[full]
    signatures = np.empty((len(full), HASHES), np.uint32)
    begin = 0
    while begin < len(full):
        end = max(begin + 1, int(np.searchsorted(starts, starts[begin] + _CHUNK)))
        stop = starts[end] if end < len(full) else len(sets.flat)
        items, own = sets.flat[starts[begin] : stop], starts[begin:end] - starts[begin]
        for number in range(HASHES):
            hashed = ((items * factors[number] + shifts[number]) >> np.uint64(32)).astype(np.uint32)
            signatures[begin:end, number] = np.minimum.reduceat(hashed, own)
        begin = end
    return signatures


def _find_pairs(band: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Pairs worth comparing, shape (pairs, 2): each set with the first one that agrees in the band, and the last."""
    keys = np.zeros(len(band), np.uint64)
    for column in band.T:
        keys = keys * np.uint64(0x100000001B3) ^ column
    order = np.argsort(keys, kind="stable")
    same = keys[order][1:] == keys[order][:-1]
    begins = np.flatnonzero(np.concatenate([[True], ~same]))
    first = np.repeat(begins, np.diff(np.append(begins, len(keys))))
    later = np.flatnonzero(same) + 1
    beside = np.stack([order[later - 1], order[later]], axis=1)
    heads = np.stack([order[first[later]], order[later]], axis=1)[first[later] != later - 1]
    return np.concatenate([beside, heads])


def _make_matrix(sets: Sequences) -> Any:
    """Which set holds which item, as a sparse matrix of ones."""
    import pandas as pd
    from scipy.sparse import csr_matrix

    codes, items = pd.factorize(sets.flat)
    shape = (len(sets), max(len(items), 1))
    held = csr_matrix((np.ones(len(codes), np.int32), codes, sets.starts), shape=shape)
    held.sum_duplicates()
    held.data[:] = 1
    return held


def _measure_pairs(held: Any, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """The Jaccard similarity of each pair."""
    sizes = np.diff(held.indptr)
    shared = np.empty(len(pairs), np.float64)
    for start in range(0, len(pairs), _PAIRS):
        chunk = pairs[start : start + _PAIRS]
        both = held[chunk[:, 0]].multiply(held[chunk[:, 1]])
        shared[start : start + _PAIRS] = np.asarray(both.sum(axis=1)).ravel()
    return np.asarray(shared / (sizes[pairs[:, 0]] + sizes[pairs[:, 1]] - shared))
