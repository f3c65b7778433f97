"""How rows are laid out: as a table, or one of them as a record; and what stands where a model has not answered.

Values and texts of models are untrusted: what they hold of control characters is taken out before it is drawn.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from screens.theme import CYAN, GREY, RED
from screens.widgets.table import Cell, Column
from workbench.files import clean_text

Row = Mapping[str, Any]
Marks = Mapping[str, Text]
"""What stands in the cells of a row in place of their values, by column."""

WAITING = "…"
_MOST = 40  # cells of a column


def show_value(value: Any) -> str:
    """A value as a cell: what is missing is a dash, floats without digits nobody reads."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def mark_waiting() -> Text:
    """In place of a value for which a model has to be asked."""
    return Text(WAITING, style=GREY)


def mark_growing(text: str) -> Text:
    """A text that a model is writing."""
    return Text(clean_text(text, keep_newlines=True), style=CYAN)


def mark_failed(cause: str) -> Text:
    """In place of a value that a model did not give."""
    return Text(f"✗ {clean_text(cause)}", style=RED)


def lay_out_table(rows: Sequence[Row], marks: Sequence[Marks]) -> tuple[list[Column], list[list[Cell]]]:
    """All rows, each with its marks."""
    columns = []
    for name in rows[0]:
        numbers = all(isinstance(row.get(name), int | float) and not isinstance(row.get(name), bool) for row in rows)
        columns.append(Column(clean_text(name), "right" if numbers else "left", most=_MOST))
    cells = [
        [_shorten(marked[name]) if name in marked else show_value(row.get(name)) for name in rows[0]]
        for row, marked in zip(rows, marks, strict=True)
    ]
    return columns, cells


def lay_out_record(row: Row, marks: Marks, width: int) -> tuple[list[Column], list[list[Cell]]]:
    """One row, a line for each column or more where the value is long."""
    label = min(24, max(len(name) for name in row))
    room = max(10, width - label)
    lines: list[list[Cell]] = []
    for name, value in row.items():
        mark = marks.get(name)
        text = mark.plain if mark is not None else clean_text(show_value(value), keep_newlines=True)
        style = mark.style if mark is not None else ""
        wrapped = [line for part in text.splitlines() for line in textwrap.wrap(part, room) or [""]]
        for index, line in enumerate(wrapped or [""]):
            lines.append([Text(clean_text(name) if index == 0 else "", style=GREY), Text(line, style=style)])
    return [Column("column", width=label), Column("value", most=room)], lines


def _shorten(mark: Text) -> Text:
    """A mark on one line: of a text that grows the end, where something happens."""
    plain = mark.plain.replace("\n", " ⏎ ").replace("\t", " ")
    return Text(plain if len(plain) <= _MOST else "…" + plain[1 - _MOST :], style=mark.style)
