"""`uniform_int`: every whole number from low to high, both included, is as likely as any other."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import LARGEST_INTEGER, WholeNumberConfig, drop_missing
from workbench.columns.streams import Draws, derive_key, permute
from workbench.columns.values import Values

_Whole = Annotated[int, Field(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]


class UniformIntConfig(WholeNumberConfig):
    """A whole number from low to high, both included, all equally likely."""

    type: Literal["uniform_int"]
    low: _Whole = Field(description="Lowest value")
    high: _Whole = Field(description="Highest value, included")
    unique: bool = Field(False, description="No value comes twice: the range needs as many values as there are rows")

    @model_validator(mode="after")
    def validate_range(self) -> UniformIntConfig:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        low, high = _cut(self)
        if low > high:
            raise ValueError("min and max leave no value between low and high")
        return self


def make(config: UniformIntConfig, context: TableContext) -> Maker:
    """`low + floor(u n)` for the n values there are; with `unique` the place of the row in a random order of them."""
    low, high = _cut(config)
    if config.unique:
        return _make_unique(config, context, low, high)

    def values(draws: Draws, inputs: Row) -> Values:
        whole = (draws.uniform() * (high - low + 1)).astype(np.int64)
        # The product rounds up to n itself where u is a hair below 1 and n is huge.
        np.minimum(whole, high - low, out=whole)
        return drop_missing(config, draws, whole + low)

    return Maker("int64", values, (low, high))


def _make_unique(config: UniformIntConfig, context: TableContext, low: int, high: int) -> Maker:
    size = high - low + 1
    if size < context.rows:
        raise ValueError(
            f"there are {size:,} whole numbers in its range and {context.rows:,} rows, so some would repeat"
        )

    def values(draws: Draws, inputs: Row) -> Values:
        key = derive_key(draws.seed, draws.table, draws.column, draws.branch, "unique", 0)
        return drop_missing(config, draws, permute(draws.rows, size, key) + low)

    return Maker("int64", values, (low, high), unique=not config.missing, serial=True)


def _cut(config: UniformIntConfig) -> tuple[int, int]:
    return (
        config.low if config.min is None else max(config.low, config.min),
        config.high if config.max is None else min(config.high, config.max),
    )


register(UniformIntConfig, make, group="samplers", example="{name: hour, type: uniform_int, low: 0, high: 23}")
