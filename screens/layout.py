"""Where the panes stand. Narrow terminals show one tab at a time, wide ones spec, preview, method and monitor together.

All arranging is done by the stylesheet from two classes of the workbench: the chosen tab, and `-wide`.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widget import Widget

from screens.actions import Context

WIDE = 160
MEDIUM = 100
TAB_OF: dict[str, str] = {"spec": "1", "preview": "1", "method": "2", "monitor": "3", "runs": "4"}
FIRST_OF: dict[str, Context] = {"1": "spec", "2": "method", "3": "monitor", "4": "runs"}


class Workbench(Container):
    """Holds the panes; `tab` is the digit of the tab in front."""

    def __init__(self, left: Iterable[Widget]) -> None:
        super().__init__(id="workbench")
        self._left = Vertical(*left, id="left")
        self._right = Vertical(id="right")
        self.tab = "1"

    def compose(self) -> ComposeResult:
        """The panes seen first; the others join by `add_right`."""
        yield self._left
        yield self._right

    def on_mount(self) -> None:
        """Arrange."""
        self.show_tab(self.tab)

    async def add_right(self, panes: Iterable[Widget]) -> None:
        """Add the panes of the right side."""
        await self._right.mount_all(list(panes))

    def show_tab(self, tab: str) -> None:
        """Bring a tab to the front; in a wide workbench all but the runs stand beside one another anyway."""
        self.tab = tab
        for key in FIRST_OF:
            self.set_class(key == tab, f"-tab-{key}")

    def place_panes(self, width: int) -> None:
        """Follow the width of the terminal."""
        self.set_class(width >= WIDE, "-wide")
        self.set_class(MEDIUM <= width < WIDE, "-medium")

    def is_shown(self, context: str) -> bool:
        """Whether the pane of this context is seen."""
        wide = self.has_class("-wide") and self.tab != "4" and context != "runs"
        return wide or TAB_OF[context] == self.tab

    def list_shown(self) -> list[str]:
        """The contexts that are seen, in the order in which tab goes through them."""
        return [context for context in TAB_OF if self.is_shown(context)]
