"""What the fault server answers: bodies of the OpenAI protocol, made from the request alone.

The same request gets the same answer, in any process; another seed or prompt gets another. An answer that was asked for
under a JSON Schema is valid under it, as far as these schemas go: types, bounds, lengths, `enum`, `const`, `$ref`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

WORDS = ["amber", "basket", "candle", "delta", "engine", "forest", "garden", "harbour", "island", "jacket", "kettle",
         "lantern", "meadow", "needle", "orchard", "pepper", "quarry", "river", "saddle", "timber"]  # fmt: skip


def digest(value: object) -> bytes:
    """32 bytes that depend on a JSON value alone."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()


def find_prompt(body: dict[str, Any]) -> str:
    """The text that the request is about: the last message of the user, the prompt or the input."""
    if "messages" in body:
        return flatten_content(body["messages"][-1]["content"])
    return str(body.get("prompt") or body.get("input") or "")


def flatten_content(content: Any) -> str:
    """The text of a message, whose content may be a list of parts."""
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part.get("type") == "text")


def find_stated_schema(body: dict[str, Any]) -> dict[str, Any] | None:
    """The JSON Schema that the messages state as text, as a model would read it."""
    text = "\n".join(flatten_content(message["content"]) for message in body.get("messages", ()))
    decoder = json.JSONDecoder()
    for start in (position for position, character in enumerate(text) if character == "{"):
        try:
            found, _ = decoder.raw_decode(text, start)
        except ValueError:
            continue
        if isinstance(found, dict) and {"type", "properties", "$ref"} & found.keys():
            return found
    return None


def write_text(body: dict[str, Any]) -> str:
    """A sentence that the whole request decides."""
    marks = digest({name: value for name, value in body.items() if name not in {"stream", "stream_options"}})
    return " ".join(WORDS[mark % len(WORDS)] for mark in marks[:10]).capitalize() + f" {marks[10:14].hex()}."


def write_value(schema: dict[str, Any], marks: Iterator[int], root: dict[str, Any] | None = None) -> Any:
    """A value that is valid under `schema`, chosen by `marks`."""
    root = schema if root is None else root
    if "$ref" in schema:
        found: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return write_value(found, marks, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][next(marks) % len(schema["enum"])]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return write_value(schema[choice][0], marks, root)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: write_value(part, marks, root) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        low = schema.get("minItems", 1)
        return [write_value(schema.get("items", {"type": "string"}), marks, root) for _ in range(low)]
    if kind == "string":
        text = " ".join(WORDS[next(marks) % len(WORDS)] for _ in range(3))
        return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 60)]
    if kind in {"integer", "number"}:
        low = math.ceil(schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1))
        return low + next(marks) % (math.floor(schema.get("maximum", low + 99)) - low + 1)
    return next(marks) % 2 == 0 if kind == "boolean" else None


def write_json(schema: dict[str, Any] | None, body: dict[str, Any]) -> str:
    """A JSON text that is valid under `schema`, decided by the request."""
    seed = digest(body)
    marks = (digest([seed.hex(), number])[0] for number in range(1_000_000))
    return json.dumps({"answer": WORDS[seed[0] % len(WORDS)]} if schema is None else write_value(schema, marks))


def find_served(body: dict[str, Any]) -> str:
    """The name that the model answers under: as it was asked for, or as the request's metadata say."""
    return str((body.get("metadata") or {}).get("serve_as", body.get("model")))


def make_chat(body: dict[str, Any], text: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    """The body of a chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": find_served(body),
        "system_fingerprint": "fp_test",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": finish,
                "logprobs": None,
            }
        ],
        "usage": count_usage(find_prompt(body), text or ""),
    }


def make_tool_call(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a chat completion that calls the first tool, with valid arguments."""
    tool = body["tools"][0]["function"]
    call = {"name": tool["name"], "arguments": write_json(tool["parameters"], body)}
    return make_chat(body, None, "tool_calls", tool_calls=[{"id": "call_1", "type": "function", "function": call}])


def make_completion(body: dict[str, Any], text: str | None, finish: str = "stop") -> dict[str, Any]:
    """The body of a completion."""
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": find_served(body),
        "choices": [{"index": 0, "text": text, "finish_reason": finish, "logprobs": None}],
        "usage": count_usage(find_prompt(body), text or ""),
    }


def make_chunks(body: dict[str, Any], answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same answer as the events of a stream, a word at a time; the last but usage says why it ended."""
    [choice] = answer["choices"]
    chat = "message" in choice
    text = (choice["message"]["content"] if chat else choice["text"]) or ""
    head = {name: answer[name] for name in ("id", "created", "model")}
    head["object"] = "chat.completion.chunk" if chat else "text_completion"
    if chat:
        yield {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
    for word in text.replace(" ", " \0").split("\0"):
        part: dict[str, Any] = {"delta": {"content": word}} if chat else {"text": word}
        yield {**head, "choices": [{"index": 0, **part, "finish_reason": None}]}
    part = {"delta": {}} if chat else {"text": ""}
    yield {**head, "choices": [{"index": 0, **part, "finish_reason": choice["finish_reason"]}]}
    if (body.get("stream_options") or {}).get("include_usage"):
        yield {**head, "choices": [], "usage": answer["usage"]}


def count_usage(prompt: str, text: str) -> dict[str, int]:
    """Words stand for tokens."""
    asked, answered = len(prompt.split()), len(text.split())
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def make_embedding(body: dict[str, Any], size: int = 16) -> dict[str, Any]:
    """The unit vector of a text."""
    numbers = [mark - 127.5 for mark in digest(body["input"])[:size]]
    norm = math.sqrt(sum(number * number for number in numbers))
    vector: Any = [number / norm for number in numbers]
    if body.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
    words = len(body["input"].split())
    return {
        "object": "list",
        "model": find_served(body),
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "usage": {"prompt_tokens": words, "total_tokens": words},
    }


def draw_png(body: dict[str, Any]) -> bytes:
    """A PNG file of the size asked for in one colour."""
    size = body.get("size") or "64x64"
    width, height = map(int, size.split("x")) if "x" in size else (64, 64)
    colour = digest(body)[:3]

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = zlib.compress((b"\0" + colour * width) * height, 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def speak_wav(body: dict[str, Any], streamed: bool = False) -> bytes:
    """A tone as a WAV file, 60 ms long for each character; `streamed` leaves its lengths open, as real servers do."""
    rate, pitch = 8_000, 200 + digest(body)[0]
    length = int(rate * 0.06 * len(body["input"]))
    samples = b"".join(struct.pack("<h", int(9_000 * math.sin(i * pitch * math.tau / rate))) for i in range(length))
    unknown = 0xFFFFFFFF
    sizes = (unknown, unknown) if streamed else (36 + len(samples), len(samples))
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", sizes[0], b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return head + struct.pack("<4sI", b"data", sizes[1]) + samples
