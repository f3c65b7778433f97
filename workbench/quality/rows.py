"""Comparing whole rows: a key per row, the same for rows that are equal, and intervals for shares of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.quality.cells import read_texts, take_column

if TYPE_CHECKING:
    import pandas as pd


def hash_rows(frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.uint64]:
    """64 bits per row over `columns`. Numbers are equal by value, texts by their words, whatever their case.

    Of several columns with one name the first counts, and one that is not there has no values. Two different rows
    among a million share a key with a chance below one in ten million.
    """
    import pandas as pd
    from pandas.api import types

    plain: dict[str, pd.Series] = {}
    for name in columns:
        column = take_column(frame, name)
        if types.is_bool_dtype(column.dtype) or not types.is_numeric_dtype(column.dtype):
            text = _write_plain(column).str.casefold().str.replace(r"\s+", " ", regex=True).str.strip()
            plain[name] = text.where(column.notna(), "")
        else:
            plain[name] = column.astype("float64") + 0.0  # -0.0 becomes 0.0, which it equals
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(plain), index=False), np.uint64)


def _write_plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """Values as texts that can be encoded: half a character, which JSON can hold, is written out."""
    texts = read_texts(column)
    try:
        "".join(texts.dropna()).encode()
    except UnicodeEncodeError:
        return texts.str.encode("utf-8", "backslashreplace").str.decode("utf-8")
    return texts


def find_wilson_interval(count: int, total: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share (Wilson 1927): honest near 0 and 1, where counts of copies lie."""
    if total == 0:
        return 0.0, 1.0
    centre, half = centre_share(count / total, total)
    return max(0.0, centre - half), min(1.0, centre + half)


def centre_share(share: float, total: int) -> tuple[float, float]:
    """The middle and half the width of Wilson's 95 % interval of a share of `total`, which is at least 1."""
    z = 1.959964
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * float(np.sqrt(share * (1 - share) / total + z * z / (4 * total * total)))
    return centre, half
