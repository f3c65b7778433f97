"""Chat models of LangChain, through langchain-openai against a server on this machine."""

import asyncio
import json
import re
import threading
import traceback
from importlib.util import find_spec
from typing import Any

import pytest

from tests.providers.endpoint_calls import ask, fail
from tests.providers.fault_answers import draw_png
from tests.providers.fault_server import FaultServer
from workbench.providers.langchain import LangChainConfig, open_provider
from workbench.providers.langchain.explaining import explain_error
from workbench.providers.langchain.integrations import INTEGRATIONS
from workbench.providers.opening import read_config
from workbench.providers.provider import EndpointProvider
from workbench.providers.requests import AgreementRequest, Answer, ImageRequest, TextRequest, Turn
from workbench.spec.model import ModelConfig

pytestmark = pytest.mark.skipif(find_spec("langchain_openai") is None, reason="langchain-openai is not installed")

KEY = "sk-very-secret-0123456789"
SCHEMA = json.dumps(
    {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"], "additionalProperties": False}
)


@pytest.fixture(autouse=True)
def _set_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def open_chain(server: FaultServer, **fields: Any) -> EndpointProvider:
    base = {"provider": "langchain", "model": "openai:m", "base_url": server.url, "timeout": 5}
    return open_provider(LangChainConfig(**{**base, **fields}))


def test_the_conversation_the_seed_and_the_parameters_are_sent(fault_server: FaultServer) -> None:
    request = TextRequest(
        "And now?", 77, system_prompt="Be brief.", history=(Turn("user", "Hi"), Turn("assistant", "Ho"))
    )
    [answer] = ask(open_chain(fault_server, parameters={"temperature": 0.3}), request)
    [body] = fault_server.bodies
    assert [message["content"] for message in body["messages"]] == ["Be brief.", "Hi", "Ho", "And now?"]
    assert (body["model"], body["seed"], body["temperature"]) == ("m", 77, 0.3)
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (2, len(answer.text.split()))
    assert answer.notes == {"system_fingerprint": "fp_test"}


def test_rows_asked_at_once_keep_their_own_seeds(fault_server: FaultServer) -> None:
    requests = [TextRequest("Write.", seed) for seed in range(20)]
    together = ask(open_chain(fault_server), *requests)
    assert ask(open_chain(fault_server), requests[7]) == together[7:8]
    assert len({answer.text for answer in together}) == 20
    ask(open_chain(fault_server, seed=False), requests[0])
    assert "seed" not in fault_server.bodies[-1]


def test_a_stream_grows_to_the_same_answer(fault_server: FaultServer) -> None:
    texts: list[str] = []

    async def run() -> Answer:
        return await open_chain(fault_server).stream(TextRequest("Tell me.", 1), texts.append)

    answer = asyncio.run(run())
    assert len(texts) > 5
    assert texts[-1] == answer.text == ask(open_chain(fault_server), TextRequest("Tell me.", 1))[0].text


@pytest.mark.parametrize(
    ("server_knows", "form"), [("json_schema", "native"), ("json_object", "prompt"), ("ignored", "prompt")]
)
def test_a_schema_is_asked_for_as_the_server_knows(fault_server: FaultServer, server_knows: Any, form: str) -> None:
    fault_server.rules.structured = server_knows
    for _ in range(2):
        [answer] = ask(open_chain(fault_server), TextRequest("Give a word.", 1, schema=SCHEMA))
        assert answer.notes["structured"] == form
        assert '"word"' in answer.text
    assert len(fault_server.bodies) == (2 if form == "native" else 4)
    if form == "native":
        assert fault_server.bodies[0]["response_format"]["json_schema"]["strict"] is True


def test_the_arguments_of_a_tool_are_the_answer(fault_server: FaultServer) -> None:
    provider = open_chain(fault_server, structured="function_calling")
    fault_server.rules.calls_tools = True
    [answer] = ask(provider, TextRequest("Give a word.", 1, schema=SCHEMA))
    assert set(json.loads(answer.text)) == {"word"}
    assert fault_server.bodies[0]["tools"][0]["function"]["name"] == "Answer"


def test_an_answer_cut_under_a_schema_is_kept(fault_server: FaultServer) -> None:
    [answer] = ask(open_chain(fault_server), TextRequest("[fault: length]", 1, schema=SCHEMA))
    assert (answer.finish, answer.text) == ("length", '{"word": ')
    assert answer.usage.input_tokens > 0


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429:2", "busy"),
        ("429-quota", "fatal"),
        ("503:3", "busy"),
        ("500", "server"),
        ("409", "server"),
        ("401", "fatal"),
        ("404", "fatal"),
        ("400-context", "request"),
        ("400-filter", "refused"),
        ("filter", "refused"),
        ("refusal", "refused"),
        ("cut", "connection"),
        ("reset", "connection"),
        ("slow:9", "timeout"),
        ("html", "server"),
        ("malformed", "server"),
        ("empty-choices", "server"),
    ],
)
def test_every_fault_has_its_kind(fault_server: FaultServer, fault: str, kind: str) -> None:
    timeout = 0.5 if fault.startswith("slow") else 5
    error = fail(open_chain(fault_server, timeout=timeout), TextRequest(f"[fault: {fault}]", 1))
    assert error.kind == kind
    assert error.retry_after == {"429:2": 2, "503:3": 3}.get(fault)
    assert bool(error.solution) == (kind == "fatal")
    assert fault_server.stats().requests == 1  # the integration retries nothing
    assert KEY not in "".join(traceback.format_exception(error))


def test_a_missing_or_useless_key_is_fatal(fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    assert "MY_KEY is not set" in fail(open_chain(fault_server, api_key_env="MY_KEY"), TextRequest("x", 1)).message
    monkeypatch.delenv("OPENAI_API_KEY")
    error = fail(open_chain(fault_server), TextRequest("x", 1))
    assert error.kind == "fatal"
    assert error.message.startswith("LangChain cannot make the model")
    monkeypatch.setenv("MY_KEY", KEY)
    fault_server.rules.key = KEY
    assert ask(open_chain(fault_server, api_key_env="MY_KEY"), TextRequest("x", 1))


def test_a_wrong_parameter_is_fatal_and_tells_no_key(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    provider = open_chain(fault_server, api_key_env="MY_KEY", parameters={"temperature": "hot"})
    error = fail(provider, TextRequest("x", 1))
    assert error.kind == "fatal"
    assert "temperature" in error.message
    assert KEY not in error.message


def test_nothing_is_traced_whatever_the_environment_says(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_API_KEY", "ls-secret-secret")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", fault_server.url.removesuffix("/v1"))
    ask(open_chain(fault_server), TextRequest("x", 1), TextRequest("x", 1, schema=SCHEMA))
    assert not [thread.name for thread in threading.enumerate() if "tracing" in thread.name]


def test_pictures_are_shown_and_judged(fault_server: FaultServer) -> None:
    [answer] = ask(open_chain(fault_server), AgreementRequest(draw_png({}), "a cat"))
    assert answer.score is not None
    assert answer.notes["judge"] == "openai:m"
    content = fault_server.bodies[0]["messages"][-1]["content"]
    assert content[0]["image_url"]["url"].startswith("data:image/png;base64,")


def test_other_requests_are_refused(fault_server: FaultServer) -> None:
    assert fail(open_chain(fault_server), ImageRequest("x", 1, 8, 8)).kind == "fatal"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": "gpt-4o-mini"}, "model of the provider “langchain”"),
        ({"model": "openai:m", "parameters": {"openai_api_key": "x"}}, "“openai_api_key” is a secret"),
        ({"model": "openai:m", "parameters": {"max_retries": 3}}, "“max_retries” is set by the workbench"),
    ],
)
def test_a_wrong_field_is_explained(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_config(ModelConfig(provider="langchain", **fields))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("upstage:solar", "needs the package “langchain-upstage”. Install it: pip install langchain-upstage"),
        ("anthropik:claude", "no integration “anthropik”. Did you mean “anthropic”"),
    ],
)
def test_a_missing_integration_is_named(model: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_provider(LangChainConfig(provider="langchain", model=model))


def test_the_table_of_integrations_is_that_of_langchain() -> None:
    from langchain.chat_models.base import _BUILTIN_PROVIDERS

    modules = {name: entry[0].partition(".")[0].replace("_", "-") for name, entry in _BUILTIN_PROVIDERS.items()}
    assert dict(INTEGRATIONS) == modules


class ThrottlingError(Exception):
    """As botocore raises it."""

    response = {  # noqa: RUF012
        "Error": {"Code": "ThrottlingException", "Message": "Too many tokens"},
        "ResponseMetadata": {"HTTPStatusCode": 429},
    }


class GoogleError(Exception):
    """As google-genai raises it."""

    code = 503
    details = {"error": {"message": "The model is overloaded."}}  # noqa: RUF012


def test_faults_of_other_integrations_are_told_by_what_they_carry() -> None:
    assert explain_error(ThrottlingError()).kind == "busy"
    assert explain_error(GoogleError()).message == "the server answered 503: The model is overloaded"
    wrapped = RuntimeError("it failed")
    wrapped.__cause__ = GoogleError()
    assert explain_error(wrapped).kind == "server"
    assert explain_error(ConnectionResetError("gone")).kind == "connection"
    assert explain_error(KeyError("x")).kind == "server"
