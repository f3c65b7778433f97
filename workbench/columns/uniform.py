"""`uniform`: every number between low and high is as likely as any other."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import NumberConfig, finish_numbers
from workbench.columns.streams import Draws
from workbench.columns.values import Values


class UniformConfig(NumberConfig):
    """A number between low and high, all equally likely."""

    type: Literal["uniform"]
    low: float = Field(description="Lowest value")
    high: float = Field(description="Highest value")

    @model_validator(mode="after")
    def validate_range(self) -> UniformConfig:
        if self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        if self.high - self.low == float("inf"):
            raise ValueError("the range from low to high is too wide for a number")
        low, high = self.rounded_bounds(self.low, self.high)
        if low > high:
            raise ValueError("min, max and decimals leave no value between low and high")
        return self


def make(config: UniformConfig, context: TableContext) -> Maker:
    """`low + u (high - low)`, on the part of the range that min and max leave."""
    low, high = config.cut(config.low, config.high)
    bounds = config.rounded_bounds(config.low, config.high)

    def values(draws: Draws, inputs: Row) -> Values:
        return finish_numbers(config, draws, draws.uniform() * (high - low) + low, *bounds)

    return Maker(config.kind, values, bounds)


register(
    UniformConfig, make, group="samplers", example="{name: discount, type: uniform, low: 0, high: 0.3, decimals: 2}"
)
