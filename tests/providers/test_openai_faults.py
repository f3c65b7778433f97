"""Faults of a server become the right kind of CallError, keys stay out of them, and connections outlive them."""

import asyncio
import socket
import traceback

import pytest

from tests.providers.endpoint_calls import ask, fail, open_openai
from tests.providers.fault_server import FaultServer
from workbench.providers.provider import CallError
from workbench.providers.requests import TextRequest

KEY = "sk-very-secret-0123456789"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", "busy"),
        ("429-quota", "fatal"),
        ("503", "server"),
        ("503:3", "busy"),
        ("500", "server"),
        ("502", "server"),
        ("408", "server"),
        ("409", "server"),
        ("401", "fatal"),
        ("403", "fatal"),
        ("404", "fatal"),
        ("400-context", "request"),
        ("422", "request"),
        ("400-filter", "refused"),
        ("filter", "refused"),
        ("refusal", "refused"),
        ("cut", "connection"),
        ("reset", "connection"),
        ("html", "server"),
        ("malformed", "server"),
        ("empty-choices", "server"),
        ("no-content", "server"),
    ],
)
def test_every_fault_has_its_kind(fault_server: FaultServer, fault: str, kind: str) -> None:
    error = fail(open_openai(fault_server.url), TextRequest(f"[fault: {fault}]", 1))
    assert error.kind == kind
    assert error.message
    assert bool(error.solution) == (kind == "fatal")


@pytest.mark.parametrize(("fault", "seconds"), [("429:0.25", 0.25), ("429:7", 7), ("429-ms:1500", 1.5), ("429", None)])
def test_a_busy_server_says_how_long_to_wait(fault_server: FaultServer, fault: str, seconds: float | None) -> None:
    assert fail(open_openai(fault_server.url), TextRequest(f"[fault: {fault}]", 1)).retry_after == seconds


def test_a_date_to_wait_for_is_read(fault_server: FaultServer) -> None:
    retry_after = fail(open_openai(fault_server.url), TextRequest("[fault: 429-date:60]", 1)).retry_after
    assert retry_after is not None
    assert 55 < retry_after <= 60


def test_a_server_that_is_not_there_is_a_fault_of_the_connection() -> None:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        error = fail(open_openai(f"http://127.0.0.1:{place.getsockname()[1]}/v1"), TextRequest("x", 1))
    assert error.kind == "connection"
    assert "attempts failed" in error.message


def test_a_late_answer_is_given_up_and_the_next_one_comes(fault_server: FaultServer) -> None:
    provider = open_openai(fault_server.url, timeout=0.3)
    assert fail(provider, TextRequest("[fault: slow:3]", 1)).kind == "timeout"
    assert ask(provider, TextRequest("x", 1))


def test_the_key_of_the_environment_is_sent_and_never_told(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", f" {KEY}\n")
    fault_server.rules.key = KEY
    assert ask(open_openai(fault_server.url, api_key_env="MY_KEY"), TextRequest("x", 1))
    provider = open_openai(fault_server.url, api_key_env="MY_KEY")
    error = fail(provider, TextRequest("[fault: 401]", 1))
    assert "Incorrect API key provided: [key]" in error.message
    assert "MY_KEY" in error.solution
    assert KEY not in error.message + error.solution + repr(provider)
    assert KEY not in "".join(traceback.format_exception(error))
    assert error.__context__ is None  # the client's own exception holds the request


def test_a_missing_key_is_named_before_anything_is_sent(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    error = fail(open_openai(fault_server.url, api_key_env="MY_KEY"), TextRequest("x", 1))
    assert (error.kind, error.solution) == ("fatal", "Set MY_KEY where the workbench is started.")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert "OPENAI_API_KEY is not set" in fail(open_openai(None), TextRequest("x", 1)).message
    assert fault_server.stats().requests == 0


def test_a_key_with_quotes_or_spaces_inside_is_refused(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "“sk-1 2”")
    error = fail(open_openai(fault_server.url, api_key_env="MY_KEY"), TextRequest("x", 1))
    assert error.kind == "fatal"
    assert "sk-1" not in error.message


def test_the_usual_key_is_not_sent_over_plain_http(fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    fault_server.rules.key = "another"
    assert "Incorrect API key provided: none" in fail(open_openai(fault_server.url), TextRequest("x", 1)).message


def test_a_proxy_is_not_asked_for_this_machine(fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert ask(open_openai(fault_server.url), TextRequest("x", 1))


@pytest.mark.parametrize(("name", "advice"), [("seed", "Set “seed: false”"), ("temperature", "Take “temperature” out")])
def test_a_setting_that_a_server_refuses_stops_the_run(fault_server: FaultServer, name: str, advice: str) -> None:
    fault_server.rules.refused = (name,)
    error = fail(open_openai(fault_server.url, temperature=1), TextRequest("x", 1))
    assert error.kind == "fatal"
    assert error.solution.startswith(advice)


def test_a_prompt_that_is_no_text_is_a_fault_of_the_request(fault_server: FaultServer) -> None:
    assert fail(open_openai(fault_server.url), TextRequest("half a character: \ud800", 1)).kind == "request"


def test_many_calls_at_once_share_their_connections(fault_server: FaultServer) -> None:
    fault_server.rules.latency = 0.05
    provider = open_openai(fault_server.url, max_parallel_requests=70)

    async def run() -> None:
        for start in range(0, 210, 70):
            await asyncio.gather(*(provider.answer(TextRequest(str(number), 1)) for number in range(start, start + 70)))
        await provider.close()

    asyncio.run(run())
    assert fault_server.stats().most_at_once == 70
    assert fault_server.stats().connections == 70
    assert set(fault_server.stats().calls.values()) == {1}


def test_more_calls_than_said_wait_for_a_connection(fault_server: FaultServer) -> None:
    answers = ask(open_openai(fault_server.url, max_parallel_requests=2), *(TextRequest(str(n), 1) for n in range(200)))
    assert len(answers) == 200


def test_a_provider_serves_one_event_loop_after_the_other(fault_server: FaultServer) -> None:
    provider = open_openai(fault_server.url)
    for seed in range(3):
        assert asyncio.run(provider.answer(TextRequest("x", seed))).text


def test_nothing_is_asked_twice_by_itself(fault_server: FaultServer) -> None:
    for fault in ("500", "429:0", "reset", "cut"):
        with pytest.raises(CallError):
            asyncio.run(open_openai(fault_server.url).answer(TextRequest(f"[fault: {fault}]", 1)))
    assert fault_server.stats().requests == 4


@pytest.mark.parametrize(
    ("error", "kind"), [({"message": "Slow down", "code": 429}, "busy"), ("The engine died", "server")]
)
def test_an_error_inside_an_answer_is_one(fault_server: FaultServer, error: object, kind: str) -> None:
    fault_server.rules.inside = error
    assert fail(open_openai(fault_server.url), TextRequest("x", 1)).kind == kind
