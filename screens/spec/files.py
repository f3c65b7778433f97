"""Specs on disk as the pane uses them: reading with a reason where it fails, and the list to choose from."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from screens.dialogs.choice import Choice, ChoiceDialog
from workbench.errors import UsageError, WorkbenchError
from workbench.workspace import Workspace

LARGEST = 4_000_000


def read_spec(path: Path) -> str:
    """The text of the file, "" where it does not exist yet. Raises UsageError where it cannot be read or edited."""
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder.", "Give the path of a YAML file.")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no regular file.", "Give the path of a YAML file.")
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is too large for a spec.", "Move data to a file of its own.")
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}).", "Save it as UTF-8.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions.") from error


def list_specs(workspace: Workspace) -> list[Path]:
    """YAML files of the workspace, the ones changed last first."""
    try:
        found = [path for path in workspace.specs.glob("*.y*ml") if path.is_file()]
        return sorted(found, key=lambda path: (-path.stat().st_mtime, path.name))
    except OSError:
        return []


def changed_on_disk(path: Path, known: str) -> bool:
    """Whether the file has another text than it had when it was read or written here."""
    try:
        return path.exists() and read_spec(path) != known
    except WorkbenchError:
        return False


def ask_overwrite(path: Path) -> ChoiceDialog:
    """The question before another program's change is lost. Returns `overwrite`, `load`, or `cancel`."""
    body = Text(f"{path} was changed by another program since it was opened here.")
    choices = [
        Choice("escape", "Cancel", "cancel"),
        Choice("o", "Overwrite it", "overwrite"),
        Choice("l", "Load it; ^z brings back this text", "load"),
    ]
    return ChoiceDialog("The file has changed", body, choices)
