"""A spec made ready: columns compiled and put in order, scenarios given their rows, rules their columns to re-draw.

Everything the words of a spec mean together is decided here, before the first row: what cannot work is a `Problem`
with the path of the word that is wrong. Making rows (`blocks`) then has no decisions left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.columns.column_type import Maker, Makers
from workbench.columns.registry import COLUMNS
from workbench.generation.constraints import Rule, RuleGroup, check_rules, group_rules, read_rules
from workbench.generation.dependencies import order_names
from workbench.generation.scenarios import Branch, Scenario, check_shares, plan_scenarios, read_branches, widen
from workbench.spec.model import ColumnConfig, Spec, TableConfig
from workbench.spec.problems import Path, Problem, suggest


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """A column with its compiled maker, and for each scenario (by position) that sets it, what that puts instead."""

    config: ColumnConfig
    maker: Maker
    branches: Mapping[int, Branch]
    needs: frozenset[str]


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

    @property
    def kept(self) -> list[str]:
        """Names of the columns that the dataset has, without those marked `drop`."""
        return [name for name, column in self.columns.items() if not column.config.drop]


@dataclass(frozen=True, slots=True)
class Plan:
    """The tables of a spec, ready to be made."""

    spec: Spec
    tables: Mapping[str, TablePlan]

    def as_json(self) -> dict[str, Any]:
        """For each table the columns in the order of making, what each needs, and the rules with what they re-draw."""
        return {
            "tables": {
                name: {
                    "rows": table.rows,
                    "columns": [
                        {"name": each, "type": made.config.type, "kind": made.maker.kind, "needs": sorted(made.needs)}
                        for each, made in ((each, table.columns[each]) for each in table.order)
                    ],
                    "constraints": [
                        {"constraint": rule.text, "redraws": list(group.columns)}
                        for group in table.groups
                        for rule in group.rules
                    ],
                    "scenarios": [{"name": scenario.name, "rows": scenario.rows} for scenario in table.scenarios],
                }
                for name, table in self.tables.items()
            }
        }

    def describe(self) -> list[str]:
        """The same as lines to read."""
        lines = []
        for name, table in self.as_json()["tables"].items():
            lines.append(f"table {name}: {table['rows']:,} rows")
            for column in table["columns"]:
                needed = f"  from {', '.join(column['needs'])}" if column["needs"] else ""
                lines.append(f"  {column['name']}: {column['type']} ({column['kind']}){needed}")
            for rule in table["constraints"]:
                lines.append(f"  constraint {rule['constraint']}: draws again {', '.join(rule['redraws'])}")
            lines += [f"  scenario {scenario['name']}: {scenario['rows']:,} rows" for scenario in table["scenarios"]]
        return lines


def build_plan(spec: Spec) -> tuple[Plan | None, list[Problem]]:
    """The plan, and the problems found; the plan is None if one is an error. Their paths are those of the spec."""
    problems: list[Problem] = []
    tables = {name: _TablePlanner(spec, name, problems).plan() for name, _ in spec.tables.items()}
    complete = {name: table for name, table in tables.items() if table is not None}
    failed = len(complete) < len(tables) or any(problem.level == "error" for problem in problems)
    return (None if failed else Plan(spec, complete)), problems


def resize_spec(spec: Spec, rows: int) -> Spec:
    """The spec with its largest table at `rows` rows; other tables keep their size relative to it, at least one row."""
    largest = max(table.rows for table in spec.tables.values())
    tables = {
        name: table.model_copy(update={"rows": max(1, round(table.rows * rows / largest))})
        for name, table in spec.tables.items()
    }
    return spec.model_copy(update={"tables": tables})


class _TablePlanner:
    """The steps of planning one table; each adds its problems and goes on with what is sound."""

    def __init__(self, spec: Spec, name: str, problems: list[Problem]) -> None:
        self.spec, self.name, self.problems = spec, name, problems
        self.table: TableConfig = spec.tables[name]
        self.path: Path = ("tables", name)
        self.positions: dict[str, int] = {}
        self.widened: dict[str, Maker] = {}

    def plan(self) -> TablePlan | None:
        before = len(self.problems)
        configs = self.find_columns()
        branches = read_branches(self.table, configs, self.path, self.problems)
        needs = self.find_needs(configs, branches)
        order, cycles = order_names(needs)
        self.report_cycles(cycles)
        columns: dict[str, PlannedColumn] = {}
        for name in order:
            planned = self.plan_column(configs[name], branches.get(name, {}), needs[name])
            if planned is not None:
                columns[name] = planned
        self.check_primary_key()
        check_shares(self.table, self.path, self.problems)
        rules = self.plan_rules(columns)
        if any(problem.level == "error" for problem in self.problems[before:]) or len(columns) < len(configs):
            return None
        return TablePlan(
            self.name,
            self.spec.seed,
            self.table.rows,
            {name: columns[name] for name in configs},
            tuple(order),
            plan_scenarios(self.table),
            group_rules(rules, needs, order),
        )

    def add(self, path: Path, message: str, hint: str = "") -> None:
        self.problems.append(Problem(message, hint, (*self.path, *path)))

    def find_columns(self) -> dict[str, ColumnConfig]:
        configs: dict[str, ColumnConfig] = {}
        for position, config in enumerate(self.table.columns):
            if config.name in configs:
                self.add(
                    ("columns", position, "name"), f"Two columns have the name “{config.name}”.", "Rename one of them."
                )
                continue
            configs[config.name] = config
            self.positions[config.name] = position
        if all(config.drop for config in configs.values()):
            self.add(("columns",), "Every column is marked “drop”: nothing is left.", "Keep at least one.")
        return configs

    def find_needs(
        self, configs: dict[str, ColumnConfig], branches: Mapping[str, Mapping[int, Branch]]
    ) -> dict[str, frozenset[str]]:
        needs: dict[str, frozenset[str]] = {}
        for name, config in configs.items():
            own = config.references()
            for unknown in sorted(own - configs.keys()):
                path = ("columns", self.positions[name], *_find_field(config, unknown))
                self.add(path, f"There is no column “{unknown}” in this table.", suggest(unknown, configs))
            needs[name] = own.union(*(branch.needs for branch in branches.get(name, {}).values()))
        return needs

    def report_cycles(self, cycles: list[list[str]]) -> None:
        for cycle in cycles:
            chain = ", which needs ".join(f"“{name}”" for name in [*cycle[1:], cycle[0]])
            message = f"“{cycle[0]}” needs {chain}: there is no order to make them in."
            self.add(("columns", self.positions[cycle[0]]), message, "Compute one of them from other columns.")

    def plan_column(
        self, config: ColumnConfig, branches: Mapping[int, Branch], needs: frozenset[str]
    ) -> PlannedColumn | None:
        """None where it cannot be compiled, or where a column it needs could not be: that one has the problem."""
        if not needs <= self.widened.keys():
            return None
        column_type = COLUMNS.get(config.type)
        assert column_type is not None
        makers: Makers = {name: self.widened[name] for name in needs}
        try:
            maker = column_type.make(config, makers)
        except ValueError as error:
            field = (config.type,) if config.type in type(config).model_fields else ()
            self.add(("columns", self.positions[config.name], *field), f"“{config.name}” cannot be made: {error}.")
            return None
        compiled: dict[int, Branch] = {}
        for position, branch in branches.items():
            try:
                compiled[position] = branch.compile(maker, makers)
            except ValueError as error:
                path = ("scenarios", position, "set", config.name)
                self.add(path, f"“{config.name}” cannot be set: {error}.")
        self.widened[config.name] = widen(maker, compiled.values())
        return PlannedColumn(config, maker, compiled, needs)

    def check_primary_key(self) -> None:
        key = self.table.primary_key
        if key is None:
            return
        if key not in self.positions:
            self.add(("primary_key",), f"There is no column “{key}” in this table.", suggest(key, self.positions))
        elif self.table.columns[self.positions[key]].drop:
            self.add(("primary_key",), f"The primary key “{key}” is marked “drop”.", "Keep it in the dataset.")
        elif key in self.widened and not self.widened[key].unique:
            hint = "Use a column of the type id, which no scenario sets."
            self.add(("primary_key",), f"The values of “{key}” are not unique, so it cannot be the primary key.", hint)

    def plan_rules(self, columns: Mapping[str, PlannedColumn]) -> list[Rule]:
        rules = read_rules(self.table, self.positions, self.widened, self.path, self.problems)
        check_rules(rules, {name: column.maker for name, column in columns.items()}, "", self.path, self.problems)
        for position, scenario in enumerate(self.table.scenarios):
            makers = {
                name: column.branches[position].maker if position in column.branches else column.maker
                for name, column in columns.items()
            }
            if any(position in columns[name].branches for rule in rules for name in rule.columns if name in columns):
                check_rules(rules, makers, f"in the scenario “{scenario.name}” ", self.path, self.problems)
        return rules


def _find_field(config: ColumnConfig, word: str) -> Path:
    """The field of a column in which `word` stands: what a problem points to."""
    for field in type(config).model_fields:
        value = getattr(config, field)
        if field not in ("name", "type") and isinstance(value, str) and word in value:
            return (field,)
    return ()
