"""Rows [start, stop) of a table, made alone: the same rows whatever the block's bounds, the process or the attempt.

First come the columns that rules rest on, group by group: rows that break a rule are drawn again, by themselves,
until they keep it or the rounds are used up. Then all other columns are computed once. Rows given up on are left out
and counted under the rule that they broke, and so are rows whose parent row was left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Row
from workbench.columns.streams import Draws, Family
from workbench.columns.values import Values, fill_nulls
from workbench.generation.balance import count_cells
from workbench.generation.constraints import RuleGroup
from workbench.generation.increments import round_to_multiples
from workbench.generation.parity import STRIPE, Parity, Tally, even_out, tally_groups
from workbench.generation.plan import Plan, TablePlan
from workbench.generation.scenarios import choose_scenarios
from workbench.generation.uniqueness import SeenRows

MAX_ROUNDS = 100
"""Re-draws of a row that breaks a rule. A rule that one draw in ten keeps loses fewer than 3 rows in 100,000."""

MAX_BALANCE_ROUNDS = 2_000
"""Re-draws of a row until it has the value that `balance` asks of it: a value of one row in 200 is then found."""

ORPHAN = "the row it refers to was left out"
"""The reason under which rows are counted whose parent row broke a rule."""


@dataclass(frozen=True, slots=True)
class Block:
    """`columns` are those of the dataset, each with a value for every number in `rows`, the kept rows.

    `rejected` counts the rows left out by reason, `redrawn` those drawn again by rule, `scenarios` the kept rows of
    each scenario, `balance` those of each cell of each balance, `parity` the true outcomes and all rows of each
    group, for each parity. `files` maps the path of a file of the dataset to its content. `chosen` holds for each kept
    row the position of its scenario or -1.
    """

    table: str
    start: int
    stop: int
    rows: NDArray[np.int64]
    columns: Mapping[str, Values]
    rejected: Mapping[str, int]
    scenarios: Mapping[str, int]
    balance: list[list[int]] = field(default_factory=list)
    parity: list[Tally] = field(default_factory=list)
    files: Mapping[str, bytes] = field(default_factory=dict)
    redrawn: Mapping[str, int] = field(default_factory=dict)
    chosen: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def make_block(
    plan: Plan, table: str, start: int, stop: int, *, files: bool = False, seen: Sequence[SeenRows] = ()
) -> Block:
    """Make the rows [start, stop) of a table, 0 <= start <= stop <= its rows; with the content of `files` if asked.

    `seen` remembers the rows before `start` where the table has rules of uniqueness (`TablePlan.start_seen`).
    Raises WorkbenchError where a template or text cannot be made for the values of a row.
    """
    planned = plan.tables[table]
    plan.session.media.clear()
    maker = RowMaker(planned, np.arange(start, stop, dtype=np.int64))
    maker.drop_lost()
    maker.drop_repeats(seen)
    made = {name: maker.make(name) for name in planned.order}
    names = [scenario.name for scenario in planned.scenarios]
    counts = np.bincount(maker.chosen[maker.kept] + 1, minlength=len(names) + 1)[1:]
    whole = bool(maker.kept.all())
    columns = made if whole else {name: values.take(maker.kept) for name, values in made.items()}
    rows = maker.rows if whole else maker.rows[maker.kept]
    return Block(
        table,
        start,
        stop,
        rows,
        {name: columns[name] for name in planned.kept},
        maker.count_rejected(),
        dict(zip(names, counts.tolist(), strict=True)),
        [count_cells(balance, columns) for balance in planned.balance],
        [tally_groups(parity, columns) for parity in planned.parity],
        _make_files(planned, maker, columns) if files else {},
        maker.redrawn,
        maker.chosen if whole else maker.chosen[maker.kept],
    )


def remember_rows(table: TablePlan, start: int, stop: int, seen: Sequence[SeenRows]) -> None:
    """Remember the rows [start, stop) of a table as making their block does, without making the other columns."""
    maker = RowMaker(table, np.arange(start, stop, dtype=np.int64))
    maker.drop_lost()
    maker.drop_repeats(seen)


def open_rows(table: TablePlan, rows: NDArray[np.int64]) -> RowMaker:
    """Some rows of a table that others refer to: `kept` tells which of them are in the dataset."""
    maker = RowMaker(table, rows)
    maker.drop_lost()
    return maker


class RowMaker:
    """The columns of some rows of a table, made as they are asked for, after the rules have been settled.

    `rows` are rising. `chosen` holds the position of each row's scenario or -1, `reason` the place in `reasons` of
    why a row is left out or -1.
    """

    def __init__(self, table: TablePlan, rows: NDArray[np.int64]) -> None:
        self.table = table
        asked = rows
        self.rows = _widen_to_stripes(rows, table.rows) if table.parity else rows
        self.chosen = choose_scenarios(table.scenarios, table.seed, table.name, table.rows, self.rows)
        self.family = self._find_family()
        self.made: dict[str, Values] = {}
        self.reasons: list[str] = []
        self.reason = np.full(len(self.rows), -1)
        self.redrawn: dict[str, int] = {}
        for group in table.groups:
            self._settle_group(group)
        for parity in table.parity:
            self._settle_parity(parity)
        if self.rows is not asked:
            self._narrow(np.searchsorted(self.rows, asked))
        self._drop_orphans()

    def draw_attempts(self, names: Sequence[str], attempts: int) -> Iterator[dict[str, Values]]:
        """The columns of a group of rules as each of so many attempts draws them, kept or broken."""
        everything = np.arange(len(self.rows))
        for attempt in range(attempts):
            drawn: dict[str, Values] = {}
            for name in names:
                serial = self.table.columns[name].maker.serial
                drawn[name] = self.make(name) if serial else self._make_column(name, everything, attempt, drawn)
            yield drawn

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which rows are in the dataset."""
        return self.reason < 0

    def count_rejected(self) -> dict[str, int]:
        """How many rows are left out, by reason."""
        counts = np.bincount(self.reason[self.reason >= 0], minlength=len(self.reasons)).tolist()
        totals: Counter[str] = Counter()
        for reason, count in zip(self.reasons, counts, strict=True):
            totals[reason] += count
        return {reason: count for reason, count in totals.items() if count}

    def make(self, name: str) -> Values:
        """A column for all rows, with the columns that it needs made first."""
        if name not in self.made:
            everything = np.arange(len(self.rows))
            for each in self.table.find_steps(name):
                if each not in self.made:
                    costly = self.table.columns[each].maker.costly and not self.kept.all()
                    self.made[each] = (
                        self._make_kept(each) if costly else self._make_column(each, everything, 0, self.made)
                    )
        return self.made[name]

    def drop_repeats(self, seen: Sequence[SeenRows]) -> None:
        """Leave out the rows that equal an earlier one where they may not, after drawing again what can be."""
        for each in seen:
            kept, name = np.flatnonzero(self.kept), each.rule.columns[0]
            columns = {needed: self.make(needed).take(kept) for needed in each.rule.columns}
            settled = each.settle(columns, self.rows[kept], partial(self._draw_again, name, kept))
            self._leave_out(kept[~settled.fresh], each.rule.text)
            if settled.redrawn:
                self.redrawn[each.rule.text] = settled.redrawn
            if settled.values is not None and settled.changed is not None and settled.changed.any():
                self._replace(name, kept[settled.changed], settled.values.take(settled.changed))

    def drop_lost(self, names: Collection[str] | None = None) -> None:
        """Leave out the rows for which a model gave no answer, where the column (one of `names`) asks for that."""
        for name, column in self.table.columns.items():
            if column.maker.find_lost is not None and (names is None or name in names):
                self.make(name)
                lost = column.maker.find_lost(self.find_draws(name))
                self._leave_out(np.flatnonzero(self.kept & lost), _name_lost(name))

    def find_draws(self, name: str, positions: NDArray[Any] | None = None, attempt: int = 0) -> Draws:
        """The chance of a column for all rows, or for those at `positions`."""
        draws = Draws(self.table.seed, self.table.name, name, self.rows, attempt=attempt, family=self.family)
        return draws if positions is None or len(positions) == len(self.rows) else draws.select(positions)

    def _find_family(self) -> Family:
        link = self.table.lineage
        family = link.find_parents(self.rows)[1] if link is not None else None
        if family is not None:
            return family
        return Family(np.zeros(len(self.rows), np.int64), np.full(len(self.rows), self.table.rows))

    def _settle_group(self, group: RuleGroup) -> None:
        """Make the columns of a group, drawing again the rows that break one of its rules."""
        pending = np.arange(len(self.rows))
        rounds = MAX_BALANCE_ROUNDS if any(rule.patient for rule in group.rules) else MAX_ROUNDS
        broken: NDArray[np.int64] = pending
        for attempt in range(rounds + 1):
            drawn: dict[str, Values] = {}
            for name in group.columns:
                drawn[name] = self._make_column(name, pending, attempt, drawn)
            broken = find_first_broken(group, drawn, self.rows[pending])
            if attempt == 0:
                self.made.update(drawn)
            else:
                good = broken < 0
                for name in group.columns:
                    self.made[name] = self.made[name].overlay(pending[good], drawn[name].take(good))
            pending, broken = pending[broken >= 0], broken[broken >= 0]
            if not len(pending):
                return
        fresh = self.reason[pending] < 0
        self.reason[pending[fresh]] = broken[fresh] + len(self.reasons)
        self.reasons += [rule.text for rule in group.rules]

    def _make_column(self, name: str, positions: NDArray[np.int64], attempt: int, inputs: Row) -> Values:
        """A column for the rows at `positions`; `inputs` holds what it needs for the same rows."""
        column = self.table.columns[name]
        if attempt and column.maker.serial:
            return self.made[name].take(positions)
        draws = self.find_draws(name, positions, attempt)
        values = column.maker.values(draws, inputs)
        if column.branches:
            chosen = self.chosen[positions]
            for scenario, branch in column.branches.items():
                mask = chosen == scenario
                if mask.any():
                    own = replace(draws.select(mask), branch=branch.scenario)
                    part = {need: inputs[need].take(mask) for need in branch.needs}
                    values = values.overlay(mask, branch.maker.values(own, part))
        if column.decider is not None:
            values = column.decider.decide(name, draws, values)
        if column.increment is None:
            return values
        return round_to_multiples(values, column.increment, column.maker.bounds or (-np.inf, np.inf))

    def _draw_again(self, name: str, kept: NDArray[np.int64], places: NDArray[np.int64], attempt: int) -> Values:
        """Another attempt of a column for some of the rows `kept`, from the same inputs."""
        positions = kept[places]
        needed = {need: self.made[need].take(positions) for need in self.table.columns[name].needs}
        return self._make_column(name, positions, attempt, needed)

    def _replace(self, name: str, positions: NDArray[np.int64], values: Values) -> None:
        """Put other values into a column, and make again what was made from it."""
        self.made[name] = self.made[name].overlay(positions, values)
        if self.table.columns[name].maker.find_lost is not None and values.valid is not None:
            self._leave_out(positions[~values.valid], _name_lost(name))
        outdated = {each for each in self.made if each != name and name in self.table.find_steps(each)}
        for each in outdated:
            del self.made[each]
        self.drop_lost(outdated)

    def _make_kept(self, name: str) -> Values:
        """A column for the rows that are kept, null for the others."""
        positions = np.flatnonzero(self.kept)
        needed = {need: self.made[need].take(positions) for need in self.table.columns[name].needs}
        blank = fill_nulls(self.table.columns[name].maker.kind, len(self.rows))
        return blank.overlay(positions, self._make_column(name, positions, 0, needed))

    def _settle_parity(self, parity: Parity) -> None:
        outcome = parity.outcome
        values, groups = self.make(outcome), self.make(parity.across)
        fixed = np.isin(self.chosen, list(self.table.columns[outcome].branches))
        if parity.rate is None:
            parity.rate = _find_rate(self.table, outcome)
        self.made[outcome] = even_out(parity, self.find_draws(outcome), values, groups, fixed)

    def _narrow(self, index: NDArray[np.int64]) -> None:
        self.rows, self.chosen, self.reason = self.rows[index], self.chosen[index], self.reason[index]
        self.family = self.family.take(index)
        self.made = {name: values.take(index) for name, values in self.made.items()}

    def _drop_orphans(self) -> None:
        for link in self.table.links.values():
            present = link.find_kept(self.rows)
            if present is not None:
                self._leave_out(np.flatnonzero(self.kept & ~present), ORPHAN)

    def _leave_out(self, positions: NDArray[np.int64], reason: str) -> None:
        if len(positions):
            self.reason[positions] = len(self.reasons)
            self.reasons.append(reason)


def find_first_broken(group: RuleGroup, row: Row, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row the position in the group of the first rule that it breaks, or -1; shape (rows,)."""
    first = np.full(len(rows), -1)
    for position, rule in reversed(list(enumerate(group.rules))):
        first[rule.find_broken(row, rows)] = position
    return first


def _name_lost(name: str) -> str:
    """The reason under which rows are counted that a column leaves out without an answer."""
    return f"“{name}” got no answer"


def _widen_to_stripes(rows: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """All rows of the stripes that `rows` touch."""
    stripes = np.unique(rows // STRIPE)
    whole = (stripes[:, None] * STRIPE + np.arange(STRIPE)).ravel()
    return whole[whole < size]


def _find_rate(table: TablePlan, outcome: str) -> float:
    """How often an outcome is true of itself, in the first rows."""
    first = RowMaker(replace(table, parity=()), np.arange(min(table.rows, _RATE_ROWS), dtype=np.int64))
    values = first.make(outcome)
    known = first.kept if values.valid is None else first.kept & values.valid
    return float(values.data[known].mean()) if known.any() else 0.0


_RATE_ROWS = 20_000


def _make_files(table: TablePlan, maker: RowMaker, columns: Mapping[str, Values]) -> dict[str, bytes]:
    """The content of the files that the kept rows name, by path."""
    files: dict[str, bytes] = {}
    for name in table.kept:
        column = table.columns[name]
        if column.maker.files is None:
            continue
        draws = maker.find_draws(name, np.flatnonzero(maker.kept))
        contents = column.maker.files(draws, {need: columns[need] for need in column.needs})
        for path, content in zip(columns[name].to_list(), contents, strict=True):
            if path is not None and content is not None:
                files[path] = content
    return files
