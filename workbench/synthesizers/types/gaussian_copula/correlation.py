"""Correlations of the latents, from normal scores: coarseness undone, noise shrunk, and made a correlation matrix.

The correlation of two columns' scores is a rising function of that of their latents (`hermite.py`), so it is inverted:
what comes out of discretised latents then has the association that was seen. This is what the polychoric correlation
does by maximum likelihood (Olsson, 1979), for all pairs at once. Noise is shrunk.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STRONGEST = 0.9995
"""Latents are never more correlated than this: a matrix must stay regular."""

SMALLEST_EIGENVALUE = 2e-4

_STEPS = 8


def correlate_scores(scores: Floats) -> tuple[Floats, Floats]:
    """The correlation of each pair of columns of `scores`, shape (rows, axes), over the rows where both are there.

    Also how many these rows are. A column without variance has the correlation 0 with the others.
    """
    missing = np.isnan(scores)
    centred = scores - _average(scores, missing)
    if not missing.any():
        covariance = centred.T @ centred / len(scores)
        deviations = np.sqrt(np.diag(covariance))
        pairs = np.full(covariance.shape, float(len(scores)))
        norms = np.outer(deviations, deviations)
    else:
        centred[missing] = 0.0
        there = (~missing).astype(np.float64)
        pairs = there.T @ there
        covariance = centred.T @ centred
        squares = (centred * centred).T @ there
        norms = np.sqrt(squares * squares.T)
    correlation = np.divide(covariance, norms, out=np.zeros_like(covariance), where=norms > 1e-12)
    np.fill_diagonal(correlation, 1.0)
    return np.clip(correlation, -1.0, 1.0), pairs


def undo_coarseness(observed: Floats, coefficients: Floats) -> Floats:
    """The correlations of the latents under the correlations of scores.

    `coefficients`, shape (axes, terms), are the scores' Hermite coefficients. Newton's method on the power series.
    """
    norms = np.sqrt(np.maximum(coefficients[:, :1], 0.0))  # the first is the variance: a score is a conditional mean
    units = np.divide(coefficients, norms, out=np.zeros_like(coefficients), where=norms > 1e-9)
    smooth = np.abs(units[:, 0]) > 1 - 1e-6
    straight = np.outer(units[:, 0], units[:, 0])
    latent = np.clip(np.divide(observed, straight, out=np.zeros_like(observed), where=straight > 1e-6), -0.99, 0.99)
    coarse = np.flatnonzero(~smooth)
    if len(coarse):
        part = np.ix_(coarse, coarse)
        latent[part] = _invert_series(observed[part], latent[part], units[coarse])
    bounded: Floats = np.clip(latent, -STRONGEST, STRONGEST)
    np.fill_diagonal(bounded, 1.0)
    return bounded


def shrink(correlation: Floats, pairs: Floats, reliability: Floats, target: Floats) -> Floats:
    """Each correlation drawn towards `target` by what noise is likely to have added to its distance from it.

    `pairs` are the rows behind each correlation, `reliability` the variance that each axis' score keeps of its latent.
    The true distances are taken as normal with one variance for all pairs (empirical Bayes: Efron and Morris, 1975).
    """
    careful = correlation * pairs / (pairs + 10.0)
    kept = np.clip(reliability, 1e-3, 1.0)
    noise = (1 - careful**2) ** 2 / np.maximum(pairs * np.outer(kept, kept), 0.5)
    return draw_towards(correlation, target, noise)


def draw_towards(correlation: Floats, target: Floats, noise: Floats) -> Floats:
    """The same for a known variance of the `noise` of each correlation."""
    off = ~np.eye(len(correlation), dtype=bool)
    distance = correlation - target
    weight = 1 / noise[off]
    true = max(float(((distance[off] ** 2 - noise[off]) * weight).sum() / weight.sum()), 0.0) if off.any() else 0.0
    drawn: Floats = target + distance * (true / (true + noise))
    np.fill_diagonal(drawn, 1.0)
    return drawn


def make_regular(correlation: Floats) -> Floats:
    """The nearest correlation matrix, roughly: eigenvalues that are too small are raised, the diagonal is set to 1."""
    if not len(correlation):
        return correlation
    values, vectors = np.linalg.eigh((correlation + correlation.T) / 2)
    if values[0] >= SMALLEST_EIGENVALUE:
        return correlation
    raised = (vectors * np.maximum(values, SMALLEST_EIGENVALUE * 2)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(raised))
    regular: Floats = raised * np.outer(scale, scale)
    np.fill_diagonal(regular, 1.0)
    return (regular + regular.T) / 2


def _average(scores: Floats, missing: NDArray[np.bool_]) -> Floats:
    counts = np.maximum((~missing).sum(axis=0), 1)
    average: Floats = np.where(missing, 0.0, scores).sum(axis=0) / counts
    return average


def _invert_series(observed: Floats, start: Floats, units: Floats) -> Floats:
    latent = start.copy()
    terms = units.shape[1]
    for _ in range(_STEPS):
        value, slope = np.zeros_like(latent), np.zeros_like(latent)
        for degree in range(terms, 0, -1):  # Horner's scheme, the derivative beside the value
            product = np.outer(units[:, degree - 1], units[:, degree - 1])
            slope = slope * latent + value
            value = value * latent + product
        slope = slope * latent + value
        value = value * latent
        step = (value - observed) / np.maximum(slope, 0.05)
        latent = np.clip(latent - np.clip(step, -0.3, 0.3), -STRONGEST, STRONGEST)
    return latent
