"""Rows [start, stop) of a table, made alone: the same rows whatever the block's bounds, the process or the attempt.

First come the columns that rules rest on, group by group: rows that break a rule are drawn again, by themselves,
until they keep it or MAX_ROUNDS is reached. Then all other columns are computed once. Rows given up on are left out
and counted under the rule that they broke.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Row
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.generation.constraints import RuleGroup
from workbench.generation.plan import Plan, TablePlan
from workbench.generation.scenarios import choose_scenarios

BLOCK_ROWS = 50_000
"""Rows made, committed and resumed together: some tens of megabytes in memory at most."""

MAX_ROUNDS = 100
"""Re-draws of a row that breaks a rule. A rule that one draw in ten keeps loses fewer than 3 rows in 100,000."""


@dataclass(frozen=True, slots=True)
class Block:
    """`columns` are those of the dataset, each with a value for every number in `rows`, the kept rows.

    `rejected` counts the rows left out by reason, `scenarios` the kept rows of each scenario.
    """

    table: str
    start: int
    stop: int
    rows: NDArray[np.int64]
    columns: Mapping[str, Values]
    rejected: Mapping[str, int]
    scenarios: Mapping[str, int]


def make_block(plan: Plan, table: str, start: int, stop: int) -> Block:
    """Make the rows [start, stop) of a table, 0 <= start <= stop <= its rows.

    Raises WorkbenchError where a template or text cannot be made for the values of a row.
    """
    planned = plan.tables[table]
    return _BlockMaker(planned, np.arange(start, stop, dtype=np.int64)).make(start, stop)


class _BlockMaker:
    """What is known of the rows of one block while it is made."""

    def __init__(self, table: TablePlan, rows: NDArray[np.int64]) -> None:
        self.table, self.rows = table, rows
        self.chosen = choose_scenarios(table.scenarios, table.seed, table.name, table.rows, rows)
        self.made: dict[str, Values] = {}
        self.kept = np.ones(len(rows), np.bool_)
        self.rejected: Counter[str] = Counter()

    def make(self, start: int, stop: int) -> Block:
        for group in self.table.groups:
            self.make_group(group)
        everything = np.arange(len(self.rows))
        for name in self.table.order:
            if name not in self.made:
                self.made[name] = self.make_column(name, everything, 0, self.made)
        names = [scenario.name for scenario in self.table.scenarios]
        counts = np.bincount(self.chosen[self.kept] + 1, minlength=len(names) + 1)[1:]
        whole = bool(self.kept.all())
        return Block(
            self.table.name,
            start,
            stop,
            self.rows if whole else self.rows[self.kept],
            {name: self.made[name] if whole else self.made[name].take(self.kept) for name in self.table.kept},
            dict(self.rejected),
            dict(zip(names, counts.tolist(), strict=True)),
        )

    def make_group(self, group: RuleGroup) -> None:
        """Make the columns of a group, drawing again the rows that break one of its rules."""
        pending = np.arange(len(self.rows))
        broken: NDArray[np.int64] = pending
        for attempt in range(MAX_ROUNDS + 1):
            drawn: dict[str, Values] = {}
            for name in group.columns:
                drawn[name] = self.make_column(name, pending, attempt, drawn)
            broken = _find_first_broken(group, drawn)
            if attempt == 0:
                self.made.update(drawn)
            else:
                good = broken < 0
                for name in group.columns:
                    self.made[name] = self.made[name].overlay(pending[good], drawn[name].take(good))
            pending, broken = pending[broken >= 0], broken[broken >= 0]
            if not len(pending):
                return
        fresh = self.kept[pending]
        self.rejected.update(group.rules[rule].text for rule in broken[fresh].tolist())
        self.kept[pending] = False

    def make_column(self, name: str, positions: NDArray[np.int64], attempt: int, inputs: Row) -> Values:
        """A column for the rows at `positions`; `inputs` holds what it needs for the same rows."""
        column = self.table.columns[name]
        draws = Draws(self.table.seed, self.table.name, name, self.rows[positions], attempt=attempt)
        values = column.maker.values(draws, inputs)
        if column.branches:
            chosen = self.chosen[positions]
            for scenario, branch in column.branches.items():
                mask = chosen == scenario
                if mask.any():
                    own = replace(draws.select(mask), branch=branch.scenario)
                    part = {need: inputs[need].take(mask) for need in branch.needs}
                    values = values.overlay(mask, branch.maker.values(own, part))
        return values


def _find_first_broken(group: RuleGroup, row: Row) -> NDArray[np.int64]:
    """For each row the position in the group of the first rule that it breaks, or -1; shape (rows,)."""
    first = np.full(len(row[group.columns[0]]), -1)
    for position, rule in reversed(list(enumerate(group.rules))):
        first[rule.find_broken(row)] = position
    return first
