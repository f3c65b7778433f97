"""`sequence`: a time series in each family, that is for each row of the parent table, or over the whole table.

{name: load, type: sequence, mean: 100, ar: [0.7], noise: 5, season: {period: 24, amplitude: 20}}
{name: line, type: sequence, mean: 1, trend: 1, noise: 0, decimals: 0}        numbers an order's lines 1, 2, 3

The value at place t of a family is mean + trend t + seasons(t) + the family's own offset + an autoregressive noise.
Any row can be asked alone: a family is cut into segments of SEGMENT rows, and the noise of a segment is computed from
so many rows before it that what came earlier weighs less than FORGOTTEN.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import NumberConfig, finish_numbers
from workbench.columns.streams import Draws, Family
from workbench.columns.values import Values
from workbench.spec.base import StrictModel

SEGMENT = 4_096
FORGOTTEN = 1e-12

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]


class Season(StrictModel):
    """A wave: amplitude * sin(2 pi (t + phase) / period)."""

    period: Annotated[float, Field(gt=0)] = Field(description="Rows from one top to the next")
    amplitude: float = Field(description="Height above the mean")
    phase: float = Field(0.0, description="Rows by which it is ahead")


class SequenceConfig(NumberConfig):
    """A time series in each family of rows: trend, seasons and autoregressive noise."""

    type: Literal["sequence"]
    mean: float = Field(0.0, description="Its level at the first row of a family")
    trend: float = Field(0.0, description="Change from row to row")
    season: Season | list[Season] = Field(default_factory=list, description="Waves: period, amplitude, phase")
    ar: Annotated[list[float], Field(max_length=16)] = Field(
        default_factory=list, description="How much of the noise of 1, 2, … rows before stays in a row's own"
    )
    noise: Annotated[float, Field(ge=0)] = Field(0.0, description="Standard deviation of what is new in each row")
    spread: Annotated[float, Field(ge=0)] = Field(0.0, description="Standard deviation of the level between families")
    min: float | None = Field(None, description="Values below this become this")
    max: float | None = Field(None, description="Values above this become this")

    @model_validator(mode="after")
    def validate_noise(self) -> SequenceConfig:
        _find_memory(self.ar)
        return self

    @property
    def seasons(self) -> list[Season]:
        """The waves as a list."""
        return [self.season] if isinstance(self.season, Season) else list(self.season)


def make(config: SequenceConfig, context: TableContext) -> Maker:
    """The parts added up, row by row of a family."""
    bounds = config.rounded_bounds(-math.inf, math.inf)

    def values(draws: Draws, inputs: Row) -> Values:
        family = draws.family or Family(np.zeros(len(draws), np.int64), np.full(len(draws), context.rows))
        place = (draws.rows - family.first).astype(np.float64)
        numbers = config.mean + config.trend * place
        for wave in config.seasons:
            numbers = numbers + wave.amplitude * np.sin(2 * np.pi * (place + wave.phase) / wave.period)
        if config.spread:
            numbers = numbers + config.spread * _draw_spread(draws, family.first)
        if config.noise:
            numbers = numbers + config.noise * make_noise(config.ar, draws, family.first)
        return finish_numbers(config, draws, numbers, *bounds)

    return Maker(config.kind, values, bounds, serial=True)


def make_noise(ar: list[float], draws: Draws, first: Whole) -> Numbers:
    """z(t) = ar[0] z(t-1) + ar[1] z(t-2) + … + e(t) for the rows of `draws`, e being standard normal; shape (rows,).

    A family's first value has the variance that the series has in the long run, so that it does not begin quietly.
    """
    from scipy.special import ndtri

    if not ar:
        return np.asarray(ndtri(draws.uniform()), np.float64)
    weights = _find_memory(ar)
    segment = (draws.rows - first) // SEGMENT
    begins = np.where(segment > 0, first + segment * SEGMENT - len(weights), first)
    starts, piece, sizes = _find_pieces(begins, draws.rows)
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    total = int(sizes.sum())
    rows = np.arange(total) - np.repeat(offsets - starts, sizes)
    wanted, back = np.unique(rows, return_inverse=True)
    fresh = np.asarray(ndtri(replace(draws, rows=wanted, family=None).uniform()), np.float64)[back]
    is_first = starts == np.unique(first)[np.searchsorted(np.unique(first), starts, side="right") - 1]
    fresh[offsets[is_first]] *= math.sqrt(float(np.sum(weights**2)))
    noise = _filter(np.array(ar), fresh, offsets, sizes)
    return np.asarray(noise[offsets[piece] + draws.rows - starts[piece]])


def _find_pieces(begins: Whole, rows: Whole) -> tuple[Whole, Whole, Whole]:
    """The stretches of rows to compute: their starts, the stretch of each asked row, and their lengths."""
    starts, piece = np.unique(begins, return_inverse=True)
    last = np.zeros(len(starts), np.int64)
    np.maximum.at(last, piece, rows)
    return starts, piece, last - starts + 1


def _filter(ar: Numbers, fresh: Numbers, offsets: Whole, sizes: Whole) -> Numbers:
    """The recursion over all stretches at once, step by step; each begins with nothing before it."""
    order = np.argsort(-sizes, kind="stable")
    places, lengths = offsets[order], sizes[order]
    result = np.empty(len(fresh))
    past = [np.zeros(len(order)) for _ in ar]
    active = len(order)
    for step in range(int(lengths[0]) if len(lengths) else 0):
        while active and lengths[active - 1] <= step:
            active -= 1
        current = fresh[places[:active] + step]
        for weight, earlier in zip(ar, past, strict=True):
            current = current + weight * earlier[:active]
        result[places[:active] + step] = current
        past = [current, *past[:-1]]
    return result


def _draw_spread(draws: Draws, first: Whole) -> Numbers:
    """A standard normal number for each family, drawn at its first row."""
    from scipy.special import ndtri

    families, back = np.unique(first, return_inverse=True)
    return np.asarray(ndtri(replace(draws, rows=families, family=None).uniform("spread"))[back], np.float64)


def _find_memory(ar: list[float]) -> Numbers:
    """What a new number weighs after 0, 1, 2, … rows, until it is forgotten. Raises ValueError if that is too late."""
    weights = [1.0]
    quiet = 0
    while quiet < max(len(ar), 1):
        weight = sum(share * weights[-1 - back] for back, share in enumerate(ar) if back < len(weights))
        weights.append(weight)
        quiet = quiet + 1 if abs(weight) < FORGOTTEN else 0
        if len(weights) > SEGMENT or abs(weight) > 1e6:
            raise ValueError(
                "the noise with these “ar” never settles, or too slowly: their sum must be clearly below 1, "
                "at most about 0.99"
            )
    return np.array(weights)


register(
    SequenceConfig,
    make,
    group="samplers",
    example="{name: load, type: sequence, mean: 100, ar: [0.7], noise: 5, season: {period: 24, amplitude: 20}}",
)
