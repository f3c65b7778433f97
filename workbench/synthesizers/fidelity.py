"""How near made rows are to real ones: scores while a model is fitted, and how well shares are kept.

The scores are those of SDMetrics' quality report (column shapes and column pair trends, https://docs.sdv.dev/sdmetrics),
computed with numpy on values as they are, so that a fit can look at them after every epoch. Three choices differ, so
that a model which collapses cannot score well: all pairs count, weakly related ones too; a made column without any
value scores 0; and one that never varies has no correlation, rather than being left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.profile import ColumnProfile, TableProfile, find_codes, find_numbers, make_level_array

MOST_PAIRS = 500
"""Of more pairs of columns a fixed sample of so many is compared."""

MOST_SHARED_LEVELS = 50
"""Shares are told of columns with at most so many levels: of more, most would be of one or two rows."""

BINS = 10
"""Bins of equal width that a number is put in beside a category, from its lowest to its highest value."""

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Scores from 0 to 1. `pairs` is None where no pair can be compared; `score` is the mean of what there is.

    All are 0 where there is nothing to compare at all: no column with a value in the real rows.
    """

    shapes: float
    pairs: float | None
    score: float

    def as_json(self) -> dict[str, float]:
        """The scores by name, without that of pairs where there is none."""
        scores = {"shapes": self.shapes, "pairs": self.pairs, "score": self.score}
        return {name: round(score, 6) for name, score in scores.items() if score is not None}


def score_fidelity(profile: TableProfile, real: Mapping[str, Values], made: Mapping[str, Values]) -> Fidelity:
    """How near `made` is to `real` in the numbers and categories of `profile`. Both may have more columns.

    Shapes: the mean over columns of 1 - the Kolmogorov-Smirnov statistic for numbers and moments, 1 - the total
    variation of the shares for categories, both of the values that are there. Pairs: the mean over pairs of
    1 - half the difference of Pearson's correlations for two numbers, over rows that have both; else 1 - the total
    variation of the shares of combinations, where null is a level of its own and a number is in one of BINS bins of its
    own table's range, null in the last.
    """
    columns = [
        _Pairing(column, real[column.name], made[column.name])
        for column in profile.of_role("number", "category")
        if real[column.name].count_nulls() < len(real[column.name])
    ]
    if not columns:
        return Fidelity(0.0, None, 0.0)
    shapes = float(np.mean([column.score_shape() for column in columns]))
    scores = [score for first, second in _choose_pairs(columns) if (score := _score_pair(first, second)) is not None]
    if not scores:
        return Fidelity(shapes, None, shapes)
    pairs = float(np.mean(scores))
    return Fidelity(shapes, pairs, (shapes + pairs) / 2)


def measure_shares(profile: TableProfile, made: Mapping[str, Values]) -> dict[str, dict[str, Any]]:
    """How far the shares of levels in `made` are from the real ones, relative to these, ready for JSON.

    For each column with 2 to MOST_SHARED_LEVELS levels: `rarest`, the `value` with the smallest share, its `real` and
    its `made` share of the values that are there and their relative `error`, and `largest_error` of all its levels.
    Levels that have no real share (public values that were never seen) are left out.
    """
    found: dict[str, dict[str, Any]] = {}
    for column in profile.of_role("number", "category"):
        levels = column.levels or ()
        real = column.shares
        if not 2 <= len(levels) <= MOST_SHARED_LEVELS or not real.any():
            continue
        codes = find_codes(column, made[column.name])
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        shares = counts / max(int(counts.sum()), 1)
        errors = np.abs(shares - real) / np.where(real > 0, real, np.inf)
        rarest = int(np.argmin(np.where(real > 0, real, np.inf)))
        found[column.name] = {
            "rarest": {
                "value": _show_level(column, rarest),
                "real": round(float(real[rarest]), 6),
                "made": round(float(shares[rarest]), 6),
                "error": round(float(errors[rarest]), 6),
            },
            "largest_error": round(float(errors.max()), 6),
        }
    return found


class _Pairing:
    """A column of the real rows beside the same of the made ones, in the forms that the scores need, each made once."""

    def __init__(self, column: ColumnProfile, real: Values, made: Values) -> None:
        self.is_number = column.role == "number"
        self.rows = len(real), len(made)
        self._sides: tuple[_Side, _Side] | None = None
        if self.is_number:
            self.numbers = find_numbers(real), find_numbers(made)
            self._codes: tuple[Codes, Codes] | None = None
            self.levels = BINS + 1
        else:
            self._codes = _code_levels(column, real), _code_levels(column, made)
            self.levels = len(column.levels or ()) + 2

    @property
    def codes(self) -> tuple[Codes, Codes]:
        """Real and made values as whole numbers from 0 to `levels` - 1, nulls too."""
        if self._codes is None:
            self._codes = _code_bins(self.numbers[0]), _code_bins(self.numbers[1])
        return self._codes

    @property
    def sides(self) -> tuple[_Side, _Side]:
        """Real and made numbers ready to be correlated."""
        if self._sides is None:
            self._sides = _Side.of(self.numbers[0]), _Side.of(self.numbers[1])
        return self._sides

    def score_shape(self) -> float:
        if self.is_number:
            real, made = (side[~np.isnan(side)] for side in self.numbers)
            return 1 - _find_ks_statistic(real, made) if len(made) else 0.0
        null = self.levels - 2
        counts = [np.delete(np.bincount(codes, minlength=self.levels), null) for codes in self.codes]
        if not counts[1].any():
            return 0.0
        return 1 - _find_total_variation(counts[0], counts[1])


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """Numbers of mean 0 and deviation 1 over those that are there, 0 where null; None: they never vary."""

    scaled: NDArray[np.float64] | None
    present: NDArray[np.bool_] | None

    @classmethod
    def of(cls, numbers: NDArray[np.float64]) -> _Side:
        gaps = np.isnan(numbers)
        there = numbers[~gaps] if gaps.any() else numbers
        # Halves, since the whole range of the largest doubles would be infinite.
        spread = there.max() / 2 - there.min() / 2 if len(there) else 0.0
        if not spread:
            return cls(None, None)
        centred = (numbers / 2 - there.min() / 2) / spread
        centred = centred - np.nanmean(centred)
        scaled = centred / np.sqrt(np.nanmean(centred**2))
        return cls(np.where(gaps, 0.0, scaled), ~gaps) if gaps.any() else cls(scaled, None)


def _choose_pairs(columns: Sequence[_Pairing]) -> Iterator[tuple[_Pairing, _Pairing]]:
    """All pairs, or the same MOST_PAIRS of them whenever there are as many columns."""
    total = len(columns) * (len(columns) - 1) // 2
    if total <= MOST_PAIRS:
        yield from itertools.combinations(columns, 2)
        return
    first, second = np.triu_indices(len(columns), 1)
    for place in np.sort(Generator(Philox(key=0)).choice(total, MOST_PAIRS, replace=False)):
        yield columns[first[place]], columns[second[place]]


def _score_pair(first: _Pairing, second: _Pairing) -> float | None:
    if first.is_number and second.is_number:
        real = _correlate(first.sides[0], second.sides[0])
        if real is None:
            return None
        made = _correlate(first.sides[1], second.sides[1]) or 0.0
        return 1 - abs(real - made) / 2
    total = first.levels * second.levels
    joint = [one * second.levels + other for one, other in zip(first.codes, second.codes, strict=True)]
    if total > 8 * sum(first.rows):
        found = np.unique(np.concatenate(joint), return_inverse=True)[1]
        joint, total = np.split(found, [first.rows[0]]), int(found.max()) + 1
    counts = [np.bincount(codes, minlength=total) for codes in joint]
    return 1 - _find_total_variation(counts[0], counts[1])


def _correlate(first: _Side, second: _Side) -> float | None:
    """Pearson's correlation over the rows that have both numbers; None where one of them never varies there."""
    if first.scaled is None or second.scaled is None:
        return None
    if first.present is None and second.present is None:
        return float(np.clip(first.scaled @ second.scaled / len(first.scaled), -1, 1))
    both = np.ones(len(first.scaled), np.bool_)
    for present in (first.present, second.present):
        if present is not None:
            both &= present
    one, other = first.scaled[both], second.scaled[both]
    if len(one) < 2 or one.min() == one.max() or other.min() == other.max():
        return None
    one, other = one - one.mean(), other - other.mean()
    return float(np.clip(one @ other / np.sqrt((one @ one) * (other @ other)), -1, 1))


def _find_ks_statistic(real: NDArray[np.float64], made: NDArray[np.float64]) -> float:
    """The largest distance of the two empirical distribution functions."""
    real, made = np.sort(real), np.sort(made)
    places = np.concatenate([real, made])
    below = np.searchsorted(real, places, side="right") / len(real)
    return float(np.abs(below - np.searchsorted(made, places, side="right") / len(made)).max())


def _find_total_variation(real: Codes, made: Codes) -> float:
    """Half the sum of the differences of shares, of counts of the same levels."""
    return float(np.abs(real / real.sum() - made / made.sum()).sum() / 2)


def _code_levels(column: ColumnProfile, values: Values) -> Codes:
    """The places of values among the levels; after these, null, then whatever is none of the levels."""
    codes = find_codes(column, values)
    unknown = codes < 0
    if unknown.any():
        levels = len(column.levels or ())
        codes[unknown] = levels + 1
        if values.valid is not None:
            codes[~values.valid] = levels
    return codes


def _code_bins(numbers: NDArray[np.float64]) -> Codes:
    """The bins of numbers: 0 to BINS - 1, and BINS for the highest number itself and for null, as SDMetrics has it."""
    there = numbers[~np.isnan(numbers)]
    if not len(there):
        return np.full(len(numbers), BINS)
    low, high = there.min(), there.max()
    if low == high:
        low, high = low - 0.5, high + 0.5
    # Weighted, since the whole range of the largest doubles would be infinite.
    weights = np.linspace(0.0, 1.0, BINS + 1)
    edges = np.maximum.accumulate(low * (1 - weights) + high * weights)
    return np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, BINS)


def _show_level(column: ColumnProfile, place: int) -> Any:
    level = (column.levels or ())[place]
    return str(make_level_array(column)[place]) if column.kind == "timestamp" else level
