"""A server that fails on demand, for tests of providers that call one."""

from collections.abc import Iterator

import pytest

from tests.providers.fault_server import FaultServer


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """The server in a thread, without latency and limits."""
    with FaultServer() as server:
        yield server
