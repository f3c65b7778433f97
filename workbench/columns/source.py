"""`source`: values of a real table, row by row: each row takes one real row at random, the same for all its columns.

{name: age, type: source, source: real, column: age}

These are real values, from the part of the source that is not held out. Checks of privacy will find them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from workbench.calls.failures import Place
from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.frames import find_series_kind, read_series
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.spec.model import ColumnConfig, Name
from workbench.spec.problems import suggest


class SourceColumnConfig(ColumnConfig):
    """A value of a real table, from a row at random; columns of one source take the same row."""

    type: Literal["source"]
    source: Name = Field(description="Name of the source")
    column: str | None = Field(None, description="The source's column, if it has another name than this one")
    independent: bool = Field(False, description="Take a row of its own, not that of the other columns of the source")


def make(config: SourceColumnConfig, context: TableContext) -> Maker:
    """The source's column is held in memory; a row takes the value at a random place of it."""
    frame = context.read_source(config.source)
    name = config.column or config.name
    if name not in frame.columns:
        raise ValueError(f"“{config.source}” has no column “{name}”. {suggest(name, map(str, frame.columns))}".strip())
    pool = read_series(frame[name])
    stream = config.name if config.independent else f"source {config.source}"
    number = context.number_source(config.source)

    def values(draws: Draws, inputs: Row) -> Values:
        shared = replace(draws, column=stream)
        place = np.minimum((shared.uniform("row") * len(pool)).astype(np.int64), len(pool) - 1)
        trail = context.session.trail
        if trail is not None:
            trail.note_seeds(
                Place(draws.table, draws.column), config.source, draws.rows, place if number is None else number[place]
            )
        return pool.take(place)

    return Maker(find_series_kind(frame[name]), values)


register(
    SourceColumnConfig, make, group="references", example="{name: age, type: source, source: real, column: mean_radius}"
)
