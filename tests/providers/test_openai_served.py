"""The provider `openai` against a real server: `transformers serve` on this machine, with a small language model."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.providers.endpoint_calls import ask, fail, open_openai
from workbench.models.converting import convert_gguf
from workbench.models.finding import find_model
from workbench.providers.provider import EndpointProvider
from workbench.providers.requests import Answer, EmbeddingRequest, TextRequest

pytestmark = pytest.mark.model

QUESTION = "Name one animal that lives in the sea. Answer with one word."
SCHEMA = '{"type": "object", "properties": {"animal": {"type": "string"}}, "required": ["animal"]}'


@dataclass(frozen=True)
class Served:
    """A running server: its base URL, and the name of its model."""

    url: str
    model: str

    def open(self, **fields: Any) -> EndpointProvider:
        return open_openai(self.url, **{"model": self.model, "timeout": 120, "max_tokens": 16, **fields})


def find_gguf() -> Path:
    try:
        return find_model("smollm2-135m-instruct").path
    except ValueError as error:
        pytest.skip(str(error))


def wait_for(process: subprocess.Popen[bytes], address: str) -> None:
    """Return once the server answers."""
    until = time.monotonic() + 180
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"the server ended with {process.returncode}")
        try:
            urllib.request.urlopen(address).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the server did not start")


def serve(command: list[str], port: int, health: str, model: str) -> Iterator[Served]:
    """Run a server while the tests use it, and end all of its processes."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=dict(os.environ)
    )
    try:
        wait_for(process, f"http://127.0.0.1:{port}{health}")
        yield Served(f"http://127.0.0.1:{port}/v1", model)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def find_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """`transformers serve` with SmolLM2-135M-Instruct."""
    for package in ("fastapi", "uvicorn"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    folder, port = str(convert_gguf(find_gguf())), find_port()
    program = str(Path(sys.executable).with_name("transformers"))
    place = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    yield from serve([program, "serve", folder, *place], port, "/health", folder)


@pytest.fixture(scope="session")
def served_by_llama() -> Iterator[Served]:
    """The server of llama.cpp with the same model."""
    if importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("llama_cpp is not installed")
    port = find_port()
    options = ["--port", str(port), "--n_threads", "1", "--n_ctx", "2048", "--model_alias", "small"]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(find_gguf()), *options]
    yield from serve(command, port, "/v1/models", "small")


def test_a_chat_is_answered_and_counted(served: Served) -> None:
    [answer] = ask(served.open(), TextRequest(QUESTION, 1, system_prompt="You answer questions."))
    assert answer.text
    assert answer.usage.input_tokens > 15
    assert 0 < answer.usage.output_tokens <= 16


def test_a_cut_answer_says_so(served: Served) -> None:
    [answer] = ask(served.open(max_tokens=3), TextRequest("Tell a long story.", 1))
    assert (answer.finish, answer.usage.output_tokens) == ("length", 3)


def test_a_stream_without_an_end_mark_is_whole(served: Served) -> None:
    texts: list[str] = []

    async def run() -> Answer:
        provider = served.open()
        try:
            return await provider.stream(TextRequest(QUESTION, 1), texts.append)
        finally:
            await provider.close()

    answer = asyncio.run(run())
    [whole] = ask(served.open(), TextRequest(QUESTION, 1))
    assert texts[-1] == answer.text
    assert (answer.text.strip(), answer.usage) == (whole.text.strip(), whole.usage)


def test_the_seed_decides_a_sampled_answer(served: Served) -> None:
    sampling = {"generation_config": '{"do_sample": true, "temperature": 1.5, "max_new_tokens": 12}'}
    provider = served.open(extra_body=sampling, max_tokens=12)
    texts = [ask(provider, TextRequest("Write a line of a poem.", seed))[0].text for seed in (1, 1, 2**63 + 9)]
    assert texts[0] == texts[1] != texts[2]


def test_a_server_that_reads_no_schema_is_asked_by_the_prompt(served: Served) -> None:
    provider = served.open(max_tokens=24)
    first, second = (ask(provider, TextRequest("Make up an animal.", seed, schema=SCHEMA))[0] for seed in (1, 2))
    assert first.notes["structured"] in ("json_object", "prompt")
    assert second.notes["structured"] in ("json_object", "prompt")
    # The model read the schema in the prompt.
    assert second.usage.input_tokens > 50


def test_the_endpoint_of_completions_goes_on(served: Served) -> None:
    [answer] = ask(served.open(api="completion"), TextRequest("Once upon a time, there was a", 1))
    assert answer.text
    assert answer.usage.output_tokens == 16


def test_what_the_server_does_not_have_stops_the_run(served: Served) -> None:
    assert fail(served.open(), EmbeddingRequest("x")).kind == "fatal"
    error = fail(served.open(extra_body={"banana": 1}), TextRequest("x", 1))
    assert (error.kind, error.solution) == ("fatal", "Take “banana” out of the model in the spec.")


def test_the_server_of_llama_reads_a_schema_as_an_object(served_by_llama: Served) -> None:
    answers = [
        ask(served_by_llama.open(max_tokens=60), TextRequest("Make up an animal.", seed, schema=SCHEMA))[0]
        for seed in (1, 2)
    ]
    assert [answer.notes["structured"] for answer in answers] == ["json_object", "json_object"]
    assert all('"animal"' in answer.text for answer in answers)
