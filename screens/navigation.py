"""Getting about: tabs, focus, sizes, palette and help. What the panes are for is not known here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import on
from textual.app import App
from textual.binding import BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.widget import Widget

from screens.actions import ACTIONS, Context, actions_of, make_bindings
from screens.dialogs.goto import GotoDialog
from screens.dialogs.help import HelpDialog
from screens.dialogs.small import TooSmall, is_too_small
from screens.frame import TABS, HintLine, SaidLine, TabLine
from screens.layout import FIRST_OF, TAB_OF, Workbench
from screens.messages import FocusWanted, Said, Severity
from screens.palette import make_palette

FOCUS: dict[str, str] = {
    "spec": "#spec YamlEditor",
    "preview": "#preview RowTable",
    "method": "#methods",
    "monitor": "#log",
    "runs": "#run-list",
}


class Navigation(App[int]):
    """The part of the app that moves between panes. Panes may be mounted late; a wish to go there is kept."""

    BINDINGS: ClassVar[list[BindingType]] = make_bindings("app")
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None

    def __init__(self, first: Iterable[Widget]) -> None:
        """`first` are the panes seen first."""
        super().__init__()
        self.wanted_context = ""
        # Kept and not looked up: a message that comes while the app is being closed finds them, though unmounted.
        self.workbench = Workbench(first)
        self.tab_line = TabLine()
        self.said_line = SaidLine()
        self.hint_line = HintLine()

    @property
    def context(self) -> Context:
        """The context of the focused widget."""
        widget: Any = self.screen.focused
        while widget is not None and widget.id not in TAB_OF:
            widget = widget.parent
        return widget.id if widget is not None else "app"

    def say(self, text: str, severity: Severity = "info") -> None:
        """Show a message to the user."""
        self.said_line.say(text, severity)

    def start_navigation(self) -> None:
        """Follow the focus and the size of the terminal."""
        self.watch(self.screen, "focused", self._note_focus, init=False)
        self._check_size(self.size)

    def focus_context(self, context: str) -> None:
        """Bring a pane to the front and focus it, as soon as it is there."""
        found = self.screen_stack[0].query(FOCUS[context])
        if not found:
            self.wanted_context = context
            return
        self.wanted_context = ""
        self.workbench.show_tab(TAB_OF[context])
        found.first().focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The app's own keys rest while a dialog is open, but for leaving a terminal that is too small."""
        if self.screen is not self.screen_stack[0] and any(action == own.name for own in actions_of("app")):
            return action == "quit_app" and isinstance(self.screen, TooSmall)
        return True

    def on_resize(self, event: Resize) -> None:
        """Place the panes anew, or say that there is no room for them."""
        self._check_size(event.size)

    @on(Said)
    def show_said(self, message: Said) -> None:
        """Show what a pane has to say."""
        self.say(message.text, message.severity)

    @on(FocusWanted)
    def change_focus(self, message: FocusWanted) -> None:
        """Go to another pane."""
        self.focus_context(message.context)

    @on(TabLine.Chosen)
    def choose_tab(self, message: TabLine.Chosen) -> None:
        """Go to the tab that was clicked."""
        self.focus_context(FIRST_OF[message.key])

    def action_show_spec(self) -> None:
        """Go to the spec."""
        self.focus_context("spec")

    def action_show_method(self) -> None:
        """Go to the methods."""
        self.focus_context("method")

    def action_show_monitor(self) -> None:
        """Go to the monitor."""
        self.focus_context("monitor")

    def action_show_runs(self) -> None:
        """Go to the runs."""
        self.focus_context("runs")

    def action_go(self) -> None:
        """Ask for a digit and go there."""

        def go(digit: str | None) -> None:
            if digit is not None:
                self.focus_context(FIRST_OF[digit])

        # Pushed at once and not from a worker: the keys typed next are meant for the dialog.
        self.push_screen(GotoDialog(TABS), go)

    def action_next_pane(self) -> None:
        """Focus what comes next."""
        self.screen.focus_next()

    def action_previous_pane(self) -> None:
        """Focus what came before."""
        self.screen.focus_previous()

    def action_palette(self) -> None:
        """Pick an action by its name and do it, in its pane."""
        self.push_screen(make_palette(self.context), self._do_chosen)

    async def _do_chosen(self, chosen: str | None) -> None:
        action = next((action for action in ACTIONS if action.id == chosen), None)
        if action is None:
            return
        if action.context == "app":
            await self.run_action(action.name)
        else:
            self.focus_context(action.context)
            await self.run_action(action.name, self.query_one(f"#{action.context}"))

    def action_help(self) -> None:
        """What the keys do."""
        context = self.context
        own: list[Context] = [context] if context != "app" else []
        inner: list[Context] = ["log"] if context == "monitor" else [] if context in ("spec", "app") else ["table"]
        self.push_screen(HelpDialog([*own, *inner, "app"]))

    def _check_size(self, size: Size) -> None:
        self.workbench.place_panes(size.width)
        covered = isinstance(self.screen, TooSmall)
        if is_too_small(size) and not covered:
            self.push_screen(TooSmall())
        elif covered and not is_too_small(size):
            self.pop_screen()

    def _note_focus(self, focused: Widget | None) -> None:
        if focused is None:
            return
        context = self.context
        if context in TAB_OF:
            self.workbench.show_tab(TAB_OF[context])
            self.tab_line.set_tab(TAB_OF[context])
        self.hint_line.show_hints(context)
