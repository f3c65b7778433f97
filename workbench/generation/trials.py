"""Rules tried on some rows before the run: one that none keeps, or two that none keeps together, are named.

Bounds show only what can never be; that `a + b < 10` and `a * b > 100` do not go together shows when rows are drawn.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.generation.blocks import RowMaker
from workbench.generation.constraints import Rule, RuleGroup
from workbench.generation.plan import TablePlan
from workbench.spec.problems import Path, Problem

_ROWS = 250
_ATTEMPTS = 8
_SYNTHESIZED_ATTEMPTS = 2
"""Of tables with a synthesizer, whose rows are drawn a chunk at a time: a spec is checked at each key."""


def find_conflicts(table: TablePlan, path: Path) -> list[Problem]:
    """A problem for each group of rules of which no trial row keeps all: the rule, the pair or all that conflict."""
    rows = np.unique(np.linspace(0, table.rows - 1, _ROWS).astype(np.int64))  # all over it: an id tells the row
    problems: list[Problem] = []
    for group in table.groups:
        try:
            broken = _try_rules(table, group, rows)
        except WorkbenchError:  # a text that cannot be written is an error of the run, with its row
            continue
        kept = ~broken
        if kept.all(axis=0).any():
            continue
        trials = f"none of {broken.shape[1]:,} trial rows"
        single = [rule for rule, passed in zip(group.rules, kept, strict=True) if not passed.any()]
        pairs = [
            (group.rules[first], group.rules[second])
            for first, second in combinations(range(len(group.rules)), 2)
            if not (kept[first] & kept[second]).any()
        ]
        if single:
            problems += [_report(f"The constraint {rule.text} is kept by {trials}.", rule, path) for rule in single]
        elif pairs:
            for first, second in pairs:
                message = f"The constraints {first.text} and {second.text} conflict: {trials} keeps both."
                problems.append(_report(message, second, path))
        else:
            names = ", ".join(rule.text for rule in group.rules)
            message = f"The constraints {names} conflict: {trials} keeps all of them."
            problems.append(_report(message, group.rules[-1], path))
    return problems


def _try_rules(table: TablePlan, group: RuleGroup, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rules are broken by each trial row; shape (rules, trials). Rules of balance count as kept."""
    trials = []
    maker = RowMaker(replace(table, groups=(), parity=()), rows)
    attempts = _ATTEMPTS if table.synthesizer is None else _SYNTHESIZED_ATTEMPTS
    for drawn in maker.draw_attempts(group.columns, attempts):
        trials.append(
            [
                np.zeros(len(rows), np.bool_) if rule.patient else np.asarray(rule.find_broken(drawn, rows))
                for rule in group.rules
            ]
        )
    return np.concatenate(trials, axis=1)


def _report(message: str, rule: Rule, path: Path) -> Problem:
    place: Path = (*path, "constraints", rule.position) if rule.position >= 0 else (*path, "balance")
    return Problem(message, "Loosen one of them, or change the columns they rest on.", place)
