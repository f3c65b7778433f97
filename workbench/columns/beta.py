"""`beta`: a share between 0 and 1, or between `low` and `high`, heaped where its two parameters put it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.inversion import Cut, Distribution, cut_distribution
from workbench.columns.sampling import NumberConfig, finish_numbers
from workbench.columns.streams import Draws
from workbench.columns.values import Values


class BetaConfig(NumberConfig):
    """A number between two ends from a beta distribution."""

    type: Literal["beta"]
    alpha: Annotated[float, Field(gt=0, le=1e6)] = Field(description="The mean is alpha / (alpha + beta) of the way")
    beta: Annotated[float, Field(gt=0, le=1e6)] = Field(description="The greater, the nearer to low the values lie")
    low: float = Field(0.0, description="Lowest value")
    high: float = Field(1.0, description="Highest value")

    @model_validator(mode="after")
    def validate_range(self) -> BetaConfig:
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        low, high = self.rounded_bounds(self.low, self.high)
        if low > high:
            raise ValueError("min, max and decimals leave no value between low and high")
        if self.min is not None or self.max is not None:
            _cut(self)
        return self


def make(config: BetaConfig, context: TableContext) -> Maker:
    """The inverse of the regularised incomplete beta function at a uniform number, stretched from low to high."""
    cut, bounds = _cut(config), config.rounded_bounds(config.low, config.high)
    width = config.high - config.low

    def values(draws: Draws, inputs: Row) -> Values:
        return finish_numbers(config, draws, config.low + width * cut.invert(draws.uniform()), *bounds)

    return Maker(config.kind, values, bounds)


def _cut(config: BetaConfig) -> Cut:
    from scipy.special import betainc, betaincc, betainccinv, betaincinv

    a, b = config.alpha, config.beta
    distribution = Distribution(
        lambda x: betainc(a, b, x),
        lambda p: betaincinv(a, b, p),
        lambda x: betaincc(a, b, x),
        lambda p: betainccinv(a, b, p),
        (0.0, 1.0),
    )
    low, high = config.cut(config.low, config.high)
    width = config.high - config.low
    return cut_distribution(distribution, (low - config.low) / width, (high - config.low) / width)


register(BetaConfig, make, group="samplers", example="{name: load, type: beta, alpha: 2, beta: 5, decimals: 3}")
