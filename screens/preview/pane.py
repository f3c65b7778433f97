"""The preview pane: the rows the spec makes, as a table or one row at a time as a record.

The rows of the last valid spec stay while the text has errors, and the title says that they are stale. Columns that
wait for a model are marked, and its texts are shown as they grow once it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from screens.actions import make_bindings
from screens.format import count_noun, format_seconds
from screens.messages import FocusWanted, GenerateWanted, ModelsReleased, ModelsStopped, ModelsWanted, PreviewWanted
from screens.preview.cells import Marks, Row, lay_out_record, lay_out_table, mark_failed, mark_growing, mark_waiting
from screens.preview.checked import describe_checks
from screens.preview.told import Told
from screens.theme import CYAN, YELLOW
from screens.widgets.table import RowTable
from workbench.files import clean_text

FEW, MANY = 10, 100
EMPTY = "No rows yet. They appear here as soon as the spec is valid."

DRAW_SECONDS = 0.05
"""Between two drawings of texts that grow."""


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
        self._result: Mapping[str, Any] = {}
        self._checks: Mapping[str, Any] = {}
        self._told: Told | None = None
        self._drawing = False
        self._chosen = ""
        self._stale = ""
        self._at = 0

    def compose(self) -> ComposeResult:
        """One table."""
        yield self._view

    def on_mount(self) -> None:
        """Say that there is nothing yet."""
        self._show_title()

    @property
    def waiting(self) -> list[str]:
        """The columns of which some rows wait for a model."""
        return [column for columns in self._result.get("pending", {}).values() for column in columns]

    def show_rows(self, result: Mapping[str, Any]) -> None:
        """Show fresh rows: what `preview` of the helper gives."""
        self._result, self._stale = result, ""
        self._checks = {}
        if self._chosen not in self._tables:
            self._chosen = next(iter(self._tables), "")
        self._fill()

    def show_checks(self, result: Mapping[str, Any]) -> None:
        """Tell what the cheap checks say of the rows that are shown: what `check_rows` of the helper gives."""
        self._checks = result
        self._show_title()

    def begin_asking(self) -> None:
        """The models are asked from here on."""
        self._told = Told()
        self._show_title()

    def show_event(self, event: Mapping[str, Any]) -> None:
        """Something came from a model. What comes close together is drawn together."""
        if self._told is None:
            return
        self._told.note(event)
        if not self._drawing:
            self._drawing = True
            self.set_timer(DRAW_SECONDS, self._draw_told)

    def end_asking(self) -> None:
        """They are not asked any more, and texts that are not whole are gone."""
        self._told = None
        if self.is_attached:
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

    def action_ask_models(self) -> None:
        """Ask the models for these rows, or ask them no more."""
        self.post_message(ModelsWanted() if self._told is None else ModelsStopped())

    def action_release(self) -> None:
        """Free the models."""
        self.post_message(ModelsReleased())

    def action_leave(self) -> None:
        """Stop asking; else from a record to the table, from the table to the editor."""
        if self._told is not None:
            self.post_message(ModelsStopped())
        elif self._view.record:
            self.action_record()
        else:
            self.post_message(FocusWanted("spec"))

    def on_resize(self) -> None:
        """A record is wrapped to the width."""
        if self._view.record:
            self._fill()

    @property
    def _tables(self) -> Mapping[str, list[Row]]:
        tables: Mapping[str, list[Row]] = self._result.get("tables", {})
        return tables

    @property
    def _shown_rows(self) -> list[Row]:
        return self._tables.get(self._chosen, [])

    def _fill(self, cursor: int | None = None) -> None:
        view, rows = self._view, self._shown_rows
        if view.record and rows:
            self._at = min(self._at, len(rows) - 1)
            marks = self._find_marks()[self._at]
            view.show(*lay_out_record(rows[self._at], marks, max(20, self.size.width - 6)), cursor=cursor)
        elif rows:
            view.show(*lay_out_table(rows, self._find_marks()), cursor=cursor)
        else:
            view.show([], [])
        self._show_title()

    def _find_marks(self) -> list[Marks]:
        """What stands in place of values, for each row shown."""
        table = self._chosen
        numbers = self._result.get("numbers", {}).get(table, [])
        waiting = self._result.get("pending", {}).get(table, [])
        failed = {
            (each["column"], each["row"]): each["cause"]
            for each in self._result.get("failed", [])
            if each["table"] == table
        }
        texts = self._told.texts if self._told is not None else {}
        marks: list[Marks] = []
        for row, number in zip(self._shown_rows, numbers, strict=True):
            own: dict[str, Text] = {}
            for name, value in row.items():
                if (table, name, number) in texts:
                    own[name] = mark_growing(texts[table, name, number])
                elif value is None and (name, number) in failed:
                    own[name] = mark_failed(failed[name, number])
                elif value is None and name in waiting:
                    own[name] = mark_waiting()
            marks.append(own)
        return marks

    def _draw_told(self) -> None:
        self._drawing = False
        if self._told is not None:
            self._fill()

    def _show_title(self) -> None:
        title = Text("Preview")
        if self._chosen:
            names = list(self._tables)
            several = f" ({names.index(self._chosen) + 1} of {len(names)})" if len(names) > 1 else ""
            title.append(f" · {clean_text(self._chosen)}{several}")
        if self._view.record and self._shown_rows:
            title.append(f" · row {self._at + 1} of {len(self._shown_rows)}  ← →")
        self.border_title = title
        self.border_subtitle = self._describe()

    def _describe(self) -> Text:
        """What the rows are, what is being done about them, or why there are no fresh ones."""
        if self._told is not None:
            return Text(self._told.describe(), style=CYAN)
        if self._stale or not self._tables:
            return Text(f"stale: {self._stale}" if self._stale and self._tables else "", style=YELLOW)
        text = f"first {len(self._shown_rows)} rows"
        # How long a preview took differs from one to the next, and matters only where it is long.
        seconds = float(self._result.get("seconds", 0.0))
        text += f" in {format_seconds(seconds)}" if seconds > 1 else ""
        text += describe_estimate(self._result.get("estimate", []), bool(self.waiting))
        return Text(text) + describe_checks(self._checks)


def describe_estimate(estimates: Sequence[Mapping[str, Any]], waits: bool) -> str:
    """How models are asked for these rows if some wait, and what the whole dataset will ask of them; else ""."""
    if not estimates:
        return ""
    costs = [each["cost_usd"] for each in estimates]
    price = ", no price known" if None in costs else f", ${sum(costs):.2f}" if sum(costs) else ""
    calls = count_noun(sum(each["calls"] for each in estimates), "call")
    return f"{' · a asks models' if waits else ''} · all: {calls}{price}"
