"""Questions of which only the newest matters: a preview while somebody types, an estimate while figures are changed.

One is with the helper at a time; those that come meanwhile replace one another, and the last is asked next. So a slow
answer never builds a queue, and an answer to an older text is shown only until the next comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from workbench.engines.helper_client import Answer, HelperClient

Arguments = Mapping[str, Any]


class NewestOnly:
    """Asks `op` of the helper and hands each answer, with what was asked, to `deliver`."""

    def __init__(self, helper: HelperClient, op: str, deliver: Callable[[Arguments, Answer], None]) -> None:
        self._helper = helper
        self._op = op
        self._deliver = deliver
        self._wanted: Arguments | None = None
        self._task: asyncio.Task[None] | None = None
        self._asking = False

    @property
    def is_busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._asking or self._wanted is not None

    def want(self, arguments: Arguments) -> None:
        """Ask this next."""
        self._wanted = arguments
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ask())

    def cancel(self) -> None:
        """Ask no more."""
        self._wanted = None
        if self._task is not None:
            self._task.cancel()

    async def _ask(self) -> None:
        while self._wanted is not None:
            arguments, self._wanted = self._wanted, None
            self._asking = True
            try:
                answer = await self._helper.ask(self._op, arguments)
            finally:
                self._asking = False
            self._deliver(arguments, answer)
