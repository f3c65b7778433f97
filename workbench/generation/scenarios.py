"""Scenarios: named rare events with an exact share of the rows.

Which rows belong to a scenario is decided by a keyed random order of all rows (`streams.permute`): the first n_1 places
of it are the first scenario's, the next n_2 the second's. So the shares are exact to the row, no row is in two
scenarios, and any row can be asked alone. What a scenario sets replaces the column's value before anything is
computed from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Maker, TableContext
from workbench.columns.registry import COLUMNS
from workbench.columns.streams import derive_key, permute
from workbench.columns.values import DTYPES, Kind, Values, fill, find_kind
from workbench.generation.inner_samplers import read_sampler
from workbench.generation.narrowing import narrow_sampler
from workbench.spec.model import ColumnConfig, ConstraintConfig, TableConfig
from workbench.spec.problems import Path, Problem, suggest

_WORDS: dict[Kind, str] = {
    "bool": "true or false",
    "int64": "whole numbers",
    "double": "numbers",
    "string": "texts",
    "timestamp": "moments in time",
    "struct": "nested values",
    "nested": "nested values",
    "vector": "vectors",
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """The rows whose place in the random order lies in [first, first + rows)."""

    name: str
    share: float
    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class Branch:
    """What a scenario puts into one column: a constant, or a sampler of its own. `maker` is set by `compile`."""

    scenario: str
    constant: Any = None
    config: ColumnConfig | None = None
    compiled: Maker | None = None

    @property
    def needs(self) -> frozenset[str]:
        return frozenset() if self.config is None else self.config.references()

    @property
    def maker(self) -> Maker:
        assert self.compiled is not None
        return self.compiled

    def narrow(self, rules: Sequence[ConstraintConfig]) -> Branch:
        """The branch with its sampler cut to what the rules allow."""
        return self if self.config is None else replace(self, config=narrow_sampler(self.config, rules))

    def compile(self, column: Maker, context: TableContext) -> Branch:
        """The branch made ready for the column that it replaces. Raises ValueError if it does not fit it."""
        if self.config is None:
            return replace(self, compiled=_make_constant(self.constant, column.kind))
        column_type = COLUMNS.get(self.config.type)
        assert column_type is not None
        maker = column_type.make(self.config, context)
        if maker.kind == column.kind:
            return replace(self, compiled=maker)
        if (maker.kind, column.kind) != ("int64", "double"):
            raise ValueError(f"the column holds {_WORDS[column.kind]}, and this makes {_WORDS[maker.kind]}")
        inner = maker.values

        def convert(draws: Any, inputs: Any) -> Values:
            values = inner(draws, inputs)
            return Values(values.data.astype(DTYPES["double"]), values.valid)

        return replace(self, compiled=replace(maker, kind="double", values=convert))


def read_branches(
    table: TableConfig, configs: Mapping[str, ColumnConfig], path: Path, problems: list[Problem]
) -> dict[str, dict[int, Branch]]:
    """What the scenarios set, by column and position of the scenario; what is wrong with it joins `problems`."""
    branches: dict[str, dict[int, Branch]] = {}
    names: set[str] = set()
    for position, scenario in enumerate(table.scenarios):
        place: Path = (*path, "scenarios", position)
        if scenario.name in names:
            message = f"Two scenarios have the name “{scenario.name}”."
            problems.append(Problem(message, "Rename one of them.", (*place, "name")))
        names.add(scenario.name)
        for column, value in scenario.set.items():
            spot: Path = (*place, "set", column)
            if column not in configs:
                message = f"There is no column “{column}” in this table."
                problems.append(Problem(message, suggest(column, configs), spot))
                continue
            branch = _read_branch(scenario.name, column, value, spot, problems)
            if branch is None:
                continue
            unknown = sorted(branch.needs - configs.keys())
            if unknown:
                message = f"There is no column “{unknown[0]}” in this table."
                problems.append(Problem(message, suggest(unknown[0], configs), spot))
                continue
            branches.setdefault(column, {})[position] = branch
    return branches


def check_shares(
    table: TableConfig, scenarios: Sequence[Scenario], rows: int, path: Path, problems: list[Problem]
) -> None:
    """Scenarios do not overlap, so their shares can sum to 1 at most; one without a row is worth a warning."""
    total = math.fsum(scenario.share for scenario in table.scenarios)
    if total > 1 + 1e-9:
        message = f"The shares of the scenarios sum to {total:g}, and no row is in two of them: 1 is the most."
        problems.append(Problem(message, "Lower the shares.", (*path, "scenarios")))
        return
    for position, scenario in enumerate(scenarios):
        if not scenario.rows:
            message = f"The scenario “{scenario.name}” gets no row: its share of {rows} rows is below one."
            place: Path = (*path, "scenarios", position, "share")
            problems.append(Problem(message, "Raise its share or the rows.", place, level="warning"))


def plan_scenarios(table: TableConfig, table_rows: int) -> tuple[Scenario, ...]:
    """The stretch of the random order for each scenario; rounding never takes more rows than there are."""
    planned, first = [], 0
    for scenario in table.scenarios:
        rows = min(round(scenario.share * table_rows), table_rows - first)
        planned.append(Scenario(scenario.name, scenario.share, first, rows))
        first += rows
    return tuple(planned)


def choose_scenarios(
    scenarios: tuple[Scenario, ...], seed: int, table: str, table_rows: int, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each of `rows` the position of its scenario, or -1; shape (rows,)."""
    if not scenarios:
        return np.full(len(rows), -1)
    places = permute(rows, table_rows, derive_key(seed, table, "", "", "scenarios", 0))
    ends = np.cumsum([scenario.rows for scenario in scenarios])
    chosen = np.searchsorted(ends, places, side="right")
    return np.where(chosen < len(scenarios), chosen, -1)


def widen(maker: Maker, branches: Iterable[Branch]) -> Maker:
    """The maker with the bounds and options that its column has when the scenarios are counted in."""
    for branch in branches:
        other = branch.maker
        bounds = options = None
        if maker.bounds is not None and other.bounds is not None:
            bounds = (min(maker.bounds[0], other.bounds[0]), max(maker.bounds[1], other.bounds[1]))
        if maker.options is not None and other.options is not None:
            options = tuple(dict.fromkeys([*maker.options, *other.options]))
        maker = replace(maker, bounds=bounds, options=options, shares=None, unique=False)
    return maker


def _read_branch(scenario: str, column: str, value: Any, spot: Path, problems: list[Problem]) -> Branch | None:
    if isinstance(value, list):
        hint = "For one of several values write {type: category, values: […]}."
        problems.append(Problem(f"“{column}” cannot be set to a list.", hint, spot))
        return None
    if not isinstance(value, dict):
        return Branch(scenario, constant=value)
    config = read_sampler(value, column, spot, problems)
    return None if config is None else Branch(scenario, config=config)


def _make_constant(value: Any, kind: Kind) -> Maker:
    """The maker of the same value in every row. Raises ValueError if the value is not of the column's kind."""
    found = find_kind(value)
    if value is not None and found != kind and not (found == "int64" and kind == "double"):
        raise ValueError(f"it holds {_WORDS[kind]}, and “{value}” is not of that kind")
    if kind == "int64" and value is not None and abs(value) >= 2**63:
        raise ValueError("the number needs more than 64 bits")
    if kind == "timestamp" and value is not None:
        value = np.datetime64(_drop_zone(value), "us")
    bounds: tuple[float, float] | None = None
    if value is not None and kind in ("int64", "double", "timestamp"):
        number = float(value.astype(np.int64)) if kind == "timestamp" else float(value)
        bounds = (number, number)
    options = None if value is None or kind == "timestamp" else (value,)
    return Maker(kind, lambda draws, inputs: fill(value, kind, len(draws)), bounds, options)


def _drop_zone(value: Any) -> Any:
    """A moment without its zone, in UTC; a date as it is."""
    import datetime

    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value
