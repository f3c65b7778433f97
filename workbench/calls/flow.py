"""How many calls an endpoint is asked at once, and how often: found by trying, since no server says it.

The number of calls in flight grows while that brings more answers a second, and is cut where the server says it is busy
or fails: additive increase, multiplicative decrease (Chiu and Jain, Analysis of the Increase and Decrease Algorithms,
1989), with a fast start. A server that counts calls a minute is met by a pace: between two times that it says it is
busy it accepted as many calls as it allows, so their number over that time is the rate to keep to. The pace then grows
slowly, and faster the longer nothing is refused, so that a limit that was lifted is found. A server that says for
how long to stay away is believed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

START = 8.0
"""Calls in flight at the beginning: few enough for a small server, and doubled with each round that goes well."""

_GAIN = 1.03  # answers a second that a larger number must bring to be kept
_STEP = 1.1  # growth of the number after the fast start, so that its gain shows
_CUT = 0.7
_REST = 5  # rounds between two trials
_LONGEST_BACKOFF = 60.0
_PROBE = 0.002  # growth of the pace in a second
_PROBE_SECONDS = 15.0  # after which it grows twice as fast, after twice as long five times as fast


_CATCH_UP = 0.05  # seconds for which calls that were held up may follow one another at once


@dataclass(slots=True)
class Turn:
    """What the turns between two refusals have in common: `accepted` calls started then and were not refused."""

    start: float | None
    end: float | None = None
    accepted: int = 0

    def find_rate(self) -> float | None:
        """Calls a second that the server accepted; None for the time before the first refusal, with its reserves."""
        if self.start is None or self.end is None or not self.accepted:
            return None
        return self.accepted / max(self.end - self.start, 0.05)


class Flow:
    """The turns of one endpoint. To be used from one event loop; `clock` gives seconds that only grow."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.limit = min(START, float(most))
        self.in_flight = 0
        self.pace: float | None = None
        """Calls that may start in a second; None while the server never said it is busy."""
        self.last_success = clock()
        self.has_answered = False
        self._clock = clock
        self._paused_until = 0.0
        self._next_start = 0.0
        self._refusals = 0
        self._cycle = Turn(None)
        self._closed: Turn | None = None
        self._cut_at = 0.0
        self._round_start = clock()
        self._round_done = 0
        self._trial: tuple[float, float] | None = None
        """The number before the one on trial, and the answers a second that it brought."""
        self._rest = 0
        self._fast = True
        self._bound = False
        self._changed = asyncio.Event()
        self._line = asyncio.Lock()

    async def take_turn(self) -> Turn:
        """Wait until another call may start, and count it as in flight; `end_turn` must follow.

        What it returns is handed back where the server says that it is busy.
        """
        async with self._line:  # one waits for the turn, the others behind it in their order
            await self._wait()
        self.in_flight += 1
        self._cycle.accepted += 1
        if self.pace is not None:
            self._grow_pace()
            self._next_start = max(self._next_start + 1 / self.pace, self._clock() - _CATCH_UP)
        return self._cycle

    async def _wait(self) -> None:
        while True:
            wait = max(self._paused_until, self._next_start) - self._clock()
            if self.in_flight >= max(1, int(self.limit)):
                self._bound = True
                self._changed.clear()
                await self._changed.wait()
            elif wait > 0:
                await asyncio.sleep(min(wait, 1.0))
            else:
                break
        if self._closed is not None:  # by now it is known how many of its calls were refused
            self.pace = self._closed.find_rate() or self.pace
            self._closed = None

    def end_turn(self) -> None:
        """A call is over, whatever came of it."""
        self.in_flight -= 1
        self._changed.set()

    def note_success(self) -> None:
        """An answer came."""
        now = self._clock()
        self.last_success = now
        self.has_answered = True
        self._refusals = 0
        self._round_done += 1
        if self._round_done >= max(1, int(self.limit)):
            self._end_round(now)

    def note_busy(self, turn: Turn, retry_after: float | None) -> float:
        """The server asked a call to slow down. Returns the seconds for which nothing starts."""
        now = self._clock()
        turn.accepted -= 1
        if now >= self._paused_until:  # the first of those that were under way together
            self._refusals += 1
            self._cycle.end = now
            self._closed, self._cycle = self._cycle, Turn(now)
            # As many as were accepted while this one was refused, for servers that count calls at once.
            self.limit = max(1.0, min(self.limit, self.in_flight - 1.0))
            self._end_trial()
            self._start_round(now)
        backoff = min(_LONGEST_BACKOFF, 0.25 * 2**self._refusals)
        wait = backoff if retry_after is None else retry_after
        self._paused_until = max(self._paused_until, now + wait)
        return wait

    def note_fault(self) -> None:
        """The server failed, or the connection did."""
        self._cut(self._clock())

    def _cut(self, now: float) -> None:
        """Fewer calls at once; the faults of calls that were under way together count as one."""
        if now - self._cut_at > 1.0:
            self._cut_at = now
            self.limit = max(1.0, self.limit * _CUT)
            self._end_trial()
            self._start_round(now)

    def _end_round(self, now: float) -> None:
        """Judge the number of calls by the answers a second, if it was that number which held calls back."""
        rate = self._round_done / max(now - self._round_start, 1e-6)
        bound = self._bound
        self._start_round(now)
        if not bound:
            return
        if self._rest:
            self._rest -= 1
        elif self._trial is None or rate > self._trial[1] * _GAIN:
            self._trial = (self.limit, rate)
            self.limit = min(float(self.most), max(self.limit * (2 if self._fast else _STEP), self.limit + 1))
        else:
            self.limit = self._trial[0]
            self._end_trial()

    def _end_trial(self) -> None:
        self._fast, self._trial, self._rest = False, None, _REST

    def _start_round(self, now: float) -> None:
        self._round_start, self._round_done, self._bound = now, 0, False

    def _grow_pace(self) -> None:
        assert self.pace is not None
        quiet = self._clock() - (self._cycle.start or 0.0)
        self.pace *= 1 + _PROBE * (1 + (quiet / _PROBE_SECONDS) ** 2) / self.pace
