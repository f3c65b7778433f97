"""Unsaved text of the editor on disk, so that a lost connection or a killed app loses at most a second of typing.

A draft belongs to the spec's path, or to the workspace for a spec that has no file yet. It is written a second after
the last edit and on SIGHUP and SIGTERM, restored when the spec is opened again, and removed when it is saved.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from screens.places import state_folder
from workbench.errors import WorkbenchError
from workbench.files import write_json


def find_draft_file(owner: Path) -> Path:
    """Where the draft of `owner` (a spec's path or the workspace's folder) is kept."""
    digest = hashlib.sha256(str(owner.absolute()).encode(errors="surrogateescape")).hexdigest()[:16]
    return state_folder() / "drafts" / f"{digest}.json"


def write_draft(owner: Path, text: str) -> bool:
    """Keep `text`; whether that was possible (a full disk must not end the app)."""
    try:
        write_json(find_draft_file(owner), {"spec": str(owner), "text": text})
    except (WorkbenchError, ValueError):
        return False
    return True


def read_draft(owner: Path) -> str | None:
    """The text kept for `owner`, None where there is none that can be read."""
    try:
        kept = json.loads(find_draft_file(owner).read_text("utf-8"))
        text = kept["text"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return text if isinstance(text, str) else None


def drop_draft(owner: Path) -> None:
    """Forget the draft of `owner`."""
    with contextlib.suppress(OSError):
        find_draft_file(owner).unlink(missing_ok=True)
