"""`datetime`: a moment between start and end, on a grid of days, hours or finer.

{name: at, type: datetime, start: 2026-01-01, end: 2026-06-30, unit: h}
{name: at, type: datetime, start: signed_up, end: 2026-06-30, ordered: true}

With `ordered` the moments of a family, the rows with the same parent, rise from row to row: as many uniform numbers
as it has rows are drawn and sorted. A family beyond LARGEST_FAMILY rows, such as a whole table, is spread evenly
instead: its row t gets a moment in the t-th of as many equal parts, which any row can be given alone.
"""

from __future__ import annotations

import datetime as dates
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import SamplerConfig, drop_missing
from workbench.columns.streams import Draws
from workbench.columns.values import Values, join_masks
from workbench.spec.model import Name

MICROSECONDS = {"D": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}
LARGEST_FAMILY = 100_000

Whole = NDArray[np.int64]


class DatetimeConfig(SamplerConfig):
    """A moment from start to end, all equally likely."""

    type: Literal["datetime"]
    start: dates.datetime | Name = Field(
        description="Earliest moment, for instance 2026-01-01 or 2026-01-01T08:00:00, or the column that holds it"
    )
    end: dates.datetime | Name = Field(
        description="Latest moment, included; a date alone means its first second; or the column that holds it"
    )
    unit: Literal["D", "h", "m", "s", "ms"] = Field(
        "s", description="Step between possible moments: days, hours, minutes, seconds or milliseconds"
    )
    ordered: bool = Field(False, description="The moments rise within the rows of a parent, or over the whole table")

    @field_validator("start", "end")
    @classmethod
    def validate_zone(cls, moment: dates.datetime | str) -> dates.datetime | str:
        """Moments are kept without a zone, in UTC where one was given."""
        if isinstance(moment, str) or moment.tzinfo is None:
            return moment
        return moment.astimezone(dates.UTC).replace(tzinfo=None)

    @model_validator(mode="after")
    def validate_range(self) -> DatetimeConfig:
        if isinstance(self.start, dates.datetime) and isinstance(self.end, dates.datetime) and self.start > self.end:
            raise ValueError(f"start {self.start} is after end {self.end}")
        return self

    def references(self) -> frozenset[str]:
        return frozenset(end for end in (self.start, self.end) if isinstance(end, str))


def make(config: DatetimeConfig, context: TableContext) -> Maker:
    """`start + k unit` for a uniform k among those that do not pass the end; the start where the end is before it."""
    read_start, low = _read_end(config.start, context)
    read_end, high = _read_end(config.end, context)
    unit = MICROSECONDS[config.unit]

    def values(draws: Draws, inputs: Row) -> Values:
        start, end = read_start(inputs, len(draws)), read_end(inputs, len(draws))
        first = start.data.view(np.int64)
        steps = np.maximum((end.data.view(np.int64) - first) // unit, 0)
        uniform = _rise(draws, context.rows) if config.ordered else draws.uniform()
        step = np.minimum((uniform * (steps + 1)).astype(np.int64), steps)
        valid = join_masks(start.valid, end.valid)
        return drop_missing(config, draws, (step * unit + first).view("datetime64[us]"), valid)

    bounds = None
    if low is not None and high is not None:
        bounds = (low[0], max(low[1], high[1]))
        if not config.references():  # the last step of the unit that does not pass the end
            bounds = (low[0], low[0] + (high[0] - low[0]) // unit * unit)
    return Maker("timestamp", values, bounds, serial=config.ordered)


def _read_end(
    end: dates.datetime | str, context: TableContext
) -> tuple[Callable[[Row, int], Values], tuple[float, float] | None]:
    """What gives the moment of each row, and its bounds in microseconds if they are known."""
    if isinstance(end, str):
        maker = context.makers[end]
        if maker.kind != "timestamp":
            raise ValueError(f"“{end}” is no moment in time")
        return (lambda inputs, count: inputs[end]), maker.bounds
    moment = np.datetime64(end, "us")
    number = int(moment.astype(np.int64))
    return (lambda inputs, count: Values(np.full(count, moment))), (number, number)


def _rise(draws: Draws, rows: int) -> NDArray[np.float64]:
    """Uniform numbers that rise within each family; shape (rows,)."""
    family = draws.family
    first = np.zeros(len(draws), np.int64) if family is None else family.first
    size = np.full(len(draws), rows) if family is None else family.size
    result = (draws.rows - first + draws.uniform()) / size
    small = size <= LARGEST_FAMILY
    if small.any():
        result[small] = _sort_within(draws, draws.rows[small], first[small], size[small])
    return result


def _sort_within(draws: Draws, rows: Whole, first: Whole, size: Whole) -> NDArray[np.float64]:
    """The numbers of all rows of the families that `rows` belong to, sorted in each, for `rows` alone."""
    families, at = np.unique(first, return_index=True)
    sizes = size[at]
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    members = np.arange(int(sizes.sum())) + np.repeat(families - offsets, sizes)
    numbers = replace(draws, rows=members, family=None).uniform()
    owner = np.repeat(np.arange(len(families)), sizes)
    numbers = numbers[np.lexsort((numbers, owner))]
    place = np.searchsorted(families, first)
    return np.asarray(numbers[offsets[place] + rows - first], np.float64)


register(
    DatetimeConfig, make, group="samplers", example="{name: at, type: datetime, start: 2026-01-01, end: 2026-06-30}"
)
