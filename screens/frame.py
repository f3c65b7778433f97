"""The lines around the panes: tabs on top; what was said last and the keys that matter now below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from screens.actions import Action, Context, footer_actions
from screens.format import show_state
from screens.messages import Severity
from screens.theme import CYAN, GREY, RED, YELLOW
from workbench.files import clean_text

if TYPE_CHECKING:
    from workbench.runs.folder import RunState

SHOWN_SECONDS: dict[Severity, float] = {"info": 8.0, "warning": 15.0, "error": 40.0}
TABS: tuple[tuple[str, str], ...] = (("1", "Spec"), ("2", "Method"), ("3", "Monitor"), ("4", "Runs"))


class _Line(Widget):
    """One line of text that is redrawn only when it changes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._text = Text()

    def set_line(self, text: Text) -> None:
        """Show `text`."""
        if text != self._text or text.spans != self._text.spans:
            self._text = text
            self.refresh()

    def render(self) -> Text:
        """The line, cut to the width."""
        text = self._text.copy()
        text.truncate(self.size.width, overflow="ellipsis")
        return text


class TabLine(_Line):
    """` [1 Spec]  2 Method  3 Monitor  4 Runs`, and the active run on the right."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self._active = "1"
        self._active_runs: Sequence[RunState] = ()

    def set_tab(self, key: str) -> None:
        """Mark the tab of this digit."""
        self._active = key
        self.show()

    def set_runs(self, active: Sequence[RunState]) -> None:
        """Name the runs that are active."""
        self._active_runs = active
        self.show()

    def show(self) -> None:
        """Put the line together."""
        text = Text(" ")
        for key, name in TABS:
            chosen = key == self._active
            text.append("[" if chosen else " ", style=CYAN)
            text.append(f"{key} {name}", style=f"bold {CYAN}" if chosen else "")
            text.append("]" if chosen else " ", style=CYAN).append(" ")
        status = self._describe_runs()
        room = self.size.width - text.cell_len - status.cell_len - 1
        if room < 0:
            status.truncate(max(0, status.cell_len + room), overflow="ellipsis")
        self.set_line(text.append(" " * max(0, room)).append_text(status))

    def on_resize(self) -> None:
        """The right part moves with the edge."""
        self.show()

    def on_click(self, event: Click) -> None:
        """Go to the tab under the mouse."""
        left = 1
        for key, name in TABS:
            width = cell_len(name) + 5
            if left <= event.x < left + width:
                self.post_message(self.Chosen(key))
            left += width

    def _describe_runs(self) -> Text:
        if not self._active_runs:
            return Text("○ idle", style=GREY)
        state = next((state for state in self._active_runs if state.state == "running"), self._active_runs[0])
        text = show_state(state.state, state.step / state.steps if state.steps else None)
        text.append(f" {clean_text(state.title or state.kind)}", style="")
        return text.append(f" +{len(self._active_runs) - 1}" if len(self._active_runs) > 1 else "", style=GREY)


class SaidLine(Static):
    """The last message to the user. It wraps, so that an error can be read in full, and goes after a while."""

    def __init__(self) -> None:
        super().__init__(id="said", markup=False)
        self._clock: Timer | None = None

    def say(self, message: str, severity: Severity = "info") -> None:
        """Show a message in the colour of its severity."""
        colour = {"info": GREY, "warning": YELLOW, "error": f"bold {RED}"}[severity]
        self.update(Text(clean_text(message), style=colour))
        if self._clock is not None:
            self._clock.stop()
        self._clock = self.set_timer(SHOWN_SECONDS[severity], self.clear)

    def clear(self) -> None:
        """Show nothing."""
        self.update("")


class HintLine(_Line):
    """The keys that matter in the focused pane. Where not all fit, the pane's last ones go, and help stays."""

    def __init__(self) -> None:
        super().__init__(id="hints")
        self._shown_context: Context = "spec"

    def show_hints(self, context: Context) -> None:
        """Show the hints of this context."""
        self._shown_context = context
        actions = footer_actions(context)
        general = [action for action in actions if action.context == "app"]
        own = [action for action in actions if action.context != "app"]
        while own and _measure([*own, *general]) > self.size.width > 0:
            own.pop()
        text = Text(" ")
        for action in (*own, *general):
            text.append(action.key, style=f"bold {CYAN}").append(f" {action.short}  ")
        text.rstrip()
        self.set_line(text)

    def on_resize(self) -> None:
        """Other hints may fit."""
        self.show_hints(self._shown_context)


def _measure(actions: Sequence[Action]) -> int:
    return 1 + sum(cell_len(f"{action.key} {action.short}  ") for action in actions) - 2
