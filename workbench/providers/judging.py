"""Whether a picture shows what a text says, asked of a chat model that can see: the question, and its score."""

from __future__ import annotations

import json
import re

from workbench.providers.forms import find_json
from workbench.providers.provider import CallError
from workbench.providers.requests import AgreementRequest, TextRequest

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"score": {"type": "integer", "minimum": 0, "maximum": 100}},
        "required": ["score"],
        "additionalProperties": False,
    }
)
_SYSTEM = "You judge how well a picture shows what a text says. Be strict: what is missing or wrong costs points."
_PROMPT = """The text says:
{text}

How well does the picture show this? Give a score from 0 (something else) to 100 (all of it, nothing wrong), as JSON: \
{{"score": …}}"""
_NUMBER = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d+)?)(?![\d.]*\d)")


def make_question(request: AgreementRequest) -> TextRequest:
    """The same question for the same picture and text, always with the same seed."""
    prompt = _PROMPT.format(text=request.text)
    return TextRequest(prompt, seed=0, system_prompt=_SYSTEM, schema=SCHEMA, images=(request.image,))


def read_score(text: str) -> float:
    """The score of an answer, from 0 to 1. Raises CallError where there is none."""
    found = find_json(text)
    value = found.value.get("score") if found is not None and isinstance(found.value, dict) else None
    if value is None and (number := _NUMBER.search(text)):
        value = float(number[1])
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 100:
        raise CallError("server", "the model gave no score from 0 to 100")
    return value / 100
