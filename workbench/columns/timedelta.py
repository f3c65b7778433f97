"""`timedelta`: a moment some time after, or before, another moment of the row.

{name: paid, type: timedelta, since: ordered, low: 1, high: 30, unit: D}
{name: answered, type: timedelta, since: asked, mean: 4.5, unit: h}
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.datetime import MICROSECONDS
from workbench.columns.sampling import SamplerConfig, drop_missing
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.spec.model import Name

_MOST = 10**6  # units; a thousand years of days


class TimedeltaConfig(SamplerConfig):
    """A moment a random time after another one: a whole number of units from low to high, or a wait around mean."""

    type: Literal["timedelta"]
    since: Name = Field(description="Column of the moment to count from")
    low: Annotated[int, Field(ge=-_MOST, le=_MOST)] | None = Field(None, description="Fewest units; negative: before")
    high: Annotated[int, Field(ge=-_MOST, le=_MOST)] | None = Field(None, description="Most units, included")
    mean: Annotated[float, Field(gt=0, le=_MOST)] | None = Field(
        None, description="Instead of low and high: an exponential wait of so many units on average"
    )
    unit: Literal["D", "h", "m", "s", "ms"] = Field("s", description="Days, hours, minutes, seconds or milliseconds")

    @model_validator(mode="after")
    def validate_span(self) -> TimedeltaConfig:
        if (self.mean is None) == (self.low is None or self.high is None) or (
            self.mean is not None and (self.low is not None or self.high is not None)
        ):
            raise ValueError("give low and high, or mean")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self

    def references(self) -> frozenset[str]:
        return frozenset({self.since})


def make(config: TimedeltaConfig, context: TableContext) -> Maker:
    """The other moment plus a uniform or exponential time; null where that one is."""
    since = context.makers[config.since]
    if since.kind != "timestamp":
        raise ValueError(f"“{config.since}” is no moment in time")
    unit = MICROSECONDS[config.unit]
    bounds = None
    if since.bounds is not None and config.low is not None and config.high is not None:
        bounds = (since.bounds[0] + config.low * unit, since.bounds[1] + config.high * unit)

    def values(draws: Draws, inputs: Row) -> Values:
        moments = inputs[config.since]
        steps = _draw_units(config, draws)
        moved = moments.data.astype("datetime64[us]").view(np.int64) + np.rint(steps * unit).astype(np.int64)
        return drop_missing(config, draws, moved.view("datetime64[us]"), moments.valid)

    return Maker("timestamp", values, bounds)


def _draw_units(config: TimedeltaConfig, draws: Draws) -> NDArray[np.float64]:
    uniform = draws.uniform()
    if config.mean is not None:
        return np.asarray(-config.mean * np.log1p(-uniform))
    assert config.low is not None
    assert config.high is not None
    steps = np.floor(uniform * (config.high - config.low + 1)) + config.low
    return np.asarray(np.minimum(steps, config.high), np.float64)


register(
    TimedeltaConfig,
    make,
    group="samplers",
    example="{name: paid, type: timedelta, since: ordered, low: 1, high: 30, unit: D}",
)
