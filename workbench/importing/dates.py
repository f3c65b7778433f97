"""Columns of dates and times: read from texts where they are written as such, and put as `datetime` columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_FORMS: tuple[tuple[str, str, str], ...] = (
    (r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", "ISO8601", ""),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", "%d.%m.%Y", "day.month.year"),
    (r"\d{1,2}/\d{1,2}/\d{4}", "%m/%d/%Y", "month/day/year"),
    (r"\d{1,2}/\d{1,2}/\d{4}", "%d/%m/%Y", "day/month/year"),
    (r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d", "year/month/day"),
)
_SAMPLE = 1_000
_UNITS = (("D", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000))
_DAY = 86_400_000_000


def read_dates(texts: pd.Series[Any]) -> tuple[pd.Series[Any], str] | None:
    """Moments (without a zone, in UTC where one was given) of texts that are all dates of one form, and its words.

    The words are empty for ISO 8601. None where the texts are anything else.
    """
    import pandas as pd

    sample = texts.iloc[:_SAMPLE]
    for pattern, form, words in _FORMS:
        if not all(re.fullmatch(pattern, str(text)) for text in sample):
            continue
        moments = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
        if moments.notna().all():
            return moments.dt.tz_localize(None), words
    return None


def describe_dates(moments: pd.Series[Any]) -> dict[str, Any]:
    """The fields of a `datetime` column: start and end are the 0.5 and 99.5 percentiles rounded outward.

    Raises ValueError for years that a spec cannot write.
    """
    whole = moments.to_numpy("datetime64[us]").astype(np.int64)
    unit = next((name for name, size in _UNITS if not (whole % size).any()), "ms")
    low, high = (int(bound) for bound in np.percentile(whole, (0.5, 99.5)))
    step = "M" if high - low > 366 * _DAY else "D" if high - low > 2 * _DAY or unit == "D" else "h"
    start = np.datetime64(low, "us").astype(f"M8[{step}]")
    end = np.datetime64(high, "us").astype(f"M8[{step}]") + 1
    return {"type": "datetime", "start": _write(start), "end": _write(end)} | ({} if unit == "s" else {"unit": unit})


def _write(moment: np.datetime64) -> Any:
    value = moment.astype("M8[us]").item()
    if isinstance(value, int):
        raise ValueError("the year is beyond 9999")
    return value.date() if (value.hour, value.minute, value.second) == (0, 0, 0) else value
