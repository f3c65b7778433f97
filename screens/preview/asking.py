"""What is asked about the first rows beside the rows themselves: models to write them, and checks of their quality.

One question of each to the helper at a time, cancelled when nobody wants it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from screens.asking import NewestOnly
from screens.preview.pane import PreviewPane
from workbench.engines.helper_client import Answer, HelperClient

Arguments = Mapping[str, Any]


class ModelAsking:
    """Asks `preview_models` for a pane, and hands the answer, with what was asked, to `deliver`."""

    def __init__(self, helper: HelperClient, pane: PreviewPane, deliver: Callable[[Arguments, Answer], None]) -> None:
        self._helper = helper
        self._pane = pane
        self._deliver = deliver
        self._task: asyncio.Task[None] | None = None
        self._asked: Arguments = {}

    @property
    def is_busy(self) -> bool:
        """Whether the models are being asked."""
        return self._task is not None

    def start(self, arguments: Arguments) -> None:
        """Ask, in place of what is being asked."""
        self.cancel()
        self._asked = arguments
        self._pane.begin_asking()
        self._task = asyncio.create_task(self._ask(arguments))

    def cancel(self) -> None:
        """Ask no more, and hear no more of it."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._pane.end_asking()

    def cancel_unless_about(self, text: str) -> None:
        """The same where they are asked for another text of the spec than this."""
        if self._asked.get("text") != text:
            self.cancel()

    async def _ask(self, arguments: Arguments) -> None:
        own = asyncio.current_task()

        def tell(event: dict[str, Any]) -> None:
            if self._task is own:  # an event may still be on its way when the question is cancelled
                self._pane.show_event(event)

        answer = await self._helper.ask("preview_models", arguments, tell)
        self._task = None
        self._pane.end_asking()
        self._deliver(arguments, answer)


class RowChecking:
    """Asks `check_rows` for the spec whose rows a pane shows, and tells the pane."""

    def __init__(self, helper: HelperClient, pane: PreviewPane) -> None:
        self._pane = pane
        self._newest = NewestOnly(helper, "check_rows", self._deliver)
        self._text = ""

    def want(self, arguments: Arguments) -> None:
        """Check the spec that the rows were asked by."""
        self._text = arguments["text"]
        self._newest.want({key: arguments[key] for key in ("text", "folder", "workspace")})

    def cancel(self) -> None:
        """Ask no more."""
        self._newest.cancel()

    def _deliver(self, asked: Arguments, answer: Answer) -> None:
        if answer.result is not None and asked["text"] == self._text and self._pane.is_attached:
            self._pane.show_checks(answer.result)
