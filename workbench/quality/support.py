"""Which values a column may hold, as its own type says: between two bounds, one of some options, null or not.

The column types know their bounds and options (`Maker`), so nothing about single types is repeated here, and a new
type is checked by being registered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from workbench.columns.column_type import Maker, TableContext
from workbench.columns.registry import COLUMNS
from workbench.columns.synthesized import SynthesizedColumnConfig
from workbench.columns.values import Kind, fill_nulls
from workbench.spec.model import ColumnConfig, ModelConfig, ScenarioConfig, TableConfig

if TYPE_CHECKING:
    import pandas as pd

_ROUNDING = 1e-9
"""Relative slack at a bound: a value written and read back as text may differ in its last digit."""


@dataclass(frozen=True, slots=True)
class Support:
    """`options` and `bounds` are None where anything may stand. Bounds of moments are in microseconds since 1970."""

    bounds: tuple[float, float] | None = None
    options: tuple[Any, ...] | None = None

    def holds(self, column: pd.Series[Any]) -> NDArray[np.bool_]:
        """For each row whether its value may stand here; null counts as allowed."""
        allowed = column.isna().to_numpy(np.bool_)
        if self.options is not None:
            return np.asarray(allowed | column.isin(list(self.options)).to_numpy())
        if self.bounds is None:
            return np.ones(len(column), np.bool_)
        numbers = _to_numbers(column)
        if numbers is None:  # a column of the wrong type is the finding of another check
            return np.ones(len(column), np.bool_)
        low, high = self.bounds
        slack = _ROUNDING * np.maximum(1.0, np.abs(numbers))
        with np.errstate(invalid="ignore"):
            return np.asarray(allowed | ((numbers >= low - slack) & (numbers <= high + slack)))


def make_columns(
    table: TableConfig, models: Mapping[str, ModelConfig] | None = None, kinds: Mapping[str, Kind] | None = None
) -> dict[str, Maker]:
    """The columns of `table` made ready, dropped ones included.

    A column whose type cannot be made ready (it belongs to a package that is not installed, say) is left out. `kinds`
    are those of the columns as they were read back: all that is known here of what a synthesizer made.
    """

    def make_synthesized(config: SynthesizedColumnConfig) -> Maker:
        if kinds is None or config.name not in kinds:
            raise ValueError("its values were not read back")
        return Maker(kinds[config.name], lambda draws, inputs: fill_nulls(kinds[config.name], len(draws)))

    makers: dict[str, Maker] = {}
    waiting = list(table.columns)
    while ready := [column for column in waiting if column.references() <= makers.keys()]:
        for column in ready:
            waiting.remove(column)
            context = TableContext(makers, table.rows or 1, models or {}, make_synthesized=make_synthesized)
            maker = _make_column(column, context)
            if maker is not None:
                makers[column.name] = maker
    return makers


def find_support(maker: Maker) -> Support:
    """Where the values of a column may lie."""
    return Support(maker.bounds, maker.options)


def find_scenario_supports(
    scenario: ScenarioConfig, makers: Mapping[str, Maker], columns: Collection[str]
) -> dict[str, Support]:
    """What `scenario` asks of those of its columns that are among `columns`; columns it sets freely are left out."""
    asked: dict[str, Support] = {}
    for name, value in scenario.set.items():
        if name not in columns or name not in makers:
            continue
        if not isinstance(value, dict):
            asked[name] = Support(options=(value,))
            continue
        entry = COLUMNS.get(str(value.get("type")))
        if entry is None:
            continue
        try:
            maker = _make_column(entry.config.model_validate({"name": name, **value}), TableContext(makers))
        except ValidationError:
            continue
        if maker is not None and (maker.bounds is not None or maker.options is not None):
            asked[name] = find_support(maker)
    return asked


def _make_column(column: ColumnConfig, context: TableContext) -> Maker | None:
    entry = COLUMNS.get(column.type)
    try:
        return entry.make(column, context) if entry else None
    except ValueError:
        return None


def _to_numbers(column: pd.Series[Any]) -> NDArray[np.float64] | None:
    """Numbers as they are, moments in microseconds since 1970, None for a column of neither."""
    from pandas.api import types

    if types.is_datetime64_any_dtype(column.dtype):
        moments = column.to_numpy("datetime64[us]").astype(np.int64).astype(np.float64)
        return np.where(column.isna().to_numpy(), np.nan, moments)
    if types.is_numeric_dtype(column.dtype):
        return column.to_numpy(np.float64, na_value=np.nan)
    return None
