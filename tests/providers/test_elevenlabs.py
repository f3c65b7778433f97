"""The real client against a server on loopback that speaks the documented protocol of ElevenLabs.

https://elevenlabs.io/docs/api-reference/text-to-speech/convert; a voice's id chooses how the server answers.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest
from pydantic import ValidationError

from workbench.providers.elevenlabs import ElevenLabsConfig, ElevenLabsProvider, check_elevenlabs, explain_refusal
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, SpeechRequest
from workbench.providers.sound import measure_wav

KEY = "sk_0123456789abcdef"
REFUSALS: dict[str, tuple[int, object, dict[str, str]]] = {
    "busy": (
        429,
        {"detail": {"status": "too_many_concurrent_requests", "message": "Too many concurrent requests."}},
        {"Retry-After": "3"},
    ),
    "newer-busy": (
        429,
        {"detail": {"type": "rate_limit_error", "code": "concurrent_limit_exceeded", "message": "At the limit."}},
        {},
    ),
    "overloaded": (503, {"detail": {"status": "system_busy", "message": "Busy."}}, {"Retry-After": "1"}),
    "no-credits": (
        401,
        {"detail": {"status": "quota_exceeded", "message": "This request exceeds your quota of 10000."}},
        {},
    ),
    "no-credits-429": (429, {"detail": {"status": "quota_exceeded", "message": "Nothing left."}}, {}),
    "no-voice": (404, {"detail": {"status": "voice_not_found", "message": "A voice with this id was not found."}}, {}),
    "no-model": (400, {"detail": {"status": "model_not_found", "message": "No such model."}}, {}),
    "too-long": (400, {"detail": {"status": "max_character_limit_exceeded", "message": "Too long."}}, {}),
    "broken": (500, "<html>Internal error</html>", {}),
    "against-policy": (403, {"detail": {"status": "content_against_policy", "message": "Not this."}}, {}),
}


class _Service(BaseHTTPRequestHandler):
    """Speaks a tone whose pitch is the seed, as long as the text, or refuses as the voice's id says."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers["content-length"]))
        prefix, _, voice = parts.path.rpartition("/")
        voice = unquote(voice)
        assert prefix == "/v1/text-to-speech"
        if self.headers["xi-api-key"] != KEY:
            return self.refuse(
                401, {"detail": {"status": "invalid_api_key", "message": f"Not a key: {self.headers['xi-api-key']}"}}
            )
        if voice in REFUSALS:
            return self.refuse(*REFUSALS[voice])
        if voice == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"\0" * 10)
            self.close_connection = True
            return None
        asked = json.loads(body)
        self.server.bodies.append(asked)  # type: ignore[attr-defined]
        if "text" not in asked or not isinstance(asked.get("seed"), int) or not 0 <= asked["seed"] <= 4294967295:
            return self.refuse(
                422, {"detail": [{"loc": ["body", "seed"], "msg": "out of range", "type": "value_error"}]}
            )
        if not asked["text"]:
            return self.refuse(422, {"detail": [{"loc": ["body", "text"], "msg": "is empty", "type": "value_error"}]})
        [form] = parse_qs(parts.query)["output_format"]
        kind, _, rate = form.partition("_")
        assert kind == "pcm"
        return self.send_sound(asked, int(rate))

    def send_sound(self, asked: dict[str, Any], rate: int) -> None:
        time = np.arange(rate * len(asked["text"]) // 15) / rate
        tone = np.sin(time * 2 * np.pi * (200 + asked["seed"] % 200)) * 12_000
        self.send(200, tone.astype("<i2").tobytes(), "audio/pcm", {"character-cost": str(len(asked["text"]) // 2)})

    def refuse(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.send(status, text.encode(), "text/html" if isinstance(body, str) else "application/json", headers or {})

    def send(self, status: int, content: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    server.bodies = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def set_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", KEY)


def make_config(service: ThreadingHTTPServer, **fields: Any) -> ElevenLabsConfig:
    voices = {"rachel": "21m00Tcm4TlvDq8ikWAM", "odd": "a/b ?c", "cut": "cut", **{name: name for name in REFUSALS}}
    address = f"http://127.0.0.1:{service.server_address[1]}"
    return ElevenLabsConfig(provider="elevenlabs", base_url=address, voices=voices, **fields)


def ask(config: ElevenLabsConfig, *requests: SpeechRequest) -> list[Answer]:
    async def run() -> list[Answer]:
        provider = ElevenLabsProvider(config)
        try:
            return list(await asyncio.gather(*(provider.answer(request) for request in requests)))
        finally:
            await provider.close()

    return asyncio.run(run())


def fail(config: ElevenLabsConfig, voice: str = "rachel", text: str = "Hello") -> CallError:
    with pytest.raises(CallError) as caught:
        ask(config, SpeechRequest(text, 1, voice))
    assert KEY not in caught.value.message
    return caught.value


def test_speech_comes_as_wav_with_the_characters_that_are_billed(service: ThreadingHTTPServer) -> None:
    text = "The first move is what sets everything in motion."
    [answer] = ask(make_config(service), SpeechRequest(text, 7, "rachel"))
    sound = measure_wav(answer.data)
    assert (sound.rate, sound.channels, answer.notes) == (24_000, 1, {"voice": "rachel"})
    assert sound.seconds == pytest.approx(len(text) / 15, abs=0.01)
    assert sound.peak == pytest.approx(12_000 / 32_768, abs=0.01)
    assert answer.usage.characters == len(text) // 2


def test_the_body_is_as_documented_and_holds_a_seed_of_32_bits(service: ThreadingHTTPServer) -> None:
    settings = {"stability": 0.4, "speed": 1.1}
    config = make_config(service, voice_settings=settings, language="de", model="eleven_flash_v2_5", sample_rate=16000)
    [answer] = ask(config, SpeechRequest("Guten Tag", 2**64 - 2, "odd"))
    assert service.bodies[-1] == {  # type: ignore[attr-defined]
        "text": "Guten Tag", "model_id": "eleven_flash_v2_5", "language_code": "de", "voice_settings": settings,
        "seed": 1,
    }  # fmt: skip
    assert measure_wav(answer.data).rate == 16_000


def test_many_texts_are_asked_at_once_each_with_its_own_seed(service: ThreadingHTTPServer) -> None:
    requests = [SpeechRequest("Hello there", seed, "rachel") for seed in (1, 2, 3, 1)]
    first, second, third, again = [answer.data for answer in ask(make_config(service), *requests)]
    assert first == again
    assert len({first, second, third}) == 3


@pytest.mark.parametrize(
    ("voice", "kind", "retry_after", "words"),
    [
        ("busy", "busy", 3.0, "Too many concurrent requests"),
        ("newer-busy", "busy", None, "At the limit"),
        ("overloaded", "busy", 1.0, "Busy"),
        ("no-credits", "fatal", None, "exceeds your quota"),
        ("no-credits-429", "fatal", None, "Nothing left"),
        ("no-voice", "request", None, "Correct the id under “voices”"),
        ("no-model", "fatal", None, "No such model"),
        ("too-long", "request", None, "Too long"),
        ("broken", "server", None, "500"),
        ("against-policy", "refused", None, "Not this"),
        ("cut", "connection", None, "cannot be reached"),
        ("nobody", "request", None, "There is no voice “nobody”"),
    ],
)
def test_a_refusal_says_whether_to_wait_to_go_on_or_to_stop(
    service: ThreadingHTTPServer, voice: str, kind: str, retry_after: float | None, words: str
) -> None:
    error = fail(make_config(service), voice)
    assert (error.kind, error.retry_after) == (kind, retry_after)
    assert words in error.message
    assert bool(error.solution) == (kind == "fatal")


def test_what_fails_validation_names_the_field(service: ThreadingHTTPServer) -> None:
    error = fail(make_config(service), text="")
    assert (error.kind, error.message) == ("request", "ElevenLabs answered 422: body.text: is empty")


def test_a_wrong_key_is_fatal_and_told_to_nobody(service: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk_wrong")
    error = fail(make_config(service, api_key_env="OTHER_KEY"))
    assert (error.kind, error.message) == ("fatal", "ElevenLabs answered 401: Not a key: [key]")
    assert "OTHER_KEY" in error.solution


@pytest.mark.parametrize("key", [None, "", "line\nbreak"])
def test_a_missing_key_is_named_by_its_variable(
    service: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.delenv("ELEVENLABS_API_KEY") if key is None else monkeypatch.setenv("ELEVENLABS_API_KEY", key)
    error = fail(make_config(service))
    assert error.kind == "fatal"
    assert "ELEVENLABS_API_KEY" in error.message
    assert check_elevenlabs().usable == (key == "line\nbreak")


def test_a_service_that_is_not_there_or_too_slow_is_told_apart(service: ThreadingHTTPServer) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = make_config(service).model_copy(update={"base_url": f"http://127.0.0.1:{silent.getsockname()[1]}"})
        assert fail(config.model_copy(update={"timeout": 0.2})).kind == "timeout"
    assert fail(config).kind == "connection"


@pytest.mark.parametrize("body", [None, [], {"detail": None}, {"detail": []}, {"detail": {"status": 5}}, "\x1b[31mno"])
def test_any_body_of_an_error_gives_a_sentence(body: object) -> None:
    error = explain_refusal(418, body, {}, "KEY")
    assert error.kind == "request"
    assert error.message.startswith("ElevenLabs answered 418: ")
    assert "\x1b" not in error.message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"voices": {}}, "at least 1 item"),
        ({"voices": {"a": "b"}, "base_url": "http://example.com"}, "unencrypted"),
        ({"voices": {"a": "b"}, "base_url": "https://me:secret@example.com"}, "user and password"),
        ({"voices": {"a": "b"}, "voice_settings": {"stability": 2}}, "less than or equal to 1"),
        ({"voices": {"a": "b"}, "api_key": KEY}, "not permitted"),
    ],
)
def test_a_config_that_cannot_work_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ElevenLabsConfig(provider="elevenlabs", **fields)
