"""A table with a cursor that draws only the rows it shows, whatever their number.

Textual's DataTable measures every cell (over 30 s at 100,000 rows) and draws more than a slow link likes. Widths here
come from the first and last rows alone, and a row is drawn when it is seen. Cells are untrusted: they are cleaned, and
never parsed as markup.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.actions import make_bindings
from workbench.files import clean_text

Cell = str | Text
_MEASURED_ROWS = 100
_GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """`width` None means as wide as its content, at most `most` cells."""

    title: str
    align: Literal["left", "right"] = "left"
    width: int | None = None
    most: int = 40


class RowTable(ScrollView, can_focus=True):
    """Rows under a header line. Arrow or vim keys move the cursor; enter and click choose a row."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--header", "table--cursor", "table--empty"}
    BINDINGS: ClassVar[list[BindingType]] = make_bindings("table")

    @dataclass
    class Moved(Message):
        """The cursor is on another row, or the rows are others."""

        table: RowTable
        row: int

        @property
        def control(self) -> RowTable:
            """The table, for `@on` selectors."""
            return self.table

    def __init__(self, empty: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.cursor = 0
        self._empty = empty
        self._columns: Sequence[Column] = ()
        self._rows: Sequence[Sequence[Cell]] = ()
        self._widths: list[int] = []

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def show(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], cursor: int | None = None) -> None:
        """Replace everything shown; the cursor stays where it was, as far as there are rows."""
        if columns == self._columns and rows == self._rows and cursor in (None, self.cursor):
            return
        before = self.cursor
        self._columns, self._rows = columns, rows
        self._widths = [self._measure(index) for index in range(len(columns))]
        self._resize()
        self.cursor = max(0, min(before if cursor is None else cursor, len(rows) - 1))
        self._keep_cursor_visible()
        self.refresh()
        self.post_message(self.Moved(self, self.cursor))

    def explain_empty(self, text: str) -> None:
        """What to show where there are no rows."""
        self._empty = text
        self.refresh()

    def move_to(self, row: int) -> None:
        """Put the cursor on `row`, or on the nearest there is."""
        row = max(0, min(row, len(self._rows) - 1))
        if row != self.cursor:
            self.cursor = row
            self._keep_cursor_visible()
            self.refresh()
            self.post_message(self.Moved(self, row))

    def action_move(self, rows: int) -> None:
        """Move the cursor by `rows`."""
        self.move_to(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by screenfuls."""
        self.move_to(self.cursor + pages * max(1, self.size.height - 2))

    def action_first(self) -> None:
        """Put the cursor on the first row."""
        self.move_to(0)

    def action_last(self) -> None:
        """Put the cursor on the last row."""
        self.move_to(len(self._rows) - 1)

    def action_sideways(self, cells: int) -> None:
        """Scroll sideways."""
        self.scroll_to(x=self.scroll_offset.x + cells, animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """One line of the widget: the header stays, rows scroll beneath it."""
        width = self.size.width
        base = self.rich_style
        if not self._rows:
            style = base + self.get_component_rich_style("table--empty", partial=True)
            lines = textwrap.wrap(clean_text(self._empty), max(1, width))
            return Strip([Segment(lines[y] if y < len(lines) else "", style)]).adjust_cell_length(width, style)
        if y == 0:
            style = base + self.get_component_rich_style("table--header", partial=True)
            cells: Sequence[Cell] = [column.title for column in self._columns]
        else:
            index = y - 1 + self.scroll_offset.y
            if index >= len(self._rows):
                return Strip.blank(width, base)
            cells = self._rows[index]
            style = base
            if index == self.cursor:
                style += self.get_component_rich_style("table--cursor", partial=True)
                style += Style(bold=self.has_focus or None)
        strip = self._draw(cells, style)
        return strip.crop_extend(self.scroll_offset.x, self.scroll_offset.x + width, style)

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is."""
        if event.y > 0:
            self.move_to(event.y - 1 + self.scroll_offset.y)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._resize()
        self._keep_cursor_visible()

    def _draw(self, cells: Sequence[Cell], style: Style) -> Strip:
        segments: list[Segment] = []
        for column, width, cell in zip(self._columns, self._widths, cells, strict=False):
            text = as_text(cell)
            text.truncate(width, overflow="ellipsis")
            room = " " * (width - text.cell_len)
            if column.align == "right":
                segments.append(Segment(room, style))
            segments += [
                Segment(segment.text, style + segment.style if segment.style else style)
                for segment in text.render(self.app.console, end="")
            ]
            segments.append(Segment((room if column.align == "left" else "") + " " * _GAP, style))
        return Strip(segments)

    def _measure(self, index: int) -> int:
        column = self._columns[index]
        if column.width is not None:
            return column.width
        cells = [row[index] for row in (*self._rows[:_MEASURED_ROWS], *self._rows[-_MEASURED_ROWS:])]
        widths = [as_text(cell).cell_len for cell in cells]
        return min(column.most, max([cell_len(column.title), 1, *widths]))

    def _resize(self) -> None:
        width = sum(self._widths) + _GAP * len(self._widths)
        self.virtual_size = Size(width if self._rows else 0, len(self._rows) + 1 if self._rows else 0)

    def _keep_cursor_visible(self) -> None:
        height = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)


def as_text(cell: Cell) -> Text:
    """The cell as one line of text without anything a terminal would act on."""
    if isinstance(cell, Text):
        text = cell.copy()
        text.stylize_before(text.style)  # rich leaves the base style out where there are no spans
        return text
    shown = cell if len(cell) <= 2000 else cell[:2000]
    return Text(clean_text(shown.replace("\n", " ⏎ ").replace("\t", " ")), no_wrap=True, end="")
