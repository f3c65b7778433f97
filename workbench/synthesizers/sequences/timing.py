"""When records happen: gaps that are never negative, so that order holds by construction.

Time is counted in units of its grain (a day, a second, the last decimal), and gaps are learned in one of two ways.

`gaps`: as they are, for clocks and plans, where a gap has few values or hardly varies. The sum of the gaps is what it
comes to, but a gap leaves enough time for the usual gaps after it before the last real moment.

`shares`: as the share of the time that is left, for events that happen when they happen. The whole span is drawn
first, and each gap takes a part of it, the last one all of the rest, so that span and gaps are both kept. In a Poisson
process the next of k gaps takes a share f with P(f > x) = (1 - x)^(k - 1) (spacings of uniform points: Pyke, 1965,
“Spacings”), so u = 1 - (1 - f)^(k - 1) is uniform and does not depend on k. u is what is learned: it says how far
events are more bunched or more regular than chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.synthesizers.profile import MOST_DISCRETE, ColumnProfile

Numbers = NDArray[np.float64]

REGULAR_VARIATION = 0.5
"""Gaps that vary less than this, relative to the mean gap of their entity, are regular (1 for a Poisson process)."""

REGULAR_SHARE = 0.5
"""Gaps of which one value has a larger share are regular."""

MOST_CUT_OFF = 0.01
"""Share of sequences that may run past the last moment before spans are learned as shares of what is left."""


@dataclass(frozen=True, slots=True)
class Timing:
    """`grain` is the unit of time in the numbers of the column (microseconds for moments); 0: the numbers as they are.

    `least` is the smallest gap in units, 1 where no two records of an entity are at one time, and `usual` the median.
    `low` and `high` bound the times, in units. `windowed`: a span is learned as its share of the time from the first
    record to `high`, because that bound cuts sequences off.
    """

    mode: Literal["gaps", "shares"]
    grain: float
    least: int
    usual: float
    low: float
    high: float
    windowed: bool

    def to_units(self, numbers: Numbers) -> Numbers:
        """Times of the column, as doubles, in units."""
        return np.round(numbers / self.grain) if self.grain else numbers

    def to_numbers(self, units: Numbers) -> Numbers:
        """Times in units as numbers of the column."""
        return units * self.grain if self.grain else units

    def round(self, units: Numbers) -> Numbers:
        """Lengths of time on the grain."""
        return np.floor(units + 0.5) if self.grain else units


def find_timing(column: ColumnProfile, numbers: Numbers, lengths: NDArray[np.int64]) -> Timing:
    """How the gaps between the times `numbers`, of one entity after the other, each in order, are to be learned."""
    grain = _find_grain(column)
    times = np.round(numbers / grain) if grain else numbers
    gaps, means, several = measure_gaps(times, lengths)
    regular = _is_regular(gaps, means, several)
    return Timing(
        mode="gaps" if regular else "shares",
        grain=grain,
        least=1 if grain and len(gaps) and gaps.min() > 0 else 0,
        usual=float(np.median(gaps)) if len(gaps) else 0.0,
        low=float(times.min()),
        high=float(times.max()),
        windowed=not regular and _is_windowed(times, lengths),
    )


def measure_gaps(times: Numbers, lengths: NDArray[np.int64]) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """For each gap its size, the mean gap of its entity, and whether its entity has more than one; in order."""
    ends = np.cumsum(lengths)
    starts = ends - lengths
    inner = np.ones(len(times), np.bool_)
    inner[starts] = False
    gaps = np.diff(times, prepend=times[:1])[inner]
    number = lengths - 1
    means = (times[ends - 1] - times[starts]) / np.maximum(number, 1)
    return gaps, np.repeat(means, number), np.repeat(number > 1, number)


def limit_gap(timing: Timing, gaps: Numbers, now: Numbers, after: Numbers) -> Numbers:
    """Gaps from `now` that leave the usual gap, or an equal part of the time, to each of the `after` gaps to follow."""
    room = np.maximum(timing.high - now, 0.0)
    most = np.maximum(room - after * timing.usual, room / (after + 1))
    if timing.grain:
        most = np.floor(most)
    return np.maximum(np.minimum(gaps, most), timing.least)


def find_uniform(gaps: Numbers, free: Numbers, left: Numbers) -> Numbers:
    """u of gaps (beyond the least one), of which `left` > 1 share the time `free` > 0."""
    share = np.clip(gaps / free, 0.0, 1.0)
    uniform: Numbers = -np.expm1((left - 1) * np.log1p(-np.minimum(share, 1 - 1e-12)))
    return uniform


def find_gap(uniform: Numbers, free: Numbers, left: Numbers) -> Numbers:
    """The gap beyond the least one, the inverse of `find_uniform`; the whole of `free` where one gap is left."""
    uniform = np.clip(uniform, 0.0, 1 - 1e-12)
    share = np.where(left > 1, -np.expm1(np.log1p(-uniform) / np.maximum(left - 1, 1)), 1.0)
    taken: Numbers = share * free
    return taken


def _find_grain(column: ColumnProfile) -> float:
    if column.kind == "timestamp":
        return float(column.step)
    if column.kind == "int64":
        return 1.0
    return 0.0 if column.decimals is None else 10.0**-column.decimals


def _is_regular(gaps: Numbers, means: Numbers, several: NDArray[np.bool_]) -> bool:
    if not several.any():
        return False
    _, counts = np.unique(gaps, return_counts=True)
    if len(counts) <= MOST_DISCRETE or counts.max() > REGULAR_SHARE * len(gaps):
        return True
    positive = several & (means > 0)
    return bool(np.std(gaps[positive] / means[positive]) < REGULAR_VARIATION) if positive.any() else True


def _is_windowed(times: Numbers, lengths: NDArray[np.int64]) -> bool:
    """Whether spans, were they independent of when a sequence starts, would often run past the last moment."""
    ends = np.cumsum(lengths)
    several = lengths > 1
    starts = times[ends - lengths][several]
    spans = times[ends - 1][several] - starts
    if not len(spans):
        return False
    room = np.sort(times.max() - starts)
    too_long = np.searchsorted(room, spans, side="left") / len(room)
    return bool(too_long.mean() > MOST_CUT_OFF)
