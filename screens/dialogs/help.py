"""What the keys do: those of the pane that has the focus first, all from the action table."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget

from screens.actions import CONTEXTS, Context, actions_of, show_key
from screens.theme import CYAN

_INDENT = 18


def write_help(contexts: Sequence[Context], width: int) -> Text:
    """One section per context, one action after another, wrapped to `width`."""
    text = Text()
    for context in contexts:
        text.append(f"{CONTEXTS[context]}\n", style="bold")
        for action in actions_of(context):
            keys = " ".join(show_key(key) for key in action.keys)
            first, *rest = textwrap.wrap(action.help, max(20, width - _INDENT))
            text.append(f"  {keys:<{_INDENT - 3}} ", style=f"bold {CYAN}").append(f"{first}\n")
            text.append("".join(f"{' ' * _INDENT}{line}\n" for line in rest))
        text.append("\n")
    return text


class HelpText(Widget):
    """As tall as its text is at the width it gets."""

    def __init__(self, contexts: Sequence[Context]) -> None:
        super().__init__()
        self._contexts = contexts

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The number of lines."""
        return write_help(self._contexts, width).plain.count("\n")

    def render(self) -> Text:
        """The text, wrapped to the width."""
        return write_help(self._contexts, self.size.width)


class HelpDialog(ModalScreen[None]):
    """Scrolls; esc, ? and q close it."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q", "dismiss", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup,ctrl+u", "scroll(-10)", show=False),
        Binding("pagedown,ctrl+d,space", "scroll(10)", show=False),
    ]

    def __init__(self, contexts: Sequence[Context]) -> None:
        super().__init__()
        self._contexts = contexts

    def compose(self) -> ComposeResult:
        """The text, as tall as the terminal allows."""
        with Vertical(classes="dialog dialog-tall") as box:
            box.border_title = Text("Keys")
            box.border_subtitle = Text("↑ ↓ scroll · esc closes")
            with VerticalScroll(classes="dialog-body", can_focus=False):
                yield HelpText(self._contexts)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
