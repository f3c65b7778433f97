"""The distribution of one column in each component of the copula, as a map between its values and normal latents.

Both kinds are tables, whatever family was fitted, so that drawing is one lookup. `LevelMarginal` has levels, each an
interval of the latent: categories, discrete numbers, and whether a value is null. `CurveMarginal` is a quantile curve,
linear between knots; an atom (a value that many rows share, such as 0) is a flat piece of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from workbench.synthesizers.types.gaussian_copula.families import Curve
from workbench.synthesizers.types.gaussian_copula.hermite import (
    find_mixed_coefficients,
    find_step_coefficients,
    score_intervals,
)

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

SMALLEST_MASS = 1e-9
"""What a level has at least where it is asked for: a condition may join what never came together."""

RAKES = 4

NEAREST_EDGE = 1e-4
"""Latents of single values keep away from 0 and 1 by so much."""


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What a value tells of each row's latent: it lies from `lower` to `upper`, or is `lower` where both are the same.

    `log_density` is the log of the density of the value where it is a single one, 0 where it is an interval. All of
    shape (rows,).
    """

    lower: Floats
    upper: Floats
    log_density: Floats


@dataclass(frozen=True, slots=True, eq=False)
class LevelMarginal:
    """`cumulative`, shape (components, levels + 1), rises from 0 to 1 over the levels in the order of the latent."""

    cumulative: Floats

    @property
    def levels(self) -> int:
        """How many levels there are."""
        return int(self.cumulative.shape[1]) - 1

    def find_places(self, component: int, uniforms: Floats) -> Places:
        """The level of each uniform number."""
        places: Places = np.searchsorted(self.cumulative[component, 1:-1], uniforms, side="right").astype(np.int64)
        return places

    def restrict(self, component: int, places: Places) -> Given:
        """The interval of each level; the whole line where the place is -1."""
        known = places >= 0
        at = np.where(known, places, 0)
        lower, upper = self.cumulative[component, at], self.cumulative[component, at + 1]
        lower, upper = _widen(lower, upper)
        return Given(ndtri(np.where(known, lower, 0.0)), ndtri(np.where(known, upper, 1.0)), np.zeros(len(places)))

    def score(self, component: int, places: Places) -> tuple[Floats, Floats]:
        """The normal score of each place, NaN where -1, and the Hermite coefficients of the score."""
        bounds = ndtri(self.cumulative[component])
        scores = score_intervals(bounds[:-1], bounds[1:], np.diff(self.cumulative[component]))
        coefficients = find_step_coefficients(bounds[:-1], bounds[1:], scores)
        return np.where(places >= 0, scores[places], np.nan), coefficients


@dataclass(frozen=True, slots=True, eq=False)
class CurveMarginal:
    """Component c has the knots `starts[c]:starts[c + 1]` of `uniforms` and `values`, both rising. `atoms` rise too.

    `low` and `high` bound the column, over all components.
    """

    starts: Places
    uniforms: Floats
    values: Floats
    atoms: Floats
    low: float
    high: float

    def find_values(self, component: int, uniforms: Floats) -> Floats:
        """The value at each uniform number."""
        cut = slice(self.starts[component], self.starts[component + 1])
        values: Floats = np.interp(uniforms, self.uniforms[cut], self.values[cut])
        return values

    def restrict(self, component: int, values: Floats) -> Given:
        """The latent of each value, an interval where it is an atom, the whole line where it is NaN.

        A value that the component does not reach has its nearest latent and a density that falls with the distance.
        """
        lower, upper, density = self._locate(component, values)
        known = ~np.isnan(values)
        atom = known & self._find_atoms(values)
        span = max(self.high - self.low, 1e-300)
        cut = slice(self.starts[component], self.starts[component + 1])
        beyond = np.maximum(self.values[cut][0] - values, values - self.values[cut][-1])
        floor = np.log(1e-6 / span) - 20.0 * np.maximum(np.nan_to_num(beyond), 0.0) / span
        log_density = np.where(known & ~atom, np.maximum(np.log(np.maximum(density, 1e-300)), floor), 0.0)
        single = np.clip((lower + upper) / 2, NEAREST_EDGE, 1 - NEAREST_EDGE)
        wide_lower, wide_upper = _widen(lower, upper)
        lower = np.where(atom, wide_lower, np.where(known, single, 0.0))
        upper = np.where(atom, wide_upper, np.where(known, single, 1.0))
        return Given(ndtri(lower), ndtri(upper), log_density)

    def score(self, component: int, values: Floats) -> tuple[Floats, Floats]:
        """The normal score of each value, NaN where NaN, and the Hermite coefficients of the score."""
        lower, upper, _ = self._locate(component, values)
        scores = ndtri(np.clip((lower + upper) / 2, NEAREST_EDGE, 1 - NEAREST_EDGE))
        if not len(self.atoms):
            return np.where(np.isnan(values), np.nan, scores), find_mixed_coefficients(*[np.empty(0)] * 3)
        first, last, _ = self._locate(component, self.atoms)
        first, last = _widen(first, last)
        means = score_intervals(ndtri(first), ndtri(last), last - first)
        atom = self._find_atoms(values)
        scores[atom] = means[np.searchsorted(self.atoms, values[atom])]
        coefficients = find_mixed_coefficients(ndtri(first), ndtri(last), means)
        return np.where(np.isnan(values), np.nan, scores), coefficients

    def _locate(self, component: int, values: Floats) -> tuple[Floats, Floats, Floats]:
        """The uniform numbers at which the curve reaches and leaves each value, and its density there."""
        cut = slice(self.starts[component], self.starts[component + 1])
        knots, heights = self.values[cut], self.uniforms[cut]
        after = np.searchsorted(knots, values, side="right")
        right = np.clip(after, 1, len(knots) - 1)
        left = right - 1
        width = knots[right] - knots[left]
        slope = (heights[right] - heights[left]) / np.maximum(width, 1e-300)
        slope[width <= 0] = 0.0
        inside = heights[left] + np.clip(values - knots[left], 0.0, width) * slope
        last = np.maximum(after - 1, 0)
        hit = knots[last] == values
        reached = heights[np.searchsorted(knots, knots, side="left")]
        lower = np.where(hit, reached[last], inside)
        upper = np.where(hit, heights[last], inside)
        outside = (values < knots[0]) | (values > knots[-1])
        return lower, upper, np.where(outside, 0.0, slope)

    def _find_atoms(self, values: Floats) -> NDArray[np.bool_]:
        if not len(self.atoms):
            return np.zeros(len(values), np.bool_)
        found: NDArray[np.bool_] = (
            self.atoms[np.minimum(np.searchsorted(self.atoms, values), len(self.atoms) - 1)] == values
        )
        return found


Marginal = LevelMarginal | CurveMarginal


def stack_levels(counts: Floats, weights: Floats, shares: Floats) -> LevelMarginal:
    """Levels from their counts, shape (components, levels), such that the mixture has exactly the pooled `shares`.

    `weights` are the components' own. Each component leans on the pooled shares with the weight of half a row, so that
    no level is impossible anywhere; then its shares are raked to the pooled ones (Deming and Stephan, 1940).
    """
    pooled = np.maximum(shares, SMALLEST_MASS)
    pooled = pooled / pooled.sum()
    parts = counts + 0.5 * pooled
    parts /= parts.sum(axis=1, keepdims=True)
    weights = weights / weights.sum() if weights.sum() > 0 else np.full(len(weights), 1 / len(weights))
    for _ in range(RAKES):
        parts *= pooled / np.maximum(weights @ parts, 1e-300)
        parts /= parts.sum(axis=1, keepdims=True)
    cumulative = np.zeros((len(counts), counts.shape[1] + 1))
    np.cumsum(parts, axis=1, out=cumulative[:, 1:])
    cumulative[:, -1] = 1.0
    return LevelMarginal(np.minimum(cumulative, 1.0))


def stack_curves(curves: Sequence[Curve], atoms: Floats, low: float, high: float) -> CurveMarginal:
    """The curves of the components as one marginal."""
    starts = np.cumsum([0, *(len(curve.values) for curve in curves)]).astype(np.int64)
    uniforms = np.concatenate([curve.uniforms for curve in curves])
    values = np.concatenate([curve.values for curve in curves])
    return CurveMarginal(starts, uniforms, values, atoms, low, high)


def _widen(lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Intervals of some width at least, within 0 and 1."""
    lacking = np.maximum(SMALLEST_MASS - (upper - lower), 0.0)
    lower = np.maximum(lower - lacking, 0.0)
    return lower, np.minimum(np.maximum(upper, lower + SMALLEST_MASS), 1.0)
