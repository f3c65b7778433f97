"""The preview pane: the rows the spec makes, as a table or one row at a time as a record.

The rows of the last valid spec stay while the text has errors, and the title says that they are stale.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from screens.actions import make_bindings
from screens.format import format_seconds
from screens.messages import FocusWanted, GenerateWanted, PreviewWanted
from screens.theme import GREY, YELLOW
from screens.widgets.table import Cell, Column, RowTable
from workbench.files import clean_text

FEW, MANY = 10, 100
EMPTY = "No rows yet. They appear here as soon as the spec is valid."

Row = Mapping[str, Any]


class RowsView(RowTable):
    """The table of rows; as a record, left and right go from row to row."""

    record = False

    def action_sideways(self, cells: int) -> None:
        """Scroll, or go to the next row."""
        pane = self.parent
        if self.record and isinstance(pane, PreviewPane):
            pane.step_record(1 if cells > 0 else -1)
        else:
            super().action_sideways(cells)


class PreviewPane(Vertical):
    """Shows what the app hands it; `rows` is how many rows it wants."""

    BINDINGS: ClassVar[list[BindingType]] = make_bindings("preview")

    def __init__(self) -> None:
        super().__init__(id="preview")
        self._view = RowsView(EMPTY)
        self.rows = FEW
        self._tables: dict[str, list[Row]] = {}
        self._chosen = ""
        self._seconds = 0.0
        self._stale = ""
        self._at = 0

    def compose(self) -> ComposeResult:
        """One table."""
        yield self._view

    def on_mount(self) -> None:
        """Say that there is nothing yet."""
        self._show_title()

    def show_rows(self, tables: Mapping[str, Sequence[Row]], seconds: float) -> None:
        """Show fresh rows."""
        self._tables = {name: list(rows) for name, rows in tables.items()}
        self._seconds, self._stale = seconds, ""
        if self._chosen not in self._tables:
            self._chosen = next(iter(self._tables), "")
        self._fill()

    def mark_stale(self, reason: str) -> None:
        """Keep the rows there are, and say why there are no fresh ones."""
        self._stale = reason
        if not self._tables:
            self._view.explain_empty("No rows yet: " + reason)
        self._show_title()

    def step_record(self, rows: int) -> None:
        """As a record, go on to another row."""
        self._at = max(0, min(self._at + rows, len(self._shown_rows) - 1))
        self._fill()

    def action_generate(self) -> None:
        """Ask the app to generate."""
        self.post_message(GenerateWanted())

    def action_next_table(self) -> None:
        """Show the next table."""
        names = list(self._tables)
        if names:
            self._chosen = names[(names.index(self._chosen) + 1) % len(names)]
            self._at = 0
            self._fill(cursor=0)

    def action_more(self) -> None:
        """Ask for more rows, or for few again."""
        self.rows = MANY if self.rows == FEW else FEW
        self.post_message(PreviewWanted())

    def action_record(self) -> None:
        """Switch between table and record."""
        view = self._view
        if not view.record:
            self._at = view.cursor
        view.record = not view.record
        self._fill(cursor=0 if view.record else self._at)

    def action_leave(self) -> None:
        """From a record to the table, from the table to the editor."""
        if self._view.record:
            self.action_record()
        else:
            self.post_message(FocusWanted("spec"))

    def on_resize(self) -> None:
        """A record is wrapped to the width."""
        if self._view.record:
            self._fill()

    @property
    def _shown_rows(self) -> list[Row]:
        return self._tables.get(self._chosen, [])

    def _fill(self, cursor: int | None = None) -> None:
        view, rows = self._view, self._shown_rows
        if view.record and rows:
            self._at = min(self._at, len(rows) - 1)
            view.show(*_lay_out_record(rows[self._at], max(20, self.size.width - 6)), cursor=cursor)
        elif rows:
            view.show(*_lay_out_table(rows), cursor=cursor)
        else:
            view.show([], [])
        self._show_title()

    def _show_title(self) -> None:
        title = Text("Preview")
        if self._chosen:
            names = list(self._tables)
            several = f" ({names.index(self._chosen) + 1} of {len(names)})" if len(names) > 1 else ""
            title.append(f" · {clean_text(self._chosen)}{several}")
        if self._view.record and self._shown_rows:
            title.append(f" · row {self._at + 1} of {len(self._shown_rows)}  ← →")
        self.border_title = title
        if self._stale:
            self.border_subtitle = Text(f"stale: {self._stale}" if self._tables else "", style=YELLOW)
        elif self._tables:
            figures = f"first {len(self._shown_rows)} rows"
            # How long a preview took differs from one to the next, and matters only where it is long.
            self.border_subtitle = Text(figures + (f" in {format_seconds(self._seconds)}" if self._seconds > 1 else ""))


def show_value(value: Any) -> str:
    """A value as a cell: what is missing is a dash, floats without digits nobody reads."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def _lay_out_table(rows: Sequence[Row]) -> tuple[list[Column], list[list[Cell]]]:
    columns = []
    for name in rows[0]:
        numbers = all(isinstance(row.get(name), int | float) and not isinstance(row.get(name), bool) for row in rows)
        columns.append(Column(clean_text(name), "right" if numbers else "left"))
    return columns, [[show_value(row.get(name)) for name in rows[0]] for row in rows]


def _lay_out_record(row: Row, width: int) -> tuple[list[Column], list[list[Cell]]]:
    label = min(24, max(len(name) for name in row))
    lines: list[list[Cell]] = []
    for name, value in row.items():
        text = clean_text(show_value(value), keep_newlines=True)
        wrapped = [line for part in text.splitlines() for line in textwrap.wrap(part, max(10, width - label)) or [""]]
        for index, line in enumerate(wrapped or [""]):
            lines.append([Text(clean_text(name) if index == 0 else "", style=GREY), line])
    return [Column("column", width=label), Column("value", most=max(10, width - label))], lines
