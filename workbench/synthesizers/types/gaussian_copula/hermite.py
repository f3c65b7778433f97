"""Normal scores of what is not continuous, and how much correlation of the latents they lose.

A level, or a value that many rows share, stands for an interval of a standard normal latent. Its score is the mean of
the latent within the interval, the best guess of the latent that the level allows. Scores of coarse columns correlate
less than their latents do. By Mehler's formula, two functions f and g of normals with correlation r have the
covariance sum(a[k] * b[k] * r**k), where a and b are their coefficients on the normalised Hermite polynomials; these
are closed forms here, so that the loss can be undone exactly (`correlation.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TERMS = 24
"""Hermite polynomials that are used, of degree 1 and up."""

FARTHEST = 9.0
"""Latents beyond so many standard deviations do not occur in double precision sampling."""


def find_normal_density(z: Floats) -> Floats:
    """The standard normal density; 0 at infinity."""
    density: Floats = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return density


def score_intervals(lower: Floats, upper: Floats, mass: Floats) -> Floats:
    """The mean of a standard normal within each interval; `mass` are the intervals' probabilities."""
    lower, upper = np.clip(lower, -FARTHEST, FARTHEST), np.clip(upper, -FARTHEST, FARTHEST)
    means = (find_normal_density(lower) - find_normal_density(upper)) / np.maximum(mass, 1e-300)
    within: Floats = np.clip(means, lower, upper)
    return within


def find_step_coefficients(lower: Floats, upper: Floats, scores: Floats) -> Floats:
    """Hermite coefficients, degrees 1 to TERMS, of the step function that is `scores` on the intervals, 0 elsewhere."""
    return scores @ _integrate(lower, upper, TERMS)


def find_mixed_coefficients(lower: Floats, upper: Floats, scores: Floats) -> Floats:
    """The same for the function that is the latent itself, but `scores` on the intervals."""
    coefficients = np.zeros(TERMS)
    coefficients[0] = 1.0
    if not len(lower):
        return coefficients
    integrals = _integrate(lower, upper, TERMS + 1)
    degrees = np.arange(1, TERMS + 1)
    below = np.hstack([_find_mass(lower, upper)[:, None], integrals[:, : TERMS - 1]])
    identity = integrals[:, 1:] * np.sqrt(degrees + 1) + below * np.sqrt(degrees)
    mixed: Floats = coefficients + scores @ integrals[:, :TERMS] - identity.sum(axis=0)
    return mixed


def _find_mass(lower: Floats, upper: Floats) -> Floats:
    from scipy.special import ndtr

    mass: Floats = ndtr(upper) - ndtr(lower)
    return mass


def _integrate(lower: Floats, upper: Floats, terms: int) -> Floats:
    """The integral of each normalised Hermite polynomial of degree 1 to `terms`, under the normal density, over each
    interval: shape (intervals, terms)."""
    ends = np.clip(np.stack([lower, upper]), -FARTHEST, FARTHEST)
    density = find_normal_density(ends)
    before, now = np.zeros_like(ends), np.ones_like(ends)
    integrals = np.empty((len(lower), terms))
    for degree in range(1, terms + 1):
        edge = density * now
        integrals[:, degree - 1] = (edge[0] - edge[1]) / np.sqrt(degree)
        before, now = now, (ends * now - np.sqrt(degree - 1) * before) / np.sqrt(degree)
    return integrals
