"""Latents given what is known of some of them: a point for a number, an interval for a level.

Rows differ in what is known, columns do not. The likelihood of what is known under each component comes from the
sequential simulator of Geweke, Hajivassiliou and Keane (GHK; Keane, 1994), which is exact where all are points or one
is an interval; sweeps of a Gibbs sampler over the intervals follow (Geweke, 1991; Robert, 1995). All randomness is an
argument, of a shape that does not depend on the known values, so that each row stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]

SWEEPS = 4
"""Gibbs sweeps after the start that GHK gives; only where two or more latents are known by intervals."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A correlation matrix cut into `known` axes, points first, and the `others`.

    `root` is the Cholesky factor of the known part, `precision` its inverse; the others are `weights` times the known
    latents plus `rest` times new ones.
    """

    root: Floats
    precision: Floats
    weights: Floats
    rest: Floats


def split_correlation(correlation: Floats, known: NDArray[np.int64], others: NDArray[np.int64]) -> Split:
    """Cut a correlation matrix, shape (axes, axes)."""
    inner = correlation[np.ix_(known, known)]
    root = np.linalg.cholesky(inner).astype(np.float64)
    precision = np.linalg.inv(inner).astype(np.float64)
    weights = correlation[np.ix_(others, known)] @ precision
    left = correlation[np.ix_(others, others)] - weights @ correlation[np.ix_(known, others)]
    rest = np.linalg.cholesky(left + 1e-9 * np.eye(len(others))).astype(np.float64)
    return Split(root, precision, weights, rest)


def start_latents(lower: Floats, upper: Floats, root: Floats, uniforms: Floats) -> tuple[Floats, Floats]:
    """Latents within their limits, one after the other, and the log of how likely the limits are.

    All of shape (axes, rows). A point (`lower` equals `upper`) counts by its density relative to a lone normal's.
    """
    latents = np.empty_like(lower)
    news = np.empty_like(lower)
    log_likelihood = np.zeros(lower.shape[1])
    for axis in range(len(lower)):
        mean = root[axis, :axis] @ news[:axis]
        spread = root[axis, axis]
        point = lower[axis] == upper[axis]
        if point.all():
            latents[axis] = lower[axis]
            news[axis] = (lower[axis] - mean) / spread
            log_likelihood += 0.5 * (lower[axis] ** 2 - news[axis] ** 2) - np.log(spread)
            continue
        first, last = (lower[axis] - mean) / spread, (upper[axis] - mean) / spread
        drawn, mass = draw_within(first, last, uniforms[axis])
        news[axis] = np.where(point, first, drawn)
        latents[axis] = np.where(point, lower[axis], mean + spread * drawn)
        at_point = 0.5 * (np.where(point, lower[axis], 0.0) ** 2 - np.where(point, first, 0.0) ** 2) - np.log(spread)
        log_likelihood += np.where(point, at_point, np.log(np.maximum(mass, 1e-300)))
    return latents, log_likelihood


def sweep_latents(
    latents: Floats,
    lower: Floats,
    upper: Floats,
    precisions: Floats,
    component: NDArray[np.int64],
    free: NDArray[np.int64],
    uniforms: Floats,
) -> None:
    """Gibbs sweeps over the axes `free`, in place; `precisions` has the shape (components, axes, axes).

    `uniforms` has the shape (sweeps, free axes, rows).
    """
    for sweep in uniforms:
        for at, axis in enumerate(free.tolist()):
            lines = precisions[:, axis, :][component]
            own = lines[:, axis]
            mean = latents[axis] - np.einsum("ra,ar->r", lines, latents) / own
            spread = 1 / np.sqrt(own)
            drawn, _ = draw_within((lower[axis] - mean) / spread, (upper[axis] - mean) / spread, sweep[at])
            point = lower[axis] == upper[axis]
            latents[axis] = np.where(point, lower[axis], np.clip(mean + spread * drawn, lower[axis], upper[axis]))


def draw_within(lower: Floats, upper: Floats, uniforms: Floats) -> tuple[Floats, Floats]:
    """Standard normals between limits by inversion, in the tail that keeps the digits, and the limits' probability."""
    flipped = lower > 0
    first = np.where(flipped, -upper, lower)
    last = np.where(flipped, -lower, upper)
    below = ndtr(first)
    mass = ndtr(last) - below
    drawn = np.clip(ndtri(below + uniforms * mass), first, last)
    drawn = np.where(np.isfinite(drawn), drawn, np.where(np.isfinite(last), last, first))
    return np.where(flipped, -drawn, drawn), mass
