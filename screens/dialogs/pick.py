"""A list to pick from, narrowed by typing: the palette, specs, datasets and GPUs all use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input

from screens.widgets.table import Column, RowTable


@dataclass(frozen=True, slots=True)
class Item:
    """One row: what is returned, what it is called, and a word about it."""

    value: str
    label: str
    note: str = ""


class PickDialog(ModalScreen[str | None]):
    """Returns the value of the picked item, None where it was left by esc. With `free`, a text that matches no item is
    itself an answer.
    """

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", show=False),
        Binding("up,ctrl+p", "move(-1)", show=False, priority=True),
        Binding("down,ctrl+n", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
    ]

    def __init__(self, title: str, items: Sequence[Item], empty: str = "Nothing matches.", free: bool = False) -> None:
        super().__init__()
        self._title = title
        self._items = items
        self._shown: list[Item] = []
        self._empty = empty
        self._free = free

    def compose(self) -> ComposeResult:
        """A text field over a list."""
        with Vertical(classes="dialog dialog-tall") as box:
            box.border_title = Text(self._title)
            field = Input(placeholder="type to narrow, enter picks, esc leaves", compact=True)
            field.cursor_blink = False
            yield field
            table = RowTable(self._empty)
            table.can_focus = False
            yield table

    def on_mount(self) -> None:
        """Show everything."""
        self._fill("")

    def on_key(self, event: Key) -> None:
        """What is typed before the field has the focus is meant for it."""
        field = self.query_one(Input)
        if event.is_printable and event.character and not field.has_focus:
            event.stop()
            field.insert_text_at_cursor(event.character)

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        """Show what matches the text."""
        self._fill(event.value)

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        """Return the item under the cursor."""
        self._fill(event.value)
        if self._shown:
            self.dismiss(self._shown[self.query_one(RowTable).cursor].value)
        elif self._free and event.value.strip():
            self.dismiss(event.value.strip())

    def action_move(self, rows: int) -> None:
        """Move the cursor of the list; the text field keeps the focus."""
        self.query_one(RowTable).action_move(rows)

    def _fill(self, text: str) -> None:
        shown = self._match(text)
        cursor = None if shown == self._shown else 0
        self._shown = shown
        rows = [(item.label, Text(item.note, style="dim")) for item in shown]
        self.query_one(RowTable).show([Column(""), Column("", most=60)], rows, cursor=cursor)

    def _match(self, text: str) -> list[Item]:
        """Items that have all words of the text, those that start with the first one on top."""
        words = text.casefold().split()
        found = [item for item in self._items if all(word in f"{item.label} {item.note}".casefold() for word in words)]
        if words:
            found.sort(key=lambda item: not item.label.casefold().startswith(words[0]))
        return found
