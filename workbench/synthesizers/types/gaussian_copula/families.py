"""Quantile curves of a number, fitted to sorted values: empirical, kernel, or one of the known families.

A family is taken only where the Kolmogorov-Smirnov distance cannot tell the values from it. Its parameters are
estimated, so the distance is held against about the 30 % point of Lilliefors' table (1967), not the 5 % point of
Kolmogorov's. Every curve becomes knots (uniform number, value), cut to the bounds, so nothing else has to know them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Way = Literal["auto", "empirical", "kernel", "parametric"]

KNOTS = 193
"""Knots at equal steps of probability; more stand in the tails."""

FEWEST_FOR_FAMILY = 20
MOST_FOR_KERNEL = 2_000
"""With more rows smoothing changes nothing that can be seen."""

KS_LIMIT = 0.74
"""Largest distance, times the square root of the rows, at which a family counts as the truth (Lilliefors, 1967)."""

_TESTED = 200
_GRID = 513
_LARGEST = 1e100


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Rising knots of a quantile function and the family that they come from."""

    uniforms: Floats
    values: Floats
    family: str


def fit_curve(ordered: Floats, atoms: Floats, low: float, high: float, way: Way) -> Curve:
    """The curve of the values `ordered` (rising), within `low` and `high`.

    `atoms` are values that come back with exactly their shares. `parametric` takes the nearest family however far.
    """
    largest = max(abs(low), abs(high))
    if largest > _LARGEST:  # squares of such numbers are infinite
        small = fit_curve(ordered / largest, atoms / largest, low / largest, high / largest, way)
        return Curve(small.uniforms, _restore(small.values * largest, atoms), small.family)
    count = len(ordered)
    if not count:
        return Curve(np.array([0.0, 1.0]), np.array([low, high]), "uniform")
    if len(atoms) or count < 2 or ordered[0] == ordered[-1] or way == "empirical":
        return fit_empirical(ordered, atoms)
    if way == "parametric" or (way == "auto" and count >= FEWEST_FOR_FAMILY):
        curve, distance = _fit_family(ordered, low, high)
        if curve is not None and (way == "parametric" or distance * np.sqrt(count) < KS_LIMIT):
            return curve
    if way == "kernel" or (way == "auto" and count < MOST_FOR_KERNEL):
        return _fit_kernel(ordered, low, high)
    return fit_empirical(ordered, atoms)


def fit_empirical(ordered: Floats, atoms: Floats) -> Curve:
    """Quantiles, linear between, with each of `atoms` as a flat piece as wide as its share."""
    count = len(ordered)
    tail = np.unique(np.geomspace(1, max(count / 50, 1), 24).astype(np.int64)) - 1
    ranks = np.unique(
        np.concatenate([np.round(np.linspace(0, count - 1, KNOTS)).astype(np.int64), tail, count - 1 - tail])
    )
    ranks = ranks[(ranks >= 0) & (ranks < count)]
    values = ordered[ranks]
    if len(atoms):
        free = atoms[np.minimum(np.searchsorted(atoms, values), len(atoms) - 1)] != values
        ranks, values = ranks[free], values[free]
    values, back = np.unique(values, return_inverse=True)
    uniforms = np.bincount(back, (ranks + 0.5) / count) / np.maximum(np.bincount(back), 1) if len(values) else values
    first = np.searchsorted(ordered, atoms, side="left") / count
    last = np.searchsorted(ordered, atoms, side="right") / count
    there = last > first
    heights = np.concatenate([uniforms, first[there], last[there], [0.0, 1.0]])
    places = np.concatenate([values, atoms[there], atoms[there], ordered[[0, -1]]])
    order = np.lexsort((places, heights))
    return Curve(heights[order], places[order], "empirical")


def fit_histogram(edges: Floats, counts: Floats, single: NDArray[np.bool_]) -> Curve:
    """The curve that is even within each bin, but at its middle where it is `single`. Counts below 0 are taken as 0."""
    counts = np.maximum(counts, 0.0)
    total = counts.sum()
    shares = counts / total if total > 0 else np.full(len(counts), 1 / len(counts))
    uniforms = np.concatenate([[0.0], np.cumsum(shares)])
    uniforms[-1] = 1.0
    middle = (edges[1:] + edges[:-1]) / 2
    ends = np.stack([np.where(single, middle, edges[:-1]), np.where(single, middle, edges[1:])], axis=1)
    heights = np.minimum(np.stack([uniforms[:-1], uniforms[1:]], axis=1), 1.0)
    return Curve(heights.ravel(), ends.ravel(), "histogram")


def fit_shifted(pooled: Curve, values: Floats) -> Curve:
    """The pooled curve under latents with the mean and deviation of those of `values`, too few for their own curve.

    Both lean on the standard normal, the mean with the weight of half a row, the variance with that of two rows.
    """
    count = len(values)
    heights = np.interp(values, pooled.values, pooled.uniforms)
    found = special.ndtri(np.clip(heights, 1e-4, 1 - 1e-4))
    mean = float(found.sum()) / (count + 0.5)
    square = (float(((found - mean) ** 2).sum()) + 2.0) / (count + 2.0)
    latents = np.clip(special.ndtri(pooled.uniforms), -6.0, 6.0)
    uniforms = special.ndtr((latents - mean) / max(np.sqrt(square), 0.2))
    uniforms = (uniforms - uniforms[0]) / max(uniforms[-1] - uniforms[0], 1e-12)
    uniforms[-1] = 1.0
    return Curve(np.maximum.accumulate(np.clip(uniforms, 0.0, 1.0)), pooled.values, "shifted")


def _restore(values: Floats, atoms: Floats) -> Floats:
    """Values in which those next to an atom by rounding are the atom."""
    if not len(atoms):
        return values
    nearest = atoms[np.clip(np.searchsorted((atoms[1:] + atoms[:-1]) / 2, values), 0, len(atoms) - 1)]
    return np.where(np.isclose(values, nearest, rtol=1e-14, atol=0.0), nearest, values)


def _fit_kernel(ordered: Floats, low: float, high: float) -> Curve:
    """A kernel estimate of the distribution function, with Azzalini's bandwidth (1981) on an arcsinh scale.

    The scale keeps long tails from being one step of the grid. What leaks over an end is reflected at it.
    """
    middle = float(np.median(ordered))
    quarters = np.interp([0.25, 0.75], np.linspace(0, 1, len(ordered)), ordered)
    scale = max(float(quarters[1] - quarters[0]), 1e-6 * float(ordered[-1] - ordered[0]), 1e-300)
    bent = np.arcsinh((ordered - middle) / scale)
    inner = np.diff(np.interp([0.25, 0.75], np.linspace(0, 1, len(bent)), bent))[0] / 1.34
    spread = min(float(bent.std()), float(inner)) or float(bent.std())
    width = 1.3 * spread * len(bent) ** (-1 / 3)
    start = max(bent[0] - width, float(np.arcsinh((low - middle) / scale)))
    stop = min(bent[-1] + width, float(np.arcsinh((high - middle) / scale)))
    edges = np.linspace(start, stop, _GRID)
    step = (stop - start) / (_GRID - 1)
    counts = np.bincount(np.minimum(((bent - start) / step).astype(np.int64), _GRID - 2), minlength=_GRID - 1)
    reach = min(int(4 * width / step) + 1, _GRID - 2)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / width) ** 2)
    smooth = np.convolve(counts, kernel / kernel.sum())
    inside = smooth[reach:-reach].copy()
    inside[:reach] += smooth[:reach][::-1]
    inside[-reach:] += smooth[-reach:][::-1]
    uniforms = np.concatenate([[0.0], np.cumsum(inside)])
    values = np.clip(np.sinh(edges) * scale + middle, low, high)
    values[0], values[-1] = max(values[0], low), min(values[-1], high)
    thin = slice(None, None, 2)
    return Curve((uniforms / uniforms[-1])[thin], values[thin], "kernel")


def _fit_family(ordered: Floats, low: float, high: float) -> tuple[Curve | None, float]:
    """The family nearest to the values and its Kolmogorov-Smirnov distance."""
    count = len(ordered)
    ranks = np.unique(np.linspace(0, count - 1, min(count, _TESTED)).astype(np.int64))
    best: tuple[str, Callable[[Floats], Floats]] | None = None
    nearest = np.inf
    for name, distribute in _list_families(ordered, low, high):
        ends = distribute(np.array([low, high]))
        reached = (distribute(ordered[ranks]) - ends[0]) / max(ends[1] - ends[0], 1e-12)
        distance = float(np.max(np.maximum(reached - ranks / count, (ranks + 1) / count - reached)))
        if distance < nearest:
            best, nearest = (name, distribute), distance
    if best is None:
        return None, nearest
    name, distribute = best
    wide = ordered[-1] - ordered[0]
    start, stop = max(low, ordered[0] - wide / 2), min(high, ordered[-1] + wide / 2)
    even = np.linspace(start, stop, 129)
    values = np.unique(np.concatenate([even, fit_empirical(ordered, np.empty(0)).values]))
    uniforms = distribute(values)
    uniforms = (uniforms - uniforms[0]) / (uniforms[-1] - uniforms[0])
    return Curve(np.maximum.accumulate(uniforms), values, name), nearest


def _list_families(ordered: Floats, low: float, high: float) -> list[tuple[str, Callable[[Floats], Floats]]]:
    """Each family that the values could come from, with its distribution function; estimates by moments.

    Gamma's shape is Minka's closed approximation (2002) to the likelihood's maximum.
    """
    mean, deviation = float(ordered.mean()), float(ordered.std())
    found: list[tuple[str, Callable[[Floats], Floats]]] = [
        ("normal", lambda x: special.ndtr((x - mean) / deviation)),
        ("uniform", lambda x: np.clip((x - ordered[0]) / (ordered[-1] - ordered[0]), 0.0, 1.0)),
    ]
    if ordered[0] > 0:
        logs = np.log(ordered)
        log_mean, log_deviation = float(logs.mean()), max(float(logs.std()), 1e-12)
        found.append(("lognormal", lambda x: special.ndtr((np.log(np.maximum(x, 1e-300)) - log_mean) / log_deviation)))
        found.append(("exponential", lambda x: -np.expm1(-np.maximum(x, 0.0) / mean)))
        gap = max(float(np.log(mean)) - log_mean, 1e-9)
        shape = (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
        if shape < 1e4:
            found.append(("gamma", lambda x: special.gammainc(shape, np.maximum(x, 0.0) * shape / mean)))
    place, spread = (mean - low) / (high - low), (deviation / (high - low)) ** 2
    strength = place * (1 - place) / spread - 1 if spread > 0 else 0.0
    if strength > 0:
        first, second = place * strength, (1 - place) * strength
        found.append(("beta", lambda x: special.betainc(first, second, np.clip((x - low) / (high - low), 0.0, 1.0))))
    return found
