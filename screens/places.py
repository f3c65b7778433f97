"""Where the app keeps what belongs to the user and to no workspace: drafts, its helper's log (XDG base directories)."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder() -> Path:
    """`$XDG_STATE_HOME/workbench`, by default `~/.local/state/workbench`. It may not exist yet."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "state") / "workbench"
