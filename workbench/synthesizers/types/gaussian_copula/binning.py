"""Bins of a number that its bounds alone decide, for noisy histograms, and what can be believed of noisy counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from workbench.synthesizers.profile import ColumnProfile

Floats = NDArray[np.float64]

EVEN_BINS = 64
"""Bins of even width from bound to bound."""

OCTAVES, PARTS = 36, 2
"""How often the distance from the lower bound, and from 0, is halved, and the bins in each half.

Long tails begin there, and bounds that noise has put far outside leave the bins fine enough.
"""

CLEAR = 3.0
"""A bin is taken for one with rows above so many standard deviations of the noise: hardly ever by mistake."""

GROUP_ENDS = ndtr(np.linspace(-2.4, 2.4, 13))
"""The groups of bins in which strata differ, by the pooled share below: finer in the tails, where rare classes are."""

MOST_STEPS = 256
"""Whole numbers, or moments, with at most so many different ones have a bin for each."""


def find_grain(column: ColumnProfile) -> float:
    """The distance of neighbouring values of a number, 0 where it is not rounded."""
    if column.kind in ("int64", "timestamp"):
        return float(column.step)
    return 0.0 if column.decimals is None else 10.0**-column.decimals


def make_edges(column: ColumnProfile) -> Floats:
    """The edges of the bins of a number, rising, from its profile alone; of rounded ones, half-way between values."""
    low, high, grain = column.low, column.high, find_grain(column)
    if grain and (high - low) / grain <= MOST_STEPS:
        return np.arange(round((high - low) / grain) + 2).astype(np.float64) * grain + (low - grain / 2)
    halves = 2.0 ** -(np.arange(1, OCTAVES * PARTS + 1) / PARTS)
    parts = [np.linspace(low, high, EVEN_BINS + 1), low + (high - low) * halves]
    if low < 0 < high:
        parts += [high * halves, low * halves, np.zeros(1)]
    edges = np.unique(np.concatenate(parts))
    if not grain:
        return edges
    steps = np.unique(np.round((edges - low) / grain))
    return np.unique(np.append(steps, steps[-1] + 1)) * grain + (low - grain / 2)


def find_atoms(edges: Floats, grain: float) -> NDArray[np.bool_]:
    """Which bins hold a single value, in their middle."""
    single: NDArray[np.bool_] = np.diff(edges) < 1.5 * grain
    return single


def find_places(numbers: Floats, edges: Floats) -> NDArray[np.int64]:
    """The bin of each number, -1 for NaN; those beyond the edges lie in the outermost bins."""
    places = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    return np.where(np.isnan(numbers), -1, places).astype(np.int64)


def count_places(numbers: Floats, edges: Floats) -> Floats:
    """How many numbers lie in each bin."""
    return np.bincount(find_places(numbers, edges) + 1, minlength=len(edges))[1:].astype(np.float64)


def smooth_counts(noisy: Floats, sigma: float, sizes: Floats) -> Floats:
    """Noisy counts, shape (strata, bins), as they can be believed; `sizes` are the rows of each stratum.

    All strata together say which bins have rows. Within groups of these bins each stratum's count is drawn towards what
    its size alone would make it, by the variance of the noise (empirical Bayes: Efron and Morris, 1975).
    """
    strata = len(noisy)
    pooled = _clear_counts(noisy.sum(axis=0), sigma * float(np.sqrt(strata)))
    shares = pooled / pooled.sum() if pooled.any() else np.full(len(pooled), 1 / len(pooled))
    if strata == 1:
        return shares[None]
    used = np.flatnonzero(shares)
    middle = np.cumsum(shares[used]) - shares[used] / 2
    _, group, size = np.unique(np.searchsorted(GROUP_ENDS, middle), return_inverse=True, return_counts=True)
    weight = np.bincount(group, shares[used])
    counts = np.stack([np.bincount(group, line[used]) for line in noisy])
    expected = sizes[:, None] * weight
    noise = sigma**2 * size
    true = np.maximum(((counts - expected) ** 2 - noise).mean(axis=1, keepdims=True), 0.0)
    found = np.maximum(expected + (counts - expected) * true / (true + noise + 1e-12), 1e-6 * expected)
    smooth = np.zeros(noisy.shape)
    smooth[:, used] = (found / weight)[:, group] * shares[used]
    return smooth


def _clear_counts(noisy: Floats, sigma: float) -> Floats:
    """Counts in which each run of bins that may be empty has its sum, or 0, spread over the run."""
    clear = noisy >= CLEAR * sigma
    run = np.cumsum(np.concatenate([[True], clear[1:] | clear[:-1]])) - 1
    size = np.bincount(run)
    sums = np.bincount(run, noisy)
    sums[sums < CLEAR * sigma * np.sqrt(size)] = 0.0
    spread: Floats = (sums / size)[run]
    return spread
