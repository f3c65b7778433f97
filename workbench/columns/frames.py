"""Columns of a pandas frame as values: what a source holds, and what a dataset holds when it is read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.columns.values import DTYPES, Kind, Values, make_text_array

if TYPE_CHECKING:
    import pandas as pd


def find_series_kind(column: pd.Series[Any]) -> Kind:
    """The kind of a column by its dtype; all that is no number, truth value or moment is text."""
    from pandas.api import types

    if types.is_bool_dtype(column.dtype):
        return "bool"
    if types.is_integer_dtype(column.dtype):
        return "int64"
    if types.is_numeric_dtype(column.dtype):
        return "double"
    return "timestamp" if types.is_datetime64_any_dtype(column.dtype) else "string"


def read_series(column: pd.Series[Any]) -> Values:
    """The values of a column, in the dtype of its kind; moments with a zone in UTC without one."""
    kind = find_series_kind(column)
    missing = column.isna().to_numpy(np.bool_)
    if kind == "string":
        data: Any = make_text_array(["" if gap else str(value) for value, gap in zip(column, missing, strict=True)])
    elif kind == "timestamp":
        plain = column.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(column.dt, "tz", None) else column
        data = plain.to_numpy(DTYPES["timestamp"])
    else:
        data = column.to_numpy(DTYPES[kind], na_value=0)
    return Values(data, ~missing if missing.any() else None)
