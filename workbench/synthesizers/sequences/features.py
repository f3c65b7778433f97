"""What a record is drawn from: its entity, its first record, the one before, and where it stands in time.

The same columns are made for learning, from all real records at once, and for drawing, for one position at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import DTYPES, Kind, Values
from workbench.synthesizers.lengths import LENGTH
from workbench.synthesizers.profile import (
    ColumnProfile,
    RealTable,
    TableProfile,
    decode_numbers,
    find_numbers,
    profile_values,
)
from workbench.synthesizers.sequences.plan import (
    CHANGE,
    ELAPSED,
    FIRST,
    GONE,
    LAST_GAP,
    MEAN,
    POSITION,
    PREVIOUS,
    SPAN,
    START,
    STEP,
    SequencePlan,
)

Numbers = NDArray[np.float64]

_KINDS: dict[np.dtype[np.generic], Kind] = {
    DTYPES[kind]: kind for kind in ("bool", "int64", "double", "timestamp", "string")
}
PRIOR_WEIGHT = 1.0
"""Records that the mean over all entities counts as in the mean of one: a mean of few records says less of an entity
(shrinkage: Efron and Morris, 1975, “Data Analysis Using Stein's Estimator and its Generalizations”)."""

_PREFIXES = (FIRST, PREVIOUS, CHANGE)


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where some entities stand before their next record; all arrays and values have the shape (records,).

    `fixed`, `first` (of categories) and `previous` hold values by column, `last` for each step column the last number
    that was there. `totals` are the sums, by column, of the `counts` numbers so far that are no nulls, or of the steps.
    `position` is that of the record to come, from 1. Times are in units; `span` is 0 where it is not drawn.
    `last_gap` is what was learned or drawn of the gap before, NaN where there was nothing to draw.
    """

    fixed: Mapping[str, Values]
    first: Mapping[str, Values]
    previous: Mapping[str, Values]
    last: Mapping[str, Numbers]
    totals: Mapping[str, Numbers]
    counts: Mapping[str, Numbers]
    position: NDArray[np.int64]
    length: NDArray[np.int64]
    start: Numbers
    span: Numbers
    elapsed: Numbers
    last_gap: Numbers

    def take(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> Standing:
        """The same for a part of the entities."""
        tables = {
            name: {column: values.take(index) for column, values in getattr(self, name).items()}
            for name in ("fixed", "first", "previous")
        }
        sums = {
            name: {column: numbers[index] for column, numbers in getattr(self, name).items()}
            for name in ("last", "totals", "counts")
        }
        return Standing(
            **tables,
            **sums,
            position=self.position[index],
            length=self.length[index],
            start=self.start[index],
            span=self.span[index],
            elapsed=self.elapsed[index],
            last_gap=self.last_gap[index],
        )


def make_features(plan: SequencePlan, profile: TableProfile, standing: Standing) -> dict[str, Values]:
    """The columns that the gap and the values of the next record are drawn from."""
    features = list_learned(plan.fixed, profile, standing.fixed)
    for name in plan.varying:
        column = profile.columns[name]
        if column.role == "category":
            features[FIRST + name] = standing.first[name]
        else:
            features[MEAN + name] = _find_mean(standing.totals[name], standing.counts[name], plan.usual[name])
        if name not in plan.steps:
            features[PREVIOUS + name] = standing.previous[name]
            continue
        features[PREVIOUS + name] = decode_numbers(column, standing.last[name])
        if column.missing:
            missing = np.isnan(find_numbers(standing.previous[name]))
            features[GONE + name] = Values(missing.astype(np.int64))
    features[LENGTH] = Values(standing.length)
    features[POSITION] = Values(standing.position)
    features[START] = write_time(plan, standing.start)
    features[ELAPSED] = write_time(plan, standing.elapsed)
    if plan.timing.mode == "shares":
        features[SPAN] = write_time(plan, standing.span)
    return features


def add_last_gap(plan: SequencePlan, features: Mapping[str, Values], standing: Standing) -> dict[str, Values]:
    """The features of a gap: those of the record, and the gap before."""
    gap = standing.last_gap
    if plan.timing.mode == "gaps":
        return {**features, LAST_GAP: write_time(plan, gap)}
    missing = np.isnan(gap)
    return {**features, LAST_GAP: Values(np.where(missing, 0.0, gap), ~missing if missing.any() else None)}


def add_numbers(standing: Standing, numbers: Mapping[str, Numbers]) -> Standing:
    """With one more number of some columns in the sums; NaN does not count."""
    totals, counts = dict(standing.totals), dict(standing.counts)
    for name, column in numbers.items():
        present = ~np.isnan(column)
        totals[name] = totals[name] + np.where(present, column, 0.0)
        counts[name] = counts[name] + present
    return replace(standing, totals=totals, counts=counts)


def list_learned(names: tuple[str, ...], profile: TableProfile, values: Mapping[str, Values]) -> dict[str, Values]:
    """Those of the columns that something can be learned from: numbers and categories."""
    return {name: values[name] for name in names if profile.columns[name].role in ("number", "category")}


def make_targets(
    plan: SequencePlan, profile: TableProfile, values: Mapping[str, Values], standing: Standing
) -> dict[str, Values]:
    """Values of varying columns in the next record as they are learned: as they are, as steps, or as changes."""
    targets = {}
    for name, column in values.items():
        if name in plan.steps:
            targets[STEP + name] = find_difference(profile.columns[name], column, standing.last[name])
        elif name in plan.states:
            changed = column.data != standing.previous[name].data
            targets[CHANGE + name] = Values(column.data, None if changed.all() else changed.astype(np.bool_))
        else:
            targets[name] = column
    return targets


def read_targets(
    plan: SequencePlan, profile: TableProfile, drawn: Mapping[str, Values], standing: Standing
) -> dict[str, Values]:
    """The varying columns of the next record from what is drawn: the inverse of `make_targets`."""
    made = {}
    for name in plan.varying:
        if name in plan.steps:
            numbers = standing.last[name] + find_numbers(drawn[STEP + name])
            made[name] = decode_numbers(profile.columns[name], numbers)
        elif name in plan.states:
            change, last = drawn[CHANGE + name], standing.previous[name]
            stays = np.zeros(len(change), np.bool_) if change.valid is None else ~change.valid
            made[name] = Values(np.where(stays, last.data, change.data))
        else:
            made[name] = drawn[name]
    return made


def find_difference(column: ColumnProfile, values: Values, last: Numbers) -> Values:
    """A step column's difference to the last number; null where the value is. Whole for whole numbers and moments."""
    numbers = find_numbers(values) - last
    missing = np.isnan(numbers)
    numbers = np.where(missing, 0.0, numbers)
    if column.kind != "double":
        data: NDArray[np.float64] | NDArray[np.int64] = np.round(numbers).astype(np.int64)
    else:
        data = numbers if column.decimals is None else np.round(numbers, column.decimals)
    return Values(data, ~missing if missing.any() else None)


def write_time(plan: SequencePlan, units: Numbers) -> Values:
    """Lengths of time in units as a column: whole numbers where time has a grain. Null where NaN."""
    missing = np.isnan(units)
    plain = np.where(missing, 0.0, units)
    return Values(np.round(plain).astype(np.int64) if plan.timing.grain else plain, ~missing if missing.any() else None)


def make_part(columns: Mapping[str, Values], profile: TableProfile) -> RealTable:
    """The columns as a table to learn. What is a category in `profile` is one here too, however few its rows are."""
    table = profile_values({name: (_KINDS[values.data.dtype], values) for name, values in columns.items()})
    patched = {}
    for name, column in table.profile.columns.items():
        own = next((name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix)), name)
        known = profile.columns.get(own) or profile.columns.get(name)
        if column.role == "identifier" and known is not None and known.role == "category":
            column = _count_levels(column, columns[name])
        patched[name] = column
    return RealTable(replace(table.profile, columns=patched, notes=()), table.columns)


def _count_levels(column: ColumnProfile, values: Values) -> ColumnProfile:
    from collections import Counter

    present = values.data if values.valid is None else values.data[values.valid]
    counted = sorted(Counter(present.tolist()).items(), key=lambda entry: (-entry[1], entry[0]))
    levels, counts = zip(*counted, strict=True)
    return replace(column, role="category", levels=levels, counts=counts)


def _find_mean(totals: Numbers, counts: Numbers, usual: float) -> Values:
    return Values((totals + PRIOR_WEIGHT * usual) / (counts + PRIOR_WEIGHT))
