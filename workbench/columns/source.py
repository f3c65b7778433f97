"""`source`: values of a real table, row by row: each row takes one real row at random, the same for all its columns.

{name: age, type: source, source: real, column: age}

These are real values, from the part of the source that is not held out. Checks of privacy will find them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.streams import Draws
from workbench.columns.values import DTYPES, Kind, Values, make_text_array
from workbench.spec.model import ColumnConfig, Name
from workbench.spec.problems import suggest

if TYPE_CHECKING:
    import pandas as pd


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
    kind, pool = _read_pool(frame[name])
    stream = config.name if config.independent else f"source {config.source}"

    def values(draws: Draws, inputs: Row) -> Values:
        shared = replace(draws, column=stream)
        place = np.minimum((shared.uniform("row") * len(pool)).astype(np.int64), len(pool) - 1)
        return pool.take(place)

    return Maker(kind, values)


def _read_pool(column: pd.Series[Any]) -> tuple[Kind, Values]:
    from pandas.api import types

    missing = column.isna().to_numpy(np.bool_)
    valid = ~missing if missing.any() else None
    if types.is_bool_dtype(column.dtype):
        return "bool", Values(column.to_numpy(DTYPES["bool"], na_value=False), valid)
    if types.is_integer_dtype(column.dtype):
        return "int64", Values(column.to_numpy(DTYPES["int64"], na_value=0), valid)
    if types.is_numeric_dtype(column.dtype):
        return "double", Values(column.to_numpy(DTYPES["double"], na_value=0.0), valid)
    if types.is_datetime64_any_dtype(column.dtype):
        plain = column.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(column.dt, "tz", None) else column
        return "timestamp", Values(plain.fillna(plain.min()).to_numpy(DTYPES["timestamp"]), valid)
    texts = ["" if gap else str(value) for value, gap in zip(column, missing, strict=True)]
    return "string", Values(make_text_array(texts), valid)


register(
    SourceColumnConfig, make, group="references", example="{name: age, type: source, source: real, column: mean_radius}"
)
