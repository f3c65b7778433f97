"""`gamma`: positive amounts and waiting times; a whole shape is the sum of so many exponential ones."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.inversion import Cut, Distribution, cut_distribution
from workbench.columns.sampling import NumberConfig, finish_numbers
from workbench.columns.streams import Draws
from workbench.columns.values import Values


class GammaConfig(NumberConfig):
    """A positive number from a gamma distribution."""

    type: Literal["gamma"]
    shape: Annotated[float, Field(gt=0, le=1e6)] = Field(description="Its shape; the mean is shape * scale")
    scale: Annotated[float, Field(gt=0)] = Field(description="Its scale, in the unit of the values")

    @model_validator(mode="after")
    def validate_cut(self) -> GammaConfig:
        if self.max is not None and self.max <= 0:
            raise ValueError("max is not above 0, and all values are")
        if self.min is not None or self.max is not None:
            _cut(self)
        return self


def make(config: GammaConfig, context: TableContext) -> Maker:
    """The inverse of the regularised incomplete gamma function at a uniform number, times the scale."""
    cut, bounds = _cut(config), config.rounded_bounds(0.0, math.inf)

    def values(draws: Draws, inputs: Row) -> Values:
        return finish_numbers(config, draws, cut.invert(draws.uniform()) * config.scale, *bounds)

    return Maker(config.kind, values, bounds)


def _cut(config: GammaConfig) -> Cut:
    from scipy.special import gammainc, gammaincc, gammainccinv, gammaincinv

    shape = config.shape
    distribution = Distribution(
        lambda x: gammainc(shape, x),
        lambda p: gammaincinv(shape, p),
        lambda x: gammaincc(shape, x),
        lambda p: gammainccinv(shape, p),
        (0.0, math.inf),
    )
    low, high = config.cut(0.0, math.inf)
    return cut_distribution(distribution, low / config.scale, high / config.scale)


register(GammaConfig, make, group="samplers", example="{name: claim, type: gamma, shape: 2, scale: 450, decimals: 2}")
