"""Made values as a pandas frame with the types that the real one had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.columns.values import Values
from workbench.synthesizers.profile import ColumnProfile, TableProfile, make_level_array
from workbench.synthesizers.synthesizer import Made

if TYPE_CHECKING:
    import pandas as pd

_NULLABLE: dict[str, Any] = {"int64": "Int64", "bool": "boolean"}


def make_frame(profile: TableProfile, made: Made) -> pd.DataFrame:
    """The columns of the profile, each in its `dtype`; where that is open, whole numbers and truth values with nulls in
    pandas' own nullable types.
    """
    import pandas as pd

    return pd.DataFrame({name: _make_series(made[name], column) for name, column in profile.columns.items()})


def _make_series(values: Values, column: ColumnProfile) -> pd.Series[Any]:
    import pandas as pd

    if column.kind == "string":
        texts = pd.Series(values.data, dtype=object)
        series = _make_texts(texts if values.valid is None else texts.where(values.valid, None))
    elif values.valid is None:
        series = pd.Series(values.data)
    elif column.kind in _NULLABLE:
        series = pd.Series(pd.array(values.data, dtype=_NULLABLE[column.kind])).mask(~values.valid)
    else:
        series = pd.Series(values.data).where(values.valid)
    if column.dtype == "category":
        levels = None if column.levels is None else pd.Index(make_level_array(column)).sort_values()
        return series.astype(pd.CategoricalDtype(levels))
    if column.kind == "timestamp" and "," in column.dtype:
        series = series.dt.tz_localize("UTC")
    dtype: Any = column.dtype
    return series.astype(dtype) if dtype else series


def _make_texts(texts: pd.Series[Any]) -> pd.Series[Any]:
    try:
        return texts.astype("str")
    except UnicodeEncodeError:  # halves of a surrogate pair, which JSON can hold and Arrow cannot
        return texts
