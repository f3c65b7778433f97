"""Conditions on fitted columns: read from plain values, and refused where the column never has them."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.columns.values import DTYPES, Values, fill_nulls, find_kind, make_text_array
from workbench.errors import UsageError
from workbench.spec.problems import suggest
from workbench.synthesizers.profile import ColumnProfile, TableProfile, find_codes, find_numbers, make_level_array

if TYPE_CHECKING:
    import pandas as pd


def read_conditions(
    profile: TableProfile, conditions: Mapping[str, Any] | pd.DataFrame | None, rows: int
) -> dict[str, Values]:
    """Each condition as `rows` values of its column's kind.

    Raises UsageError for an unknown column, another number of values, a value of another kind, and one that the column
    never has (`find_refusal`). A whole number may be given as a real one (3.0), since frames hold it so beside nulls.
    """
    fixed: dict[str, Values] = {}
    for name, given in _pair_columns(conditions):
        column = profile.columns.get(str(name))
        if column is None:
            raise UsageError(f"There is no column “{name}” to set.", suggest(str(name), profile.columns))
        fixed[str(name)] = values = _read_values(column, given, rows)
        refusal = find_refusal(column, values)
        if refusal:
            raise UsageError(f"The condition on “{name}” cannot hold: {refusal}.", "Give a value that the column has.")
    return fixed


def find_refusal(column: ColumnProfile, values: Values) -> str:
    """Why the column never has one of the values, empty where it may have all of them."""
    present = values.data if values.valid is None else values.data[values.valid]
    if values.count_nulls() and not column.missing:
        return "it is never null in the real table"
    if not len(present) or column.role == "identifier":
        return ""
    if column.role == "empty":
        return "it has no value in any row of the real table"
    if column.role == "category" or column.levels is not None:
        unknown = np.flatnonzero(find_codes(column, Values(present)) < 0)
        if len(unknown):
            levels = make_level_array(column)
            shown = ", ".join(map(str, levels[:_SHOWN])) + (" and others" if len(levels) > _SHOWN else "")
            return f"“{present[unknown[0]]}” is no value of the real table, which has {shown}"
        return ""
    numbers = find_numbers(Values(present))
    low, high = column.low, column.high
    if column.kind == "int64":  # large whole numbers lie between doubles
        low, high = np.nextafter(low, -np.inf), np.nextafter(high, np.inf)
    outside = np.flatnonzero((numbers < low) | (numbers > high))
    if not len(outside):
        return ""
    bounds = f"{show_bound(column, column.low)} to {show_bound(column, column.high)}"
    return f"“{present[outside[0]]}” lies outside the real values, which go from {bounds}"


def show_bound(column: ColumnProfile, bound: float) -> str:
    """A bound of the column as a reader knows it: a moment as its date and time."""
    if column.kind != "timestamp":
        return f"{bound:.15g}"
    unit = "D" if column.step % 86_400_000_000 == 0 else "s" if column.step % 1_000_000 == 0 else "us"
    return str(np.datetime64(int(bound), "us").astype(f"datetime64[{unit}]")).replace("T", " ")


def _pair_columns(conditions: Mapping[str, Any] | pd.DataFrame | None) -> list[tuple[str, Any]]:
    if conditions is None:
        return []
    if not hasattr(conditions, "keys"):
        raise UsageError(
            f"A {type(conditions).__name__} is no set of conditions.",
            "Give a mapping from columns to values, or a frame.",
        )
    names: list[Any] = list(getattr(conditions, "columns", conditions))
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"Two columns of the conditions have the name “{twice[0]}”.", "Remove one of them.")
    return [(str(name), conditions[name]) for name in names]


def _read_values(column: ColumnProfile, given: Any, rows: int) -> Values:
    if isinstance(given, np.ndarray) and not given.ndim:
        given = given.item()
    single = isinstance(given, str | bytes) or not hasattr(given, "__len__")
    values = [given] * rows if single else list(given)
    if len(values) != rows:
        message = f"The condition on “{column.name}” has {len(values):,} values for {rows:,} rows."
        raise UsageError(message, "Give one value, or one for each row.")
    plain = [_make_plain(value) for value in values]
    present = [_fit_kind(column, value) for value in plain if value is not None]
    if not present:
        return fill_nulls(column.kind, rows)
    valid = np.array([value is not None for value in plain], np.bool_)
    data: Any = np.empty(rows, DTYPES[column.kind])
    data[:] = "" if column.kind == "string" else present[0]
    data[valid] = make_text_array(present) if column.kind == "string" else np.array(present, DTYPES[column.kind])
    return Values(data, None if valid.all() else valid)


def _fit_kind(column: ColumnProfile, value: Any) -> Any:
    """The value as one of the column's kind. Raises UsageError where it is none."""
    found = find_kind(value)
    if found == "double" and column.kind == "int64" and value.is_integer():
        value, found = int(value), "int64"
    if found == "int64" and column.kind == "bool" and value in (0, 1):
        return bool(value)
    if found == "int64" and not _LOWEST <= value <= _HIGHEST:
        raise UsageError(f"“{value}” is too large a number for “{column.name}”.", "Give a value that the column has.")
    if found == column.kind or (found, column.kind) == ("int64", "double"):
        return value
    message = f"“{value}” is not of the kind of the values of “{column.name}”."
    raise UsageError(message, f"It holds {_KINDS[column.kind]}.")


_SHOWN = 10
_LOWEST, _HIGHEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
_KINDS: dict[str, str] = {
    "bool": "true and false",
    "int64": "whole numbers",
    "double": "numbers",
    "string": "texts",
    "timestamp": "dates and times",
}


def _make_plain(value: Any) -> Any:
    if isinstance(value, str) or hasattr(value, "__len__"):
        return value
    if value is None or str(value) in ("<NA>", "NaT", "nan", "NaN"):  # pandas' nulls refuse to be compared
        return None
    if isinstance(value, decimal.Decimal):
        return float(value)
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    elif isinstance(value, np.datetime64):
        value = value.astype(DTYPES["timestamp"]).item()
    elif isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value
