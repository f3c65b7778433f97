"""What is decided for rows over several columns at once: joint draws, balance, parity and uniqueness, made ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.calls.session import Session
from workbench.columns.column_type import Maker
from workbench.columns.constraint_columns import describe_constraint
from workbench.columns.registry import COLUMNS
from workbench.columns.synthesized import SynthesizedColumnConfig
from workbench.columns.values import COMPOUND_KINDS
from workbench.generation.balance import Balance, plan_balance
from workbench.generation.combinations import list_combinations, plan_joint_draw
from workbench.generation.constraints import ReadSource, Rule
from workbench.generation.dependencies import find_ancestors
from workbench.generation.increments import check_increment
from workbench.generation.nearness import Nearness
from workbench.generation.parity import Parity
from workbench.generation.plan import Decider, PlannedColumn
from workbench.generation.scenarios import Scenario
from workbench.generation.uniqueness import Uniqueness, UniqueRule
from workbench.spec.constraints import FixedCombinationsConfig, FixedIncrementsConfig, NearUniqueConfig, UniqueConfig
from workbench.spec.model import ModelConfig, TableConfig
from workbench.spec.problems import Path, Problem, end_sentence, suggest


@dataclass(slots=True)
class Quotas:
    """`deciders` by column, `rules` with those of balance added, and what is wrong with the rest in `problems`."""

    rules: list[Rule]
    deciders: dict[str, Decider] = field(default_factory=dict)
    balance: tuple[Balance, ...] = ()
    parity: tuple[Parity, ...] = ()
    uniques: tuple[UniqueRule, ...] = ()
    problems: list[Problem] = field(default_factory=list)


class QuotaPlanner:
    """The steps of planning the quotas of one table, whose columns are compiled."""

    def __init__(
        self,
        table: TableConfig,
        name: str,
        seed: int,
        rows: int,
        path: Path,
        columns: Mapping[str, PlannedColumn],
        widened: Mapping[str, Maker],
        scenarios: tuple[Scenario, ...],
        rules: Sequence[Rule],
        read_source: ReadSource,
        order: Sequence[str],
        models: Mapping[str, ModelConfig],
        session: Session,
    ) -> None:
        self.table, self.name, self.seed, self.rows, self.path = table, name, seed, rows, path
        self.columns, self.widened, self.scenarios, self.read_source = columns, widened, scenarios, read_source
        self.order, self.models, self.session = order, models, session
        self.quotas = Quotas(list(rules))

    def plan(self) -> Quotas:
        """All quotas, with the problems found."""
        self.draw_combinations()
        self.plan_balances()
        self.plan_parities()
        self.plan_uniques()
        self.check_increments()
        return self.quotas

    def add(self, path: Path, message: str, hint: str = "") -> None:
        """Add a problem; `path` begins inside the table."""
        self.quotas.problems.append(Problem(message, hint, (*self.path, *path)))

    def has_columns(self, names: Sequence[str], path: Path) -> bool:
        """Whether the columns exist; else a problem is added."""
        for name in names:
            if name not in self.columns:
                self.add(path, f"There is no column “{name}” in this table.", suggest(name, self.columns))
                return False
        return True

    def decide(self, names: Sequence[str], decider: Decider, path: Path) -> None:
        """Let `decider` give the columns their values; each column has one that does."""
        for name in names:
            if name in self.quotas.deciders:
                self.add(path, f"Two parts of the spec decide the values of “{name}”.", "Keep one of them.")
            self.quotas.deciders[name] = decider

    def draw_combinations(self) -> None:
        """Draw listed combinations as one, where the columns are independent and no scenario sets them."""
        for config in self.table.constraints:
            if not isinstance(config, FixedCombinationsConfig):
                continue
            names = tuple(config.columns)
            if any(self.columns[name].branches or self.columns[name].needs for name in names):
                continue
            joint = plan_joint_draw(names, list_combinations(config, self.widened, self.read_source), self.widened)
            if joint is not None and not self.quotas.deciders.keys() & set(names):
                self.quotas.deciders.update(dict.fromkeys(names, joint))

    def plan_balances(self) -> None:
        """Give the balanced columns their values, or add a rule by which they are drawn until they have them."""
        planned = []
        for position, config in enumerate(self.table.balance):
            path: Path = ("balance", position)
            if not self.has_columns(config.names, path):
                continue
            constants = [
                {
                    name: self.columns[name].branches[at].constant
                    for name in config.names
                    if at in self.columns[name].branches
                }
                for at in range(len(self.scenarios))
            ]
            try:
                for name in config.names:
                    if any(branch.config is not None for branch in self.columns[name].branches.values()):
                        raise ValueError(f"a scenario draws “{name}” by a sampler; set it to one value there")
                    if self.columns[name].maker.serial:
                        raise ValueError(f"the values of “{name}” depend on other rows")
                balance = plan_balance(config, self.widened, self.scenarios, constants, self.name, self.seed, self.rows)
            except ValueError as error:
                self.add(path, f"This balance cannot be kept: {end_sentence(error)}")
                continue
            planned.append(balance)
            if all(self.is_settable(name, config.names) for name in config.names):
                self.decide(config.names, balance, path)
            else:
                text = f"balance of {', '.join(config.names)}"
                columns = tuple(config.names)
                self.quotas.rules.append(Rule(None, -1, text, columns, balance.find_broken, patient=True))
        self.quotas.balance = tuple(planned)

    def is_settable(self, name: str, together: Sequence[str]) -> bool:
        """Whether a column may be given its values: a sampler that depends on nothing but columns decided with it.

        A synthesizer draws its other columns given what was decided.
        """
        column = self.columns[name]
        if isinstance(column.config, SynthesizedColumnConfig):
            return True
        column_type = COLUMNS.get(column.config.type)
        return column_type is not None and column_type.group == "samplers" and column.needs <= set(together)

    def plan_parities(self) -> None:
        """Even out outcomes across groups."""
        planned: list[Parity] = []
        tested = {name for rule in self.quotas.rules for name in rule.columns}
        for position, config in enumerate(self.table.parity):
            path: Path = ("parity", position)
            if not self.has_columns([config.outcome, config.across], path):
                continue
            outcome = self.columns[config.outcome]
            if outcome.maker.kind != "bool":
                self.add((*path, "outcome"), f"“{config.outcome}” is not true or false, so it has no rate.")
            elif outcome.maker.serial:
                self.add((*path, "outcome"), f"The values of “{config.outcome}” depend on other rows.")
            elif config.outcome in self.quotas.deciders or config.outcome in tested:
                hint = f"A balance over {config.across} and {config.outcome} can ask for equal rates instead."
                message = f"A constraint or balance decides “{config.outcome}” already."
                self.add((*path, "outcome"), message, hint)
            elif config.outcome in {other.outcome for other in planned}:
                self.add((*path, "outcome"), f"“{config.outcome}” is in two parities.", "Keep one of them.")
            else:
                shares = outcome.maker.shares
                options = outcome.maker.options or ()
                rate = dict(zip(options, shares, strict=True)).get(True, 0.0) if shares is not None else None
                rate = rate if not outcome.branches else None
                planned.append(Parity(config.outcome, config.across, config.max_gap, rate))
        self.quotas.parity = tuple(planned)

    def plan_uniques(self) -> None:
        """Rules of uniqueness that hold by themselves need nothing; the others leave repeats out.

        Those that draw texts again come first, in the order of making, so that no rule sees a text that changes later.
        """
        planned: list[UniqueRule] = self.plan_nearness()
        for config in self.table.constraints:
            if isinstance(config, UniqueConfig) and not any(self.widened[name].unique for name in config.columns):
                if any(self.widened[name].kind in COMPOUND_KINDS for name in config.columns):
                    self.add(("constraints",), "“unique” needs plain columns, and one holds several values.")
                    continue
                planned.append(Uniqueness(tuple(config.columns), describe_constraint(config)))
        self.quotas.uniques = tuple(planned)

    def plan_nearness(self) -> list[UniqueRule]:
        """The rules of near duplicates, in the order in which their columns are made."""
        found: dict[str, Nearness] = {}
        for position, config in enumerate(self.table.constraints):
            if not isinstance(config, NearUniqueConfig):
                continue
            try:
                if config.column in found:
                    raise ValueError(f"“{config.column}” has two of them")
                self.check_redraws(config)
                opened = config.measure == "embedding"
                model = self.session.open(self.models, config.model, "embedding") if opened else None
            except ValueError as error:
                text = f"The constraint {describe_constraint(config)} cannot be kept: {end_sentence(error)}"
                self.add(("constraints", position), text)
                continue
            found[config.column] = Nearness(
                self.name,
                config.column,
                describe_constraint(config),
                config.measure,
                config.limit,
                config.redraws,
                self.session,
                model,
            )
        return [found[name] for name in self.order if name in found]

    def check_redraws(self, config: NearUniqueConfig) -> None:
        """Raises ValueError where the column holds no texts, or cannot be drawn again by itself."""
        name, column = config.column, self.columns[config.column]
        column_type = COLUMNS.get(column.config.type)
        if column.maker.kind != "string" or column.maker.files is not None:
            raise ValueError(f"“{name}” holds no texts")
        if not config.redraws:
            return
        if column.maker.serial or (column_type is not None and column_type.group in ("derived", "references")):
            raise ValueError(f"drawing “{name}” again by itself gives the same text; set redraws: 0")
        needs = {each: planned.needs for each, planned in self.columns.items()}
        tested = [each for rule in self.quotas.rules for each in rule.columns]
        tested += [each for parity in self.quotas.parity for each in (parity.outcome, parity.across)]
        if name in find_ancestors(needs, [*tested, *self.quotas.deciders]):
            raise ValueError(f"another part of the spec rests on “{name}”, so it is not drawn again; set redraws: 0")

    def check_increments(self) -> None:
        """The steps fit the columns, and one column has one step."""
        seen = set()
        for position, config in enumerate(self.table.constraints):
            if not isinstance(config, FixedIncrementsConfig):
                continue
            path: Path = ("constraints", position)
            try:
                if config.column in seen:
                    raise ValueError(f"“{config.column}” has two of them")
                if config.column in self.quotas.deciders:
                    raise ValueError(f"another part of the spec decides the values of “{config.column}”")
                check_increment(self.widened[config.column], config.increment)
            except ValueError as error:
                self.add(path, f"The constraint {describe_constraint(config)} cannot be kept: {end_sentence(error)}")
            seen.add(config.column)
