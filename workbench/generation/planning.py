"""From a spec to its plan, table by table, parents first. Everything the words of a spec mean together is decided here.

What cannot work is a `Problem` with the path of the word that is wrong; each step adds its problems and goes on with
what is sound, so that one reading of a spec finds as many of them as it can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from workbench.calls.session import Session
from workbench.columns.column_type import Maker, TableContext
from workbench.columns.registry import COLUMNS
from workbench.columns.synthesized import SynthesizedColumnConfig
from workbench.columns.values import fill
from workbench.generation.blocks import open_rows
from workbench.generation.bounds import check_bounds
from workbench.generation.constraints import Rule, group_rules, read_rules
from workbench.generation.dependencies import order_names
from workbench.generation.fits import find_fitted
from workbench.generation.linking import LearnedCounter, add_key_columns, make_link_maker, plan_links
from workbench.generation.links import Link
from workbench.generation.narrowing import narrow_sampler
from workbench.generation.plan import Plan, PlannedColumn, TablePlan
from workbench.generation.planning_synthesizers import SynthesizerPlanner, make_length_counter
from workbench.generation.quotas import QuotaPlanner
from workbench.generation.real_data import SourceReader
from workbench.generation.scenarios import Branch, check_shares, plan_scenarios, read_branches, widen
from workbench.generation.synthesizing import TableSynthesizer
from workbench.generation.trials import find_conflicts
from workbench.spec.constraints import FixedIncrementsConfig, UniqueConfig
from workbench.spec.model import ColumnConfig, Spec, TableConfig
from workbench.spec.problems import Path, Problem, end_sentence, suggest


def build_plan(
    spec: Spec, folder: FilePath | None = None, session: Session | None = None
) -> tuple[Plan | None, list[Problem]]:
    """The plan, and the problems found; the plan is None if one is an error. Their paths are those of the spec.

    Paths of sources are relative to `folder`, by default the current one. No model is asked here; the columns will ask
    theirs by `session`, by default one that asks the free ones alone.
    """
    session = session or Session()
    problems: list[Problem] = []
    reader = SourceReader(spec, folder or FilePath())
    needs = {
        name: {key.table for key, _ in table.find_keys().values()} & spec.tables.keys()
        for name, table in spec.tables.items()
    }
    order, cycles = order_names(needs)
    for cycle in cycles:
        chain = ", which refers to ".join(f"“{name}”" for name in [*cycle[1:], cycle[0]])
        message = f"“{cycle[0]}” refers to {chain}: no table can be made first."
        problems.append(Problem(message, "Take one of the foreign keys out.", ("tables", cycle[0], "foreign_keys")))
    planned: dict[str, TablePlan] = {}
    for name in order:
        if needs[name] <= planned.keys():
            table = TablePlanner(spec, name, planned, reader, session, problems).plan()
            if table is not None:
                planned[name] = table
    failed = len(planned) < len(spec.tables) or any(problem.level == "error" for problem in problems)
    if failed:
        return None, problems
    return Plan(spec, {name: planned[name] for name in spec.tables}, reader.digests, session), problems


def resize_spec(spec: Spec, plan: Plan, rows: int) -> Spec:
    """The spec with its largest table at `rows` rows; other tables keep their size relative to it, at least one row."""
    largest = max(table.rows for table in plan.tables.values())
    tables = {
        name: table.model_copy(update={"rows": max(1, round(plan.tables[name].rows * rows / largest))})
        for name, table in spec.tables.items()
    }
    return spec.model_copy(update={"tables": tables})


class TablePlanner:
    """The steps of planning one table; `planned` holds the tables it may refer to."""

    def __init__(
        self,
        spec: Spec,
        name: str,
        planned: Mapping[str, TablePlan],
        reader: SourceReader,
        session: Session,
        problems: list[Problem],
    ) -> None:
        self.session = session
        self.spec, self.name, self.planned, self.reader, self.problems = spec, name, planned, reader, problems
        self.table: TableConfig = spec.tables[name]
        self.path: Path = ("tables", name)
        self.positions: dict[str, int] = {}
        self.widened: dict[str, Maker] = {}
        self.links: dict[str, Link] = {}
        self.synthesizer: TableSynthesizer | None = None
        self.rows = 1

    def plan(self) -> TablePlan | None:
        """The table's plan, or None where a problem was added."""
        before = len(self.problems)
        self.synthesizer = SynthesizerPlanner(
            self.spec, self.name, self.planned, self.reader, self.session, self.problems
        ).plan()
        configs = self.find_columns()
        if self.table.synthesizer is not None and self.synthesizer is None:
            return None
        self.links, rows = plan_links(
            self.spec, self.name, self.planned, self.path, self.problems, self.session, self.find_counter()
        )
        if rows is None:
            return None
        self.link_synthesizer()
        self.rows = rows
        scenarios = plan_scenarios(self.table, rows)
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
        check_shares(self.table, scenarios, rows, self.path, self.problems)
        rules = self.plan_rules(columns)
        if any(problem.level == "error" for problem in self.problems[before:]) or len(columns) < len(configs):
            return None
        quotas = QuotaPlanner(
            self.table, self.name, self.spec.seed, rows, self.path, columns, self.widened, scenarios, rules,
            self.reader.read, order, self.spec.models, self.session,
        ).plan()  # fmt: skip
        self.problems += quotas.problems
        for name, decider in quotas.deciders.items():
            columns[name] = replace(columns[name], decider=decider)
        plan = TablePlan(
            self.name,
            self.spec.seed,
            rows,
            {name: columns[name] for name in configs},
            tuple(order),
            scenarios,
            group_rules(quotas.rules, self.join_synthesized(needs), order),
            self.links,
            quotas.balance,
            quotas.parity,
            quotas.uniques,
            self.synthesizer,
        )
        if not quotas.problems:
            with self.session.paused():
                self.problems += find_conflicts(plan, self.path)
        return None if any(problem.level == "error" for problem in self.problems[before:]) else plan

    def add(self, path: Path, message: str, hint: str = "") -> None:
        """Add a problem; `path` begins inside the table."""
        self.problems.append(Problem(message, hint, (*self.path, *path)))

    def find_columns(self) -> dict[str, ColumnConfig]:
        """The columns by name, those made from `foreign_keys` among them."""
        configs: dict[str, ColumnConfig] = {}
        for position, config in enumerate(self.table.columns):
            if config.name in configs:
                self.add(
                    ("columns", position, "name"), f"Two columns have the name “{config.name}”.", "Rename one of them."
                )
                continue
            configs[config.name] = config
            self.positions[config.name] = position
        configs = add_key_columns(self.table, configs, self.path, self.problems)
        if self.synthesizer is not None:
            configs = self.add_synthesized(configs, self.synthesizer)
        elif self.table.columns and all(config.drop for config in self.table.columns):
            self.add(("columns",), "Every column is marked “drop”: nothing is left.", "Keep at least one.")
        return configs

    def add_synthesized(
        self, configs: dict[str, ColumnConfig], synthesizer: TableSynthesizer
    ) -> dict[str, ColumnConfig]:
        """The columns with those of the synthesizer that are not among them, after the keys."""
        keys = {self.table.primary_key, *(key.column for key, _ in self.table.find_keys().values())}
        first = next((at for at, name in enumerate(configs) if name not in keys), len(configs))
        missing: dict[str, ColumnConfig] = {
            name: SynthesizedColumnConfig(name=name, type="synthesized")
            for name in synthesizer.names
            if name not in configs
        }
        names = list(configs)
        return (
            {name: configs[name] for name in names[:first]} | missing | {name: configs[name] for name in names[first:]}
        )

    def find_counter(self) -> LearnedCounter | None:
        """What counts the rows of each parent where their number is learned."""
        synthesizer = self.synthesizer
        if synthesizer is None or synthesizer.job.parent is None:
            return None
        parent = synthesizer.job.parent
        fitted = find_fitted(synthesizer.job, self.session.fitted) is not None
        tables = self.spec.model_dump_json(include={"seed", "tables"}, serialize_as_any=True)
        return LearnedCounter(
            parent.column,
            make_length_counter(synthesizer, self.planned[parent.table], open_rows),
            (synthesizer.job.key, fitted, self.planned[parent.table].rows, tables),
        )

    def link_synthesizer(self) -> None:
        """Tell the synthesizer along which foreign key its rows have their parents."""
        if self.synthesizer is None:
            return
        if self.synthesizer.job.parent is not None:
            self.synthesizer.link = self.links[self.synthesizer.job.parent.column]
        elif self.synthesizer.is_sequence:
            self.synthesizer.link = next((link for link in self.links.values() if link.brood is not None), None)
        if self.synthesizer.is_sequence and (self.synthesizer.link is None or self.synthesizer.link.brood is None):
            hint = "Give “per_parent” to its foreign key, or synthesize that table from a source with the same key."
            self.add(("synthesizer",), "Nothing says how long its sequences are.", hint)

    def join_synthesized(self, needs: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        """What each column is to be drawn again with: columns of a synthesizer hang together, all of them."""
        together = frozenset() if self.synthesizer is None else frozenset(self.synthesizer.names)
        return {name: needed | together if name in together else needed for name, needed in needs.items()}

    def make_synthesized(self, config: SynthesizedColumnConfig) -> Maker:
        """The maker of a column of the synthesizer. Raises ValueError where the table has none."""
        if self.synthesizer is None or config.name not in self.synthesizer.names:
            raise ValueError("its table has no synthesizer that makes it")
        return self.synthesizer.make_column(config.name)

    def find_needs(
        self, configs: dict[str, ColumnConfig], branches: Mapping[str, Mapping[int, Branch]]
    ) -> dict[str, frozenset[str]]:
        """What each column is computed from, by its own config, the scenarios that set it, and parity."""
        needs: dict[str, frozenset[str]] = {}
        for name, config in configs.items():
            own = config.references()
            if self.synthesizer is not None and isinstance(config, SynthesizedColumnConfig):
                own |= self.synthesizer.find_needs(name)
            for unknown in sorted(own - configs.keys()):
                path = ("columns", self.positions[name], *_find_field(config, unknown))
                self.add(path, f"There is no column “{unknown}” in this table.", suggest(unknown, configs))
            needs[name] = own.union(*(branch.needs for branch in branches.get(name, {}).values()))
        for parity in self.table.parity:
            if {parity.outcome, parity.across} <= configs.keys():
                needs[parity.outcome] |= {parity.across}
        return needs

    def report_cycles(self, cycles: list[list[str]]) -> None:
        """Say of each circle of columns that it has no beginning."""
        for cycle in cycles:
            chain = ", which needs ".join(f"“{name}”" for name in [*cycle[1:], cycle[0]])
            message = f"“{cycle[0]}” needs {chain}: there is no order to make them in."
            path = ("columns", self.positions[cycle[0]]) if cycle[0] in self.positions else ("foreign_keys",)
            self.add(path, message, "Compute one of them from other columns.")

    def plan_column(
        self, config: ColumnConfig, branches: Mapping[int, Branch], needs: frozenset[str]
    ) -> PlannedColumn | None:
        """None where it cannot be compiled, or where a column it needs could not be: that one has the problem."""
        if not needs <= self.widened.keys():
            return None
        column_type = COLUMNS.get(config.type)
        assert column_type is not None
        context = TableContext(
            {name: self.widened[name] for name in needs},
            self.rows,
            self.spec.models,
            self.session,
            self.reader.read,
            lambda asked: make_link_maker(asked, self.links, self.spec),
            self.make_synthesized,
            self.reader.number,
        )
        rules = self.table.constraints
        try:
            maker = column_type.make(narrow_sampler(config, rules), context)
        except ValueError as error:
            field = (config.type,) if config.type in type(config).model_fields else ()
            place = ("columns", self.positions[config.name], *field) if config.name in self.positions else ()
            self.add(place, f"“{config.name}” cannot be made: {end_sentence(error)}")
            return None
        compiled: dict[int, Branch] = {}
        for position, branch in branches.items():
            try:
                if maker.serial:
                    raise ValueError("its values depend on other rows")
                compiled[position] = branch.narrow(rules).compile(maker, context)
                self.check_setting(config, branch, maker)
            except ValueError as error:
                path = ("scenarios", position, "set", config.name)
                self.add(path, f"“{config.name}” cannot be set: {end_sentence(error)}")
        self.widened[config.name] = widen(maker, compiled.values())
        return PlannedColumn(config, maker, compiled, needs, increment=self.find_increment(config.name))

    def check_setting(self, config: ColumnConfig, branch: Branch, maker: Maker) -> None:
        """Raises ValueError where a synthesized column never has the constant that a scenario sets it to."""
        if branch.config is None and self.synthesizer is not None and isinstance(config, SynthesizedColumnConfig):
            refusal = self.synthesizer.find_refusal(config.name, fill(branch.constant, maker.kind, 1))
            if refusal:
                raise ValueError(refusal)

    def find_increment(self, name: str) -> float | None:
        """The step of the column's values, if a constraint gives one."""
        found = [rule for rule in self.table.constraints if isinstance(rule, FixedIncrementsConfig)]
        return next((rule.increment for rule in found if rule.column == name), None)

    def check_primary_key(self) -> None:
        """The primary key is a column of the dataset whose values differ."""
        key = self.table.primary_key
        if key is None:
            return
        if key not in self.widened and key not in self.positions:
            self.add(("primary_key",), f"There is no column “{key}” in this table.", suggest(key, self.positions))
        elif key in self.positions and self.table.columns[self.positions[key]].drop:
            self.add(("primary_key",), f"The primary key “{key}” is marked “drop”.", "Keep it in the dataset.")
        elif key in self.widened and not self.widened[key].unique and not self.is_unique(key):
            hint = (
                "Use a column of the type id or uuid, which no scenario sets, or add a constraint of the type unique."
            )
            self.add(("primary_key",), f"The values of “{key}” are not unique, so it cannot be the primary key.", hint)

    def is_unique(self, name: str) -> bool:
        """Whether a constraint keeps the column free of repeats."""
        return any(isinstance(rule, UniqueConfig) and rule.columns == [name] for rule in self.table.constraints)

    def plan_rules(self, columns: Mapping[str, PlannedColumn]) -> list[Rule]:
        """The rules that can be tested on rows, each proved possible for all rows and for those of each scenario."""
        rules = read_rules(self.table, self.widened, self.reader.read, self.path, self.problems)
        makers = {name: column.maker for name, column in columns.items()}
        check_bounds(rules, makers, "", self.path, self.problems)
        for position, scenario in enumerate(self.table.scenarios):
            in_scenario: dict[str, Any] = {
                name: column.branches[position].maker if position in column.branches else column.maker
                for name, column in columns.items()
            }
            if any(position in columns[name].branches for rule in rules for name in rule.columns if name in columns):
                where = f"in the scenario “{scenario.name}” "
                check_bounds(rules, in_scenario, where, self.path, self.problems)
        return rules


def _find_field(config: ColumnConfig, word: str) -> Path:
    """The field of a column in which `word` stands: what a problem points to."""
    for field in type(config).model_fields:
        value = getattr(config, field)
        if field not in ("name", "type") and isinstance(value, str) and word in value:
            return (field,)
    return ()
