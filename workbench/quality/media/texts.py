"""The text that belongs to a picture or a sound: a template of the spec over the columns that the dataset has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.columns.template_language.templates import CompiledTemplate, TemplateTextError

if TYPE_CHECKING:
    import pandas as pd


def render_texts(frame: pd.DataFrame, template: str, rows: Sequence[int]) -> list[str] | None:
    """The text of each of the row numbers `rows`, empty where it cannot be written for that row's values.

    None where the template reads a column that the dataset does not have, or no column at all.
    """
    try:
        compiled = CompiledTemplate(template)
    except TemplateTextError:
        return None
    names = sorted(compiled.names)
    if not names or not set(names) <= set(map(str, frame.columns)) or not frame.columns.is_unique:
        return None
    part = frame.iloc[list(rows)]
    values: list[list[Any]] = [_list_plain(part[name]) for name in names]
    return [_render(compiled, dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]


def _list_plain(column: pd.Series[Any]) -> list[Any]:
    """The values of a column as templates know them: null is None."""
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]


def _render(compiled: CompiledTemplate, row: dict[str, Any]) -> str:
    if any(value is None for value in row.values()):
        row = {name: "" if value is None else value for name, value in row.items()}
    try:
        return compiled.render(row)
    except TemplateTextError:
        return ""
