"""Length of texts, in characters and words, beside the real ones: models write longer, and more alike in length.

The distance of two distributions is the Kolmogorov-Smirnov statistic, sup |F_a - F_b|, as for numeric columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.quality.check import FEWEST_ROWS, Finding, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.text.columns import TextColumn, find_text_columns
from workbench.quality.text.readings import Reading, bound_ks, bound_share, make_finding

if TYPE_CHECKING:
    import pandas as pd

_NAME = "text.shapes"
_QUESTION = "Are texts as long as real ones?"
_FIX = "Ask for the length in the prompt, set “min_chars” and “max_chars”, or show real examples."
_TOLERATED = 0.05
"""Ours: how far the distributions may be apart beyond what chance does."""
_BLANK = 0.02


@register_check(_NAME, _QUESTION, group="content")
def check_text_shapes(evidence: Evidence) -> list[Finding]:
    """Distances of lengths and the share of blank texts. Not asked without texts, told only without real ones."""
    columns = find_text_columns(evidence)
    if not columns:
        return []
    readings = [reading for column in columns for reading in _read(evidence, column, 2 * len(columns))]
    if not any(reading.threshold is not None for reading in readings):
        told = make_finding(_NAME, _QUESTION, readings, seed=evidence.seed)
        why = f"{told.detail}; there are fewer than {FEWEST_ROWS} texts here, or real ones to compare with"
        return [replace(told, verdict="not assessed", detail=why)]
    return [make_finding(_NAME, _QUESTION, readings, seed=evidence.seed, fix=_FIX)]


def measure_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The Kolmogorov-Smirnov statistic of two samples, both with at least one number."""
    places = np.concatenate([one, other])
    below = [np.searchsorted(np.sort(each), places, side="right") / len(each) for each in (one, other)]
    return float(np.abs(below[0] - below[1]).max())


def _read(evidence: Evidence, column: TextColumn, asked: int) -> Iterator[Reading]:
    rows, train, holdout = column.texts, column.train, column.holdout
    # The holdout is what the reference is made with too; where it is small, all real texts say more.
    against = holdout if len(holdout) >= FEWEST_ROWS else column.real
    compared = len(rows) >= FEWEST_ROWS and len(against) >= FEWEST_ROWS
    for figure, words in (("characters", "length in characters"), ("words", "length in words")):
        own = _measure(rows.values, figure)
        if not compared:
            yield Reading(column.name, f"median_{figure}", f"median {words}", float(np.median(own)), len(rows),
                          percent=False)  # fmt: skip
            continue
        real = _measure(against.values, figure)
        both = len(train) >= FEWEST_ROWS and len(holdout) >= FEWEST_ROWS
        reference = measure_distance(_measure(train.values, figure), real) if both else None
        low, high = np.quantile(real, [0.01, 0.99])
        inside = float(((own >= low) & (own <= high)).mean())
        share = f"{inside:.0%} within the real 1st to 99th percentile, {low:,.0f} to {high:,.0f}; distance"
        yield Reading(
            column.name,
            f"{figure}_distance",
            f"{words} {share}",
            measure_distance(own, real),
            len(rows),
            reference=reference,
            threshold=max(reference or 0.0, bound_ks(len(own), len(real), 0.001 / asked)) + _TOLERATED,
            percent=False,
        )
    real_frames = [evidence.real.train, evidence.real.holdout] if compared and evidence.real is not None else []
    blank = _count_blank([evidence.frame], column.name) / rows.total
    real_blank = _count_blank(real_frames, column.name) / column.real.total if real_frames else None
    threshold = None if real_blank is None else bound_share(real_blank, _BLANK, rows.total, column.real.total)
    yield Reading(column.name, "blank", "blank texts", blank, rows.total, real_blank, threshold)


def _measure(texts: Sequence[str], figure: str) -> NDArray[np.float64]:
    return np.array([len(text) if figure == "characters" else len(text.split()) for text in texts], np.float64)


def _count_blank(frames: Sequence[pd.DataFrame], name: str) -> int:
    """Strings of nothing but blanks; a null is none, since rows may be skipped on purpose."""
    values = (value for frame in frames for value in frame[name].tolist())
    return sum(isinstance(value, str) and not value.strip() for value in values)
