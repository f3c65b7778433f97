"""Where to, by a digit: the way out of a text field, where digits are text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static


class GotoDialog(ModalScreen[str | None]):
    """Returns the digit that was pressed, None for any other key."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", show=False)]

    def __init__(self, places: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._places = places

    def compose(self) -> ComposeResult:
        """One line per place."""
        with Vertical(classes="dialog") as box:
            box.border_title = Text("Go to")
            yield Static(Text("\n".join(f"{key}  {name}" for key, name in self._places)))

    def on_key(self, event: Key) -> None:
        """A digit goes there; any other key stays."""
        event.stop()
        event.prevent_default()
        self.dismiss(event.key if event.key in {key for key, _ in self._places} else None)
