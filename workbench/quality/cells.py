"""Columns as plain arrays, whatever holds them: numbers, moments and spans of time on one scale, all else as text.

Tables come out of files that people made: numbers kept as decimals, dates as objects, lists inside cells, two columns
of one name. What looks at values takes them from here, so that none of these is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Scale = Literal["number", "moment", "span"]
_NUMBERS = frozenset({"integer", "floating", "mixed-integer-float", "decimal"})
_MOMENTS = frozenset({"date", "datetime", "datetime64"})
_MICROSECONDS_OF_DAY = 86_400e6


def take_column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """The column of that name, the first of several; one without values where the frame has none."""
    import pandas as pd

    if name not in frame.columns:
        return pd.Series([None] * len(frame), index=frame.index, name=name, dtype=object)
    found: Any = frame[name]
    return found.iloc[:, 0] if isinstance(found, pd.DataFrame) else found


def find_scale(column: pd.Series[Any]) -> Scale | None:
    """What the values measure; None for truth values, texts and everything else that is no quantity."""
    from pandas.api import types

    if types.is_bool_dtype(column.dtype) or types.is_complex_dtype(column.dtype):
        return None
    if types.is_numeric_dtype(column.dtype):
        return "number"
    if types.is_datetime64_any_dtype(column.dtype):
        return "moment"
    if types.is_timedelta64_dtype(column.dtype):
        return "span"
    if not types.is_object_dtype(column.dtype):
        return None
    inferred = types.infer_dtype(column, skipna=True)
    if inferred in _NUMBERS:
        return "number"
    return "moment" if inferred in _MOMENTS else None


def is_flag(column: pd.Series[Any]) -> bool:
    """Whether the column holds true and false and nothing else, missing values aside."""
    from pandas.api import types

    if types.is_bool_dtype(column.dtype):
        return True
    return types.is_object_dtype(column.dtype) and types.infer_dtype(column, skipna=True) == "boolean"


def read_numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Shape (rows,): numbers as they are, moments in days since 1970 (UTC), spans in days, NaN where there is no value.

    A column of no scale is all NaN, apart from texts that can be read as numbers.
    """
    import pandas as pd

    scale = find_scale(column)
    if scale == "number":
        try:
            return column.to_numpy(np.float64, na_value=np.nan)
        except (OverflowError, TypeError, ValueError):  # a whole number of more than 308 digits
            return pd.to_numeric(column.astype(str), errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if scale is None:
        if is_flag(column):
            return np.asarray(column.astype("boolean").to_numpy(np.float64, na_value=np.nan), np.float64)
        parsed: pd.Series[Any] = pd.to_numeric(read_texts(column), errors="coerce")
        return parsed.to_numpy(np.float64, na_value=np.nan)
    if scale == "span":
        counted = column.to_numpy("timedelta64[us]")
    else:
        moments = column if column.dtype != object else pd.to_datetime(column, errors="coerce", utc=True)
        plain = moments.dt.tz_convert("UTC").dt.tz_localize(None) if moments.dt.tz is not None else moments
        counted = plain.to_numpy("datetime64[us]")
    days = counted.astype(np.int64) / _MICROSECONDS_OF_DAY
    return np.where(np.isnat(counted), np.nan, days)


def read_texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Values as texts of Python in a column of objects, which takes any character; None where there is no value."""
    import pandas as pd

    missing = column.isna().to_numpy(np.bool_)
    # Each different value is written once. Cells without a hash (lists, dicts) are written one by one.
    try:
        codes, different = pd.factorize(column)
        written = np.array([*(str(value) for value in different), None], dtype=object)
        texts = written[codes]
    except TypeError:
        texts = np.array(
            [None if gap else str(value) for value, gap in zip(column, missing, strict=True)], dtype=object
        )
    return pd.Series(texts, index=column.index, name=column.name, dtype=object)


def measure_lengths(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Characters of each value as text, shape (rows,); NaN where there is no value."""
    return np.array([np.nan if text is None else len(text) for text in read_texts(column)], dtype=np.float64)


def code_levels(column: pd.Series[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """Each value's place among the different ones as text, and these, sorted; -1 where there is no value."""
    import pandas as pd

    try:
        codes, different = pd.factorize(column)
    except TypeError:
        codes, different = pd.factorize(read_texts(column))
    names = np.array([str(value) for value in different], dtype=object)
    levels, places = np.unique(names, return_inverse=True) if len(names) else (names, np.empty(0, np.int64))
    return np.where(codes < 0, -1, np.append(places, -1)[codes]).astype(np.int64), [str(level) for level in levels]
