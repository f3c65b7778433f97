"""Writing files so that a crash leaves the old content or the new, never half of it, and names that stay inside.

Whole files are written by temporary file, fsync and rename; logs are appended line by line and their readers drop a
torn last line. Folders are made for the user alone (0700), since specs and data may be confidential.
"""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.errors import UsageError, WorkbenchError

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[P^_X][^\x1b]*(?:\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b.?"
)


def make_folder(path: Path) -> Path:
    """Make `path` and its parents, readable by the user alone; an existing folder keeps its mode."""
    try:
        for folder in reversed([path, *path.parents]):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        path.mkdir(exist_ok=True)  # raises where a file stands in the way
    except OSError as error:
        raise explain_os_error(error, path) from error
    return path


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replace `path` by `content` in one step that survives a crash: temporary file, fsync, rename."""
    data = content.encode() if isinstance(content, str) else content
    make_folder(path.parent)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise explain_os_error(error, path) from error


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_atomic(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def append_json_line(path: Path, value: Any) -> None:
    """Append one JSON object as a line, in a single write, so that concurrent readers see whole lines but the last."""
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
    try:
        with path.open("ab") as file:
            file.write(line.encode())
    except OSError as error:
        raise explain_os_error(error, path) from error


def read_json_lines(path: Path) -> Iterator[Any]:
    """Yield the objects of a JSON-lines file; a torn or damaged line is skipped, a missing file yields nothing."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                continue


def check_name(name: str, what: str) -> str:
    """Return `name` if it is safe as the name of one folder, else raise `UsageError`; `what` names its role."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(
            f"“{clean_text(name)}” cannot be the name of a {what}.",
            "Use letters, digits, “_”, “-” and “.”, starting with a letter or digit, without “/”.",
        )
    return name


def clean_text(text: str, *, keep_newlines: bool = False) -> str:
    """Make untrusted text safe to print: no terminal escapes, no control or direction-changing characters."""
    if text.isprintable():
        return text
    text = _ESCAPES.sub("", text)
    return "".join(
        character
        for character in text
        if (keep_newlines and character in "\n\t") or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}
    )


def explain_os_error(error: OSError, path: Path) -> WorkbenchError:
    """Turn an operating-system error on `path` into two sentences."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WorkbenchError(f"No disk space left to write {path}.", "Free space or choose another --workspace.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return WorkbenchError(
            f"No permission to write {path}.", "Choose a --workspace you own, or change its permissions."
        )
    reason = error.strerror or type(error).__name__
    return WorkbenchError(f"{path} cannot be used: {reason}.", "Check the path and try again.")
