"""Texts, code and conversations: what is sent to the chat or completion endpoint, and what is read from its answer."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.providers.http_faults import clean_message
from workbench.providers.openai.connection import Connection
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, TextRequest, Usage

if TYPE_CHECKING:
    from workbench.providers.openai import OpenAIConfig

CHAT = "/chat/completions"
COMPLETION = "/completions"
_CHARACTERS_PER_TOKEN = 4
_OPTIONS = {"max_tokens": "max_completion_tokens"}
_STREAM_OPTIONS = {**_OPTIONS, "stream_options": None}
_SEEDS = 2**31 - 1  # servers keep a seed in 32 bits, some of them signed

Body = dict[str, Any]


class Writer:
    """Asks one endpoint of a server for texts."""

    def __init__(self, config: OpenAIConfig, connection: Connection) -> None:
        self._config = config
        self._connection = connection
        self._path = CHAT if config.api == "chat" else COMPLETION
        settings = {
            "model": config.model,
            "temperature": config.temperature,
            "top_p": config.top_p,
            "max_tokens": config.max_tokens,
        }
        self._settings = {name: value for name, value in settings.items() if value is not None}

    async def write(
        self, request: TextRequest, more: Body, ending: str = "", on_text: Callable[[str], None] | None = None
    ) -> Answer:
        """The text as the model gave it. `more` are fields of the call, `ending` follows the prompt; the text so far
        is told to `on_text`. Raises CallError.
        """
        body = self._make_body(request, more, ending)
        if on_text is None:
            answer = await self._connection.post(self._path, body, _OPTIONS)
        else:
            answer = await self._stream(body, on_text)
        return read_answer(answer, body, self._config.model)

    def _make_body(self, request: TextRequest, more: Body, ending: str) -> Body:
        body = {**self._settings, **more}
        if self._config.seed:
            body["seed"] = request.seed % _SEEDS
        if self._path == CHAT:
            body["messages"] = make_messages(request, ending)
        else:
            if request.images:
                raise CallError(
                    "fatal", "a picture cannot be shown with “api: completion”", solution="Take “api: chat” instead."
                )
            turns = (turn.content for turn in request.history)
            parts = (request.system_prompt, *turns, request.prompt + ending)
            body["prompt"] = "\n\n".join(part for part in parts if part)
            # Without a limit of its own this endpoint stops after 16 tokens.
            body.setdefault("max_tokens", 16 + request.max_chars // 3)
        return body | self._config.extra_body

    async def _stream(self, body: Body, on_text: Callable[[str], None]) -> Body:
        """The whole answer of a stream, as if it had come at once."""
        whole = _StreamedAnswer(self._path == CHAT, on_text)
        streamed = body | {"stream": True, "stream_options": {"include_usage": True}}
        await self._connection.stream(self._path, streamed, _STREAM_OPTIONS, whole.add)
        return whole.finish()


class _StreamedAnswer:
    """Puts the events of a stream together. Some servers end without the protocol's `[DONE]`, so the end is known by
    `finish_reason`; without one the connection was cut.
    """

    def __init__(self, chat: bool, on_text: Callable[[str], None]) -> None:
        self._chat = chat
        self._on_text = on_text
        self._text = ""
        self._refusal = ""
        self._reason: str | None = None
        self._head: Body = {}

    def add(self, event: Any) -> None:
        if not isinstance(event, dict):
            return
        self._head |= {name: value for name, value in event.items() if value and name != "choices"}
        choices = event.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return
        part = choices[0].get("delta") if self._chat else choices[0]
        part = part if isinstance(part, dict) else {}
        text = part.get("content" if self._chat else "text")
        self._refusal += str(part.get("refusal") or "")
        self._reason = choices[0].get("finish_reason") or self._reason
        if isinstance(text, str) and text:
            self._text += text
            self._on_text(self._text)

    def finish(self) -> Body:
        if self._reason is None:
            raise CallError("connection", "the stream broke off before the answer was complete")
        said: Body = {"text": self._text}
        if self._chat:
            said = {"message": {"content": self._text, "refusal": self._refusal}}
        return self._head | {"choices": [{**said, "finish_reason": self._reason}]}


def make_messages(request: TextRequest, ending: str = "") -> list[Body]:
    """The conversation that a chat model is shown. Pictures go before the prompt, as data URLs."""
    messages: list[Body] = []
    if request.system_prompt:
        messages.append({"role": "system", "content": request.system_prompt})
    messages += ({"role": turn.role, "content": turn.content} for turn in request.history)
    prompt = request.prompt + ending
    if not request.images:
        return [*messages, {"role": "user", "content": prompt}]
    parts: list[Body] = [{"type": "image_url", "image_url": {"url": make_data_url(image)}} for image in request.images]
    return [*messages, {"role": "user", "content": [*parts, {"type": "text", "text": prompt}]}]


def make_data_url(image: bytes) -> str:
    """A PNG or JPEG file as a URL that holds it."""
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def read_answer(answer: Body, body: Body, model: str) -> Answer:
    """The first choice of an answer to `body`, with what it used up. Raises CallError where it holds no text."""
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise CallError("server", "the server's answer holds no choices")
    choice = choices[0]
    message = choice.get("message")
    message = message if isinstance(message, dict) else choice
    reason = choice.get("finish_reason")
    if message.get("refusal"):
        raise CallError("refused", f"the model refused: {clean_message(str(message['refusal']))}")
    if reason == "content_filter":
        raise CallError("refused", "a filter of the server held the answer back")
    text = _join_content(message.get("content") if "content" in message else message.get("text"))
    if text is None:
        if reason != "length":
            raise CallError("server", "the server's answer holds no text")
        text = ""  # all tokens went into reasoning
    notes: Body = {}
    if answer.get("system_fingerprint"):
        notes["system_fingerprint"] = str(answer["system_fingerprint"])
    if answer.get("model") not in (None, model):
        notes["served_model"] = str(answer["model"])
    usage = read_usage(answer)
    if usage is None:
        usage = estimate_usage(body, text)
        notes["usage"] = "estimated"
    return Answer(text=text, usage=usage, finish="length" if reason == "length" else "stop", notes=notes)


def _join_content(content: object) -> str | None:
    """Content is a text, or a list of parts of which some are text."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    texts = [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "".join(texts) if texts else None


def read_usage(answer: Body) -> Usage | None:
    """The tokens that a server counted, None where it did not."""
    usage = answer.get("usage")
    if not isinstance(usage, Mapping):
        return None
    asked = usage.get("prompt_tokens", usage.get("input_tokens"))
    answered = usage.get("completion_tokens", usage.get("output_tokens", 0))
    if not isinstance(asked, int) or not isinstance(answered, int):
        return None
    return Usage(input_tokens=asked, output_tokens=answered)


def estimate_usage(body: Body, text: str) -> Usage:
    """Tokens by the length of texts, at four characters each."""
    asked = len(body.get("prompt", ""))
    for message in body.get("messages", ()):
        content = message["content"]
        asked += len(content if isinstance(content, str) else content[-1]["text"])
    return Usage(-(-asked // _CHARACTERS_PER_TOKEN), -(-len(text) // _CHARACTERS_PER_TOKEN))
