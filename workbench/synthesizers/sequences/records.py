"""Real records as sequences: read, put in order of their entity and time, and told apart by how they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.errors import UsageError
from workbench.synthesizers.profile import RealTable, TableProfile, find_numbers, profile_values, read_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """`table` holds the records of one entity after the other, each in order of time, without the entity's column.

    `entities` are the values of that column, one for each entity, in the order of `lengths`, shape (entities,).
    """

    table: RealTable
    entities: Values
    lengths: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        """The place of each entity's first record."""
        return np.cumsum(self.lengths) - self.lengths

    @property
    def positions(self) -> NDArray[np.int64]:
        """For each record how many of its entity come before it."""
        return np.arange(self.table.rows) - np.repeat(self.starts, self.lengths)


def read_records(
    frame: pd.DataFrame, entity: str, order_by: str, columns: Sequence[str] | None, longest: int | None
) -> Records:
    """The records of `frame`, of which the columns `columns` or all, and `order_by`. Equal times keep their order.

    A record without its entity or its time is left out, and a note says so. Raises UsageError for a column that is
    not there, a time that is no number and no moment, and where no record is left.
    """
    wanted = None if columns is None else list(dict.fromkeys([*columns, entity, order_by]))
    table = read_table(frame, wanted)
    for name in (entity, order_by):
        if name not in table.columns:
            read_table(frame, [name])
    if entity == order_by:
        raise UsageError(f"“{entity}” cannot be both entity and order_by.", "Name the column of the time as order_by.")
    if table.profile.columns[order_by].kind not in ("int64", "double", "timestamp"):
        raise UsageError(
            f"Records cannot be ordered by “{order_by}”: it holds neither numbers nor moments.",
            "Choose another column as order_by, or write its values as dates such as 2024-01-31.",
        )
    known = ~(table.find_missing(entity) | table.find_missing(order_by))
    notes = list(table.profile.notes)
    if not known.any():
        raise UsageError(f"No record has both “{entity}” and “{order_by}”.", "Give records with both.")
    if not known.all():
        notes.append(f"{np.count_nonzero(~known):,} records without “{entity}” or “{order_by}” were left out.")
    codes = _find_entities(table.columns[entity])
    order = np.lexsort((table.numbers(order_by), codes))
    order = order[known[order]]
    lengths = np.unique(codes[order], return_counts=True)[1]
    if longest is not None:
        positions = np.arange(len(order)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        order = order[positions < longest]
        lengths = np.minimum(lengths, longest)
    starts = np.cumsum(lengths) - lengths
    kept = {
        name: (table.profile.columns[name].kind, values.take(order))
        for name, values in table.columns.items()
        if name != entity
    }
    sorted_table = profile_values(kept, notes)
    return Records(_keep_types(sorted_table, table.profile), table.columns[entity].take(order[starts]), lengths)


def find_fixed(records: Records) -> list[str]:
    """The columns whose value, or lack of one, is the same in all records of each entity."""
    first = np.repeat(records.starts, records.lengths)
    fixed = []
    for name, values in records.table.columns.items():
        missing = records.table.find_missing(name)
        same = (missing == missing[first]) & (missing | (values.data == values.data[first]))
        if same.all():
            fixed.append(name)
    return fixed


def find_steps(records: Records, names: Sequence[str], most_variance: float) -> dict[str, float]:
    """The columns whose differences from record to record are learned, with their median as the value to start from.

    These are numbers, not of few values, whose differences have less than `most_variance` of the variance of the
    values, or are never negative, as those of counters. For others the value is learned, so that its distribution holds
    however long a sequence goes on.
    """
    steps = {}
    inner = records.positions > 0
    for name in names:
        column = records.table.profile.columns[name]
        if column.role != "number" or column.levels is not None or not inner.any():
            continue
        numbers = records.table.numbers(name)
        median = float(np.nanmedian(numbers))
        difference = (numbers - find_last(numbers, records, median))[inner]
        difference = difference[~np.isnan(difference)]
        if not len(difference):
            continue
        rising = bool(difference.min() >= 0 and difference.max() > 0)
        if rising or np.var(difference) < most_variance * np.nanvar(numbers):
            steps[name] = median
    return steps


def find_states(records: Records, names: Sequence[str]) -> tuple[str, ...]:
    """The categories, of more than two texts and without nulls, that mostly stay what they are from record to record.

    That is, they stay by more than MOST_CHANCE above the share of equal pairs by chance. A copula puts the levels in
    an order and would mistake its neighbours for the last one.
    """
    inner = np.flatnonzero(records.positions > 0)
    states = []
    for name in names:
        column = records.table.profile.columns[name]
        if column.kind != "string" or column.role != "category" or column.missing or not len(inner):
            continue
        data = records.table.columns[name].data
        stays = float(np.mean(data[inner] == data[inner - 1]))
        if len(column.levels or ()) > 2 and stays > float((column.shares**2).sum()) + MOST_CHANCE:
            states.append(name)
    return tuple(states)


MOST_CHANCE = 0.1
"""What equal pairs above chance a copula still follows well."""


def find_last(numbers: NDArray[np.float64], records: Records, start: float) -> NDArray[np.float64]:
    """For each record the last number of its entity before it that is there; `start` where there is none."""
    places = np.where(np.isnan(numbers), -1, np.arange(len(numbers)))
    reached = np.maximum.accumulate(places)
    before = np.concatenate([[-1], reached[:-1]])
    own = before >= np.repeat(records.starts, records.lengths)
    return np.where(own, numbers[np.maximum(before, 0)], start)


def find_summed(records: Records, name: str, steps: Mapping[str, float]) -> NDArray[np.float64]:
    """What a number's mean is taken of: its values, or its steps, of which a first record has none (NaN)."""
    numbers = records.table.numbers(name)
    if name not in steps:
        return numbers
    return np.where(records.positions > 0, numbers - find_last(numbers, records, steps[name]), np.nan)


def sum_before(numbers: NDArray[np.float64], records: Records) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each record the sum of the numbers of its entity before it, and how many there are; NaN does not count."""
    present = ~np.isnan(numbers)
    sums = []
    for column in (np.where(present, numbers, 0.0), present.astype(np.float64)):
        before = np.cumsum(column) - column
        sums.append(before - np.repeat(before[records.starts], records.lengths))
    return sums[0], sums[1]


def _find_entities(values: Values) -> NDArray[np.int64]:
    """A number for each value, the same for equal ones, in order of their first appearance."""
    import pandas as pd

    plain = find_numbers(values) if values.data.dtype.kind == "M" else values.data
    return pd.factorize(pd.Series(plain))[0].astype(np.int64)


def _keep_types(table: RealTable, profile: TableProfile) -> RealTable:
    columns = {
        name: replace(column, dtype=profile.columns[name].dtype) for name, column in table.profile.columns.items()
    }
    return RealTable(replace(table.profile, columns=columns), table.columns)
