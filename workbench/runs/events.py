"""events.jsonl: what happened to a run and when, one line each: changes of state, stages, alerts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from workbench.files import append_json_line


def append_event(folder: Path, event: str, **fields: Any) -> None:
    """Append an event with the time in seconds since 1970. `fields` must be JSON-ready."""
    append_json_line(folder / "events.jsonl", {"time": round(time.time(), 3), "event": event, **fields})
