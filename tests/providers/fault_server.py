"""An HTTP server on loopback that speaks the OpenAI protocol and fails on demand, in this process or in one of its own.

    with FaultServer(Rules(latency=0.2)) as server: ...                     # a thread; `server.url`, `server.stats()`
    with start_server(Rules(rate=50)) as url: read_stats(url)               # a process, for kills and benchmarks
    python -m tests.providers.fault_server --set latency=0.2 --set rate=50  # by hand; prints its URL

`fault_behaviour` says which faults there are. It is one loop over asyncio without any library, and answers some
thousands of calls a second on one core, so that a benchmark measures its client.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from tests.providers.fault_behaviour import Behaviour, Reply, Rules, Stats


class _Connection(asyncio.Protocol):
    """One connection: whole requests in, pieces of replies out."""

    def __init__(self, behaviour: Behaviour, loop: asyncio.AbstractEventLoop) -> None:
        self._behaviour = behaviour
        self._loop = loop
        self._received = bytearray()
        self._busy = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._behaviour.stats.connections += 1

    def connection_lost(self, error: Exception | None) -> None:
        self._finish()

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = self._received[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        whole = end + 4 + int(headers.get("content-length", 0))
        if len(self._received) < whole:
            return
        content = bytes(self._received[end + 4 : whole])
        del self._received[:whole]
        method, path, _ = first.split(" ", 2)
        if method == "POST":
            self._busy = True
            stats = self._behaviour.stats
            stats.at_once += 1
            stats.most_at_once = max(stats.most_at_once, stats.at_once)
        self._play(self._behaviour.reply(method, path, headers, content), 0)

    def _play(self, reply: Reply, start: int) -> None:
        """Write the pieces from `start` on; each that has to wait is written by a timer."""
        for number in range(start, len(reply.pieces)):
            delay, content = reply.pieces[number]
            if delay > 0:
                reply.pieces[number] = (0.0, content)
                self._loop.call_later(delay, self._play, reply, number)
                return
            if self._transport.is_closing():
                return
            self._transport.write(content)
        self._finish()
        if reply.cut:
            self._transport.close()

    def _finish(self) -> None:
        if self._busy:
            self._busy = False
            self._behaviour.stats.at_once -= 1


async def serve(behaviour: Behaviour, port: int = 0) -> asyncio.Server:
    """Listen on 127.0.0.1; `behaviour.address` says where."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(behaviour, loop), "127.0.0.1", port, backlog=4096)
    behaviour.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    return server


class FaultServer:
    """The server in a thread of this process."""

    def __init__(self, rules: Rules | None = None) -> None:
        self._behaviour = Behaviour(rules or Rules())
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> FaultServer:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        server = self._loop.run_until_complete(serve(self._behaviour))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.close()

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"{self._behaviour.address}/v1"

    @property
    def rules(self) -> Rules:
        """The rules, to change while it runs."""
        return self._behaviour.rules

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of the last 100 calls, newest last."""
        return list(self._behaviour.bodies)

    def script(self, *faults: str) -> None:
        """The faults of the next calls; an empty text lets one pass."""
        self._behaviour.script.extend(faults)

    def stats(self) -> Stats:
        """What came in so far."""
        return self._behaviour.stats


@contextlib.contextmanager
def start_server(rules: Rules | None = None) -> Iterator[str]:
    """The server in a process of its own; gives its base URL."""
    settings = [f"--set={name}={json.dumps(value)}" for name, value in asdict(rules or Rules()).items()]
    command = [sys.executable, "-m", "tests.providers.fault_server", *settings]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def read_stats(url: str) -> dict[str, Any]:
    """What came in so far at the server behind a base URL; the fields of `Stats`."""
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/stats") as answer:
        stats: dict[str, Any] = json.load(answer)
        return stats


def change_rules(url: str, **rules: Any) -> None:
    """Set fields of `Rules` at the server behind a base URL."""
    urllib.request.urlopen(f"{url.removesuffix('/v1')}/rules", json.dumps(rules).encode()).close()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server that fails on demand")
    parser.add_argument("--port", type=int, default=0)
    names = ", ".join(each.name for each in fields(Rules))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help=names)
    args = parser.parse_args()
    rules = Rules(**{name: json.loads(value) for name, _, value in (each.partition("=") for each in args.set)})

    async def run() -> None:
        behaviour = Behaviour(rules)
        server = await serve(behaviour, args.port)
        sys.stdout.write(f"{behaviour.address}/v1\n")
        sys.stdout.flush()
        await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main()
