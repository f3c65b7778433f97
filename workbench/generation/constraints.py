"""Rules between columns: read, proved possible before the run, and tested on rows.

A row that breaks a rule gets new draws for the columns the rule rests on, and for all that these are computed from.
Rules that share such columns form a group and are re-drawn together; a column that no rule rests on never is. A null
breaks no rule, as in SQL.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Maker, Row
from workbench.columns.values import join_masks
from workbench.generation.dependencies import find_ancestors
from workbench.spec.model import ConstraintConfig, TableConfig
from workbench.spec.problems import Path, Problem, suggest

Bounds = dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint. `text` names it in reports, `position` is its place in the spec."""

    config: ConstraintConfig
    position: int
    text: str
    columns: tuple[str, ...]

    def find_broken(self, row: Row) -> NDArray[np.bool_]:
        """True for the rows that break the rule, shape (rows,)."""
        config = self.config
        values = [row[name] for name in self.columns]
        if config.type == "inequality":
            low, high = (value.data for value in values)
            broken = low >= high if config.strict else low > high
        else:
            broken = np.zeros(len(values[0]), np.bool_)
            if config.low is not None:
                broken |= values[0].data < config.low
            if config.high is not None:
                broken |= values[0].data > config.high
        known = join_masks(*(value.valid for value in values))
        return broken if known is None else broken & known


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules whose columns hang together, and the columns that are re-drawn for them, in the order of making."""

    rules: tuple[Rule, ...]
    columns: tuple[str, ...]


def read_rules(
    table: TableConfig, names: Iterable[str], makers: Mapping[str, Maker], path: Path, problems: list[Problem]
) -> list[Rule]:
    """The rules whose columns exist and can be compared; the others join `problems`."""
    known = list(names)
    rules = []
    for position, config in enumerate(table.constraints):
        place: Path = (*path, "constraints", position)
        fields = ("low", "high") if config.type == "inequality" else ("column",)
        columns = tuple(str(getattr(config, field)) for field in fields)
        sound = True
        for field, name in zip(fields, columns, strict=True):
            if name not in known:
                problem = Problem(f"There is no column “{name}” in this table.", suggest(name, known), (*place, field))
                problems.append(problem)
                sound = False
        kinds = {makers[name].kind for name in columns if name in makers}
        sound = sound and len(kinds) > 0
        if sound and not (kinds <= {"int64", "double"} or (kinds == {"timestamp"} and config.type == "inequality")):
            wanted = "numbers, or two moments in time" if config.type == "inequality" else "a column of numbers"
            problems.append(Problem(f"The constraint needs {wanted}.", "", place))
            sound = False
        if sound:
            rules.append(Rule(config, position, _describe(config), columns))
    return rules


def check_rules(
    rules: Sequence[Rule], makers: Mapping[str, Maker], where: str, path: Path, problems: list[Problem]
) -> None:
    """Add a problem for each rule that no row can keep, given the bounds of the columns and the rules before it.

    Bounds are narrowed by the ranges first, then passed along the inequalities; a circle of inequalities with a
    strict one among them is refused whatever the bounds. `where` says for which rows, in the words of the message.
    """
    bounds: Bounds = {name: maker.bounds for name, maker in makers.items() if maker.bounds is not None}
    sources: dict[str, str] = {}

    def refuse(rule: Rule, reason: str) -> None:
        message = f"The constraint {rule.text} can never hold: {where}{reason}."
        problem = Problem(message, _HINT, (*path, "constraints", rule.position))
        if all(problem.path != other.path or problem.message != other.message for other in problems):
            problems.append(problem)

    refused = set()
    for rule in rules:
        if rule.config.type == "range":
            name = rule.columns[0]
            least, most = bounds.get(name, (-math.inf, math.inf))
            low = max(least, rule.config.low) if isinstance(rule.config.low, float) else least
            high = min(most, rule.config.high) if isinstance(rule.config.high, float) else most
            if low > high:
                refuse(rule, f"“{name}” lies between {least:g} and {most:g}{sources.get(name, '')}")
                refused.add(rule.position)
                continue
            bounds[name] = (low, high)
            sources[name] = f" (by the constraint {rule.text})"
    inequalities = [rule for rule in rules if rule.config.type == "inequality"]
    for rule in inequalities:
        if rule.config.strict and _reaches(inequalities, rule.columns[1], rule.columns[0]):
            refuse(rule, f"other constraints ask that “{rule.columns[0]}” is not the smaller one")
            refused.add(rule.position)
    open_rules = [rule for rule in inequalities if rule.position not in refused]
    for _ in range(len(open_rules) + 1):
        for rule in list(open_rules):
            first, second = rule.columns
            small, large = bounds.get(first, (-math.inf, math.inf)), bounds.get(second, (-math.inf, math.inf))
            if small[0] > large[1] or (rule.config.strict and small[0] == large[1]):
                low_end = f"“{first}” is at least {_write(small[0], makers[first])}{sources.get(first, '')}"
                high_end = f"“{second}” at most {_write(large[1], makers[second])}{sources.get(second, '')}"
                refuse(rule, f"{low_end}, and {high_end}")
                open_rules.remove(rule)
                continue
            bounds[first] = (small[0], min(small[1], large[1]))
            bounds[second] = (max(small[0], large[0]), large[1])


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


_HINT = "Change the constraint, or the range of the column."


def _describe(config: ConstraintConfig) -> str:
    if config.type == "inequality":
        return f"{config.low} {'<' if config.strict else '<='} {config.high}"
    low = "" if config.low is None else f"{config.low:g} <= "
    high = "" if config.high is None else f" <= {config.high:g}"
    return f"{low}{config.column}{high}"


def _reaches(rules: Sequence[Rule], start: str, goal: str) -> bool:
    """Whether the inequalities say start <= … <= goal."""
    found, open_names = {start}, [start]
    while open_names:
        name = open_names.pop()
        following = {rule.columns[1] for rule in rules if rule.columns[0] == name} - found
        found |= following
        open_names.extend(following)
    return goal in found


def _write(number: float, maker: Maker) -> str:
    if maker.kind == "timestamp" and math.isfinite(number):
        return str(np.datetime64(int(number), "us")).replace("T", " ").removesuffix(".000000")
    return f"{number:g}"
