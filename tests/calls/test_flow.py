"""How many calls an endpoint is asked: more where it keeps up, as many as it allows where it counts."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from workbench.calls.flow import Flow


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer instead of waiting: minutes pass in milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not ready and scheduled:
            self.now = max(self.now, scheduled[0]._when)
        super()._run_once()  # type: ignore[misc]


class Server:
    """Answers after `seconds`; more than `rate` calls a second, beyond a burst of one second's worth, are refused."""

    def __init__(self, clock: Callable[[], float], seconds: float, rate: float | None, at_once: int = 10_000) -> None:
        self.clock, self.seconds, self.rate, self.at_once = clock, seconds, rate, at_once
        self.tokens = rate or 0.0
        self.seen = 0.0
        self.now = self.most = self.refused = 0

    async def call(self) -> bool:
        if self.rate is not None:
            now = self.clock()
            self.tokens = min(self.rate, self.tokens + (now - self.seen) * self.rate)
            self.seen = now
            if self.tokens < 1:
                self.refused += 1
                await asyncio.sleep(0.01)
                return False
            self.tokens -= 1
        if self.now >= self.at_once:
            self.refused += 1
            await asyncio.sleep(0.01)
            return False
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.seconds)
        self.now -= 1
        return True


def measure(
    seconds: float, rate: float | None, calls: int, retry_after: float | None, most: int = 128, at_once: int = 10_000
) -> tuple[float, Server, Flow]:
    """The seconds that `calls` answers take, all of which must come."""
    loop = VirtualLoop()

    async def run() -> tuple[float, Server, Flow]:
        flow = Flow(most, loop.time)
        server = Server(loop.time, seconds, rate, at_once)
        numbers = itertools.count()

        async def work() -> None:
            while next(numbers) < calls:
                while True:
                    turn = await flow.take_turn()
                    good = await server.call()
                    if good:
                        flow.note_success()
                    else:
                        pause = flow.note_busy(turn, retry_after)
                    flow.end_turn()
                    if good:
                        break
                    await asyncio.sleep(pause)

        await asyncio.gather(*(work() for _ in range(most * 2)))
        return loop.time(), server, flow

    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()


def test_a_server_without_a_limit_soon_gets_all_the_calls_it_may_have() -> None:
    seconds, server, _ = measure(0.2, None, 6_000, None)
    assert server.most == 128
    assert 6_000 / seconds > 0.9 * 128 / 0.2


@pytest.mark.parametrize("rate", [5, 50, 200])
@pytest.mark.parametrize("retry_after", [1.0, None])
def test_a_server_that_counts_calls_gets_95_percent_of_what_it_allows(rate: int, retry_after: float | None) -> None:
    calls = rate * 240
    seconds, server, _ = measure(0.2, rate, calls, retry_after)
    assert (calls - rate) / seconds >= 0.95 * rate
    assert server.refused < 0.2 * calls


def test_a_server_that_allows_few_calls_at_once_is_not_flooded() -> None:
    seconds, server, _ = measure(1.0, None, 1_200, 1.0, at_once=10)
    assert 1_200 / seconds > 0.7 * 10
    assert server.refused < 600


def test_faults_cut_the_number_of_calls_and_count_once_if_they_come_together() -> None:
    now = 100.0
    flow = Flow(64, lambda: now)
    flow.limit = 40
    for _ in range(20):
        flow.note_fault()
    assert flow.limit == pytest.approx(28)
    now += 5
    flow.note_fault()
    assert flow.limit == pytest.approx(19.6)


def test_a_pause_that_the_server_asks_for_is_kept() -> None:
    loop = VirtualLoop()

    async def run() -> Any:
        flow = Flow(8, loop.time)
        flow.note_busy(await flow.take_turn(), 30.0)
        flow.end_turn()
        await flow.take_turn()
        return loop.time()

    assert loop.run_until_complete(run()) >= 30
    loop.close()
