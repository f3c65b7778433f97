"""Rules between columns, made ready to be tested on rows.

A row that breaks a rule gets new draws for the columns the rule rests on, and for all that these are computed from.
Rules that share such columns form a group and are re-drawn together; a column that no rule rests on never is. A null
breaks no rule, as in SQL. Where a rule can be kept by construction it is: a `range` on a sampler cuts the sampler, a
`fixed_increments` rounds, `fixed_combinations` of independent columns are drawn as one; then nothing is drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Maker, Row
from workbench.columns.constraint_columns import describe_constraint, find_columns
from workbench.columns.expression_language.compiling import compile_expression
from workbench.columns.expression_language.parsing import parse_expression
from workbench.columns.values import join_masks
from workbench.generation.combinations import encode_rows, list_combinations
from workbench.generation.dependencies import find_ancestors
from workbench.spec.constraints import (
    ExpressionRuleConfig,
    FixedCombinationsConfig,
    FixedIncrementsConfig,
    InequalityConfig,
    OneHotConfig,
    RangeConfig,
)
from workbench.spec.model import ConstraintConfig, TableConfig
from workbench.spec.problems import Path, Problem, end_sentence, suggest

if TYPE_CHECKING:
    import pandas as pd

Test = Callable[[Row, NDArray[np.int64]], NDArray[np.bool_]]
ReadSource = Callable[[str], "pd.DataFrame"]
_NUMBERS = {"int64", "double"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint. `text` names it in reports, `position` is its place in the spec (-1: it stands elsewhere).

    `find_broken(row, rows)` is True for the rows that break it; `rows` are their numbers in the table. A `patient` rule
    asks for a value that may be rare, so its rows are drawn again more often.
    """

    config: Any
    position: int
    text: str
    columns: tuple[str, ...]
    find_broken: Test
    patient: bool = False


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules whose columns hang together, and the columns that are re-drawn for them, in the order of making."""

    rules: tuple[Rule, ...]
    columns: tuple[str, ...]


def read_rules(
    table: TableConfig,
    makers: Mapping[str, Maker],
    read_source: ReadSource,
    path: Path,
    problems: list[Problem],
) -> list[Rule]:
    """The rules whose columns exist and fit them; what is wrong with the others joins `problems`.

    `unique` and `fixed_increments` give no rule: they are kept by other means (`uniqueness`, `increments`).
    """
    rules = []
    known = {config.name for config in table.columns} | makers.keys()
    for position, config in enumerate(table.constraints):
        place: Path = (*path, "constraints", position)
        found = True
        for field, name in find_columns(config):
            if name not in known:
                spot = (*place, *field)
                problems.append(Problem(f"There is no column “{name}” in this table.", suggest(name, known), spot))
                found = False
        columns = tuple(name for _, name in find_columns(config))
        if not found or not set(columns) <= makers.keys():
            continue
        try:
            test = _compile(config, {name: makers[name] for name in columns}, read_source)
        except ValueError as error:
            problems.append(Problem(f"The constraint cannot be used: {end_sentence(error)}", "", place))
            continue
        if test is not None:
            rules.append(Rule(config, position, describe_constraint(config), columns, test))
    return rules


def group_rules(
    rules: Sequence[Rule], needs: Mapping[str, frozenset[str]], order: Sequence[str]
) -> tuple[RuleGroup, ...]:
    """The rules grouped so that no column belongs to two groups."""
    groups: list[tuple[list[Rule], set[str]]] = []
    for rule in rules:
        joined, columns = [rule], find_ancestors(needs, rule.columns)
        apart = []
        for group in groups:
            if group[1] & columns:
                joined, columns = group[0] + joined, columns | group[1]
            else:
                apart.append(group)
        groups = [*apart, (joined, columns)]
    return tuple(RuleGroup(tuple(rules), tuple(name for name in order if name in names)) for rules, names in groups)


def _compile(config: ConstraintConfig, makers: Mapping[str, Maker], read_source: ReadSource) -> Test | None:
    """What finds the rows that break the constraint. Raises ValueError where the columns are not of a fitting kind."""
    kinds = {maker.kind for maker in makers.values()}
    if isinstance(config, InequalityConfig):
        if not (kinds <= _NUMBERS or kinds == {"timestamp"}):
            raise ValueError("it needs numbers, or two moments in time")
        return _test_inequality(config)
    if isinstance(config, RangeConfig):
        _need_numbers(kinds)
        return _test_range(config)
    if isinstance(config, FixedCombinationsConfig):
        combinations = list_combinations(config, makers, read_source)
        names = tuple(config.columns)
        return lambda row, rows: encode_rows(names, combinations, row) < 0
    if isinstance(config, OneHotConfig):
        if not kinds <= {"bool", "int64"}:
            raise ValueError("it needs columns of true and false, or of 0 and 1")
        return _test_one_hot(config)
    if isinstance(config, ExpressionRuleConfig):
        return _test_expression(config, makers)
    if isinstance(config, FixedIncrementsConfig):
        _need_numbers(kinds)
    return None


def _need_numbers(kinds: Iterable[str]) -> None:
    if not set(kinds) <= _NUMBERS:
        raise ValueError("it needs a column of numbers")


def _test_inequality(config: InequalityConfig) -> Test:
    def find_broken(row: Row, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        low, high = row[config.low], row[config.high]
        broken = low.data >= high.data if config.strict else low.data > high.data
        return _spare_nulls(broken, row, (config.low, config.high))

    return find_broken


def _test_range(config: RangeConfig) -> Test:
    def find_broken(row: Row, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        data = row[config.column].data
        broken = np.zeros(len(data), np.bool_)
        if config.low is not None:
            broken |= data < config.low
        if config.high is not None:
            broken |= data > config.high
        return _spare_nulls(broken, row, (config.column,))

    return find_broken


def _test_one_hot(config: OneHotConfig) -> Test:
    names = tuple(config.columns)

    def find_broken(row: Row, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        ones = np.zeros(len(rows), np.int64)
        strange = np.zeros(len(rows), np.bool_)
        for name in names:
            numbers = row[name].data.astype(np.int64)
            ones += numbers
            strange |= (numbers != 0) & (numbers != 1)
        return _spare_nulls((ones != 1) | strange, row, names)

    return find_broken


def _test_expression(config: ExpressionRuleConfig, makers: Mapping[str, Maker]) -> Test:
    operand = compile_expression(
        parse_expression(config.expression), {name: maker.kind for name, maker in makers.items()}
    )
    if operand.kind != "bool":
        raise ValueError("its expression must be true or false, for instance “total > 50”")

    def find_broken(row: Row, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        result = operand.evaluate(row, len(rows))
        broken = ~np.asarray(result.data, np.bool_)
        return broken if result.valid is None else broken & result.valid

    return find_broken


def _spare_nulls(broken: NDArray[np.bool_], row: Row, names: Iterable[str]) -> NDArray[np.bool_]:
    known = join_masks(*(row[name].valid for name in names))
    return broken if known is None else broken & known
