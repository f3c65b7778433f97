"""`scipy`: any distribution of `scipy.stats` by its name there, with its parameters as `args`.

{name: lifetime, type: scipy, dist: weibull_min, args: {c: 1.5, scale: 900}}
"""

from __future__ import annotations

import math
import time
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.inversion import Cut, Distribution, cut_distribution
from workbench.columns.sampling import NumberConfig, drop_missing, finish_numbers
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.spec.problems import suggest

_PROBES = 64
_SLOWEST = 0.5  # seconds for the probes; a block of 50,000 rows would take minutes


class ScipyConfig(NumberConfig):
    """A number from any distribution of scipy.stats."""

    type: Literal["scipy"]
    dist: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")] = Field(
        description="Its name in scipy.stats, for instance weibull_min, t, nbinom"
    )
    args: dict[str, float] = Field(default_factory=dict, description="Its parameters by name, with loc and scale")


def make(config: ScipyConfig, context: TableContext) -> Maker:
    """The inverse of the distribution function (`ppf`) at a uniform number; a discrete one gives whole numbers."""
    frozen, discrete = _freeze(config)
    support = (float(frozen.support()[0]), float(frozen.support()[1]))
    # The curves of a discrete distribution are 0 only below its lowest value, which is to be drawn as well.
    span = (support[0] - discrete, support[1])
    distribution = Distribution(frozen.cdf, frozen.ppf, frozen.sf, frozen.isf, span)
    low, high = config.cut(*support)
    if low > high:
        raise ValueError(
            f"min and max leave nothing of {config.dist}, which lies between {support[0]:g} and {support[1]:g}"
        )
    # P(X <= low) includes low itself where values are whole.
    cut = cut_distribution(distribution, math.ceil(low) - 1 if discrete and math.isfinite(low) else low, high)
    _check_speed(config, cut)
    bounds = config.rounded_bounds(*support)

    def values(draws: Draws, inputs: Row) -> Values:
        with np.errstate(all="ignore"):
            numbers = cut.invert(draws.uniform())
        if not discrete:
            return finish_numbers(config, draws, numbers, *bounds)
        fits = np.abs(numbers) <= 2.0**62
        whole = np.where(fits, np.clip(numbers, *bounds), 0).astype(np.int64)
        return drop_missing(config, draws, whole, None if fits.all() else fits)

    return Maker("int64" if discrete else config.kind, values, bounds)


def _freeze(config: ScipyConfig) -> tuple[Any, bool]:
    """The distribution with its parameters, and whether it is discrete. Raises ValueError for the user."""
    from scipy import stats

    found = getattr(stats, config.dist, None)
    known = [name for name, each in vars(stats).items() if isinstance(each, (stats.rv_continuous, stats.rv_discrete))]
    if not isinstance(found, (stats.rv_continuous, stats.rv_discrete)):
        raise ValueError(f"scipy.stats has no distribution “{config.dist}”. {suggest(config.dist, known)}".strip())
    discrete = isinstance(found, stats.rv_discrete)
    shapes = [name.strip() for name in found.shapes.split(",")] if found.shapes else []
    allowed = [*shapes, "loc", *([] if discrete else ["scale"])]
    for name in config.args:
        if name not in allowed:
            raise ValueError(f"{config.dist} has no parameter “{name}”. {suggest(name, allowed)}".strip())
    missing = [name for name in shapes if name not in config.args]
    if missing:
        raise ValueError(f"{config.dist} needs the parameter {' and '.join(missing)} under args")
    frozen = found(**config.args)
    with np.errstate(all="ignore"):
        middle = frozen.ppf(0.5)
    if not np.isfinite(middle):
        raise ValueError(f"these parameters are outside what {config.dist} allows")
    return frozen, discrete


def _check_speed(config: ScipyConfig, cut: Cut) -> None:
    """Some distributions are inverted by a search for each number, which no table of a useful size can wait for."""
    begin = time.process_time()
    with np.errstate(all="ignore"):
        numbers = cut.invert((np.arange(_PROBES) + 0.5) / _PROBES)
    if time.process_time() - begin > _SLOWEST:
        raise ValueError(f"{config.dist} is too slow to draw from with these parameters")
    if np.isnan(numbers).any():
        raise ValueError(f"{config.dist} gives no numbers with these parameters")


register(
    ScipyConfig,
    make,
    group="samplers",
    example="{name: lifetime, type: scipy, dist: weibull_min, args: {c: 1.5, scale: 900}, decimals: 1}",
)
