"""What a spec gives as public of a column, its bounds and its values, read as the column's kind."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from workbench.columns.values import DTYPES
from workbench.errors import UsageError
from workbench.synthesizers.profile import ColumnProfile

_MOST_WHOLE = 2**53
"""Whole numbers up to it are doubles without a loss."""


def read_bounds(column: ColumnProfile, bounds: tuple[Any, Any]) -> tuple[float, float]:
    """Lowest and highest value as doubles, moments in microseconds since 1970, the last day whole.

    Raises UsageError where they are not of the column's kind, or the lowest is not below the highest.
    """
    if column.role != "number":
        raise UsageError(
            f"“{column.name}” cannot have bounds: it holds no numbers.", "Give its public values under `values`."
        )
    low, high = (_read_number(column, bound) for bound in bounds)
    if column.kind == "timestamp" and not isinstance(bounds[1], datetime.datetime):
        high += 86_400_000_000 - column.step
    if not low < high or max(abs(low), abs(high)) >= 2.0**63:
        raise UsageError(
            f"The public bounds of “{column.name}” are no range.", "Give the lowest value, then the highest."
        )
    return low, high


def read_levels(column: ColumnProfile, values: list[Any]) -> tuple[Any, ...]:
    """The values in the type that the column's levels have. Raises UsageError where they are of another kind."""
    read = [_read_level(column, value) for value in values]
    if len(dict.fromkeys(read)) < max(len(values), 1):
        raise UsageError(
            f"The public values of “{column.name}” are none, or one is given twice.", "Give each of them once."
        )
    return tuple(read)


def _read_level(column: ColumnProfile, value: Any) -> Any:
    if column.kind == "string":
        return str(value)
    if column.kind == "bool":
        if isinstance(value, bool):
            return value
        raise _refuse(column, value)
    number = _read_number(column, value)
    return number if column.kind == "double" else int(number)


def _read_number(column: ColumnProfile, value: Any) -> float:
    if column.kind == "timestamp":
        try:
            moment = np.datetime64(value).astype(DTYPES["timestamp"])
        except (TypeError, ValueError):
            raise _refuse(column, value) from None
        if np.isnat(moment) or isinstance(value, (int, float)):
            raise _refuse(column, value)
        return float(moment.astype(np.int64))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise _refuse(column, value)
    if column.kind == "int64" and (value != int(value) or abs(value) > _MOST_WHOLE):
        raise _refuse(column, value)
    return float(value)


def _refuse(column: ColumnProfile, value: Any) -> UsageError:
    return UsageError(
        f"“{value}” cannot be public of “{column.name}”.", f"Its values are of the type {column.kind}: give such ones."
    )
