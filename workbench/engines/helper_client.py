"""The app's side of the helper process: one process, started on the first question, restarted after a crash or hang.

`ask` never raises for what happens over there. A question that fails, times out, or loses its process is answered by a
`HelperError`, which the screens show; the next question starts a fresh process. A process that hangs in one operation
is killed, since torch cannot be interrupted; questions that were waiting beside it are answered with an error too.
Whoever stops waiting for an answer, because its task is cancelled, has the helper cancel the operation.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.files import clean_text, make_folder

SECONDS: dict[str, float | None] = {
    "check": 20.0,
    "preview": 20.0,
    "methods": 90.0,
    "estimate": 180.0,
    "preview_models": None,  # loads models and waits for servers; it is cancelled by whoever has waited enough
    "release": None,  # waits for the preview before it
}
DEFAULT_SECONDS = 60.0

OnEvent = Callable[[dict[str, Any]], None]
COMMAND = (sys.executable, "-m", "workbench.engines.helper")
_LONGEST_LINE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HelperError:
    """Why there is no result, as two sentences. `restarted` is True where the process was lost, not the question."""

    cause: str
    solution: str
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Either `result` or `error`."""

    result: dict[str, Any] | None = None
    error: HelperError | None = None


class HelperClient:
    """Asks the helper process. To be used from one event loop."""

    def __init__(
        self,
        log: Path | None = None,
        command: Sequence[str] = COMMAND,
        seconds: Mapping[str, float | None] | None = None,
    ) -> None:
        self._log = log
        self._command = tuple(command)
        self._seconds = {**SECONDS, **(seconds or {})}
        self._link: _Link | None = None
        self._starting = asyncio.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process now in use, None where none runs."""
        return self._link.process.pid if self._link is not None and self._link.alive else None

    async def start(self) -> None:
        """Start the process ahead of the first question, so that its imports are done when it comes."""
        with contextlib.suppress(OSError, WorkbenchError):
            await self._connect()

    async def ask(self, op: str, arguments: Mapping[str, Any], on_event: OnEvent | None = None) -> Answer:
        """The helper's answer to one question; `on_event` is told what comes before it, in order.

        Cancelling the task that waits here cancels the operation.
        """
        if self._closed:
            return _fail("The helper process was closed.", "Start the app again.")
        link: _Link | None = None
        try:
            link = await self._connect()
            return await asyncio.wait_for(link.ask(op, arguments, on_event), self._seconds.get(op, DEFAULT_SECONDS))
        except TimeoutError:
            cause, solution = f"The helper process gave no answer to “{op}” and was stopped.", "Try again."
        except WorkbenchError as error:
            cause, solution = error.cause, error.solution
        except OSError as error:
            cause, solution = f"The helper process cannot be reached: {error.strerror or error}.", "Try again."
        if link is not None:
            link.kill()
        return _fail(cause, solution, restarted=True)

    async def close(self) -> None:
        """End the process by closing its stdin, or by force where that is not enough."""
        self._closed = True
        if self._link is not None:
            await self._link.close()

    async def _connect(self) -> _Link:
        async with self._starting:
            if self._link is None or not self._link.alive:
                self._link = _Link(await self._spawn())
            return self._link

    async def _spawn(self) -> asyncio.subprocess.Process:
        if self._log is None:
            return await self._execute(asyncio.subprocess.DEVNULL)
        make_folder(self._log.parent)
        with self._log.open("wb") as log:
            return await self._execute(log.fileno())

    async def _execute(self, stderr: int) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, stderr=stderr, limit=_LONGEST_LINE
        )


class _Link:
    """One process and the questions it was asked. It is never used again once it ended or was killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.alive = True
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[asyncio.Future[Answer], OnEvent | None]] = {}
        self._reading = asyncio.create_task(self._read())

    async def ask(self, op: str, arguments: Mapping[str, Any], on_event: OnEvent | None = None) -> Answer:
        """Send one question and wait for its answer. Raises OSError where the process cannot be written to."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        number = next(self._numbers)
        self._waiting[number] = future, on_event
        try:
            assert self.process.stdin is not None
            self._send(number, op, arguments)
            await self.process.stdin.drain()
            return await future
        except asyncio.CancelledError:
            if self.alive:
                self._send(next(self._numbers), "cancel", {"id": number})
            raise
        finally:
            self._waiting.pop(number, None)

    def _send(self, number: int, op: str, arguments: Mapping[str, Any]) -> None:
        question = json.dumps({"id": number, "op": op, "arguments": dict(arguments)}, ensure_ascii=False) + "\n"
        assert self.process.stdin is not None
        self.process.stdin.write(question.encode(errors="replace"))

    def kill(self) -> None:
        """End the process at once; whoever still waits for it is answered with an error."""
        self.alive = False
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def close(self) -> None:
        """Close the process's stdin and see it end."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            await asyncio.wait_for(asyncio.shield(self._reading), 2.0)
        except TimeoutError:
            self.kill()
            await self._reading

    async def _read(self) -> None:
        """Hand out answers until the process ends, then tell everyone who still waits for it."""
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError, OSError):  # ValueError: a line beyond the limit, the stream is lost
            async for line in self.process.stdout:
                self._deliver(line)
        self.alive = False
        try:
            code = await asyncio.wait_for(self.process.wait(), 1.0)
        except TimeoutError:
            self.kill()
            code = await self.process.wait()
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_result(_fail(f"The helper process ended {how}.", "Try again.", restarted=True))

    def _deliver(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            future, on_event = self._waiting[message["id"]]
        except (ValueError, TypeError, KeyError):
            return
        if future.done():
            return
        event = message.get("event")
        if event is not None:
            if on_event is not None:
                asyncio.get_running_loop().call_soon(on_event, event)  # what it raises must not end the reading
            return
        error = message.get("error")
        if error is None:
            future.set_result(Answer(result=message.get("result") or {}))
        else:
            future.set_result(_fail(clean_text(str(error.get("cause"))), clean_text(str(error.get("solution")))))


def _fail(cause: str, solution: str, restarted: bool = False) -> Answer:
    return Answer(error=HelperError(cause, solution, restarted))
