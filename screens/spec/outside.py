"""The spec in the user's own editor, while the app steps aside."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from workbench.errors import WorkbenchError


def edit_outside(app: App[Any], text: str) -> str:
    """The text as $VISUAL or $EDITOR (else vi) left it. Raises WorkbenchError where the editor cannot be run."""
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        command = shlex.split(wanted) or ["vi"]
    except ValueError:
        command = [wanted]
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        file = Path(folder) / "spec.yaml"
        file.write_text(text, "utf-8")
        try:
            with app.suspend():
                code = subprocess.run([*command, str(file)], check=False).returncode
        except OSError as error:
            raise WorkbenchError(
                f"The editor “{command[0]}” cannot be started.", "Set EDITOR to one you have."
            ) from error
        except SuspendNotSupported as error:
            raise WorkbenchError("The app cannot step aside in this terminal.", "Edit the file elsewhere.") from error
        if code != 0:
            raise WorkbenchError(f"The editor “{command[0]}” ended with {code}.", "The text is as it was before.")
        return file.read_text("utf-8", errors="replace")
