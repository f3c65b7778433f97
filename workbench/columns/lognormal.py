"""`lognormal`: positive numbers with a long tail, such as amounts, sizes and durations."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.normal import check_cut, invert_normal
from workbench.columns.sampling import NumberConfig, finish_numbers
from workbench.columns.streams import Draws
from workbench.columns.values import Values


class LognormalConfig(NumberConfig):
    """A positive number whose logarithm is normal: many small, few very large."""

    type: Literal["lognormal"]
    mean: float = Field(description="Mean of the natural logarithm; the median is exp(mean)")
    stddev: Annotated[float, Field(ge=0)] = Field(description="Standard deviation of the natural logarithm")

    @model_validator(mode="after")
    def validate_cut(self) -> LognormalConfig:
        if self.max is not None and self.max <= 0:
            raise ValueError("max is not above 0, and all values are")
        if abs(self.mean) > 700:
            raise ValueError("exp(mean) is no number: the mean is that of the logarithm, between -700 and 700")
        check_cut(self.mean, self.stddev, *_log_cut(self))
        return self


def make(config: LognormalConfig, context: TableContext) -> Maker:
    """The exponential of a normal number."""
    low, high = _log_cut(config)
    bounds = config.rounded_bounds(0.0, math.inf)

    def values(draws: Draws, inputs: Row) -> Values:
        with np.errstate(over="ignore"):
            numbers = np.exp(invert_normal(draws.uniform(), config.mean, config.stddev, low, high))
        return finish_numbers(config, draws, numbers, *bounds)

    return Maker(config.kind, values, bounds)


def _log_cut(config: LognormalConfig) -> tuple[float, float]:
    low, high = config.cut(0.0, math.inf)
    return (math.log(low) if low > 0 else -math.inf, math.log(high) if math.isfinite(high) else math.inf)


register(
    LognormalConfig, make, group="samplers", example="{name: amount, type: lognormal, mean: 3, stddev: 1, decimals: 2}"
)
