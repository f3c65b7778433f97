"""Which JSON Schemas OpenAI can enforce (“strict”), and the nearest such schema to one that it cannot.

Strict mode wants every object closed and every property required, and knows some keywords only. A bound that it does
not know is told in the description instead, where the model reads it; the full schema is checked afterwards anyway.
Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SCHEMAS = {"$defs", "definitions", "properties"}  # names to schemas
_KNOWN = {
    "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "exclusiveMaximum", "exclusiveMinimum",
    "format", "items", "maxItems", "maximum", "minItems", "minimum", "multipleOf", "pattern", "required", "type",
} | _SCHEMAS  # fmt: skip
_TOLD = {
    "maxLength": "at most {} characters",
    "minLength": "at least {} characters",
    "uniqueItems": "no item twice",
}
_LOOSE = {"$comment", "$id", "$schema", "default", "examples", "title", *_TOLD}
_FORMATS = {"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"}


def narrow_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema as strict mode takes it, or None where that would change what is valid but for bounds.

    It equals `schema` where nothing had to change.
    """
    if schema.get("type") != "object" or "anyOf" in schema:
        return None
    return _narrow(schema)


def _narrow(schema: Any) -> dict[str, Any] | None:
    if not isinstance(schema, Mapping) or not schema.keys() <= _KNOWN | _LOOSE:
        return None
    narrowed: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _LOOSE or (name == "format" and value not in _FORMATS):
            continue
        if name in _SCHEMAS:
            value = {key: _narrow(part) for key, part in value.items()}
            if None in value.values():
                return None
        elif name == "items":
            value = _narrow(value)
        elif name == "anyOf":
            value = [_narrow(part) for part in value]
            if None in value:
                return None
        if value is None:
            return None
        narrowed[name] = value
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        if schema.get("additionalProperties", False) is not False or set(schema.get("required", ())) != set(properties):
            return None
        narrowed |= {"properties": narrowed.get("properties", {}), "required": list(properties)}
        narrowed["additionalProperties"] = False
    told = [words.format(schema[name]) for name, words in _TOLD.items() if schema.get(name)]
    if told:
        narrowed["description"] = "; ".join(filter(None, [schema.get("description"), *told]))
    return narrowed
