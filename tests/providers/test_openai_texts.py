"""Texts from an OpenAI-compatible server: what is sent, what is read, and streams."""

import asyncio
import itertools
import json

import pytest

from tests.providers.endpoint_calls import ask, fail, open_openai
from tests.providers.fault_server import FaultServer
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, TextRequest, Turn

PNG = b"\x89PNG\r\n\x1a\n"


def stream(server: FaultServer, request: TextRequest, **fields: object) -> tuple[Answer, list[str]]:
    texts: list[str] = []

    async def run() -> Answer:
        provider = open_openai(server.url, **fields)
        try:
            return await provider.stream(request, texts.append)
        finally:
            await provider.close()

    return asyncio.run(run()), texts


def test_an_answer_depends_on_the_request_alone(fault_server: FaultServer) -> None:
    requests = [TextRequest("Write about rivers.", seed) for seed in range(40)]
    together = ask(open_openai(fault_server.url), *requests)
    assert ask(open_openai(fault_server.url), requests[7]) == together[7:8]
    assert len({answer.text for answer in together}) == 40


def test_the_conversation_and_the_settings_are_sent(fault_server: FaultServer) -> None:
    request = TextRequest(
        "And now?", 2**63 + 5, system_prompt="Be brief.", history=(Turn("user", "Hi"), Turn("assistant", "Hello"))
    )
    extra = {"top_k": 3}
    ask(open_openai(fault_server.url, temperature=0.5, top_p=0.9, max_tokens=50, extra_body=extra), request)
    [body] = fault_server.bodies
    assert [message["content"] for message in body.pop("messages")] == ["Be brief.", "Hi", "Hello", "And now?"]
    assert 0 <= body.pop("seed") < 2**31
    assert body == {"model": "m", "temperature": 0.5, "top_p": 0.9, "max_tokens": 50, "top_k": 3}


def test_what_is_left_out_is_not_sent(fault_server: FaultServer) -> None:
    ask(open_openai(fault_server.url, seed=False), TextRequest("Hi", 1))
    assert set(fault_server.bodies[0]) == {"model", "messages"}


def test_pictures_are_sent_before_the_prompt(fault_server: FaultServer) -> None:
    ask(open_openai(fault_server.url), TextRequest("What is it?", 1, images=(PNG, b"\xff\xd8\xff")))
    content = fault_server.bodies[0]["messages"][0]["content"]
    assert [part["type"] for part in content] == ["image_url", "image_url", "text"]
    assert content[0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert content[1]["image_url"]["url"].startswith("data:image/jpeg;base64,")


def test_a_base_model_goes_on_from_the_prompt(fault_server: FaultServer) -> None:
    provider = open_openai(fault_server.url, api="completion")
    [answer] = ask(provider, TextRequest("Once upon", 1, system_prompt="A tale.", max_chars=300))
    assert fault_server.bodies[0]["prompt"] == "A tale.\n\nOnce upon"
    assert fault_server.bodies[0]["max_tokens"] == 116
    assert answer.text.endswith(".")
    assert answer.usage.output_tokens > 0
    assert fail(provider, TextRequest("x", 1, images=(PNG,))).kind == "fatal"


def test_usage_and_facts_come_from_the_server(fault_server: FaultServer) -> None:
    [answer] = ask(open_openai(fault_server.url), TextRequest("one two three", 1))
    assert answer.usage.input_tokens == 3
    assert answer.usage.output_tokens == len(answer.text.split())
    assert answer.notes == {"system_fingerprint": "fp_test"}


@pytest.mark.parametrize(("fault", "finish", "text"), [("length", "length", None), ("empty", "stop", "")])
def test_a_cut_or_empty_answer_is_one(fault_server: FaultServer, fault: str, finish: str, text: str | None) -> None:
    [answer] = ask(open_openai(fault_server.url), TextRequest(f"[fault: {fault}]", 1))
    assert answer.finish == finish
    assert text is None or answer.text == text


@pytest.mark.parametrize("api", ["chat", "completion"])
@pytest.mark.parametrize("fault", ["", "[fault: no-done]"])
def test_a_stream_grows_to_the_same_answer(fault_server: FaultServer, api: str, fault: str) -> None:
    request = TextRequest(f"Tell me. {fault}", 1)
    answer, texts = stream(fault_server, request, api=api, max_tokens=30)
    assert len(texts) > 5
    assert all(after.startswith(before) for before, after in itertools.pairwise(texts))
    assert texts[-1] == answer.text
    [whole] = ask(open_openai(fault_server.url, api=api, max_tokens=30), TextRequest(request.prompt, 1))
    assert (whole.text, whole.usage) == (answer.text, answer.usage)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("no-finish", "connection"), ("cut", "connection"), ("stream-error", "server"), ("429:2", "busy")],
)
def test_a_stream_that_breaks_off_is_a_fault(fault_server: FaultServer, fault: str, kind: str) -> None:
    with pytest.raises(CallError) as caught:
        stream(fault_server, TextRequest(f"[fault: {fault}]", 1))
    assert caught.value.kind == kind


def test_a_server_without_usage_in_streams_is_asked_without_it(fault_server: FaultServer) -> None:
    fault_server.rules.refused = ("stream_options",)
    answer, _ = stream(fault_server, TextRequest("Write about rivers, please.", 1))
    assert answer.notes["usage"] == "estimated"
    assert answer.usage.input_tokens == 7  # 27 characters
    assert answer.usage.output_tokens == -(-len(answer.text) // 4)
    assert [("stream_options" in body) for body in fault_server.bodies] == [True, False]


def test_a_stream_can_be_cancelled_between_two_tokens(fault_server: FaultServer) -> None:
    fault_server.rules.token_latency = 0.05
    texts: list[str] = []

    async def run() -> None:
        provider = open_openai(fault_server.url)
        task = asyncio.create_task(provider.stream(TextRequest("Tell me.", 1), texts.append))
        while not texts:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await provider.answer(TextRequest("And you?", 1))
        await provider.close()

    asyncio.run(run())
    assert len(texts) < 5


def test_a_renamed_limit_of_tokens_is_learnt_once(fault_server: FaultServer) -> None:
    fault_server.script("400-max-tokens")
    provider = open_openai(fault_server.url, max_tokens=9)
    ask(provider, TextRequest("one", 1))
    ask(provider, TextRequest("two", 1))
    names = [next(name for name in body if "tokens" in name) for body in fault_server.bodies]
    assert names == ["max_tokens", "max_completion_tokens", "max_completion_tokens"]


def test_a_model_under_another_name_is_noted(fault_server: FaultServer) -> None:
    [answer] = ask(open_openai(fault_server.url, extra_body={"metadata": {"serve_as": "m@main"}}), TextRequest("x", 1))
    assert answer.notes["served_model"] == "m@main"
    assert json.dumps(dict(answer.notes))
