"""How the app ends: on request, or because the terminal or the system takes it away. Runs go on in every case."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from rich.text import Text
from textual.app import App

from screens.dialogs.choice import Choice, ChoiceDialog

GOODBYE_SECONDS = 2.0


def ask_quit(label: str, has_file: bool, active_runs: int) -> ChoiceDialog:
    """The question about unsaved text. Returns `save`, `draft`, or None to stay."""
    body = Text(f"{label} has unsaved edits. A draft keeps them, and they are back when it is opened next time.\n")
    runs = f"{active_runs} active runs go on" if active_runs > 1 else "Runs go on"
    body.append(f"{runs} in the background.", style="bold")
    choices = [Choice("d", "Draft and quit", "draft"), Choice("escape", "Stay", "stay")]
    if has_file:
        choices.insert(0, Choice("s", "Save and quit", "save"))
    return ChoiceDialog("Quit?", body, choices)


def catch_signals(app: App[Any], keep_draft: Callable[[], None]) -> None:
    """End in order on SIGHUP (the connection is lost) and SIGTERM: first the draft, then the screen.

    Textual would die on the first SIGHUP and lose what is typed. The handler is one of Python's and not of the event
    loop's, which may hang in a write to the terminal that is gone; for the same reason a thread sees to the end.
    """
    loop = asyncio.get_running_loop()

    def end(number: int, frame: FrameType | None) -> None:
        failsafe = threading.Timer(GOODBYE_SECONDS, os._exit, (128 + number,))
        failsafe.daemon = True
        failsafe.start()
        keep_draft()
        loop.call_soon_threadsafe(lambda: app.exit(return_code=128 + number))

    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, end)
