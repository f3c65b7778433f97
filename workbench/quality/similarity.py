"""How alike two columns are, as one figure within 0 and 1, for numbers, categories, dates and texts.

Numbers and dates: 1 - the Kolmogorov-Smirnov distance, sup |F_a - F_b|. Categories: 1 - the total variation distance,
half the sum of |p_a - p_b|. Texts: as numbers, by their length in characters. These are the definitions of SDMetrics'
KSComplement and TVComplement. A column that is missing more or less often than the other is no more alike than
1 - |share missing in a - share missing in b|, which the plain definitions leave out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.quality.cells import code_levels, find_scale, is_flag, measure_lengths, read_numbers, read_texts

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "category", "text"]
_MAX_LEVELS = 50
_MAX_LEVEL_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Codes:
    """Two columns on a common scale: each value's place among all different values, smallest first; -1 is missing.

    `mixed` columns are numbers on one side and something else on the other: that is no matter of chance. `effects` are
    the design effects of both sides: how many rows say as much as one independent row.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    levels: int
    ordered: bool
    mixed: bool = False
    effects: tuple[float, float] = (1.0, 1.0)


def find_kind(column: pd.Series[Any]) -> Kind:
    """Dates and durations count as numbers; booleans and strings of few different values as categories."""
    if find_scale(column) is not None:
        return "number"
    if is_flag(column):
        return "category"
    present = read_texts(column).dropna()
    few = present.nunique() <= max(2, min(_MAX_LEVELS, _MAX_LEVEL_SHARE * len(present)))
    return "category" if few else "text"


def encode_columns(a: pd.Series[Any], b: pd.Series[Any], kind: Kind) -> Codes:
    """Put both columns on a common scale. Columns that do not measure the same are compared as texts."""
    mixed = kind == "number" and find_scale(a) != find_scale(b)
    if kind == "category" or mixed:
        places_a, levels_a = code_levels(a)
        places_b, levels_b = code_levels(b)
        common = {level: place for place, level in enumerate(sorted({*levels_a, *levels_b}))}
        coded = [
            np.array([*(common[level] for level in levels), -1], dtype=np.int64)[places]
            for places, levels in ((places_a, levels_a), (places_b, levels_b))
        ]
        return Codes(coded[0], coded[1], len(common), ordered=False, mixed=mixed)
    values = np.concatenate([_measure(a, kind), _measure(b, kind)])
    present = ~np.isnan(values)
    levels, places = np.unique(values[present], return_inverse=True)
    codes = np.full(len(values), -1, np.int64)
    codes[present] = places
    return Codes(codes[: len(a)], codes[len(a) :], len(levels), ordered=True)


def measure_similarity(codes: Codes) -> float:
    """The similarity of the two columns; 1 where both hold no value at all, 0 where one of them holds none."""
    missing = 1 - abs(float((codes.a < 0).mean()) - float((codes.b < 0).mean()))
    a, b = codes.a[codes.a >= 0], codes.b[codes.b >= 0]
    if not len(a) or not len(b):
        return 1.0 if len(a) == len(b) else 0.0
    return min(missing, _compare_counts(np.bincount(a, minlength=codes.levels), b, codes))


def bootstrap_similarity(codes: Codes, seed: int, resamples: int = 200) -> tuple[float, float]:
    """A 95 % interval: percentiles over resamples of both columns, shifted by the mean difference to the figure itself.

    The shift is needed since resampling adds noise, and noise only ever lowers a similarity. As many rows are drawn as
    there are effective ones.
    """
    generator = np.random.Generator(np.random.Philox(seed))
    value = measure_similarity(codes)
    drawn = np.empty(resamples)
    sizes = [max(1, round(len(side) / own)) for side, own in zip((codes.a, codes.b), codes.effects, strict=True)]
    for index in range(resamples):
        a = codes.a[generator.integers(0, len(codes.a), sizes[0])]
        b = codes.b[generator.integers(0, len(codes.b), sizes[1])]
        drawn[index] = measure_similarity(replace(codes, a=a, b=b))
    low, high = np.quantile(drawn, [0.025, 0.975]) + (value - drawn.mean())
    return max(0.0, float(low)), min(1.0, float(high))


def bound_noise(codes: Codes, comparisons: int, chance: float = 0.002) -> float:
    """How far below 1 the similarity of two samples of the same population falls by chance.

    Of `comparisons` figures, one or more fall further with a probability of at most `chance` (Bonferroni). Numbers: the
    Smirnov bound sqrt(-ln(p / 2) / 2 * (1/n + 1/m)). Categories: the expected distance, half the sum over levels of
    sqrt(2/pi q (1 - q) (1/n + 1/m)), and McDiarmid's bound (1989) sqrt(-ln(p) / 2 * (1/n + 1/m)) above it. n and m are
    effective rows: rows by their design effect.
    """
    a, b = codes.a[codes.a >= 0], codes.b[codes.b >= 0]
    if codes.mixed or not len(a) or not len(b):
        return 0.0
    spread = codes.effects[0] / len(a) + codes.effects[1] / len(b)
    share = chance / max(comparisons, 1)
    if codes.ordered:
        return math.sqrt(-math.log(share / 2) / 2 * spread)
    pooled = np.bincount(np.concatenate([a, b]), minlength=codes.levels) / (len(a) + len(b))
    expected = float(np.sqrt(2 / np.pi * pooled * (1 - pooled) * spread).sum()) / 2
    return expected + math.sqrt(-math.log(share) / 2 * spread)


def expect_similarity(codes: Codes, held: float | None, comparisons: int, tolerance: float) -> float:
    """What a similarity should reach: what chance and `tolerance` leave of 1, or the holdout's own if that is lower."""
    likely = 1 - max(bound_noise(codes, comparisons), tolerance)
    return max(0.0, likely if held is None else min(likely, held))


def _compare_counts(counts_a: NDArray[np.int64], b: NDArray[np.int64], codes: Codes) -> float:
    difference = counts_a / counts_a.sum() - np.bincount(b, minlength=codes.levels) / len(b)
    if codes.ordered:
        return 1 - float(np.abs(np.cumsum(difference)).max())
    return 1 - float(np.abs(difference).sum()) / 2


def _measure(column: pd.Series[Any], kind: Kind) -> NDArray[np.float64]:
    """Numbers, moments and spans as numbers, texts by their length; NaN is missing."""
    if kind != "text":
        return read_numbers(column)
    return measure_lengths(column)
