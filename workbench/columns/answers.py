"""What a model said as a value: texts without control characters, and the JSON that stands in a text.

Models put code fences and courtesies around JSON, and small ones forget a bracket: what can be repaired safely is.
Whether the value is the one that was asked for is not judged here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from workbench.calls.failures import Rejected
from workbench.providers.requests import Answer
from workbench.sandbox.fences import strip_fences

EMPTY_REASONS = {
    "stop": "the model ended at once",
    "length": "max_tokens was reached before any text",
    "filter": "a filter held it back",
}
"""What is told of an empty answer, by how it finished."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_OPENING = re.compile(r"[\[{]")
_MOST_STARTS = 20  # brackets at which a value is looked for


def clean_answer(text: str) -> str:
    """A text without control characters and outer blanks."""
    return _CONTROL.sub("", _LINE_ENDS.sub("\n", text)).strip()


def read_json(answer: Answer) -> Any:
    """The JSON value of an answer. Raises Rejected where there is none, or it was cut before its end."""
    text = answer.text.strip()
    if not text:
        raise Rejected("empty answer", EMPTY_REASONS[answer.finish])
    for candidate in _list_candidates(text):
        try:
            return json.loads(candidate, parse_constant=_refuse_constant, parse_float=_read_number)
        except (ValueError, RecursionError):
            continue
    if answer.finish == "length":
        raise Rejected("cut before its end", f"max_tokens was reached after {len(text):,} characters")
    return _repair(text)


def _list_candidates(text: str) -> Iterator[str]:
    """Parts of a text that may be JSON, the likeliest first."""
    yield text
    yield strip_fences(text, "json")
    decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_read_number)
    for number, opening in enumerate(_OPENING.finditer(text)):
        if number == _MOST_STARTS:
            break
        try:
            _, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            continue
        yield text[opening.start() : end]


def _repair(text: str) -> Any:
    """The value of JSON with commas or brackets too many or too few. Raises Rejected where that is hopeless."""
    from json_repair import loads

    text = strip_fences(text, "json")
    opening = _OPENING.search(text)
    if opening is None:
        raise Rejected("no JSON in the answer", text)
    try:
        value: Any = loads(text[opening.start() :], skip_json_loads=True)
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        value = None
    if not isinstance(value, (dict, list)) or not value:
        raise Rejected("no JSON in the answer", text)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _read_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number
