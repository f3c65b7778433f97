"""Comparing whole rows: a key per row, the same for rows that are equal, and intervals for shares of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


def hash_rows(frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.uint64]:
    """64 bits per row over `columns`. Numbers are equal by value, texts by their words, whatever their case.

    Two different rows among a million share a key with a chance below one in ten million.
    """
    import pandas as pd
    from pandas.api import types

    plain: dict[str, pd.Series] = {}
    for name in columns:
        column = frame[name]
        if types.is_bool_dtype(column.dtype) or not types.is_numeric_dtype(column.dtype):
            text = column.astype(str).str.casefold().str.replace(r"\s+", " ", regex=True).str.strip()
            plain[name] = text.where(column.notna(), "")
        else:
            plain[name] = column.astype("float64") + 0.0  # -0.0 becomes 0.0, which it equals
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(plain), index=False), np.uint64)


def find_wilson_interval(count: int, total: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share (Wilson 1927): honest near 0 and 1, where counts of copies lie."""
    if total == 0:
        return 0.0, 1.0
    z = 1.959964
    share = count / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * float(np.sqrt(share * (1 - share) / total + z * z / (4 * total * total)))
    return max(0.0, centre - half), min(1.0, centre + half)
