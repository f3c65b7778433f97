"""`datetime`: a moment between start and end, on a grid of days, hours or finer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import SamplerConfig, drop_missing
from workbench.columns.streams import Draws
from workbench.columns.values import Values

_MICROSECONDS = {"D": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}


class DatetimeConfig(SamplerConfig):
    """A moment from start to end, all equally likely."""

    type: Literal["datetime"]
    start: datetime = Field(description="Earliest moment, for instance 2026-01-01 or 2026-01-01T08:00:00")
    end: datetime = Field(description="Latest moment, included; a date alone means its first second")
    unit: Literal["D", "h", "m", "s", "ms"] = Field(
        "s", description="Step between possible moments: days, hours, minutes, seconds or milliseconds"
    )

    @field_validator("start", "end")
    @classmethod
    def validate_zone(cls, moment: datetime) -> datetime:
        """Moments are kept without a zone, in UTC where one was given."""
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)

    @model_validator(mode="after")
    def validate_range(self) -> DatetimeConfig:
        if self.start > self.end:
            raise ValueError(f"start {self.start} is after end {self.end}")
        return self


def make(config: DatetimeConfig, context: TableContext) -> Maker:
    """`start + k unit` for a uniform k among those that do not pass the end."""
    start = int(np.datetime64(config.start, "us").astype(np.int64))
    end = int(np.datetime64(config.end, "us").astype(np.int64))
    unit = _MICROSECONDS[config.unit]
    steps = (end - start) // unit

    def values(draws: Draws, inputs: Row) -> Values:
        step = (draws.uniform() * (steps + 1)).astype(np.int64)
        np.minimum(step, steps, out=step)
        return drop_missing(config, draws, (step * unit + start).view("datetime64[us]"))

    return Maker("timestamp", values, (start, start + steps * unit))


register(
    DatetimeConfig, make, group="samplers", example="{name: at, type: datetime, start: 2026-01-01, end: 2026-06-30}"
)
