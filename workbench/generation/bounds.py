"""Whether rules can hold at all, from the lowest and highest value of each column, before a row is made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from workbench.columns.column_type import Maker
from workbench.generation.constraints import Rule
from workbench.spec.constraints import InequalityConfig, RangeConfig
from workbench.spec.problems import Path, Problem

Bounds = dict[str, tuple[float, float]]
_HINT = "Change the constraint, or the range of the column."


def check_bounds(
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
        if isinstance(rule.config, RangeConfig):
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
    inequalities = [rule for rule in rules if isinstance(rule.config, InequalityConfig)]
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
