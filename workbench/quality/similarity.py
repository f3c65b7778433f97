"""How alike two columns are, as one figure within 0 and 1, for numbers, categories, dates and texts.

Numbers and dates: 1 - the Kolmogorov-Smirnov distance, sup |F_a - F_b|. Categories: 1 - the total variation distance,
half the sum of |p_a - p_b|. Texts: as numbers, by their length in characters. These are the definitions of SDMetrics'
KSComplement and TVComplement. A column that is missing more or less often than the other is no more alike than
1 - |share missing in a - share missing in b|, which the plain definitions leave out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "category", "text"]
_MAX_LEVELS = 50
_MAX_LEVEL_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Codes:
    """Two columns on a common scale: each value's place among all different values, smallest first; -1 is missing."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    levels: int
    ordered: bool


def find_kind(column: pd.Series[Any]) -> Kind:
    """Dates and durations count as numbers; booleans and strings of few different values as categories."""
    from pandas.api import types

    if types.is_bool_dtype(column.dtype):
        return "category"
    if types.is_numeric_dtype(column.dtype) or types.is_datetime64_any_dtype(column.dtype):
        return "number"
    if types.is_timedelta64_dtype(column.dtype):
        return "number"
    present = column.dropna().astype(str)
    few = present.nunique() <= max(2, min(_MAX_LEVELS, _MAX_LEVEL_SHARE * len(present)))
    return "category" if few else "text"


def encode_columns(a: pd.Series[Any], b: pd.Series[Any], kind: Kind) -> Codes:
    """Put both columns on a common scale. Columns that are not both numbers or both dates are compared as texts."""
    values_a, values_b = _to_scale(a, kind), _to_scale(b, kind)
    if kind == "number" and values_a.dtype != values_b.dtype:
        values_a, values_b = _to_scale(a, "category"), _to_scale(b, "category")
        kind = "category"
    missing_a, missing_b = a.isna().to_numpy(), b.isna().to_numpy()
    present = np.concatenate([values_a[~missing_a], values_b[~missing_b]])
    levels, codes = np.unique(present, return_inverse=True)
    split = int((~missing_a).sum())
    full_a, full_b = np.full(len(a), -1, np.int64), np.full(len(b), -1, np.int64)
    full_a[~missing_a], full_b[~missing_b] = codes[:split], codes[split:]
    return Codes(full_a, full_b, len(levels), kind != "category")


def measure_similarity(codes: Codes) -> float:
    """The similarity of the two columns; 1 where both hold no value at all, 0 where one of them holds none."""
    missing = 1 - abs(float((codes.a < 0).mean()) - float((codes.b < 0).mean()))
    a, b = codes.a[codes.a >= 0], codes.b[codes.b >= 0]
    if not len(a) or not len(b):
        return 1.0 if len(a) == len(b) else 0.0
    return min(missing, _compare_counts(np.bincount(a, minlength=codes.levels), b, codes))


def bootstrap_similarity(codes: Codes, seed: int, resamples: int = 200) -> tuple[float, float]:
    """A 95 % interval: percentiles over resamples of both columns, shifted by the mean difference to the figure itself.

    The shift is needed since resampling adds noise, and noise only ever lowers a similarity.
    """
    generator = np.random.Generator(np.random.Philox(seed))
    value = measure_similarity(codes)
    drawn = np.empty(resamples)
    for index in range(resamples):
        a = codes.a[generator.integers(0, len(codes.a), len(codes.a))]
        b = codes.b[generator.integers(0, len(codes.b), len(codes.b))]
        drawn[index] = measure_similarity(Codes(a, b, codes.levels, codes.ordered))
    low, high = np.quantile(drawn, [0.025, 0.975]) + (value - drawn.mean())
    return max(0.0, float(low)), min(1.0, float(high))


def bound_noise(codes: Codes, columns: int, chance: float = 0.01) -> float:
    """How far below 1 the similarity of two samples of the same population falls by chance.

    Of `columns` columns, one or more fall further with a probability of at most `chance` (Bonferroni). Numbers: the
    Smirnov bound sqrt(-ln(p / 2) / 2 * (1/n + 1/m)). Categories: the expected distance, half the sum over levels of
    sqrt(2/pi q (1 - q) (1/n + 1/m)), and McDiarmid's bound sqrt(-ln(p) / 2 * (1/n + 1/m)) above it.
    """
    a, b = codes.a[codes.a >= 0], codes.b[codes.b >= 0]
    if not len(a) or not len(b):
        return 0.0
    spread = 1 / len(a) + 1 / len(b)
    share = chance / max(columns, 1)
    if codes.ordered:
        return math.sqrt(-math.log(share / 2) / 2 * spread)
    pooled = np.bincount(np.concatenate([a, b]), minlength=codes.levels) / (len(a) + len(b))
    expected = float(np.sqrt(2 / np.pi * pooled * (1 - pooled) * spread).sum()) / 2
    return expected + math.sqrt(-math.log(share) / 2 * spread)


def _compare_counts(counts_a: NDArray[np.int64], b: NDArray[np.int64], codes: Codes) -> float:
    difference = counts_a / counts_a.sum() - np.bincount(b, minlength=codes.levels) / len(b)
    if codes.ordered:
        return 1 - float(np.abs(np.cumsum(difference)).max())
    return 1 - float(np.abs(difference).sum()) / 2


def _to_scale(column: pd.Series[Any], kind: Kind) -> NDArray[Any]:
    import pandas as pd
    from pandas.api import types

    if kind == "text":
        return column.astype(str).str.len().to_numpy(np.float64)
    if kind == "category" or not _is_numeric(column):
        return column.astype(str).to_numpy(object)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert(None)
    if types.is_datetime64_any_dtype(column.dtype):
        return column.astype("datetime64[ns]").astype("int64").to_numpy()
    if types.is_timedelta64_dtype(column.dtype):
        return column.astype("timedelta64[ns]").astype("int64").to_numpy()
    return column.to_numpy(np.float64, na_value=np.nan)


def _is_numeric(column: pd.Series[Any]) -> bool:
    return find_kind(column) == "number"
