"""The question before a run is stopped; the harmless answer is the one under the cursor."""

from __future__ import annotations

from rich.text import Text

from screens.dialogs.choice import Choice, ChoiceDialog
from workbench.files import clean_text


def ask_stop(run: str, title: str) -> ChoiceDialog:
    """A dialog that returns `stop` where the run shall be stopped."""
    body = Text(f"{clean_text(title)} ({run}) writes a checkpoint and ends. r resumes it from there.")
    return ChoiceDialog("Stop this run?", body, [Choice("n", "No", "no"), Choice("y", "Yes, stop it", "stop")])
