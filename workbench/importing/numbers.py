"""Which distribution a column of real numbers looks like, and the numbers of that distribution.

Candidates are fitted by their moments (Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions, 1994) and
compared by the Kolmogorov-Smirnov distance to the data, after the cut at `min` and `max` that the spec will have. The
bounds are the 0.5 and 99.5 percentiles rounded outward, never the least and the greatest value: these are single
people's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.importing.known_types import find_fault

Numbers = NDArray[np.float64]
Distribution = Callable[[Numbers], Numbers]

PERCENTILES = (0.5, 99.5)

_LARGEST_WHOLE = 10**15
_LARGEST = 1e300
_SIMPLER = 0.005  # how much nearer a distribution must be than a simpler one that stands before it
_MOST_COMPARED = 20_000
_ENOUGH = 0.98
_BAD = 0.1
_KOLMOGOROV = 1.63  # Kolmogorov's critical value at 1 %


@dataclass(frozen=True, slots=True)
class Fit:
    """The fields of a column without its name, and the distance of its distribution from the data."""

    fields: dict[str, Any]
    distance: float
    numbers: int

    @property
    def bad(self) -> bool:
        """Whether the user must hear of it: further off than 1 % of samples from the distribution itself would be."""
        return self.distance > max(_BAD, _KOLMOGOROV / math.sqrt(self.numbers))


def fit_numbers(numbers: Numbers) -> Fit:
    """The nearest distribution of `numbers`, finite ones, at least one. Whole ones get a sampler of whole numbers."""
    numbers = np.sort(numbers)
    if len(numbers) > _MOST_COMPARED:
        numbers = numbers[np.linspace(0, len(numbers) - 1, _MOST_COMPARED).astype(np.int64)]
    decimals = find_decimals(numbers)
    low, high = find_bounds(numbers, decimals)
    best: Fit | None = None
    for fields, distribution in _list_candidates(numbers, decimals, low, high):
        if find_fault({"name": "x", **fields}) is not None:
            continue
        distance = _measure_distance(numbers, distribution, low, high, decimals)
        if best is None or distance < best.distance - _SIMPLER:
            best = Fit(fields, distance, len(numbers))
    assert best is not None, "uniform fits any range"
    return best


def find_decimals(numbers: Numbers) -> int | None:
    """Digits after the point that give 98 of 100 numbers back, None beyond 6. 0 only where all are whole."""
    if np.abs(numbers).max() >= 2.0**62:
        return None
    for decimals in range(7):
        same = np.isclose(np.round(numbers, decimals), numbers, rtol=1e-12, atol=1e-12)
        if same.all() or (decimals and same.mean() >= _ENOUGH):
            return decimals
    return None


def find_bounds(numbers: Numbers, decimals: int | None) -> tuple[float, float]:
    """The percentiles rounded outward to about a twentieth of their distance; numbers of one sign keep it."""
    low, high = (float(bound) for bound in np.percentile(np.clip(numbers, -_LARGEST, _LARGEST), PERCENTILES))
    width = high - low
    # Where all numbers are alike a tenth of their size still hides which one it is.
    step = 10.0 ** math.floor(math.log10(width / 20 if width else max(abs(high), 1e-6) / 10))
    if decimals is not None:
        step = max(step, 10.0**-decimals)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    if high <= low:
        high = low + step
    # A step of 0.001 times 37 is a hair off 0.037.
    digits = max(0, -math.floor(math.log10(step)))
    return round(low, digits), round(high, digits)


def round_sensibly(value: float, digits: int = 4) -> float:
    """`value` with that many significant digits: a measured parameter has no more worth telling."""
    if value == 0 or not math.isfinite(value):
        return value
    return float(f"{value:.{digits}g}")


def tidy(value: float) -> float:
    """A whole number without “.0”, as people write it."""
    return int(value) if value == math.floor(value) and abs(value) < _LARGEST_WHOLE else value


def _list_candidates(
    numbers: Numbers, decimals: int | None, low: float, high: float
) -> list[tuple[dict[str, Any], Distribution]]:
    """Fields and distribution function, simpler ones first. Parameters are rounded before they are compared."""
    from scipy import stats

    whole = decimals == 0 and max(abs(low), abs(high)) <= _LARGEST_WHOLE
    mean, spread = round_sensibly(float(numbers.mean())), round_sensibly(float(numbers.std()))
    digits = {} if decimals is None else {"decimals": decimals}
    low, high = tidy(low), tidy(high)
    span: dict[str, Any] = {"min": low, "max": high}
    above: dict[str, Any] = {"max": high} if low <= 0 else span
    found: list[tuple[dict[str, Any], Distribution]] = []
    if whole:
        first, last = int(low), int(high)
        found.append(
            ({"type": "uniform_int", "low": first, "high": last}, stats.uniform(first - 0.5, last - first + 1).cdf)
        )
        if first >= 0 and mean > 0:
            ends = {"min": first, "max": last} if first else {"max": last}
            found.append(({"type": "poisson", "mean": mean, **ends}, stats.poisson(mean).cdf))
    else:
        found.append(({"type": "uniform", "low": low, "high": high, **digits}, stats.uniform(low, high - low).cdf))
    if not 0 < spread < _LARGEST:
        return found
    found.append(({"type": "normal", "mean": mean, "stddev": spread, **span, **digits}, stats.norm(mean, spread).cdf))
    if numbers[0] >= 0:
        found.append(({"type": "exponential", "mean": mean, **above, **digits}, stats.expon(scale=mean).cdf))
    if numbers[0] > 0:
        logs = np.log(numbers)
        middle, width = round_sensibly(float(logs.mean())), round_sensibly(float(logs.std()))
        if width > 0:
            fields = {"type": "lognormal", "mean": middle, "stddev": width, **above, **digits}
            found.append((fields, stats.lognorm(width, scale=math.exp(middle)).cdf))
        shape = round_sensibly((mean / spread) ** 2)
        scale = round_sensibly(mean / shape)
        gamma = {"type": "gamma", "shape": shape, "scale": scale, **above, **digits}
        found.append((gamma, stats.gamma(shape, scale=scale).cdf))
    if numbers[0] >= 0 and numbers[-1] <= 1 and decimals != 0 and 0 < mean < 1 and spread**2 < mean * (1 - mean):
        common = mean * (1 - mean) / spread**2 - 1
        a, b = round_sensibly(mean * common), round_sensibly((1 - mean) * common)
        beta = {"type": "beta", "alpha": a, "beta": b, **digits}
        found.append((beta, stats.beta(a, b).cdf))
    return found


def _measure_distance(
    numbers: Numbers, distribution: Distribution, low: float, high: float, decimals: int | None
) -> float:
    """The largest gap between the two distribution functions within [low, high].

    Rounded numbers are compared half a step higher, where all that rounds to them has been counted.
    """
    half = 0.0 if decimals is None else 0.5 * 10.0**-decimals
    inside = numbers[(numbers >= low) & (numbers <= high)]
    values, counts = np.unique(inside, return_counts=True)
    ends = distribution(np.array([low - half, high + half]))
    mass = ends[1] - ends[0]
    if not mass > 0 or not len(inside):
        return 1.0
    expected = (distribution(values + half) - ends[0]) / mass
    seen = np.cumsum(counts) / counts.sum()
    gap = np.abs(seen - expected).max()
    if half == 0:
        gap = max(gap, np.abs(seen - counts / counts.sum() - expected).max())
    return float(gap)
