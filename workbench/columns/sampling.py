"""What samplers share: nulls at random, bounds, rounding to decimals.

`min` and `max` cut a distribution, they do not pile its tails up on the bounds: each sampler draws from what lies
between them, by inverting its distribution function on the matching part of (0, 1), so no draw is ever repeated.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from workbench.columns.streams import Draws
from workbench.columns.values import Array, Kind, Values, join_masks
from workbench.spec.model import ColumnConfig, Share

LARGEST_INTEGER = 10**15
"""Bound of whole numbers drawn from a double: all of them, and the width of any range, are exact in one."""


class SamplerConfig(ColumnConfig):
    """A column drawn at random."""

    missing: Share = Field(0.0, description="Share of the rows that get null")


class WholeNumberConfig(SamplerConfig):
    """A sampler of whole numbers."""

    min: Annotated[int, Field(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)] | None = Field(
        None, description="No value is below this: the distribution is cut, not piled up here"
    )
    max: Annotated[int, Field(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)] | None = Field(
        None, description="No value is above this"
    )

    @model_validator(mode="after")
    def validate_bounds(self) -> WholeNumberConfig:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class NumberConfig(SamplerConfig):
    """A sampler of real numbers."""

    min: float | None = Field(None, description="No value is below this: the distribution is cut, not piled up here")
    max: float | None = Field(None, description="No value is above this")
    decimals: Annotated[int, Field(ge=0, le=12)] | None = Field(
        None, description="Digits after the point; 0 makes whole numbers"
    )

    @model_validator(mode="after")
    def validate_bounds(self) -> NumberConfig:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        low, high = self.rounded_bounds(-math.inf, math.inf)
        if low > high:
            raise ValueError(f"no number with {self.decimals} decimals lies between min and max")
        return self

    @property
    def kind(self) -> Kind:
        """Whole numbers where no decimals are asked for."""
        return "int64" if self.decimals == 0 else "double"

    def cut(self, low: float, high: float) -> tuple[float, float]:
        """The part of [low, high], the sampler's own support, that `min` and `max` leave."""
        return (low if self.min is None else max(low, self.min), high if self.max is None else min(high, self.max))

    def rounded_bounds(self, low: float, high: float) -> tuple[float, float]:
        """Lowest and highest value after rounding, for a sampler with the support [low, high]."""
        low, high = self.cut(low, high)
        if self.decimals is None:
            return low, high
        scale = 10.0**self.decimals
        # A bound like 0.3 is a hair off in binary: the tolerance keeps it on its own decimal.
        if math.isfinite(low * scale):
            low = math.ceil(low * scale - 1e-6) / scale
        if math.isfinite(high * scale):
            high = math.floor(high * scale + 1e-6) / scale
        return low, high


def finish_numbers(config: NumberConfig, draws: Draws, numbers: NDArray[np.float64], low: float, high: float) -> Values:
    """`numbers` rounded, kept within [low, high] (of `rounded_bounds`), and nulled where missing.

    A number beyond the range of its type (a lognormal with an extreme sigma) is null.
    """
    if config.decimals is not None:
        numbers = np.round(numbers, config.decimals)
    numbers = np.clip(numbers, low, high)
    if config.kind == "double":
        finite = np.isfinite(numbers)
        return drop_missing(config, draws, numbers, None if finite.all() else finite)
    fits = np.abs(numbers) <= 2.0**62
    whole = np.where(fits, numbers, 0).astype(np.int64)
    return drop_missing(config, draws, whole, None if fits.all() else fits)


def drop_missing(config: SamplerConfig, draws: Draws, data: Array, valid: NDArray[np.bool_] | None = None) -> Values:
    """`data` with a share `config.missing` of the rows null, beside those that `valid` already makes null."""
    if config.missing:
        valid = join_masks(valid, draws.uniform("missing") >= config.missing)
    return Values(data, valid)
