"""A JSON value that is valid under a schema, drawn by chance: what this provider answers where one is asked for.

Of JSON Schema it knows types, `enum`, `const`, bounds, `multipleOf`, lengths, `pattern`, usual formats, arrays with
`uniqueItems` and `prefixItems`, objects, alternatives, and references within the schema. Texts are made of the words
of the prompt; long ones are prose.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.providers.offline.chance import Chance
from workbench.providers.offline.patterns import write_match
from workbench.providers.offline.prose import cut_text, write_prose
from workbench.providers.requests import TextRequest
from workbench.providers.schema_joining import join_schemas

Schema = Mapping[str, Any]

_DEEPEST = 8
_SPAN = 100  # numbers without a second bound lie this far from the first
_LABEL = 32  # characters at most, where the schema says nothing
_PROSE = frozenset(
    {"text", "body", "description", "summary", "comment", "message", "answer", "reasoning", "note", "content",
     "explanation", "question", "review", "reply"}
)  # fmt: skip
_OPTIONAL_SHARE = 0.8
_NULL_SHARE = 0.15
_UNIQUE_TRIES = 20


@dataclass(frozen=True, slots=True)
class _Writing:
    """What all parts of one value share; `depth` counts how deep the present one lies."""

    prompt: str
    definitions: Schema
    chance: Chance
    depth: int = 0


def write_structure(request: TextRequest) -> str:
    """The value as JSON text. Raises ValueError if the request's schema is none."""
    schema = json.loads(request.schema or "{}")
    chance = Chance("structure", request.system_prompt, request.prompt, request.schema, request.seed)
    writing = _Writing(request.prompt, schema, chance)
    return json.dumps(_write(schema, "", writing), ensure_ascii=False, allow_nan=False)


def _write(schema: Schema | bool, name: str, writing: _Writing) -> Any:
    """A value of a schema, which stands under the property `name`."""
    if isinstance(schema, bool):
        return None
    schema = _resolve(schema, writing.definitions)
    chance = writing.chance
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return chance.pick(schema["enum"])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            rest = {key: value for key, value in schema.items() if key != word}
            return _write({**rest, **_choose(schema[word], writing)}, name, writing)
    kind = schema.get("type") or _guess_type(schema)
    if isinstance(kind, list):
        kind = _choose([{"type": each} for each in kind], writing)["type"]
    if kind == "object":
        return _write_object(schema, replace(writing, depth=writing.depth + 1))
    if kind == "array":
        return _write_array(schema, name, replace(writing, depth=writing.depth + 1))
    if kind == "integer":
        return _write_integer(schema, chance)
    if kind == "number":
        return _write_number(schema, chance)
    if kind == "boolean":
        return chance.below(2) == 1
    return None if kind == "null" else _write_text(schema, name, writing)


def _resolve(schema: Schema, root: Schema) -> Schema:
    """The schema with its references followed and its `allOf` laid together."""
    for _ in range(_DEEPEST):
        if "$ref" in schema:
            found: Any = root
            for step in schema["$ref"].removeprefix("#").strip("/").split("/") if schema["$ref"] != "#" else ():
                found = found[step.replace("~1", "/").replace("~0", "~")]
            schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
        elif "allOf" in schema:
            joined = {key: value for key, value in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                joined = join_schemas(joined, _resolve(part, root))
            schema = joined
        else:
            break
    return schema


def _choose(options: list[Schema], writing: _Writing) -> Schema:
    """One of the alternatives: null seldom, but always far down, where what refers to itself must end."""
    plain = [option for option in options if option.get("type") != "null"]
    empty = [option for option in options if option.get("type") == "null"]
    if empty and (not plain or writing.depth >= _DEEPEST // 2 or writing.chance.uniform() < _NULL_SHARE):
        return empty[0]
    return writing.chance.pick(plain)


def _guess_type(schema: Schema) -> str:
    if schema.keys() & {"properties", "additionalProperties", "required"}:
        return "object"
    if schema.keys() & {"items", "prefixItems", "minItems"}:
        return "array"
    return "number" if schema.keys() & {"minimum", "maximum", "multipleOf"} else "string"


def _write_object(schema: Schema, writing: _Writing) -> dict[str, Any]:
    required = set(schema.get("required", ()))
    chance = writing.chance
    value = {}
    for name, part in schema.get("properties", {}).items():
        if name in required or (writing.depth < _DEEPEST // 2 and chance.uniform() < _OPTIONAL_SHARE):
            value[name] = _write(part, name, writing)
    more = schema.get("additionalProperties")
    least = max(schema.get("minProperties", 0), 0 if value or writing.depth >= _DEEPEST else 1)
    if isinstance(more, Mapping) or (more is not False and not value):
        for number in range(_UNIQUE_TRIES):
            if len(value) >= min(least, schema.get("maxProperties", least)):
                break
            key = _write_label(1, _LABEL, writing).lower().replace(" ", "_")
            value[key if key not in value else f"{key}_{number}"] = _write(more if more else {}, key, writing)
    return value


def _write_array(schema: Schema, name: str, writing: _Writing) -> list[Any]:
    first = [_write(part, name, writing) for part in schema.get("prefixItems", ())]
    items = schema.get("items", {})
    low = max(schema.get("minItems", 0), len(first))
    high = schema.get("maxItems", max(low, 3))
    if items is False or writing.depth >= _DEEPEST:
        high = low
    # A single item by choice where none would do: an empty list shows nothing.
    count = writing.chance.between(low, max(low, min(high, low + 3)) if low else high and min(high, 3))
    if low == 0 and high and count == 0:
        count = 1
    singular = name[:-1] if name.endswith("s") else name
    values, seen = list(first), {json.dumps(value, sort_keys=True) for value in first}
    tries = 0
    while len(values) < count and tries < _UNIQUE_TRIES * (count + 1):
        tries += 1
        value = _write(items, singular, writing)
        shown = json.dumps(value, sort_keys=True)
        if schema.get("uniqueItems") and shown in seen:
            continue
        seen.add(shown)
        values.append(value)
    return values


def _find_bounds(schema: Schema) -> tuple[float | None, float | None]:
    """Lowest and highest value; an excluded end of a number counts as one that is left open."""
    lows = [schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema]
    highs = [schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema]
    return max(lows) if lows else None, min(highs) if highs else None


def _write_integer(schema: Schema, chance: Chance) -> int:
    low, high = _find_bounds(schema)
    bottom = None if low is None else math.floor(low) + 1 if low == schema.get("exclusiveMinimum") else math.ceil(low)
    top = None if high is None else math.ceil(high) - 1 if high == schema.get("exclusiveMaximum") else math.floor(high)
    if bottom is None:
        bottom = 0 if top is None or top >= 0 else top - _SPAN
    top = bottom + _SPAN if top is None else top
    step = schema.get("multipleOf")
    if step:
        whole = step if isinstance(step, int) else math.ceil(step)
        least, most = -(-bottom // whole), top // whole
        return int(chance.between(least, max(least, most)) * whole)
    return chance.between(bottom, max(bottom, top))


def _write_number(schema: Schema, chance: Chance) -> float:
    low, high = _find_bounds(schema)
    if low is None:
        low = 0.0 if high is None or high > 0 else high - _SPAN
    if high is None:
        high = low + _SPAN
    step = schema.get("multipleOf")
    if step:
        least, most = math.ceil(low / step), math.floor(high / step)
        return float(round(chance.between(least, max(least, most)) * step, 12))
    value = chance.uniform(low, high)
    for digits in (2, 4, 8):
        rounded = round(value, digits)
        if low < rounded < high:
            return rounded
    return value


def _write_text(schema: Schema, name: str, writing: _Writing) -> str:
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    if "pattern" in schema:
        return write_match(schema["pattern"], low, 10_000 if high is None else high, writing.chance)
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]](writing.chance)
    words = set(name.lower().split("_"))
    if words & _PROSE or low > _LABEL:
        request = TextRequest(f"{name.replace('_', ' ')} {writing.prompt}", writing.chance.bits(), "", low, high or 500)
        return write_prose(request)
    return _write_label(low, _LABEL if high is None else high, writing)


def _write_label(low: int, high: int, writing: _Writing) -> str:
    """A few words of the prompt."""
    # A title is what prose makes of the words alone.
    request = TextRequest(f"Title: {writing.prompt}", writing.chance.bits(), "", 0, _LABEL)
    text = write_prose(request)
    while len(text) < low:
        text += " " + text
    return cut_text(text, low, high).strip().ljust(low, "x")


def _write_date(chance: Chance) -> str:
    return f"{chance.between(2015, 2026)}-{chance.between(1, 12):02d}-{chance.between(1, 28):02d}"


def _write_time(chance: Chance) -> str:
    return f"{chance.below(24):02d}:{chance.below(60):02d}:{chance.below(60):02d}Z"


_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_FORMATS: dict[str, Callable[[Chance], str]] = {
    "date": _write_date,
    "time": _write_time,
    "date-time": lambda chance: f"{_write_date(chance)}T{_write_time(chance)}",
    "email": lambda chance: f"{write_match('[a-z]{4,8}', 4, 8, chance)}@example.com",
    "uri": lambda chance: f"https://example.com/{write_match('[a-z]{4,8}', 4, 8, chance)}",
    "hostname": lambda chance: f"{write_match('[a-z]{4,8}', 4, 8, chance)}.example.com",
    "uuid": lambda chance: write_match(_UUID, 36, 36, chance),
    "ipv4": lambda chance: ".".join(str(chance.between(1, 254)) for _ in range(4)),
}  # fmt: skip
