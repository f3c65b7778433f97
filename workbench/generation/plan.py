"""A spec made ready: its tables in the order of making, columns compiled, scenarios given their rows, rules grouped.

`planning` builds it and finds every problem on the way; making rows (`blocks`) then has no decisions left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from workbench.calls.session import Session
from workbench.columns.column_type import Maker
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.generation.balance import Balance
from workbench.generation.constraints import RuleGroup
from workbench.generation.dependencies import find_ancestors
from workbench.generation.links import Link
from workbench.generation.parity import Parity
from workbench.generation.scenarios import Branch, Scenario
from workbench.generation.uniqueness import SeenRows, UniqueRule
from workbench.spec.model import ColumnConfig, Spec

if TYPE_CHECKING:
    from workbench.generation.synthesizing import TableSynthesizer

BLOCK_ROWS = 50_000
"""Rows made, committed and resumed together: some tens of megabytes in memory at most."""

MODEL_BLOCK_ROWS = 1_000
"""Rows of a block whose columns ask a model: its answers are kept one by one, and the rows should follow soon."""

MEDIA_BLOCK_ROWS = 500
"""Rows of a block whose columns make files, such as images: these are held in memory until the block is committed."""


class Decider(Protocol):
    """What gives a column other values than its own: a balance, or columns that are drawn together."""

    def decide(self, name: str, draws: Draws, values: Values) -> Values:
        """The values of the column `name`; those that are not decided stay as they are."""


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """A column with its compiled maker, and for each scenario (by position) that sets it, what that puts instead.

    `decider` replaces values after that, `increment` rounds them last.
    """

    config: ColumnConfig
    maker: Maker
    branches: Mapping[int, Branch]
    needs: frozenset[str]
    decider: Decider | None = None
    increment: float | None = None


@dataclass(frozen=True, slots=True)
class TablePlan:
    """`columns` stand in the order of the spec, `order` is that of making them; `groups` hold the rules."""

    name: str
    seed: int
    rows: int
    columns: Mapping[str, PlannedColumn]
    order: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    groups: tuple[RuleGroup, ...]
    links: Mapping[str, Link] = field(default_factory=dict)
    balance: tuple[Balance, ...] = ()
    parity: tuple[Parity, ...] = ()
    uniques: tuple[UniqueRule, ...] = ()
    synthesizer: TableSynthesizer | None = None
    _steps: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def kept(self) -> list[str]:
        """Names of the columns that the dataset has, without those marked `drop`."""
        return [name for name, column in self.columns.items() if not column.config.drop]

    @property
    def lineage(self) -> Link | None:
        """The foreign key along which the rows are made per parent, if there is one."""
        return next((link for link in self.links.values() if link.brood is not None), None)

    @property
    def rejects(self) -> bool:
        """Whether rows of it can be left out."""
        own = self.groups or self.uniques or any(column.maker.find_lost for column in self.columns.values())
        return bool(own) or any(link.parent.rejects for link in self.links.values())

    @property
    def is_costly(self) -> bool:
        """Whether making its rows asks a model that costs time or money."""
        own = any(column.maker.costly for column in self.columns.values())
        return own or any(link.parent.is_costly for link in self.links.values())

    @property
    def block_rows(self) -> int:
        """The rows of a block."""
        if self.has_files:
            return MEDIA_BLOCK_ROWS
        return MODEL_BLOCK_ROWS if self.is_costly else BLOCK_ROWS

    @property
    def has_files(self) -> bool:
        """Whether its columns make files beside the table."""
        return any(self.columns[name].maker.files is not None for name in self.kept)

    def find_steps(self, name: str) -> tuple[str, ...]:
        """The columns to make for the column `name`, itself last."""
        if name not in self._steps:
            wanted = find_ancestors({each: column.needs for each, column in self.columns.items()}, [name])
            self._steps[name] = tuple(each for each in self.order if each in wanted)
        return self._steps[name]

    def start_seen(self) -> list[SeenRows]:
        """What remembers the rows that rules of uniqueness have let pass, empty as before the first row."""
        return [rule.start() for rule in self.uniques]


@dataclass(frozen=True, slots=True)
class Plan:
    """The tables of a spec, ready to be made, in its order; `sources` are digests of those that columns draw from.

    `session` is what its columns ask their models by.
    """

    spec: Spec
    tables: Mapping[str, TablePlan]
    sources: Mapping[str, str] = field(default_factory=dict)
    session: Session = field(default_factory=Session)

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """What decides the answers of each model that columns ask, by its name in the spec."""
        return {model.name: model.identity for model in self.session.models.values() if model.name in self.spec.models}

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(table.rows for table in self.tables.values())

    def as_json(self) -> dict[str, Any]:
        """For each table the columns in the order of making, what each needs, and the rules with what they re-draw."""
        return {"tables": {name: _describe_table(table) for name, table in self.tables.items()}}

    def describe(self) -> list[str]:
        """The same as lines to read."""
        lines = []
        for name, table in self.as_json()["tables"].items():
            lines.append(f"table {name}: {table['rows']:,} rows")
            if table["synthesizer"] is not None:
                made = table["synthesizer"]
                lines.append(f"  {made['type']} fitted to {made['source']} makes {', '.join(made['columns'])}")
            for link in table["foreign_keys"]:
                made = "made per row of" if link["per_parent"] else "picks a row of"
                lines.append(f"  foreign key {link['column']}: {made} {link['table']}")
            for column in table["columns"]:
                needed = f"  from {', '.join(column['needs'])}" if column["needs"] else ""
                lines.append(f"  {column['name']}: {column['type']} ({column['kind']}){needed}")
            for rule in table["constraints"]:
                how = f"draws again {', '.join(rule['redraws'])}" if rule["redraws"] else rule["kept"]
                lines.append(f"  constraint {rule['constraint']}: {how}")
            lines += [f"  scenario {scenario['name']}: {scenario['rows']:,} rows" for scenario in table["scenarios"]]
            for balance in table["balance"]:
                lines.append(f"  balance of {', '.join(balance['columns'])}: {balance['cells']} exact quotas")
            lines += [f"  parity of {each['outcome']} across {each['across']}" for each in table["parity"]]
        return lines


def _describe_table(table: TablePlan) -> dict[str, Any]:
    return {
        "rows": table.rows,
        "foreign_keys": [
            {"column": column, "table": link.parent.name, "per_parent": link.brood is not None}
            for column, link in table.links.items()
        ],
        "synthesizer": None
        if table.synthesizer is None
        else {
            "type": table.synthesizer.job.config.type,
            "source": table.synthesizer.job.config.source,
            "columns": list(table.synthesizer.names),
            "given": [*table.synthesizer.given, *table.synthesizer.inherited],
            "made_first": sorted(table.synthesizer.fixed),
        },
        "columns": [
            {"name": each, "type": made.config.type, "kind": made.maker.kind, "needs": sorted(made.needs)}
            for each, made in ((each, table.columns[each]) for each in table.order)
        ],
        "constraints": [
            {"constraint": rule.text, "redraws": list(group.columns)} for group in table.groups for rule in group.rules
        ]
        + [{"constraint": rule.text, "redraws": [], "kept": rule.kept} for rule in table.uniques],
        "scenarios": [{"name": scenario.name, "rows": scenario.rows} for scenario in table.scenarios],
        "balance": [{"columns": list(each.columns), "cells": len(each.cells)} for each in table.balance],
        "parity": [{"outcome": each.outcome, "across": each.across} for each in table.parity],
    }
