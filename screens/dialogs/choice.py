"""A question with a few answers, each a key. Everything that will happen is shown above the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static

from screens.actions import show_key


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer: its key, what it says, and the value that is returned."""

    key: str
    label: str
    value: str


class ChoiceDialog(ModalScreen[str | None]):
    """Returns the value of the answer, None where it was left by esc. The first answer is the one under the cursor, so
    give the harmless one first where the other cannot be undone.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", show=False),
        Binding("left,shift+tab,h", "move(-1)", show=False),
        Binding("right,tab,l", "move(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("enter", "take", show=False),
    ]

    def __init__(self, title: str, body: Text, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title = title
        self._body = body
        self._choices = choices
        self._at = 0

    def compose(self) -> ComposeResult:
        """The text scrolls where the terminal is small; the answers stay in view."""
        with Vertical(classes="dialog") as box:
            box.border_title = Text(self._title)
            with VerticalScroll(classes="dialog-body", can_focus=False):
                yield Static(self._body)
            yield Static(self._show_choices(), id="choices")

    def on_key(self, event: Key) -> None:
        """An answer's own key takes it."""
        for choice in self._choices:
            if event.key == choice.key:
                event.stop()
                self.dismiss(choice.value)

    def action_move(self, answers: int) -> None:
        """Put the cursor on another answer."""
        self._at = (self._at + answers) % len(self._choices)
        self.query_one("#choices", Static).update(self._show_choices())

    def action_scroll(self, lines: int) -> None:
        """Scroll the text."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_take(self) -> None:
        """Take the answer under the cursor."""
        self.dismiss(self._choices[self._at].value)

    def _show_choices(self) -> Text:
        text = Text(justify="center")
        for index, choice in enumerate(self._choices):
            text.append(f" {show_key(choice.key)}  {choice.label} ", style="reverse" if index == self._at else "bold")
            text.append("  ")
        return text
