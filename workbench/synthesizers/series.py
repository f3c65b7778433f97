"""A column of a real frame as values, whatever pandas holds it in: types are looked for before texts are settled for.

A frame that comes from a database, a JSON file or Arrow often holds plain Python objects, decimals or categories. What
is a number, a truth value or a moment there is one here too; the rest is text. What changes is told in a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.frames import find_series_kind, read_series
from workbench.columns.values import Kind, Values, join_masks
from workbench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

_MOST_SINGLE_DECIMALS = 6
"""Digits after the point that a number of 32 bits can have been written with."""


def read_real_series(column: pd.Series[Any], notes: list[str]) -> tuple[Kind, Values, str]:
    """The kind and the values of a column, and the name of the pandas type to give made values back in, empty: any.

    Python objects that are all numbers, truth values or moments become these, categories what they consist of,
    durations seconds; lists, mappings and mixed types become texts. Infinite numbers become missing. `notes` gets a
    sentence for what changes the values. Raises UsageError for complex numbers.
    """
    plain = _find_plain(column, notes)
    kind = find_series_kind(plain)
    values = read_series(plain)
    if kind == "double":
        values = _drop_infinite(str(column.name), values, notes)
        if plain.dtype.name == "float32":
            values = Values(_round_singles(values.data), values.valid)
    same = plain is column or column.dtype.name == "category"
    return kind, values, column.dtype.name if same and column.dtype.name not in ("object", "str") else ""


def _find_plain(column: pd.Series[Any], notes: list[str]) -> pd.Series[Any]:
    """The column in a type that says what its values are; the same object where it already is."""
    import pandas as pd
    from pandas.api import types

    dtype: Any = column.dtype
    if types.is_complex_dtype(dtype):
        raise UsageError(
            f"“{column.name}” holds complex numbers, which cannot be learned.", "Give their two parts as two columns."
        )
    if isinstance(dtype, pd.SparseDtype):
        return column.astype(dtype.subtype)
    if types.is_timedelta64_dtype(dtype):
        notes.append(f"“{column.name}” holds durations: they are taken as seconds.")
        seconds: pd.Series[Any] = column.dt.total_seconds()
        return seconds
    if types.is_unsigned_integer_dtype(dtype) and column.max() > np.iinfo(np.int64).max:
        return column.astype("float64")
    known = types.is_bool_dtype(dtype) or types.is_numeric_dtype(dtype)
    if not isinstance(dtype, pd.ArrowDtype):  # its dates are moments to pandas, but lack what moments have
        known = known or isinstance(dtype, pd.StringDtype) or types.is_datetime64_any_dtype(dtype)
    if known and not isinstance(dtype, pd.CategoricalDtype):
        return column
    return _find_type(column.astype(object), notes)


def _find_type(column: pd.Series[Any], notes: list[str]) -> pd.Series[Any]:
    """Python objects in the type that all of them have, as they are where they have none in common."""
    import pandas as pd

    found = pd.api.types.infer_dtype(column, skipna=True)
    try:
        if found == "boolean":
            return column.astype("boolean")
        if found == "integer":
            return column.astype("Int64")
        if found in ("floating", "mixed-integer-float", "decimal"):
            return column.where(column.notna(), np.nan).astype("float64")
        if found in ("datetime64", "datetime", "date"):
            return pd.to_datetime(column)
    except OverflowError:
        return column.where(column.notna(), np.nan).astype("float64")
    except (ValueError, TypeError):
        pass
    if found not in ("string", "empty"):
        notes.append(f"“{column.name}” holds values of no single plain type: they are taken as texts.")
    return column


def _drop_infinite(name: str, values: Values, notes: list[str]) -> Values:
    infinite = int(np.isinf(values.data).sum())
    if infinite:
        notes.append(f"“{name}” has {infinite:,} infinite numbers: they are taken as missing.")
    finite = np.isfinite(values.data)
    return values if finite.all() else Values(np.where(finite, values.data, 0.0), join_masks(values.valid, finite))


def _round_singles(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers of 32 bits as they were written: 0.1 rather than 0.10000000149."""
    singles = numbers.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for decimals in range(_MOST_SINGLE_DECIMALS + 1):
            rounded = np.round(numbers, decimals)
            if np.array_equal(rounded.astype(np.float32), singles):
                return rounded
    return numbers
