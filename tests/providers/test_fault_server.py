"""The server that fails on demand does so as told, and counts rightly: other tests and benchmarks stand on it."""

import json
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from tests.providers.fault_behaviour import Rules
from tests.providers.fault_server import FaultServer, change_rules, read_stats, start_server


def call(url: str, prompt: str, seed: int = 1, **fields: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], "seed": seed, **fields}
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with start_server(Rules(latency=0.05)) as url:
        yield url


def test_a_process_of_its_own_answers_counts_and_changes(url: str) -> None:
    assert call(url, "a")["choices"] == call(url, "a")["choices"] != call(url, "b")["choices"]
    stats = read_stats(url)
    assert (stats["requests"], stats["answered"], stats["calls"]) == (3, 3, {"a#1": 2, "b#1": 1})
    change_rules(url, latency=0.3)
    started = time.monotonic()
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda seed: call(url, "c", seed), range(5)))
    assert 0.3 <= time.monotonic() - started < 1.2
    assert read_stats(url)["most_at_once"] == 5


def test_faults_of_a_prompt_come_one_after_the_other(fault_server: FaultServer) -> None:
    prompt = "[fault: 429:0.5 reset]"
    with pytest.raises(HTTPError) as caught:
        call(fault_server.url, prompt)
    assert caught.value.headers["retry-after"] == "0.5"
    with pytest.raises((URLError, ConnectionError)):
        call(fault_server.url, prompt)
    assert call(fault_server.url, prompt)
    stats = fault_server.stats()
    assert (stats.requests, stats.faults, stats.answered, stats.calls[f"{prompt}#1"]) == (3, 2, 1, 3)


def test_a_rate_is_kept_and_said(fault_server: FaultServer) -> None:
    fault_server.rules.rate, fault_server.rules.burst = 20, 1
    answered = waited = 0
    until = time.monotonic() + 1
    while time.monotonic() < until:
        try:
            call(fault_server.url, str(answered))
            answered += 1
        except HTTPError as error:
            waited += 1
            time.sleep(float(error.headers["retry-after"]))
    assert 15 <= answered <= 21
    assert fault_server.stats().limited == waited > 10


def test_a_share_of_prompts_fails_once(fault_server: FaultServer) -> None:
    fault_server.rules.fault_share = {"500": 0.3}
    failed = []
    for number in range(60):
        try:
            call(fault_server.url, str(number))
        except HTTPError:
            failed.append(number)
            assert call(fault_server.url, str(number))
    assert 8 <= len(failed) <= 30
