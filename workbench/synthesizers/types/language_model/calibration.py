"""Shares as they are: offsets to a model's scores, so that on average it gives each choice its real share.

A model that is trained to the end has the shares about right, one that stopped early misses those of rare levels. What
is put right is the mean of its probabilities over many rows, not what was drawn, which would be far noisier.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST_ROWS = 200
"""Rows that offsets are measured on at least."""

FLOOR = 1e-7
"""A share of nothing could only be had by an infinite offset."""

_ROUNDS = 60
_NEAR = 1e-5


def fit_offsets(scores: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Offsets (choices,) so that the mean of softmax(scores + offsets) over the rows is `shares`.

    `scores` has the shape (rows, choices); choices whose share is 0 are all but closed. Each round multiplies by the
    ratio of what is wanted to what there is (iterative proportional fitting: Deming and Stephan, 1940).
    """
    wanted = np.maximum(shares, FLOOR)
    wanted = wanted / wanted.sum()
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    factors = np.ones(len(wanted))
    for _ in range(_ROUNDS):
        weighed = chances * factors
        mean = (weighed / weighed.sum(axis=1, keepdims=True)).mean(axis=0)
        factors *= wanted / np.maximum(mean, 1e-30)
        if np.abs(mean / wanted - 1).max() < _NEAR:
            break
    offsets = np.log(factors)
    return np.asarray(offsets - offsets.max())


def choose(scores: NDArray[np.float64], uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each row a choice by its scores (rows, choices), the inverse of the cumulative distribution at `uniforms`."""
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    sums = np.cumsum(chances, axis=1)
    found = (sums <= uniforms[:, None] * sums[:, -1:]).sum(axis=1)
    last = chances.shape[1] - 1 - np.argmax(chances[:, ::-1] > 0, axis=1)
    return np.asarray(np.minimum(found, last), np.int64)


def spread_uniforms(generator: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
    """Uniform numbers (rows, columns), each column's spread evenly over 0 to 1 and shuffled.

    A Latin hypercube (McKay, Beckman and Conover, 1979): what is drawn by it keeps its shares in every chunk.
    """
    places = generator.permuted(np.tile(np.arange(rows, dtype=np.float64), (columns, 1)), axis=1)
    return ((places + generator.random((columns, rows))) / rows).T.copy()


def choose_evenly(
    scores: NDArray[np.float64], uniforms: NDArray[np.float64], shifts: NDArray[np.float64]
) -> NDArray[np.int64]:
    """As `choose`, but each choice falls on as many rows as the sum of its chances says, up to one or two.

    Every row still has exactly its own chances. The choices are taken one after the other, the rarest first, each from
    the rows that are left by systematic sampling (Madow, 1949): the rows in random order, by `uniforms` (rows,), each
    as long as its chance, hit at every whole number from the choice's place in `shifts` (choices,) on.
    """
    order = np.argsort(uniforms, kind="stable")
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))[order]
    chances /= chances.sum(axis=1, keepdims=True)
    found = np.zeros(len(scores), np.int64)
    left = np.arange(len(scores))
    rest = np.ones(len(scores))
    sums = chances.sum(axis=0)
    ranked = [choice for choice in np.argsort(sums, kind="stable").tolist() if sums[choice] > 0]
    for choice in ranked[:-1]:
        share = np.minimum(chances[left, choice] / np.maximum(rest[left], 1e-12), 1.0)
        ends = np.floor(np.cumsum(share) + shifts[choice])
        hit = np.diff(ends, prepend=0.0) > 0
        found[left[hit]] = choice
        rest[left] -= chances[left, choice]
        left = left[~hit]
    # What is left has the last choice, or in rounding's worst case the likeliest of those it has any chance of.
    found[left] = np.where(chances[left, ranked[-1]] > 0, ranked[-1], chances[left].argmax(axis=1))
    chosen = np.empty_like(found)
    chosen[order] = found
    return chosen
