"""Asking an endpoint: as many calls at once as it takes, faults retried, and a breaker that stops with a clear message.

A row loses a try only to the endpoint's own fault while others are answered; where nobody is, the endpoint is down, and
after a while the run stops instead of losing row after row. A row never fails because the server is busy.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any
from weakref import WeakKeyDictionary

from workbench.calls import loop
from workbench.calls.asking import Asking, Job
from workbench.calls.flow import Flow, Turn
from workbench.calls.local import explain_fatal
from workbench.calls.spending import bound_cost
from workbench.errors import StopRequested, WorkbenchError
from workbench.files import clean_text
from workbench.providers.provider import CallError, EndpointConfig, EndpointProvider, Provider
from workbench.providers.requests import Answer, TextRequest

MAX_FAULTS = 5
"""Faults of a row while other rows are answered."""

MAX_FAULTS_ALONE = 10
"""Faults of a row while none is answered: some two minutes with the pauses between."""

SECONDS_DOWN = 120.0
"""An endpoint that answered nobody for so long, and failed several rows, is down."""

SECONDS_NEVER_UP = 15.0
"""The same for an endpoint that has not answered anybody yet: most likely nothing runs there."""

SECONDS_BUSY = 900.0
"""An endpoint that only said it is busy for so long is given up."""

LONGEST_WAIT = 900.0
"""Seconds that a server may ask to stay away; more is a quota for the day, and the run stops."""

_STREAK = 25
"""Rows in a row that were refused as wrong: then the model or its settings are wrong, not the rows."""

_LONGEST_PAUSE = 30.0

_flows: WeakKeyDictionary[Provider, Flow] = WeakKeyDictionary()
"""What was learned of each endpoint stays for its next column and block."""


def ask_remote(asking: Asking[Any]) -> None:
    """Answer all open rows. Raises StopRequested, GateError and WorkbenchError as `ask` does."""
    session = asking.session
    drive = _Drive(asking)
    work = loop.start(drive.run())
    while True:
        try:
            work.result(timeout=0.1)
            return
        except FutureTimeout:
            if work.done():  # a TimeoutError of the work itself
                raise
            if session.should_stop():
                drive.stopping = True
            session.on_progress()
        except CallError as error:
            raise explain_fatal(asking, error) from error


class _Drive:
    """All calls of one `ask_remote`, on the loop of calls."""

    def __init__(self, asking: Asking[Any]) -> None:
        self.asking = asking
        self.session = asking.session
        provider, config = asking.model.provider, asking.model.config
        assert isinstance(provider, EndpointProvider)
        self.provider = provider
        self.timeout = config.timeout if isinstance(config, EndpointConfig) else 300.0
        most = config.max_parallel_requests if isinstance(config, EndpointConfig) else 128
        self.flow = _flows.setdefault(provider, Flow(most))
        self.flow.last_success = max(self.flow.last_success, time.monotonic() - 1.0)
        self.stopping = False
        self.refused_streak = 0
        self.down: dict[int, str] = {}
        """Rows that met a fault since the last answer, with what was said."""
        self.tasks: set[asyncio.Task[None]] = set()
        self.error: BaseException | None = None

    async def run(self) -> None:
        """Start the calls in the order of the rows, and wait for all."""
        try:
            for job in list(self.asking.open.values()):
                begun = await self._begin(job)
                if begun is None:
                    break
                task = asyncio.create_task(self._work(job, *begun))
                self.tasks.add(task)
                task.add_done_callback(self._end)
            await self._drain()
        except BaseException as error:
            self.error = self.error or error
            await self._drain()
            raise
        if self.error is not None:
            raise self.error
        if self.stopping:
            raise StopRequested

    def _end(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.error = self.error or error

    async def _drain(self) -> None:
        """Wait for the calls under way: to the end, or for a while once something stopped the rest."""
        since: float | None = None
        while self.tasks:
            await asyncio.wait(self.tasks, timeout=0.1)
            if not self._ends:
                continue
            since = since or time.monotonic()
            if time.monotonic() - since > self.session.drain_seconds:
                for task in list(self.tasks):
                    task.cancel()
                await asyncio.wait(self.tasks)

    async def _begin(self, job: Job) -> tuple[Turn, float] | None:
        """Wait for a turn, and set money aside for the most that a call can cost; None where everything stops."""
        price = self.asking.model.price
        most = 0.0 if price is None else bound_cost(price.rates, self.asking.model.config, job.request)
        turn = await self.flow.take_turn()
        try:
            while not self._ends and not self.session.budget.try_reserve(most):
                await asyncio.sleep(0.02)  # calls under way may leave some of what is set aside for them
        except BaseException:
            self.flow.end_turn()
            raise
        if self._ends:
            self.flow.end_turn()
            return None
        return turn, most

    @property
    def _ends(self) -> bool:
        return self.stopping or self.error is not None

    async def _work(self, job: Job, turn: Turn, reserved: float) -> None:
        """All tries of a row. It holds a turn when it begins, and between its pauses."""
        while True:
            self.session.in_flight += 1
            cost = 0.0
            try:
                pause, cost = await self._call(job, turn)
            finally:
                self.session.in_flight -= 1
                self.session.budget.settle(reserved, cost)
                self.flow.end_turn()
            if pause is None:
                return
            await self._rest(pause)
            begun = await self._begin(job)
            if begun is None:
                return
            turn, reserved = begun

    async def _rest(self, seconds: float) -> None:
        """Pause, but not when everything stops."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._ends:
            await asyncio.sleep(min(left, 0.2))

    async def _call(self, job: Job, turn: Turn) -> tuple[float | None, float]:
        """One call. Returns the seconds to pause before the row's next one, None if there is none, and its cost."""
        try:
            answer = await asyncio.wait_for(self._ask(job), self.timeout)
        except CallError as error:
            return self._note_error(job, turn, error), 0.0
        except TimeoutError:
            late = CallError("timeout", f"no answer in {self.timeout:g} seconds")
            return self._note_error(job, turn, late), 0.0
        self.flow.note_success()
        self.down.clear()
        self.refused_streak = 0
        cost = self.asking.price(answer)
        store = self.session.store
        if store is not None:
            await asyncio.wrap_future(store.put(self.asking.keep(job, answer, cost)))
        # Beside the loop, which other answers wait for: code that was written may be run here.
        judged = await asyncio.to_thread(self.asking.judge, job, answer)
        done = self.asking.settle(job, answer, cost, judged, reused=False)
        return None if done else 0.0, cost or 0.0

    async def _ask(self, job: Job) -> Answer:
        request = self.asking.find_request(job)
        on_text = self.session.on_text
        if on_text is None or not isinstance(request, TextRequest):
            return await self.provider.answer(request)
        return await self.provider.stream(request, lambda text: on_text(self.asking.place, job.row, text))

    def _note_error(self, job: Job, turn: Turn, error: CallError) -> float | None:
        if error.kind == "fatal":
            raise error
        if error.kind == "busy":
            return self._note_busy(turn, error)
        if error.kind in ("request", "refused"):
            self.asking.fail_by(job, error)
            self.refused_streak += error.kind == "request"
            if self.refused_streak >= _STREAK:
                raise self._explain_break(f"it refused {_STREAK} requests one after the other", error.message)
            return None
        job.faults += 1
        self.flow.note_fault()
        self.down[job.row] = error.message
        quiet = time.monotonic() - self.flow.last_success
        others = quiet < 5.0  # others are being answered
        if job.faults >= (MAX_FAULTS if others else MAX_FAULTS_ALONE):
            job.faults -= 1
            self.asking.fail_by(job, error)
            return None
        most = SECONDS_DOWN if self.flow.has_answered else SECONDS_NEVER_UP
        if quiet > most and len(self.down) >= min(3, len(self.asking.results)):
            raise self._explain_break(f"it has answered nobody for {quiet:.0f} seconds", error.message)
        return min(_LONGEST_PAUSE, 0.3 * float(2**job.faults)) * random.uniform(0.5, 1.5)  # noqa: S311

    def _note_busy(self, turn: Turn, error: CallError) -> float:
        quiet = time.monotonic() - self.flow.last_success
        if error.retry_after is not None and error.retry_after > LONGEST_WAIT:
            raise self._explain_break(f"it asks to wait {error.retry_after / 60:.0f} minutes", error.message)
        if quiet > SECONDS_BUSY:
            raise self._explain_break(f"it has been busy for {quiet / 60:.0f} minutes", error.message)
        return self.flow.note_busy(turn, error.retry_after)

    def _explain_break(self, what: str, said: str) -> WorkbenchError:
        told = clean_text(self.session.redact(said)).rstrip(".")[:200]
        name = self.asking.model.name
        return WorkbenchError(
            f"The model “{name}” was given up: {what}. It said: {told}.",
            "Check the endpoint and generate again, or resume the run: all answers so far are kept and cost nothing.",
        )


async def close_all(providers: list[Provider]) -> None:
    """Close the connections of endpoints."""
    for provider in providers:
        if isinstance(provider, EndpointProvider):
            with contextlib.suppress(Exception):
                await provider.close()
