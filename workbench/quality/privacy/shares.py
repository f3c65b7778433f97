"""The distance share: how many synthetic rows are nearer to a training row than to any of as many holdout rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PERMUTATIONS = 10_000
_SAME = 1e-6
"""Distances of 32 bits that differ by less are equal."""


@dataclass(frozen=True, slots=True)
class Share:
    """`value` is mean[d_train < d_holdout] + mean[equal] / 2; `sd` and `p` are from permutations of the labels."""

    value: float
    sd: float
    p: float


def measure_share(
    train: tuple[NDArray[np.float32], NDArray[np.int64]],
    holdout: tuple[NDArray[np.float32], NDArray[np.int64]],
    equal: int,
    generator: np.random.Generator,
) -> Share:
    """`train` and `holdout` are distances and numbers of the nearest of `equal` rows of each, shape (rows, 1).

    The test: with w_i the share of synthetic rows whose nearest real row of both sides is i, the figure is the sum of
    w over training rows. Were nothing learned, any half of the real rows might have been the training rows. So the
    labels are permuted; the binomial spread would be far too small, as one real row is near to many synthetic ones.
    Rows of the same weight are alike, so a permutation is one multivariate hypergeometric draw.
    """
    near, far = train[0][:, 0], holdout[0][:, 0]
    ties = np.abs(near - far) <= _SAME
    value = float(np.where(ties, 0.5, near < far).mean())
    in_train = np.where(ties, generator.random(len(near)) < 0.5, near < far)
    nearest = np.where(in_train, train[1][:, 0], holdout[1][:, 0] + equal)
    weights = np.bincount(nearest, minlength=2 * equal)
    sizes, kinds = np.unique(weights, return_counts=True)
    drawn = generator.multivariate_hypergeometric(kinds, equal, _PERMUTATIONS, method="marginals") @ sizes
    permuted = drawn / len(near)
    p = (1 + int((permuted >= value - 1e-12).sum())) / (1 + _PERMUTATIONS)
    return Share(value, float(permuted.std()), p)
