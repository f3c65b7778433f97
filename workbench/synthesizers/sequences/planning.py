"""Deciding which part each column plays in a sequence: drawn once or each time, as a value, a step or a state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import UsageError
from workbench.synthesizers.lengths import BASE_TYPE
from workbench.synthesizers.profile import ColumnProfile, TableProfile, profile_values
from workbench.synthesizers.sequences.plan import SequencePlan
from workbench.synthesizers.sequences.records import Records, find_fixed, find_states, find_steps, find_summed
from workbench.synthesizers.sequences.timing import find_timing

if TYPE_CHECKING:
    from workbench.synthesizers.types.sequence import SequenceConfig

_EXACT_VARIANCE = 0.005
"""Differences of less variance, relative to the values, are learned in place of the values. For a process of first
order it is a correlation of 0.9975 from one value to the next; up to there a copula keeps both it and the marginal."""

_LEARNED_VARIANCE = 0.1
"""The same where the dependence is learned by gradient descent, which takes long to find a strong one: 0.95."""


def make_plan(records: Records, config: SequenceConfig) -> tuple[SequencePlan, TableProfile]:
    """Which column plays which part, and the profile of all columns but the entity's."""
    if config.order_by in config.given:
        raise UsageError(
            f"“{config.order_by}” orders the records and cannot be given.", "Take it out of the given columns."
        )
    never = [name for name in find_fixed(records) if name != config.order_by and name not in config.given]
    fixed = (*config.given, *never)
    profile = _profile_fixed(records, fixed)
    rest = [name for name in profile.columns if name not in fixed and name != config.order_by]
    varying = tuple(name for name in rest if profile.columns[name].role != "identifier")
    times = records.table.numbers(config.order_by)
    most_variance = _EXACT_VARIANCE if config.model == BASE_TYPE else _LEARNED_VARIANCE
    steps = find_steps(records, varying, most_variance)
    plan = SequencePlan(
        entity=config.entity,
        order_by=config.order_by,
        given=tuple(config.given),
        fixed=fixed,
        varying=varying,
        names=tuple(name for name in rest if name not in varying),
        steps=steps,
        states=find_states(records, varying),
        usual={
            name: _find_usual(find_summed(records, name, steps))
            for name in varying
            if profile.columns[name].role == "number"
        },
        timing=find_timing(profile.columns[config.order_by], times, records.lengths),
        longest=int(records.lengths.max()),
    )
    return plan, profile


def describe_plan(plan: SequencePlan) -> list[str]:
    """What a reader of the report should know of it, as sentences."""
    notes = []
    if plan.steps:
        notes.append(f"Learned as steps from the value before: {', '.join(plan.steps)}.")
    once = [name for name in plan.fixed if name not in plan.given]
    if once:
        notes.append(f"The same in all records of an entity: {', '.join(once)}.")
    return notes


def _profile_fixed(records: Records, fixed: tuple[str, ...]) -> TableProfile:
    """The profile of all records, where a fixed column is an identifier if its texts differ between entities."""
    profile = records.table.profile
    columns: dict[str, ColumnProfile] = dict(profile.columns)
    if fixed:
        once: Mapping[str, Any] = {
            name: (columns[name].kind, records.table.columns[name].take(records.starts)) for name in fixed
        }
        for name, column in profile_values(once).profile.columns.items():
            if (column.role == "identifier") != (columns[name].role == "identifier"):
                columns[name] = replace(column, missing=columns[name].missing, dtype=columns[name].dtype)
    return replace(profile, columns=columns)


def _find_usual(numbers: NDArray[np.float64]) -> float:
    present = numbers[~np.isnan(numbers)]
    return float(present.mean()) if len(present) else 0.0
