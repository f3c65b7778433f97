"""Numbers for a network: which mode of its distribution a number belongs to and where in it, or its normal score.

Modes (Xu et al., Modeling Tabular Data using Conditional GAN, NeurIPS 2019) suit networks that choose a mode and then
a place in it; normal scores suit a diffusion, whose noise is normal. Heavy tails are drawn in by the inverse hyperbolic
sine before modes are sought: it is a line at the centre and a logarithm far from it, and keeps the order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_MODES = 10
LEAST_WEIGHT = 0.005
"""At most so many modes, each with at least this weight: the defaults of Xu et al. (2019)."""

SPREAD = 4.0
"""A place of -1 or 1 is so many standard deviations off the mode's mean (Xu et al., 2019)."""

SPIKE_SHARE = 0.05
"""A value (zero, often) that at least this share of the numbers have is a mode of its own and comes back exactly."""

FITTED_NUMBERS = 4_000
LEAST_FITTED = 400
"""Numbers of a column that modes are sought in: more change them little and cost seconds. Fewer in very wide tables."""

ALL_FITTED = 200_000
"""Numbers of all columns together that modes are sought in."""

PRIVATE_MODES = 8
"""Bins of equal width that stand for modes where the numbers must not be looked at."""

GRID = 1_000
"""Steps of a table of quantiles."""


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """Values that are modes of their own, then normal modes of arcsinh((x - centre) / scale), a line if not `curved`.

    `spikes` (spikes,) rise; `means` and `deviations` have shape (modes,). Codes count spikes first, then modes.
    """

    spikes: Floats
    means: Floats
    deviations: Floats
    centre: float
    scale: float
    curved: bool = True

    @property
    def count(self) -> int:
        """How many codes there are."""
        return len(self.spikes) + len(self.means)

    def encode(self, numbers: Floats) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The code and the place, from -1 to 1, of each number, both of shape (rows,); no number is NaN."""
        bent = self._bend(numbers)
        codes = np.zeros(len(numbers), np.int32)
        best = np.full(len(numbers), -np.inf)
        for at, (mean, deviation) in enumerate(zip(self.means, self.deviations, strict=True)):
            likelihood = -0.5 * np.square((bent - mean) / deviation) - np.log(deviation)
            better = likelihood > best
            best[better] = likelihood[better]
            codes[better] = at
        places = (bent - self.means[codes]) / (SPREAD * self.deviations[codes])
        codes += len(self.spikes)
        if len(self.spikes):
            near = np.clip(np.searchsorted(self.spikes, numbers), 0, len(self.spikes) - 1)
            same = self.spikes[near] == numbers
            codes[same] = near[same]
            places[same] = 0.0
        return codes, np.clip(places, -1.0, 1.0).astype(np.float32)

    def decode(self, codes: NDArray[np.int64], places: NDArray[np.float32]) -> Floats:
        """The numbers again, shape (rows,)."""
        modes = np.maximum(codes - len(self.spikes), 0)
        bent = self.means[modes] + SPREAD * self.deviations[modes] * places.astype(np.float64)
        numbers = self.centre + self.scale * (np.sinh(np.clip(bent, -500.0, 500.0)) if self.curved else bent)
        if len(self.spikes):
            spike = codes < len(self.spikes)
            numbers[spike] = self.spikes[codes[spike]]
        return numbers

    def _bend(self, numbers: Floats) -> Floats:
        straight = (numbers - self.centre) / self.scale
        return np.arcsinh(straight) if self.curved else straight


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Quantiles of shape (GRID + 1,) at even shares: a number's score is the standard normal of its share below."""

    quantiles: Floats
    edge: float
    """The least share below: half a row, so that the lowest number has a finite score."""

    def encode(self, numbers: Floats, uniforms: Floats | None = None) -> NDArray[np.float32]:
        """The normal score of each number, shape (rows,). A number that many rows have gets the middle of its stretch,
        or, with `uniforms` of shape (rows,), a place in it at random, which makes the scores normal throughout.
        """
        from scipy.special import ndtri

        last = len(self.quantiles) - 1
        left = self._find_share(numbers, "left")
        right = self._find_share(numbers, "right")
        share = (left + (right - left) * (0.5 if uniforms is None else uniforms)) / last
        return np.asarray(ndtri(np.clip(share, self.edge, 1.0 - self.edge)), np.float32)

    def decode(self, scores: NDArray[np.float32]) -> Floats:
        """The numbers again, shape (rows,)."""
        from scipy.special import ndtr

        shares = ndtr(scores.astype(np.float64))
        shares = np.clip((shares - self.edge) / (1.0 - 2.0 * self.edge), 0.0, 1.0)
        return np.asarray(np.interp(shares * (len(self.quantiles) - 1), np.arange(len(self.quantiles)), self.quantiles))

    def _find_share(self, numbers: Floats, side: str) -> Floats:
        """Where each number stands on the grid, from 0 to GRID: the first or the last place of a stretch of equals."""
        grid = self.quantiles
        at = np.clip(np.searchsorted(grid, numbers, side=side) - 1, 0, len(grid) - 2)  # type: ignore[call-overload]
        gap = grid[at + 1] - grid[at]
        part = np.divide(numbers - grid[at], gap, out=np.full(len(numbers), float(side == "right")), where=gap > 0)
        return np.asarray(at + np.clip(part, 0.0, 1.0))


def fit_modes(numbers: Floats, generator: np.random.Generator, columns: int = 1) -> Modes:
    """Modes of numbers (none NaN, at least one): a variational Gaussian mixture over a part of them drawn at random.

    `columns`: how many columns of the table are fitted so; of many, each gets a smaller part.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture

    values, counts = np.unique(numbers, return_counts=True)
    spikes = values[counts >= max(SPIKE_SHARE * len(numbers), 2)]
    rest = numbers[~np.isin(numbers, spikes)] if len(spikes) else numbers
    if not len(rest):
        rest = numbers
    centre = float(np.median(rest))
    scale = float(np.subtract(*np.quantile(rest, [0.75, 0.25]))) or float(np.std(rest)) or 1.0
    part = max(LEAST_FITTED, min(FITTED_NUMBERS, ALL_FITTED // columns))
    if len(rest) > part:
        rest = generator.choice(rest, part, replace=False)
    bent = np.arcsinh((rest - centre) / scale)
    components = min(MOST_MODES, len(np.unique(bent)), max(1, len(bent) // 10))
    if components == 1 or np.ptp(bent) == 0:
        deviation = max(float(bent.std()), float(np.ptp(bent)) / (2 * SPREAD), 1e-3)
        return Modes(spikes, np.array([bent.mean()]), np.array([deviation]), centre, scale)
    mixture = BayesianGaussianMixture(
        n_components=components, weight_concentration_prior=0.001, max_iter=60, n_init=1, reg_covar=1e-6,
        random_state=int(generator.integers(2**31)),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a mixture that is not quite settled serves as well
        mixture.fit(bent[:, None])
    kept = mixture.weights_ >= LEAST_WEIGHT
    kept[int(np.argmax(mixture.weights_))] = True
    means = mixture.means_[kept, 0]
    deviations = np.maximum(np.sqrt(mixture.covariances_[kept, 0, 0]), 1e-3)
    order = np.argsort(means)
    found = Modes(np.empty(0), means[order], deviations[order], centre, scale)
    used = np.unique(found.encode(rest)[0])  # a wide mode may be the likeliest nowhere
    return Modes(spikes, found.means[used], found.deviations[used], centre, scale)


def make_private_modes(low: float, high: float) -> Modes:
    """Bins of equal width from `low` to `high`, which need no look at the numbers between."""
    middles = (np.arange(PRIVATE_MODES) + 0.5) / PRIVATE_MODES
    half = np.full(PRIVATE_MODES, 0.5 / PRIVATE_MODES / SPREAD)
    return Modes(np.empty(0), middles, half, low, max(high - low, 1e-12), curved=False)


def fit_scores(numbers: Floats) -> Scores:
    """Scores of numbers (none NaN, at least one)."""
    return Scores(np.quantile(numbers, np.linspace(0.0, 1.0, GRID + 1)), 0.5 / max(len(numbers), 50))


def make_private_scores(low: float, high: float) -> Scores:
    """Scores of numbers taken as even from `low` to `high`, which need no look at the numbers between."""
    return Scores(np.linspace(low, high, GRID + 1), 0.5 / GRID)
