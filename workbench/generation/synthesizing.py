"""Columns made by a model fitted to real data: planned with the other columns of their table, drawn all at once.

What scenarios, balances and parities decide is made first (the *fixed* columns), from a draw of all columns. The others
are then drawn given these, so that a row whose outcome is set has the rest that goes with that outcome. A table whose
foreign key leads to a synthesized table, in the spec and in the real data, is drawn given its parent's columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.calls.session import Session
from workbench.columns.column_type import Maker, Row
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.generation.fits import FitJob
from workbench.generation.links import Link
from workbench.spec.model import TableConfig
from workbench.synthesizers.conditions import find_refusal
from workbench.synthesizers.nearest import choose_nearest
from workbench.synthesizers.profile import TableProfile, make_level_array
from workbench.synthesizers.types.sequence import SequenceConfig

if TYPE_CHECKING:
    from workbench.synthesizers.sequences.fitted import FittedSequences
    from workbench.synthesizers.synthesizer import Made

MOST_OPTIONS = 1_000
"""Levels of a category beyond this are not told to rules and checks."""


@dataclass(slots=True, eq=False)
class TableSynthesizer:
    """The synthesizer of a table, planned. `names` are the columns that it makes, `given` those of the table that it
    is given, `inherited` those of the parent by their name in the fit, with their name in the parent's table.

    `fixed` are the columns that other parts of the spec decide. `profile` is that of the real data.
    """

    table: str
    seed: int
    job: FitJob
    names: tuple[str, ...]
    given: tuple[str, ...]
    inherited: Mapping[str, str]
    fixed: frozenset[str]
    profile: TableProfile
    session: Session
    link: Link | None = None
    _drawn: list[_Drawn] = field(default_factory=list, repr=False)

    @property
    def is_sequence(self) -> bool:
        """Whether its rows are ordered records, each depending on those before."""
        return isinstance(self.job.config, SequenceConfig)

    def find_needs(self, name: str) -> frozenset[str]:
        """The columns of its table that the column `name` is computed from."""
        return frozenset(self.given) | (frozenset() if name in self.fixed else self.fixed)

    def make_column(self, name: str) -> Maker:
        """The maker of one of its columns."""
        column = self.profile.columns[name]
        options: tuple[Any, ...] | None = None
        if column.levels is not None and column.kind != "timestamp" and len(column.levels) <= MOST_OPTIONS:
            options = tuple(make_level_array(column).tolist())
        bounds = (column.low, column.high) if column.role == "number" else None
        # A private model may know fewer values than the real data has, and other bounds.
        if self.job.config.differential_privacy is not None:
            options = bounds = None
        return Maker(
            column.kind, lambda draws, inputs: self.draw(name, draws, inputs), bounds, options, serial=self.is_sequence
        )

    def find_refusal(self, name: str, values: Values) -> str:
        """Why the column `name` never has one of the values that it is to be set to; empty where it may."""
        return (
            "" if self.job.config.differential_privacy is not None else find_refusal(self.profile.columns[name], values)
        )

    def draw(self, name: str, draws: Draws, inputs: Row) -> Values:
        """The values of one of its columns; all of them are drawn together, and kept for the next that asks."""
        conditions = {each: inputs[each] for each in self.given}
        fixed = name in self.fixed
        if not fixed:
            conditions |= {each: inputs[each] for each in sorted(self.fixed)}
        for drawn in self._drawn:
            if drawn.fits(draws, fixed, conditions):
                return drawn.made[name]
        made = self._draw_all(draws, fixed, conditions)
        self._drawn = [_Drawn(draws.rows, draws.attempt, fixed, conditions, made), *self._drawn[:1]]
        return made[name]

    def _draw_all(self, draws: Draws, fixed: bool, conditions: Mapping[str, Values]) -> Made:
        from workbench.synthesizers.fitted import FittedTable

        model = self.job.open(self.session).rows
        if not isinstance(model, FittedTable):
            return self._draw_records(model, draws)
        known = dict(conditions)
        if self.link is not None:
            parents, back = np.unique(self.link.find_parents(draws.rows)[0], return_inverse=True)
            known |= {name: values.take(back) for name, values in self._read_inherited(parents).items()}
        known = choose_nearest(model.profile, known)
        names = (self.seed, self.table, "synthesizer", "fixed" if fixed else "given", draws.attempt)
        return model.draw_rows(draws.rows, known, names)

    def _draw_records(self, model: FittedSequences, draws: Draws) -> Made:
        """The records of whole families, of which the rows asked for are taken."""
        assert self.link is not None
        assert draws.family is not None
        parents, first = np.unique(self.link.find_parents(draws.rows)[0], return_index=True)
        lengths = draws.family.size[first]
        given = choose_nearest(model.profile, self._read_inherited(parents))
        made = model.draw_records(parents, lengths, given, (self.seed, self.table, "synthesizer"))
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        family = np.repeat(np.arange(len(parents)), np.diff([*first.tolist(), len(draws.rows)]))
        places = starts[family] + draws.rows - draws.family.first
        return {name: made[name].take(places) for name in self.names}

    def _read_inherited(self, parents: NDArray[np.int64]) -> dict[str, Values]:
        """The columns of the parents numbered `parents` (rising) that the fit knows, under their names there."""
        assert self.link is not None
        opened = self.link.open_rows(self.link.parent, parents)
        return {name: opened.make(column) for name, column in self.inherited.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A draw that is kept. What its conditions hold is compared by identity: columns are made once for their rows."""

    rows: NDArray[np.int64]
    attempt: int
    fixed: bool
    conditions: Mapping[str, Values]
    made: Made

    def fits(self, draws: Draws, fixed: bool, conditions: Mapping[str, Values]) -> bool:
        return (
            self.attempt == draws.attempt
            and self.fixed == fixed
            and all(self.conditions[name] is values for name, values in conditions.items())
            and np.array_equal(self.rows, draws.rows)
        )


def find_fixed(table: TableConfig, names: Sequence[str]) -> frozenset[str]:
    """Those of `names` that scenarios, balances or parities decide or rest on: they are made before the others."""
    decided = {name for scenario in table.scenarios for name in scenario.set}
    decided |= {name for balance in table.balance for name in balance.names}
    decided |= {name for parity in table.parity for name in (parity.outcome, parity.across)}
    return frozenset(decided & set(names))
