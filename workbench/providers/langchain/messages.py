"""Requests as LangChain's messages, and answers read from them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.providers.http_faults import clean_message
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, TextRequest, Usage

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

_CHARACTERS_PER_TOKEN = 4
_CUT = {"length", "max_tokens", "model_length"}
_FILTERED = {
    "content_filter",
    "safety",
    "recitation",
    "blocklist",
    "prohibited_content",
    "refusal",
    "guardrail_intervened",
}


def make_messages(request: TextRequest, ending: str = "") -> list[Any]:
    """The conversation as LangChain's messages. Pictures go before the prompt."""
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    messages: list[Any] = [SystemMessage(request.system_prompt)] if request.system_prompt else []
    for turn in request.history:
        messages.append(HumanMessage(turn.content) if turn.role == "user" else AIMessage(turn.content))
    prompt = request.prompt + ending
    if not request.images:
        return [*messages, HumanMessage(prompt)]
    parts: list[Any] = [
        {
            "type": "image",
            "base64": base64.b64encode(image).decode(),
            "mime_type": "image/png" if image.startswith(b"\x89PNG") else "image/jpeg",
        }
        for image in request.images
    ]
    return [*messages, HumanMessage([*parts, {"type": "text", "text": prompt}])]


def read_message(message: AIMessage, messages: Sequence[Any]) -> Answer:
    """The text of an answer, or the arguments of the tool that a schema was asked for by. Raises CallError."""
    facts = message.response_metadata
    reason = next((facts[name] for name in ("finish_reason", "stop_reason", "done_reason") if facts.get(name)), "")
    refusal = message.additional_kwargs.get("refusal")
    if refusal:
        raise CallError("refused", f"the model refused: {clean_message(str(refusal))}")
    if str(reason).lower() in _FILTERED:
        raise CallError("refused", "a filter of the server held the answer back")
    if message.tool_calls:
        text = json.dumps(message.tool_calls[0]["args"], ensure_ascii=False)
    elif message.invalid_tool_calls:
        text = message.invalid_tool_calls[0]["args"] or ""
    else:
        text = str(message.text)
    notes: dict[str, Any] = {}
    if facts.get("system_fingerprint"):
        notes["system_fingerprint"] = str(facts["system_fingerprint"])
    counted = message.usage_metadata
    if counted is not None:
        usage = Usage(counted["input_tokens"], counted["output_tokens"])
    else:
        usage = _estimate_usage(messages, text)
        notes["usage"] = "estimated"
    return Answer(text=text, usage=usage, finish="length" if str(reason).lower() in _CUT else "stop", notes=notes)


def read_cut(completion: Any, messages: Sequence[Any]) -> Answer:
    """OpenAI's client raises where an answer under a schema was cut; the exception holds it."""
    text = completion.choices[0].message.content or ""
    counted = completion.usage
    if counted is None:
        return Answer(text=text, usage=_estimate_usage(messages, text), finish="length", notes={"usage": "estimated"})
    return Answer(text=text, usage=Usage(counted.prompt_tokens, counted.completion_tokens), finish="length")


def _estimate_usage(messages: Sequence[Any], text: str) -> Usage:
    """Tokens by the length of texts, at four characters each."""
    asked = sum(len(str(message.text)) for message in messages)
    return Usage(-(-asked // _CHARACTERS_PER_TOKEN), -(-len(text) // _CHARACTERS_PER_TOKEN))
