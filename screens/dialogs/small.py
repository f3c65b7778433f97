"""Covers everything while the terminal is too small, and keeps keys from reaching what cannot be seen."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

SMALLEST = Size(60, 15)


def is_too_small(size: Size) -> bool:
    """Whether the panes cannot be used at this size."""
    return size.width < SMALLEST.width or size.height < SMALLEST.height


class TooSmall(Screen[None]):
    """Goes away by itself when the terminal is made larger."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "app.quit_app", show=False, priority=True)]

    def compose(self) -> ComposeResult:
        """One message."""
        yield Static(self._write(), id="too-small")

    def on_resize(self) -> None:
        """Say the size there is now."""
        self.query_one(Static).update(self._write())

    def _write(self) -> Text:
        size, needs = self.app.size, f"{SMALLEST.width}x{SMALLEST.height}"
        message = f"Terminal too small ({size.width}x{size.height}): needs {needs}\nMake it larger, or ^q quits."
        return Text(message, justify="center")
