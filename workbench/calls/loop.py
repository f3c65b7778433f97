"""The event loop of all calls to endpoints: one thread beside the work, started with the first call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_starting = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def start(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Run `work` on the loop. Cancelling the future cancels it."""
    global _loop
    with _starting:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="calls", daemon=True).start()
    return asyncio.run_coroutine_threadsafe(work, _loop)
