"""Figures of how much texts differ from one another. Each depends on how many there are, so compare equal numbers.

- `distinct_n`: different runs of n words by all of them (Li, Galley, Brockett, Gao, Dolan: A Diversity-Promoting
  Objective Function, 2016), and `compression`, bytes by compressed bytes of the same words (Shaib, Barrow, Sun, Siu,
  Wallace, Nenkova: Standardizing the Measurement of Text Diversity, 2024): of a budget of words.
- `self_bleu`: BLEU-4 of each text against all others (Zhu, Lu, Zheng, Guo, Zhang, Wang, Yu: Texygen, 2018).
- `vendi`: how many texts as different as can be they stand for, exp of the entropy of the eigenvalues of K / n
  (Friedman, Dieng: The Vendi Score, 2023), K the cosines of TF-IDF vectors.
- `self_similarity`: the mean of these cosines over all pairs.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.likeness.ngrams import hash_words, roll, split_words

_ORDERS = (1, 2, 3, 4)
_NOUGHT = 0.1
"""What stands for no match of an order in BLEU, of which the logarithm is taken (Chen, Cherry, 2014, method 1)."""


def count_words(texts: Sequence[str]) -> int:
    """Words by gaps."""
    return sum(len(text.split()) for text in texts)


def measure_words(texts: Sequence[str], budget: int) -> dict[str, float | None]:
    """`distinct_1` to `distinct_3` and `compression` of the first `budget` words; None where there is no such run."""
    kept, lines = list[list[str]](), list[str]()
    for text in texts:
        words = text.split()[:budget]
        budget -= len(words)
        kept.append([word.casefold() for word in words])
        lines.append(" ".join(words))
        if not budget:
            break
    items = hash_words(kept)
    figures: dict[str, float | None] = {}
    for order in (1, 2, 3):
        runs = roll(items, order).flat
        figures[f"distinct_{order}"] = len(np.unique(runs)) / len(runs) if len(runs) else None
    written = "\n".join(lines).encode("utf-8", "replace")
    figures["compression"] = len(written) / len(zlib.compress(written, 9)) if written else None
    return figures


def measure_self_bleu(texts: Sequence[str]) -> float | None:
    """The mean BLEU-4 of each text against the others, 0 to 1, digits alike; None below two texts."""
    if len(texts) < 2:
        return None
    items = hash_words([split_words(text, digits=False) for text in texts])
    total = np.zeros(len(items))
    for order in _ORDERS:
        runs = roll(items, order)
        grams, codes = np.unique(runs.flat, return_inverse=True)
        counts = np.zeros((len(items), max(len(grams), 2)), np.float32)
        np.add.at(counts, (runs.find_owners(), codes), 1)
        top = np.sort(counts, axis=0)[-2:]
        # What the others hold at most: the largest count, the second largest where the text itself holds the largest.
        others = np.where(counts == top[1], top[0], top[1])
        matched = np.minimum(counts, others).sum(axis=1)
        total += np.log(np.maximum(matched, _NOUGHT) / np.maximum(counts.sum(axis=1), 1)) / len(_ORDERS)
    return float(np.minimum(np.exp(total), 1).mean())


def measure_kernel(texts: Sequence[str]) -> tuple[float | None, float | None]:
    """`vendi` and `self_similarity`; None for both below two texts."""
    if len(texts) < 2:
        return None, None
    vectors = weigh_words(texts)[0]
    kernel = np.asarray((vectors @ vectors.T).todense(), np.float64)
    empty = np.flatnonzero(np.diag(kernel) == 0)  # a text without words is like nothing but itself
    kernel[empty, empty] = 1
    values = np.linalg.eigvalsh(kernel / len(texts))
    values = values[values > 1e-12]
    vendi = float(np.exp(-(values * np.log(values)).sum()))
    return vendi, float((kernel.sum() - np.trace(kernel)) / (len(texts) * (len(texts) - 1)))


def weigh_words(texts: Sequence[str], *others: Sequence[str]) -> list[Any]:
    """TF-IDF vectors of length 1, one sparse matrix a list; words are weighed over all texts, digits are alike."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

    lists = [texts, *others]
    together = [text for each in lists for text in each]
    try:
        vectors = TfidfVectorizer(analyzer=partial(split_words, digits=False), dtype=np.float64).fit_transform(together)
    except ValueError:  # not one word in all of them
        vectors = csr_matrix((len(together), 1))
    ends = np.cumsum([0, *map(len, lists)])
    return [vectors[start:end] for start, end in pairwise(ends)]


def find_closest(vectors: Any, others: Any) -> NDArray[np.float64]:
    """The largest cosine of each vector of length 1 to one of the others, sparse or dense alike; 0 where all differ."""
    closest = np.zeros(vectors.shape[0])
    for start in range(0, vectors.shape[0], 512):
        cosines = vectors[start : start + 512] @ others.T
        if hasattr(cosines, "toarray"):
            cosines = cosines.toarray()
        if cosines.shape[1]:
            closest[start : start + 512] = np.asarray(cosines).max(axis=1)
    return closest
