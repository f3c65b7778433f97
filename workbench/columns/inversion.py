"""Drawing from any distribution by inverting its distribution function, on the part that min and max leave.

Where that part lies in the upper half the survival function is inverted instead: near 1 a distribution function has no
digits left, while its complement near 0 has all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Distribution:
    """`cdf`, its inverse `ppf`, `sf` = 1 - cdf and its inverse `isf`; `support` is where the density is not 0."""

    cdf: Curve
    ppf: Curve
    sf: Curve
    isf: Curve
    support: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cut:
    """A distribution between two bounds: uniform numbers are mapped to [start, stop] of the curve's values."""

    inverse: Curve
    start: float
    stop: float

    def invert(self, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers of the cut distribution from uniform ones of the same shape."""
        return np.asarray(self.inverse(self.start + uniform * (self.stop - self.start)), np.float64)


def cut_distribution(distribution: Distribution, low: float, high: float) -> Cut:
    """The distribution between `low` and `high`. Raises ValueError where nothing of it can be found there."""
    ends = np.array([max(low, distribution.support[0]), min(high, distribution.support[1])])
    below = distribution.cdf(ends)
    if below[0] > 0.5:
        above = distribution.sf(ends)
        cut = Cut(distribution.isf, float(above[0]), float(above[1]))
    else:
        cut = Cut(distribution.ppf, float(below[0]), float(below[1]))
    if not abs(cut.stop - cut.start) > 1e-300:
        raise ValueError("min and max leave nothing of the distribution: no value would be found")
    return cut
