"""A real program in a pseudo-terminal of a given size, its screen read by pyte. Linux."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence

import pyte

# Private sequences that pyte would print as text.
_PRIVATE = re.compile(rb"\x1b\[[<>=?][0-9;]*[A-Za-z]|\x1b\[[0-9;?]*\$[a-z]")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-9;<>=?$]*)?$")
_ASKS_SYNC = b"\x1b[?2026$p"
_HAS_SYNC = b"\x1b[?2026;2$y"


class Tty:
    """One program in one terminal. `screen` is what a user would see."""

    def __init__(
        self, command: Sequence[str], columns: int = 80, rows: int = 24, environment: Mapping[str, str] | None = None
    ) -> None:
        self.code: int | None = None
        self.sent = 0  # bytes that came from the program
        self._rest = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._started = time.monotonic()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.read(0, 1)  # until the size is set
            # An explicit environment: readline, which pytest imports, puts LINES and COLUMNS behind os.environ's back.
            own = {name: value for name, value in os.environ.items() if name not in ("LINES", "COLUMNS")}
            own |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})}
            os.execvpe(command[0], list(command), own)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.write(self._terminal, b"\n")

    @property
    def screen(self) -> str:
        """The screen as lines of text."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, keys: str | bytes) -> None:
        """Send keys."""
        os.write(self._terminal, keys.encode() if isinstance(keys, str) else keys)

    def read(self, seconds: float = 0.05) -> int:
        """Take what the program writes within `seconds`; the number of bytes."""
        before = self.sent
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self._terminal], [], [], left)[0]:
                break
            try:
                data = os.read(self._terminal, 65536)
            except OSError:  # the program has ended
                break
            if not data:
                break
            if _ASKS_SYNC in data:
                os.write(self._terminal, _HAS_SYNC)
            self.sent += len(data)
            data = self._rest + data
            unfinished = _UNFINISHED.search(data)
            self._rest = data[unfinished.start() :] if unfinished else b""
            self._stream.feed(_PRIVATE.sub(b"", data[: len(data) - len(self._rest)]))
        return self.sent - before

    def until(self, condition: Callable[[], object], limit: float = 60.0) -> float:
        """Read until the condition holds; seconds since the program started. The limit ends a test that would hang."""
        deadline = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < deadline, f"the condition never became true on:\n{self.screen}"
            self.read(0.02)
        return time.monotonic() - self._started

    def sees(self, *words: str) -> float:
        """Read until all of these are on the screen; seconds since the program started."""
        return self.until(lambda: all(word in self.screen for word in words))

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does: the program gets SIGHUP."""
        os.close(self._terminal)

    def has_ended(self) -> bool:
        """Whether the program has ended; then `code` is its exit code, negative for a signal."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def wait_for_end(self, limit: float = 30.0) -> int:
        """The exit code, once the program has ended by itself."""
        deadline = time.monotonic() + limit
        while not self.has_ended():
            assert time.monotonic() < deadline, "the program did not end"
            try:
                self.read(0.02)
            except (OSError, ValueError):  # the terminal was hung up
                time.sleep(0.01)
        assert self.code is not None
        return self.code

    def close(self) -> None:
        """End the program by force where it still runs."""
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.code = -signal.SIGKILL
