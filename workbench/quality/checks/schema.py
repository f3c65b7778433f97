"""Schema: the dataset has the columns that its spec names, of the kinds they should be of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.quality.check import Finding, register_check
from workbench.quality.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

_QUESTION = "Are all columns there, and of their types?"


@register_check("schema", _QUESTION, group="rules", live=True)
def check_schema(evidence: Evidence) -> list[Finding]:
    """Share of the spec's columns that are there and of the right kind; every other column is named."""
    expected = {column.name for column in evidence.config.columns if not column.drop}
    expected |= {entry.column for entry in evidence.config.foreign_keys}
    present = {str(name) for name in evidence.frame.columns}
    problems = [f"{name} is missing" for name in sorted(expected - present)]
    problems += [f"{name} is not in the spec" for name in sorted(present - expected)]
    wrong = 0
    for name, maker in evidence.makers.items():
        if name in present and not _is_of_kind(evidence.frame[name], maker.kind):
            wrong += 1
            problems.append(f"{name} holds {evidence.frame[name].dtype} instead of {maker.kind}")
    if not len(evidence.frame):
        problems.append("the table has no rows")
    return [
        Finding(
            "schema",
            _QUESTION,
            "fail" if problems else "pass",
            len(evidence.frame),
            value=(len(expected & present) - wrong) / len(expected) if expected else 1.0,
            threshold=1.0,
            detail="; ".join(problems[:5]) or f"{len(present)} columns as in the spec",
            source="the spec",
            fix="Generate the dataset again: its files are not those that its spec makes." if problems else "",
        )
    ]


def _is_of_kind(column: pd.Series[Any], kind: str) -> bool:
    """A column with nulls alone fits every kind; whole numbers with nulls come back from a file as floats."""
    from pandas.api import types

    if column.isna().all():
        return True
    if kind == "bool":
        return types.is_bool_dtype(column.dtype) or bool(column.dropna().isin([True, False]).all())
    if kind in ("int64", "double"):
        return types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype)
    if kind == "timestamp":
        return types.is_datetime64_any_dtype(column.dtype)
    return types.is_string_dtype(column.dtype) or types.is_object_dtype(column.dtype)
