"""Answers under a JSON Schema from servers that differ in what they know of it.

A provider names its forms of asking, the surest first and the plain prompt last. A server that complains about a form,
or answers as if it had not read the schema, is asked in the next one, at once and for all later calls with this schema.
What comes back is the text as it is: callers clean, repair and validate it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from workbench.providers.http_faults import StatusError
from workbench.providers.requests import Answer, Usage

F = TypeVar("F", bound=str)

_COMPLAINT = re.compile(
    r"response_?format|json_?(schema|object|mode)|schema|structured|grammar|guided|tool_?choice|tools\b", re.IGNORECASE
)
_FENCED = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)
_FEW = 4  # answers that fit, for each that does not, keep a form in use
_MOST_RECORDS = 1_000
_KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float), "integer": int,
}  # fmt: skip


class UnknownForm(Exception):
    """The library cannot ask in a form."""


@dataclass
class _Record:
    """What is known of one schema at one model."""

    form: int = 0
    fits: int = 0
    misfits: int = 0


_RECORDS: dict[tuple[str, ...], _Record] = {}
"""By model and schema: what one column learned serves the next."""


async def ask_in_forms(
    ask: Callable[[F], Awaitable[Answer]], forms: Sequence[F], schema: str, model: tuple[str, ...]
) -> Answer:
    """The answer of `ask(form)` in the first of `forms` that the server knows; `model` tells models apart.

    Raises CallError as `ask` does. The usage covers all calls that it took, and the notes name the form.
    """
    record = _find_record((*model, *forms, schema))
    form, spent = record.form, Usage()
    while True:
        is_last = form == len(forms) - 1
        try:
            answer = await ask(forms[form])
        except StatusError as fault:
            if is_last or not _complains(fault):
                raise
        except UnknownForm:
            if is_last:
                raise
        else:
            spent = _add_usage(spent, answer.usage)
            if is_last or not _is_unread(answer, schema, record):
                return replace(answer, usage=spent, notes={**answer.notes, "structured": forms[form]})
        if record.form == form:
            record.form, record.fits, record.misfits = form + 1, 0, 0
        form = record.form


def _add_usage(one: Usage, other: Usage) -> Usage:
    return Usage(one.input_tokens + other.input_tokens, one.output_tokens + other.output_tokens)


def _find_record(key: tuple[str, ...]) -> _Record:
    if len(_RECORDS) > _MOST_RECORDS:  # someone makes a schema for each row
        _RECORDS.clear()
    return _RECORDS.setdefault(key, _Record())


def state_schema(schema: str) -> str:
    """What a prompt says of a schema at its end."""
    return f"\n\nAnswer with nothing but one JSON value that is valid under this JSON Schema:\n{schema}"


def _complains(fault: StatusError) -> bool:
    return fault.status in (400, 404, 415, 422, 500, 501) and _COMPLAINT.search(fault.message) is not None


def _is_unread(answer: Answer, schema: str, record: _Record) -> bool:
    """Whether the server seems to take no notice of a schema: its answers do not even have the outline of it."""
    loaded = json.loads(schema)
    if answer.finish == "length":  # of an answer that was cut, the beginning tells
        text = answer.text.lstrip()
        return loaded.get("type") in ("object", "array") and text != "" and text[0] not in "{[`"
    if has_outline(answer.text, loaded):
        record.fits += 1
        return False
    record.misfits += 1
    return record.misfits * _FEW > record.fits


def has_outline(text: str, schema: dict[str, Any]) -> bool:
    """Whether a text holds a JSON value of the outermost type of `schema`, with the properties that it requires."""
    found = find_json(text)
    if found is None:
        return False
    kind = _KINDS.get(str(schema.get("type")))
    if kind is not None and not isinstance(found.value, kind):
        return False
    required = schema.get("required", ())
    return not isinstance(found.value, dict) or all(name in found.value for name in required)


@dataclass(frozen=True, slots=True)
class FoundJson:
    """A JSON value that a text holds."""

    value: Any


def find_json(text: str) -> FoundJson | None:
    """The value of a text that is JSON, or that has some within fences or prose; None if there is none."""
    fenced = _FENCED.search(text)
    first = min((place for mark in "{[" if (place := text.find(mark)) >= 0), default=len(text))
    last = max(text.rfind("}"), text.rfind("]")) + 1
    for candidate in (text, fenced[1] if fenced else "", text[first:last]):
        try:
            return FoundJson(json.loads(candidate))
        except (ValueError, RecursionError):
            continue
    return None
