"""How the app ends: on request, or because the terminal or the system takes it away. Runs go on in every case."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
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

    Textual would die on the first SIGHUP and lose what is typed. A terminal that is gone may keep it from ending, so
    the process leaves by itself after a while.
    """
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        keep_draft()
        loop.call_later(GOODBYE_SECONDS, os._exit, 128 + number)
        app.exit(return_code=128 + number)

    for number in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)
