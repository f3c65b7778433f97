"""Rates of an outcome in groups: how far apart they are, overall and within strata, with what chance alone would do.

The difference and the ratio of the highest and the lowest rate are those of fairlearn
(`demographic_parity_difference` and `demographic_parity_ratio`). Strata are pooled as by Mantel and Haenszel (1959).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from workbench.quality.check import FEWEST_ROWS
from workbench.quality.rows import find_wilson_interval

FOUR_FIFTHS = 0.8
"""The lowest ratio of two rates that is no sign of adverse impact (29 CFR 1607.4 D, EEOC 1978)."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Rows with the outcome and all rows, of each group in each stratum: both shape (strata, groups)."""

    favourable: NDArray[np.float64]
    totals: NDArray[np.float64]

    @classmethod
    def count(
        cls,
        outcome: NDArray[np.float64],
        groups: NDArray[np.int64],
        size: int,
        strata: NDArray[np.int64] | None = None,
        layers: int = 1,
    ) -> Rates:
        """`outcome` is 1, 0 or NaN (unknown, not counted) for each row, `groups` its group below `size` or -1."""
        known = ~np.isnan(outcome) & (groups >= 0)
        cells = groups[known] if strata is None else strata[known] * size + groups[known]
        shape = (layers, size)
        totals = np.bincount(cells, minlength=layers * size).astype(np.float64).reshape(shape)
        favourable = np.bincount(cells, weights=outcome[known], minlength=layers * size).reshape(shape)
        return cls(np.asarray(favourable, np.float64), totals)

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Rows of each group."""
        return np.asarray(self.totals.sum(axis=0))

    @property
    def rates(self) -> NDArray[np.float64]:
        """The rate of each group over all strata; NaN for one without rows."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.favourable.sum(axis=0) / self.totals.sum(axis=0))

    def find_judged(self) -> NDArray[np.int64]:
        """The groups with rows enough to say anything of them."""
        return np.flatnonzero(self.sizes >= FEWEST_ROWS)


@dataclass(frozen=True, slots=True)
class Contrast:
    """Group `low` against group `high`: p_high - p_low and log(p_low / p_high), each with its variance.

    Over several strata the difference is sum w (p_high - p_low) / sum w with w = n_high n_low / (n_high + n_low)
    (Mantel and Haenszel 1959; Cochran 1954), and the ratio that of Mantel and Haenszel with the variance of Greenland
    and Robins (1985). With one stratum these are the plain ones (the interval of the log ratio: Katz et al. 1978).
    """

    low: int
    high: int
    difference: float
    difference_variance: float
    log_ratio: float
    log_ratio_variance: float


def compare_pairs(rates: Rates, groups: NDArray[np.int64]) -> Iterator[Contrast]:
    """Every two of `groups`, the one of the lower rate first."""
    order = groups[np.argsort(rates.rates[groups], kind="stable")]
    for low, high in combinations(order.tolist(), 2):
        yield compare_pair(rates, low, high)


def compare_pair(rates: Rates, low: int, high: int) -> Contrast:
    """The contrast of two groups. A stratum that has rows of one of them alone says nothing and has no weight.

    Variances take half a row more on each side, so that a rate of none or all is not taken for certain.
    """
    x0, n0 = rates.favourable[:, low], rates.totals[:, low]
    x1, n1 = rates.favourable[:, high], rates.totals[:, high]
    both = (n0 > 0) & (n1 > 0)
    if not both.any():
        return Contrast(low, high, 0.0, np.inf, 0.0, np.inf)
    x0, n0, x1, n1 = x0[both], n0[both], x1[both], n1[both]
    weight = n0 * n1 / (n0 + n1)
    spread = _find_variance(x0, n0) + _find_variance(x1, n1)
    difference = float((weight * (x1 / n1 - x0 / n0)).sum() / weight.sum())
    variance = float((weight**2 * spread).sum() / weight.sum() ** 2)
    # Haldane's half row keeps the logarithm finite; it is nothing where the counts are large.
    half = 0.5 if min(float(x0.sum()), float(x1.sum())) == 0 else 0.0
    x0, x1, n0, n1 = x0 + half / len(x0), x1 + half / len(x1), n0 + half, n1 + half
    total = n0 + n1
    top, bottom = float((x0 * n1 / total).sum()), float((x1 * n0 / total).sum())
    shared = float(((n0 * n1 * (x0 + x1) - x0 * x1 * total) / total**2).sum())
    ratio = float(np.log(top / bottom)) if top > 0 and bottom > 0 else 0.0
    ratio_variance = shared / (top * bottom) if top > 0 and bottom > 0 else np.inf
    return Contrast(low, high, difference, variance, ratio, ratio_variance)


def find_parity(rates: Rates, groups: NDArray[np.int64]) -> tuple[float, float]:
    """The difference of the highest and the lowest rate of `groups`, and their ratio (1 where all are 0)."""
    values = rates.rates[groups]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return high - low, low / high if high > 0 else 1.0


def find_difference_interval(low: tuple[int, int], high: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of p_high - p_low from (count, rows) of each: Newcombe (1998), method 10."""
    p0, p1 = low[0] / max(low[1], 1), high[0] / max(high[1], 1)
    (l0, u0), (l1, u1) = find_wilson_interval(*low), find_wilson_interval(*high)
    difference = p1 - p0
    return (
        max(-1.0, difference - float(np.hypot(p1 - l1, u0 - p0))),
        min(1.0, difference + float(np.hypot(u1 - p1, p0 - l0))),
    )


def _find_variance(count: NDArray[np.float64], total: NDArray[np.float64]) -> NDArray[np.float64]:
    share = (count + 0.5) / (total + 1)
    return np.asarray(share * (1 - share) / total)
