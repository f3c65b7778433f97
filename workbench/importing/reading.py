"""The files that other tools' specs come in: YAML or JSON, untrusted, read into plain data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workbench.errors import UsageError
from workbench.files import clean_text

MAX_BYTES = 8 * 1024**2


def read_plain(path: Path) -> Any:
    """The plain data of a YAML or JSON file, told apart by the ending. Raises UsageError where it cannot be read."""
    name = clean_text(path.name)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{name} is too large for a spec.", f"Give a file of at most {MAX_BYTES // 1024**2} MiB.")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"There is no file {clean_text(str(path))}.", "Check the path.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8 text.", "Save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{clean_text(str(path))} cannot be read: {reason}.", "Check the path.") from error
    return _parse_json(text, name) if path.suffix.lower() == ".json" else _parse_yaml(text, name)


def _parse_json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = clean_text(str(error)) or type(error).__name__
        raise UsageError(f"{name} is not JSON: {reason}.", "Write the file again.") from None


def _parse_yaml(text: str, name: str) -> Any:
    """By the reader of specs, which bounds nesting and aliases and constructs no objects."""
    from workbench.spec.reading import read_document

    document = read_document(text)
    if document.problems:
        problem = document.problems[0]
        cause = f"Line {problem.line} of {name} cannot be read: {problem.message}"
        raise UsageError(cause, problem.hint or "Write the file again.")
    return document.data
