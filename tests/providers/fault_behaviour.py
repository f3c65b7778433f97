"""How the fault server behaves: rules, faults and counts, and from them the answer to each call.

Faults come from three places. A prompt may carry its own, `[fault: 429:0.2 500 cut]`: the first call of this prompt
and seed meets the first fault, and so on, and later ones succeed. `script` is for the next calls, whatever they ask.
`Rules.fault_share` strikes a share of the prompts at their first call.

Faults by name, some with an argument after a colon:
`429` `429:SECONDS` `429-ms:MS` `429-date:SECONDS` `429-quota` `503:SECONDS` `401` (tells the key back) and those of
`_MISDEEDS` are errors of HTTP; `reset` `cut` `slow:SECONDS` `html` `malformed` are of the connection and the body;
`empty-choices` `no-content` `empty` `length` `filter` `refusal` of the answer; `no-done` `no-finish` `stream-error` of
a stream.
"""

from __future__ import annotations

import base64
import email.utils
import json
import re
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.providers.fault_answers import (
    digest,
    draw_png,
    find_prompt,
    find_stated_schema,
    make_chat,
    make_chunks,
    make_completion,
    make_embedding,
    make_tool_call,
    speak_wav,
    write_json,
    write_text,
)

_IN_PROMPT = re.compile(r"\[fault: ([^\]]+)\]")
_REASONS = {200: "OK", 429: "Too Many Requests", 500: "Internal Server Error"}
_MISDEEDS = {
    "400-context": (400, "This model's maximum context length is 2048 tokens.", "context_length_exceeded"),
    "400-filter": (400, "The prompt was filtered by the content policy.", "content_filter"),
    "400-max-tokens": (400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", None),
    "403": (403, "Country, region, or territory not supported.", "unsupported_country"),
    "404": (404, "The model `nothing` does not exist.", "model_not_found"),
    "408": (408, "Request timed out.", None),
    "409": (409, "The resource is locked.", None),
    "422": (422, "The field prompt is malformed.", None),
    "429-quota": (429, "You exceeded your current quota, please check your plan.", "insufficient_quota"),
    "500": (500, "The server had an error.", "server_error"),
    "502": (502, "Bad gateway.", None),
    "503": (503, "Overloaded.", None),
}


@dataclass
class Rules:
    """How the server behaves; may be changed while it runs."""

    latency: float = 0.0
    """Seconds before each answer."""
    token_latency: float = 0.0
    """Seconds between two events of a stream."""
    rate: float = 0.0
    """Calls a second that are allowed, beyond which 429 is answered; 0 for no limit."""
    burst: int = 1
    """Calls that may come at once under `rate`."""
    retry_after: Literal["exact", "whole", "none"] = "exact"
    """Whether a 429 of the limit says when to come back, in seconds: as they are, rounded up, or not at all."""
    fault_share: dict[str, float] = field(default_factory=dict)
    """A fault to the share of prompts that it strikes at their first call."""
    structured: Literal["json_schema", "json_object", "ignored"] = "json_schema"
    """What the server makes of `response_format`: all, `json_object` alone (the other is an error 500), or nothing."""
    prose: bool = False
    """Whether a schema that the prompt states is ignored as well."""
    refused: tuple[str, ...] = ()
    """Fields of a body that are refused with 400."""
    pictures: Literal["b64_json", "url", "elsewhere", "rubbish"] = "b64_json"
    speech: Literal["wav", "streamed", "mp3"] = "wav"
    calls_tools: bool = False
    """Whether the tool of a call is called, in place of an answer."""
    inside: Any = None
    """An error that is put inside each answer with the status 200, as gateways do."""
    key: str = ""
    """The key that calls must bring; a wrong one is told back in the 401."""


@dataclass
class Stats:
    """What came in so far. `calls` and `answers` are counted by prompt and seed; an answer is what was asked for."""

    requests: int = 0
    answered: int = 0
    limited: int = 0
    faults: int = 0
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)


@dataclass
class Reply:
    """What is written: each piece after its seconds; then the connection is kept, or cut."""

    pieces: list[tuple[float, bytes]]
    cut: bool = False


def make_reply(status: int, body: bytes, headers: str = "", kind: str = "application/json") -> Reply:
    """A whole answer of HTTP."""
    head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Other')}\r\ncontent-type: {kind}\r\n{headers}"
    return Reply([(0.0, f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)])


def make_error(status: int, message: str, code: str | None = None, headers: str = "") -> Reply:
    """An error as OpenAI words it."""
    error = {"error": {"message": message, "type": "error", "param": None, "code": code}}
    return make_reply(status, json.dumps(error).encode(), headers)


class Behaviour:
    """Decides what each call gets. One loop uses it; tests read `stats` and set `rules` from outside."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.stats = Stats()
        self.script: deque[str] = deque()
        self.bodies: deque[dict[str, Any]] = deque(maxlen=100)
        self.address = ""
        self._tokens = float(rules.burst)
        self._filled_at = time.monotonic()

    def reply(self, method: str, path: str, headers: dict[str, str], content: bytes) -> Reply:
        """The answer to one request."""
        if method == "GET":
            return self._show(path)
        body = json.loads(content)
        if path == "/rules":
            for name, value in body.items():
                setattr(self.rules, name, value)
            return make_reply(200, b"{}")
        self._count(body)
        key = f"{find_prompt(body)}#{body.get('seed')}"
        self.stats.calls[key] += 1
        wait = self._take_token()
        if wait > 0:
            self.stats.limited += 1
            told = {"exact": f"{wait:.3f}", "whole": str(int(wait) + 1), "none": ""}[self.rules.retry_after]
            return make_error(429, "Rate limit reached.", "rate_limit", f"retry-after: {told}\r\n" if told else "")
        sent = headers.get("authorization", "").removeprefix("Bearer ")
        if self.rules.key and sent != self.rules.key:
            return make_error(401, f"Incorrect API key provided: {sent}.", "invalid_api_key")
        for name in self.rules.refused:
            if name in body:
                return make_error(400, f"Unsupported parameter: '{name}' is not supported with this model.")
        fault = self._find_fault(key, find_prompt(body))
        if fault:
            self.stats.faults += 1
        reply = self._answer(path.removeprefix("/v1"), body, fault, sent)
        if not fault or fault.startswith("slow"):
            self.stats.answered += 1
            self.stats.answers[key] += 1
        reply.pieces[0] = (self.rules.latency + reply.pieces[0][0], reply.pieces[0][1])
        return reply

    def _count(self, body: dict[str, Any]) -> None:
        self.bodies.append(body)
        self.stats.requests += 1
        self.stats.last_at = time.monotonic()
        self.stats.first_at = self.stats.first_at or self.stats.last_at

    def _take_token(self) -> float:
        """Seconds until a call is allowed; 0 takes the right of one."""
        if self.rules.rate <= 0:
            return 0.0
        now = time.monotonic()
        self._tokens = min(self.rules.burst, self._tokens + (now - self._filled_at) * self.rules.rate)
        self._filled_at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self.rules.rate
        self._tokens -= 1
        return 0.0

    def _find_fault(self, key: str, prompt: str) -> str:
        if self.script:
            return self.script.popleft()
        call = self.stats.calls[key]
        match = _IN_PROMPT.search(prompt)
        if match:
            listed = match[1].split()
            return listed[call - 1] if call <= len(listed) else ""
        if self.rules.fault_share and call == 1:
            place = int.from_bytes(digest(key)[:4], "big") / 2**32
            for fault, share in self.rules.fault_share.items():
                if place < share:
                    return fault
                place -= share
        return ""

    def _answer(self, path: str, body: dict[str, Any], fault: str, key: str) -> Reply:
        name, _, argument = fault.partition(":")
        if name in {"429", "503"} and argument:
            return make_error(int(name), "Slow down.", "rate_limit", f"retry-after: {argument}\r\n")
        if name == "429":
            return make_error(429, "Slow down.", "rate_limit")
        if name == "429-ms":
            return make_error(429, "Slow down.", "rate_limit", f"retry-after-ms: {argument}\r\n")
        if name == "429-date":
            date = email.utils.formatdate(time.time() + float(argument), usegmt=True)
            return make_error(429, "Slow down.", "rate_limit", f"retry-after: {date}\r\n")
        if name == "401":
            return make_error(401, f"Incorrect API key provided: {key}.", "invalid_api_key")
        if name in _MISDEEDS:
            return make_error(*_MISDEEDS[name])
        if name == "html":
            return make_reply(200, b"<html>Gateway</html>", kind="text/html")
        if name == "reset":
            return Reply([(0.0, b"")], cut=True)
        if self.rules.inside is not None:
            return make_reply(200, json.dumps({"error": self.rules.inside}).encode())
        reply = self._make(path, body, name)
        if name == "slow":
            reply.pieces.insert(0, (float(argument), b""))
        if name == "cut":
            whole = reply.pieces[: max(1, len(reply.pieces) // 2)]
            reply = Reply([*whole[:-1], (whole[-1][0], whole[-1][1][: -len(whole[-1][1]) // 3])], cut=True)
        return reply

    def _make(self, path: str, body: dict[str, Any], fault: str) -> Reply:
        if path == "/embeddings":
            return self._make_embedding(body, fault)
        if path == "/audio/speech":
            sound = (
                b"ID3\x04" + bytes(64) if self.rules.speech == "mp3" else speak_wav(body, self.rules.speech != "wav")
            )
            return make_reply(200, sound, kind="audio/mpeg" if self.rules.speech == "mp3" else "audio/wav")
        if path == "/images/generations":
            return self._make_picture(body)
        if path not in {"/chat/completions", "/completions"}:
            return make_error(404, f"There is no {path}.")
        if self.rules.calls_tools and body.get("tools"):
            return make_reply(200, json.dumps(make_tool_call(body)).encode())
        text: str | None = self._write(body)
        if text is None:
            return make_error(500, "body.response_format.type: Input should be 'text' or 'json_object'")
        finish = {"length": "length", "filter": "content_filter"}.get(fault, "stop")
        text = {"no-content": None, "empty": "", "length": text[:9]}.get(fault, text)
        extra = {"refusal": "I can't help with that."} if fault == "refusal" else {}
        answer = (
            make_chat(body, text, finish, **extra) if path.startswith("/chat") else make_completion(body, text, finish)
        )
        if fault == "empty-choices":
            answer["choices"] = []
        elif body.get("stream"):
            return self._make_stream(body, answer, fault)
        content = json.dumps(answer).encode()
        return make_reply(200, content[:-20] if fault == "malformed" else content)

    def _make_embedding(self, body: dict[str, Any], fault: str) -> Reply:
        answer = make_embedding(body)
        if fault == "empty-choices":
            answer["data"] = []
        content = json.dumps(answer).encode()
        return make_reply(200, content[:-20] if fault == "malformed" else content)

    def _write(self, body: dict[str, Any]) -> str | None:
        """The text of an answer; None where the server cannot give the form that is asked for."""
        form = body.get("response_format") or {}
        stated = find_stated_schema(body)
        if self.rules.structured == "ignored" or form.get("type", "text") == "text":
            if stated is None or self.rules.prose:
                return write_text(body)
            return f"Sure!\n```json\n{write_json(stated, body)}\n```"
        if form["type"] == "json_schema":
            return write_json(form["json_schema"]["schema"], body) if self.rules.structured == "json_schema" else None
        return write_json(form.get("schema") or stated, body)

    def _make_picture(self, body: dict[str, Any]) -> Reply:
        if self.rules.pictures == "b64_json":
            picture = {"b64_json": base64.b64encode(draw_png(body)).decode()}
        elif self.rules.pictures == "rubbish":
            picture = {"b64_json": base64.b64encode(b"no picture").decode()}
        else:
            host = self.address if self.rules.pictures == "url" else "http://pictures.invalid"
            picture = {"url": f"{host}/picture.png"}
        return make_reply(200, json.dumps({"created": 1, "data": [picture]}).encode())

    def _make_stream(self, body: dict[str, Any], answer: dict[str, Any], fault: str) -> Reply:
        def chunk(content: bytes) -> bytes:
            return f"{len(content):x}\r\n".encode() + content + b"\r\n"

        events = [json.dumps(event).encode() for event in make_chunks(body, answer)]
        if fault == "no-finish":
            events = [event for event in events if b'"finish_reason": "stop"' not in event]
        if fault == "stream-error":
            events[2:] = [b'{"error": {"message": "The engine died.", "code": 500}}']
        if fault not in {"no-done", "no-finish"}:
            events.append(b"[DONE]")
        pieces = [(self.rules.token_latency, chunk(b"data: " + event + b"\n\n")) for event in events]
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        return Reply([(0.0, head), *pieces, (0.0, b"0\r\n\r\n")])

    def _show(self, path: str) -> Reply:
        if path == "/stats":
            return make_reply(200, json.dumps(vars(self.stats)).encode())
        if path == "/health":
            return make_reply(200, b"{}")
        if path == "/picture.png":
            return make_reply(200, draw_png({}), kind="image/png")
        return make_error(500, "No such list.")  # real servers fail at /v1/models too
