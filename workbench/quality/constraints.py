"""The spec's constraints tested on a table as it was read back: by pandas and independently of what made the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Row
from workbench.columns.constraint_columns import describe_constraint, find_columns
from workbench.columns.expression_language.compiling import compile_expression
from workbench.columns.expression_language.parsing import parse_expression
from workbench.columns.frames import find_series_kind, read_series
from workbench.spec.constraints import (
    ExpressionRuleConfig,
    FixedCombinationsConfig,
    FixedIncrementsConfig,
    InequalityConfig,
    NearUniqueConfig,
    OneHotConfig,
    RangeConfig,
    UniqueConfig,
)
from workbench.spec.model import ConstraintConfig

if TYPE_CHECKING:
    import pandas as pd

Broken = NDArray[np.bool_]
_STEP_SLACK = 1e-6


def find_broken(rule: ConstraintConfig, frame: pd.DataFrame) -> tuple[str, Broken] | None:
    """What the rule says in a few words, and the rows that break it; a missing value breaks none.

    None where it cannot be told from this table alone: a column is not in the dataset, or the rule names a source.
    How near texts are to one another is a figure of the check of diversity.
    """
    names = [name for _, name in find_columns(rule)]
    if not set(names) <= {str(name) for name in frame.columns}:
        return None
    broken = _break_rule(rule, names, frame)
    if broken is None:
        return None
    text = f"{', '.join(names)} is unique" if isinstance(rule, UniqueConfig) else describe_constraint(rule)
    if isinstance(rule, ExpressionRuleConfig):  # it may ask for a null itself, by is_null()
        return text, broken
    return text, broken & ~frame[names].isna().any(axis=1).to_numpy(np.bool_)


def _break_rule(rule: ConstraintConfig, names: list[str], frame: pd.DataFrame) -> Broken | None:
    """The rows that break the rule; what stands for rows with a missing value has no meaning."""
    if isinstance(rule, InequalityConfig):
        low, high = frame[rule.low], frame[rule.high]
        return np.asarray(~(low < high if rule.strict else low <= high).fillna(True).to_numpy(np.bool_))
    if isinstance(rule, RangeConfig):
        return _break_range(rule, frame[rule.column])
    if isinstance(rule, FixedIncrementsConfig):
        steps = frame[rule.column].to_numpy(np.float64, na_value=0.0) / rule.increment
        return np.abs(steps - np.rint(steps)) > _STEP_SLACK * np.maximum(1.0, np.abs(steps))
    if isinstance(rule, UniqueConfig):
        return frame.duplicated(names).to_numpy(np.bool_)
    if isinstance(rule, NearUniqueConfig):
        return None
    if isinstance(rule, OneHotConfig):
        ones = sum(frame[name].fillna(False).astype(np.int64).to_numpy() for name in names)
        return np.asarray(ones != 1)
    if isinstance(rule, FixedCombinationsConfig):
        if rule.values is None:
            return None
        allowed = {tuple(each) for each in rule.values}
        rows = zip(*(frame[name].tolist() for name in names), strict=True)
        return np.array([row not in allowed for row in rows], np.bool_)
    return _break_expression(rule, names, frame)


def _break_range(rule: RangeConfig, column: pd.Series[Any]) -> Broken:
    broken = np.zeros(len(column), np.bool_)
    if rule.low is not None:
        broken |= (column < rule.low).fillna(False).to_numpy(np.bool_)
    if rule.high is not None:
        broken |= (column > rule.high).fillna(False).to_numpy(np.bool_)
    return broken


def _break_expression(rule: ExpressionRuleConfig, names: Sequence[str], frame: pd.DataFrame) -> Broken:
    row: Row = {name: read_series(frame[name]) for name in names}
    kinds = {name: find_series_kind(frame[name]) for name in names}
    result = compile_expression(parse_expression(rule.expression), kinds).evaluate(row, len(frame))
    broken = ~np.asarray(result.data, np.bool_)
    return broken if result.valid is None else broken & result.valid
