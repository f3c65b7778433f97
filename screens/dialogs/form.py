"""A few named text fields, checked together when the form is sent: the name of a file, the settings of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from screens.theme import RED

Values = dict[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """One line: the key of its value, what it is called, its value at first, and what may stand there."""

    name: str
    label: str
    value: str = ""
    note: str = ""


class FormDialog(ModalScreen[Values | None]):
    """Returns all values, None where it was left by esc. `check` returns what is wrong with them, "" if nothing is."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(
        self, title: str, fields: Sequence[Field], check: Callable[[Mapping[str, str]], str] = lambda values: ""
    ) -> None:
        super().__init__()
        self._title = title
        self._fields = fields
        self._check = check

    def compose(self) -> ComposeResult:
        """A line per field; what is wrong stands below them."""
        with Vertical(classes="dialog") as box:
            box.border_title = Text(self._title)
            with VerticalScroll(classes="dialog-body", can_focus=False):
                for field in self._fields:
                    with Horizontal(classes="field"):
                        yield Static(Text(field.label), classes="field-label")
                        line = Input(field.value, compact=True, id=f"field-{field.name}", select_on_focus=False)
                        line.cursor_blink = False
                        yield line
                        yield Static(Text(field.note, style="dim"), classes="field-note")
            yield Static(Text("enter accepts   tab next field   esc leaves", style="dim"), id="form-message")

    @on(Input.Submitted)
    def send(self) -> None:
        """Return the values, or say what is wrong with them."""
        values = {field.name: self.query_one(f"#field-{field.name}", Input).value.strip() for field in self._fields}
        wrong = self._check(values)
        if wrong:
            self.query_one("#form-message", Static).update(Text(wrong, style=f"bold {RED}"))
        else:
            self.dismiss(values)
