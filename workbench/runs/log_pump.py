"""What a run prints goes through a pipe to a small process of its own, which writes log.txt.

Why a process: it sees everything, also what C libraries and child processes write; it takes secrets out; it bounds the
file; and it outlives a segmentation fault, whose last words are the ones that matter. It is forked before anything
heavy is imported, so it shares its memory with the run, and it ends when the last writer has closed the pipe.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn, TextIO

from workbench.files import explain_os_error
from workbench.secrets import Redactor

CHUNK = 65_536
ROTATE_BYTES = 64 * 2**20  # log.txt then becomes log.1.txt; a run keeps at most twice this
PARTIAL_SECONDS = 0.5  # an unfinished line is written after this long


class LogPump:
    """Standard output and error of this process, redirected into `path` from construction to `finish`."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        try:
            log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise explain_os_error(error, path) from error
        source, sink = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self._process = os.fork()
        if self._process == 0:
            os.close(sink)
            _pump_and_exit(source, log, path, redactor)
        os.close(source)
        os.close(log)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        os.close(sink)
        # New streams: the old ones may have been made for a file, and a pipe cannot seek.
        sys.stdout = _open_stream(1)
        sys.stderr = _open_stream(2)

    def finish(self, wait: float = 3.0) -> None:
        """Close this process's side and wait until the log is complete, or a child keeps the pipe open too long."""
        sys.stdout.flush()
        sys.stderr.flush()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        os.close(nothing)
        deadline = time.monotonic() + wait
        with contextlib.suppress(ChildProcessError):  # the work may have waited for all its children itself
            while os.waitpid(self._process, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
                time.sleep(0.01)


def _open_stream(handle: int) -> TextIO:
    return open(handle, "w", 1, "utf-8", "backslashreplace", closefd=False)


def _pump_and_exit(source: int, log: int, path: Path, redactor: Redactor) -> NoReturn:
    # In a process group of its own it survives the SIGKILL of the run's group and writes what was printed before.
    os.setpgid(0, 0)
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    try:
        _pump(source, _Log(log, path), redactor)
    finally:
        os._exit(0)


def _pump(source: int, log: _Log, redactor: Redactor) -> None:
    buffer = b""
    while True:
        if buffer and not select.select([source], [], [], PARTIAL_SECONDS)[0]:
            log.write(redactor.redact_bytes(buffer))
            buffer = b""
        chunk = os.read(source, CHUNK)
        if not chunk:
            log.write(redactor.redact_bytes(buffer))
            return
        buffer += chunk
        cut = max(buffer.rfind(b"\n"), buffer.rfind(b"\r")) + 1
        if not cut and len(buffer) > CHUNK:
            # A line without end: what may be the beginning of a secret waits for its rest.
            buffer = redactor.redact_bytes(buffer)
            cut = len(buffer) - redactor.longest
        if cut > 0:
            log.write(redactor.redact_bytes(buffer[:cut]))
            buffer = buffer[cut:]


class _Log:
    """The open log file. A full disk loses lines, never the run: the pipe is drained all the same."""

    def __init__(self, handle: int, path: Path) -> None:
        self._handle = handle
        self._path = path
        self._size = os.fstat(handle).st_size
        self._lost = 0

    def write(self, data: bytes) -> None:
        """Append `data`; what cannot be written is counted, and the count is written once there is room again."""
        if self._lost:
            data = f"[{self._lost} bytes of the log could not be written]\n".encode() + data
        try:
            while data:
                count = os.write(self._handle, data)
                self._size += count
                data = data[count:]
                self._lost = 0
            if self._size > ROTATE_BYTES:
                self._rotate()
        except OSError:
            self._lost += len(data)

    def _rotate(self) -> None:
        self._path.replace(self._path.with_name("log.1.txt"))
        os.close(self._handle)
        self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = 0
