"""`normal`: the bell curve, cut at min and max where they are given."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import NumberConfig, finish_numbers
from workbench.columns.streams import Draws
from workbench.columns.values import Values


class NormalConfig(NumberConfig):
    """A number from a normal (Gaussian) distribution."""

    type: Literal["normal"]
    mean: float = Field(description="Its middle")
    stddev: Annotated[float, Field(ge=0)] = Field(description="Its standard deviation")

    @model_validator(mode="after")
    def validate_cut(self) -> NormalConfig:
        check_cut(self.mean, self.stddev, *self.cut(-math.inf, math.inf))
        return self


def make(config: NormalConfig, context: TableContext) -> Maker:
    """The inverse of the normal distribution function at a uniform number."""
    low, high = config.cut(-math.inf, math.inf)
    bounds = config.rounded_bounds(-math.inf, math.inf)

    def values(draws: Draws, inputs: Row) -> Values:
        numbers = invert_normal(draws.uniform(), config.mean, config.stddev, low, high)
        return finish_numbers(config, draws, numbers, *bounds)

    return Maker(config.kind, values, bounds)


def invert_normal(
    uniform: NDArray[np.float64], mean: float, stddev: float, low: float, high: float
) -> NDArray[np.float64]:
    """Normal numbers between `low` and `high` (may be infinite) from uniform ones of the same shape.

    Where the cut lies above the mean the mirrored, left tail is used: there the distribution function keeps its
    digits, while near 1 it has none left beyond eight standard deviations.
    """
    from scipy.special import ndtr, ndtri

    if stddev == 0:
        return np.full(len(uniform), mean)
    start, stop = (low - mean) / stddev, (high - mean) / stddev
    mirrored = start > 0
    if mirrored:
        start, stop = -stop, -start
    if math.isinf(start) and math.isinf(stop):
        numbers = ndtri(uniform)
    else:
        below, until = ndtr(start), ndtr(stop)
        numbers = ndtri(below + uniform * (until - below))
    numbers = numbers * (-stddev if mirrored else stddev) + mean
    return np.asarray(numbers, np.float64)


def check_cut(mean: float, stddev: float, low: float, high: float) -> None:
    """Raise ValueError if min and max leave nothing of the distribution that a number can show."""
    if stddev == 0:
        if not low <= mean <= high:
            raise ValueError("stddev is 0 and the mean lies outside min and max")
        return
    start, stop = (low - mean) / stddev, (high - mean) / stddev
    if start > 37 or stop < -37:
        raise ValueError("min and max lie further than 37 standard deviations from the mean: no value would be found")


register(
    NormalConfig,
    make,
    group="samplers",
    example="{name: age, type: normal, mean: 40, stddev: 12, min: 0, max: 110, decimals: 0}",
)
