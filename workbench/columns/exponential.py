"""`exponential`: waiting times between independent events."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import NumberConfig, finish_numbers
from workbench.columns.streams import Draws
from workbench.columns.values import Values


class ExponentialConfig(NumberConfig):
    """A waiting time: positive, short ones most likely."""

    type: Literal["exponential"]
    mean: Annotated[float, Field(gt=0)] = Field(description="Its mean, 1 / rate")

    @model_validator(mode="after")
    def validate_cut(self) -> ExponentialConfig:
        if self.max is not None and self.max < 0:
            raise ValueError("max is below 0, and no value is")
        return self


def make(config: ExponentialConfig, context: TableContext) -> Maker:
    """`low - mean log(1 - u (1 - exp(-width / mean)))`: the part between low and high is the whole, moved and cut."""
    low, high = config.cut(0.0, math.inf)
    bounds = config.rounded_bounds(0.0, math.inf)
    mass = -math.expm1(-(high - low) / config.mean)

    def values(draws: Draws, inputs: Row) -> Values:
        numbers = low - config.mean * np.log1p(-draws.uniform() * mass)
        return finish_numbers(config, draws, numbers, *bounds)

    return Maker(config.kind, values, bounds)


register(ExponentialConfig, make, group="samplers", example="{name: wait, type: exponential, mean: 4.5, decimals: 1}")
