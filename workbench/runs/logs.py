"""Following a log: the newest part first, whole lines, safe to print.

Every read is bounded, so that a log of gigabytes or one that grows faster than it can be shown blocks nobody.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from workbench.files import clean_text
from workbench.progress import Level

FIRST_BYTES = 4 * 2**20
READ_BYTES = 256 * 2**10
BATCH_LINES = 1_000
LONGEST_LINE = 2_000  # characters shown of a line


def format_line(message: str, level: Level = "info") -> str:
    """A message as it stands in the log, with local time and level; further lines of it are indented."""
    indented = message.replace("\n", "\n    ")
    return f"{time.strftime('%Y-%m-%d %H:%M:%S')} {level.upper():7} {indented}\n"


class LogTail:
    """Follows one file by offset, through truncation and rotation (a new file under the same name)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None
        self._inode = -1
        self._offset = 0
        self._rest = b""  # what stands after the last newline
        self._skipping = False  # inside a line that was cut already
        self._waiting: list[bytes] = []  # lines read but not yet given

    def read_new(self) -> list[str]:
        """The next lines, at most `BATCH_LINES`; empty once there are none for now. A missing file has none.

        A last line without its newline waits for it: `read_rest` gives it at the end.
        """
        while len(self._waiting) < BATCH_LINES:
            chunk = self._read_chunk()
            if not chunk:
                break
            *lines, rest = (self._rest + chunk).split(b"\n")
            if self._skipping and lines:
                del lines[0]
                self._skipping = False
            if self._skipping:
                rest = b""
            elif len(rest) > READ_BYTES:
                lines.append(rest)
                rest, self._skipping = b"", True
            self._rest = rest
            self._waiting += lines
        batch, self._waiting = self._waiting[:BATCH_LINES], self._waiting[BATCH_LINES:]
        return [_show(line) for line in batch]

    def read_rest(self) -> list[str]:
        """The last line if it has no newline, for use once the run has ended."""
        rest, self._rest = self._rest, b""
        return [_show(rest)] if rest else []

    def close(self) -> None:
        """Close the file; reading again begins at the newest part."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _read_chunk(self) -> bytes:
        if self._handle is None and not self._open(FIRST_BYTES):
            return b""
        chunk = self._pread()
        if chunk:
            return chunk
        try:
            now = self.path.stat()
        except OSError:
            return b""
        if now.st_ino != self._inode:  # rotated, and the old file is read to its end
            self.close()
            self._end_line()
            return self._pread() if self._open(None) else b""
        if now.st_size < self._offset:  # truncated
            self._end_line()
            self._offset = 0
            return self._pread()
        return b""

    def _open(self, newest: int | None) -> bool:
        try:
            self._handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        found = os.fstat(self._handle)
        self._inode, self._offset = found.st_ino, 0
        if newest is not None and found.st_size > newest:
            self._offset = found.st_size - newest
            self._skipping = True  # the line in whose middle this begins
        return True

    def _pread(self) -> bytes:
        if self._handle is None:
            return b""
        try:
            chunk = os.pread(self._handle, READ_BYTES, self._offset)
        except OSError:
            return b""
        self._offset += len(chunk)
        return chunk

    def _end_line(self) -> None:
        if self._rest:
            self._waiting.append(self._rest)
        self._rest, self._skipping = b"", False


def _show(line: bytes) -> str:
    # A progress bar redraws its line with carriage returns: the last drawing counts. The first cut bounds the work of
    # the cleaning, and leaves room for characters of four bytes and for escapes.
    drawn = line.rstrip(b"\r").rpartition(b"\r")[2][: 16 * LONGEST_LINE]
    text = drawn.decode("utf-8", "replace").expandtabs(4)
    if not text.isprintable():
        text = clean_text(text)
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "…"
