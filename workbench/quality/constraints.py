"""The spec's constraints tested on a table as it was read back: by pandas and independently of what made the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Row
from workbench.columns.expression_language.compiling import compile_expression
from workbench.columns.expression_language.parsing import find_names, parse_expression
from workbench.columns.frames import find_series_kind, read_series
from workbench.spec.constraints import (
    ExpressionRuleConfig,
    FixedCombinationsConfig,
    FixedIncrementsConfig,
    InequalityConfig,
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
    """
    names = _list_columns(rule)
    if not set(names) <= {str(name) for name in frame.columns}:
        return None
    missing = frame[names].isna().any(axis=1).to_numpy(np.bool_)
    if isinstance(rule, InequalityConfig):
        low, high = frame[rule.low], frame[rule.high]
        kept = (low < high if rule.strict else low <= high).fillna(True).to_numpy(np.bool_)
        return f"{rule.low} {'<' if rule.strict else '<='} {rule.high}", np.asarray(~kept & ~missing)
    if isinstance(rule, RangeConfig):
        return _describe_range(rule), _break_range(rule, frame[rule.column])
    if isinstance(rule, FixedIncrementsConfig):
        steps = frame[rule.column].to_numpy(np.float64, na_value=0.0) / rule.increment
        broken = np.abs(steps - np.rint(steps)) > _STEP_SLACK * np.maximum(1.0, np.abs(steps))
        return f"{rule.column} in steps of {rule.increment:g}", broken & ~missing
    if isinstance(rule, UniqueConfig):
        return f"{', '.join(names)} is unique", frame.duplicated(names).to_numpy(np.bool_) & ~missing
    if isinstance(rule, OneHotConfig):
        ones = sum(frame[name].fillna(False).astype(np.int64) for name in names)
        return f"one of {', '.join(names)}", (ones != 1).to_numpy(np.bool_) & ~missing  # type: ignore[union-attr]
    if isinstance(rule, FixedCombinationsConfig):
        if rule.values is None:
            return None
        allowed = {tuple(each) for each in rule.values}
        rows = zip(*(frame[name].tolist() for name in names), strict=True)
        found = np.array([row in allowed for row in rows], np.bool_)
        return f"combinations of {', '.join(names)}", ~found & ~missing
    return rule.expression, _break_expression(rule, names, frame)


def _list_columns(rule: ConstraintConfig) -> list[str]:
    if isinstance(rule, InequalityConfig):
        return [rule.low, rule.high]
    if isinstance(rule, (RangeConfig, FixedIncrementsConfig)):
        return [rule.column]
    if isinstance(rule, ExpressionRuleConfig):
        return sorted(find_names(parse_expression(rule.expression)))
    return list(rule.columns)


def _describe_range(rule: RangeConfig) -> str:
    low = f"{rule.low:g} <= " if rule.low is not None else ""
    high = f" <= {rule.high:g}" if rule.high is not None else ""
    return f"{low}{rule.column}{high}"


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
