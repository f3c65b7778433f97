"""JSON Schemas of generated values: made plain and bounded for the request, and turned into the type of a column.

Constrained decoding needs an end, so texts and lists without a bound get one in the request alone. A column needs one
type, so what may be of several types, or of any, is kept as JSON text inside the value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from workbench.calls.failures import Rejected
from workbench.columns.answers import clean_answer
from workbench.columns.texts import matches
from workbench.columns.values import Kind, Nested
from workbench.providers.schema_joining import join_schemas

Schema = Mapping[str, Any]
Shape: TypeAlias = Kind | Literal["json"] | tuple["Shape"] | Mapping[str, "Shape"]
"""As `Nested`, with `json` for what is kept as JSON text."""

_MAX_LENGTH = 500
_MAX_ITEMS = 20
_UNENFORCED = frozenset({"uniqueItems", "discriminator", "$comment", "deprecated", "readOnly", "writeOnly"})
_DEEPEST = 12
_WHOLE = 2**63
_KINDS: dict[str, Shape] = {"string": "string", "integer": "int64", "number": "double", "boolean": "bool"}


def plain_schema(schema: Schema) -> dict[str, Any]:
    """The schema with its references filled in and its titles left out.

    Raises ValueError with a sentence for the user where it is no JSON Schema, refers to itself or to what is not there.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not isinstance(schema, Mapping) or not schema:
        raise ValueError("the schema must be a mapping of JSON Schema, for instance {type: object, properties: …}")
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        place = ".".join(map(str, error.absolute_path))
        raise ValueError(f"the schema is no JSON Schema{f' at {place}' if place else ''}: {error.message}") from None
    plain: dict[str, Any] = _fill_in(schema, schema, 0)
    plain.pop("$defs", None)
    plain.pop("definitions", None)
    return plain


def bound_schema(schema: Schema) -> dict[str, Any]:
    """A plain schema in which every text, list and object has an end, in keywords that models can be held to.

    What falls away is checked on the answer all the same.
    """
    bounded = {key: _map_parts(key, value, bound_schema) for key, value in schema.items() if key not in _UNENFORCED}
    if "oneOf" in bounded and "anyOf" not in bounded:
        bounded["anyOf"] = bounded.pop("oneOf")
    if schema.get("uniqueItems"):
        bounded["description"] = f"{bounded.get('description', '')} No item twice.".strip()
    kinds = _list_types(bounded)
    if bounded.keys() & {"enum", "const"}:
        return bounded
    if "string" in kinds and "maxLength" not in bounded and "format" not in bounded:
        bounded["maxLength"] = max(_MAX_LENGTH, bounded.get("minLength", 0))
    if "array" in kinds and "maxItems" not in bounded:
        bounded["maxItems"] = max(_MAX_ITEMS, bounded.get("minItems", 0))
    if "object" in kinds and bounded.get("properties"):
        bounded.setdefault("additionalProperties", False)
    return bounded


def write_schema(schema: Schema) -> str:
    """The schema as JSON text, the same for schemas that differ in the order of their keywords.

    The order of properties stays: models write them in it.
    """
    return json.dumps(_sort(schema), ensure_ascii=False, separators=(",", ":"))


def find_shape(schema: Schema | bool) -> Shape:
    """The type of the values of a plain schema."""
    if isinstance(schema, bool):
        return "json"
    options = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if options is not None:
        return _join_shapes([_find_value_shape(option) for option in options if option is not None])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            parts = [part for part in schema[word] if isinstance(part, bool) or part.get("type") != "null"]
            return _join_shapes([find_shape(part) for part in parts])
    kinds = [kind for kind in _list_types(schema) if kind != "null"]
    if len(kinds) != 1:
        return _join_shapes([_KINDS.get(kind, "json") for kind in kinds])
    if kinds[0] == "object":
        properties = schema.get("properties")
        return {name: find_shape(part) for name, part in properties.items()} if properties else "json"
    if kinds[0] == "array":
        items = schema.get("items")
        return (find_shape(items),) if isinstance(items, Mapping) and "prefixItems" not in schema else "json"
    return _KINDS[kinds[0]]


def find_nested(shape: Shape) -> Nested:
    """The shape with its JSON texts as the texts they are."""
    if shape == "json":
        return "string"
    if isinstance(shape, str):
        return shape
    if isinstance(shape, tuple):
        return (find_nested(shape[0]),)
    return {name: find_nested(part) for name, part in shape.items()}


def find_column(nested: Nested) -> tuple[Kind, Mapping[str, Kind] | None, Nested | None]:
    """Kind, members and nested type of the column whose values are made so."""
    if isinstance(nested, str):
        return nested, None, None
    if isinstance(nested, Mapping):
        members = {name: part for name, part in nested.items() if isinstance(part, str)}
        if len(members) == len(nested):
            return "struct", members, None
    return "nested", None, nested


def fit(value: Any, shape: Shape) -> Any:
    """A valid value as its column holds it, with None for members it lacks. Raises Rejected for a number too large."""
    if shape == "json":
        return clean_answer(json.dumps(value, ensure_ascii=False)) if value is not None else None
    if value is None:
        return None
    if shape == "string":
        return clean_answer(value)
    if shape == "int64":
        if not -_WHOLE <= value < _WHOLE:
            raise Rejected("number too large", str(value))
        return int(value)
    if shape == "double":
        try:
            return float(value)
        except OverflowError:
            raise Rejected("number too large", str(value)) from None
    if isinstance(shape, tuple):
        return [fit(each, shape[0]) for each in value]
    return {name: fit(value.get(name), part) for name, part in shape.items()} if isinstance(shape, Mapping) else value


def compile_check(schema: Schema) -> Callable[[Any], None]:
    """A function that raises Rejected, with the first error and its place, for a value that is not valid."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    bounded = extend(Draft202012Validator, {"pattern": _check_pattern})  # type: ignore[no-untyped-call]
    validator = bounded(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)

    def check(value: Any) -> None:
        errors = list(validator.iter_errors(value))
        if errors:
            first = min(errors, key=lambda error: [str(step) for step in error.absolute_path])
            place = ".".join(map(str, first.absolute_path))
            raise Rejected("not valid under the schema", f"{place or 'the value'}: {first.message}")

    return check


def _check_pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Exception]:
    """The keyword `pattern` with a bound on its time: a model's text can keep a regular expression busy for years."""
    from jsonschema import ValidationError

    if isinstance(instance, str) and not matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _fill_in(schema: Any, root: Schema, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    if depth > _DEEPEST:
        raise ValueError("the schema refers to itself or nests too deeply, and a column needs one type; unfold it")
    if "$ref" in schema:
        found = _find_reference(str(schema["$ref"]), root)
        return _fill_in({**found, **{key: part for key, part in schema.items() if key != "$ref"}}, root, depth + 1)
    if "allOf" in schema:
        joined = {key: part for key, part in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            joined = join_schemas(joined, _fill_in(part, root, depth + 1))
        return _fill_in(joined, root, depth + 1)
    return {
        key: _map_parts(key, part, lambda each: _fill_in(each, root, depth + 1))
        for key, part in schema.items()
        if key not in ("title", "$defs", "definitions", "$schema", "$id", "default", "examples")
    }


def _find_reference(reference: str, root: Schema) -> Mapping[str, Any]:
    found: Any = root
    try:
        for step in reference.removeprefix("#").strip("/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")] if step else found
    except (KeyError, TypeError):
        found = None
    if not isinstance(found, Mapping):
        raise ValueError(f"the schema refers to “{reference}”, which is not in it")
    return found


def _map_parts(key: str, value: Any, change: Callable[[Any], Any]) -> Any:
    """The value of a keyword with `change` applied to each schema in it."""
    if key in ("properties", "patternProperties") and isinstance(value, Mapping):
        return {name: change(part) if isinstance(part, Mapping) else part for name, part in value.items()}
    if key in ("anyOf", "oneOf", "allOf", "prefixItems") and isinstance(value, Sequence):
        return [change(part) if isinstance(part, Mapping) else part for part in value]
    if key in ("items", "additionalProperties", "not") and isinstance(value, Mapping):
        return change(value)
    return value


def _list_types(schema: Schema) -> list[str]:
    """The types that a schema names, or what its keywords are of."""
    named = schema.get("type")
    if named is not None:
        return [named] if isinstance(named, str) else list(named)
    if schema.keys() & {"properties", "additionalProperties"}:
        return ["object"]
    if schema.keys() & {"items", "prefixItems", "minItems", "maxItems"}:
        return ["array"]
    if schema.keys() & {"minLength", "maxLength", "pattern", "format"}:
        return ["string"]
    return ["number"] if schema.keys() & {"minimum", "maximum", "multipleOf"} else []


def _find_value_shape(value: Any) -> Shape:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64"
    if isinstance(value, float):
        return "double"
    return "string" if isinstance(value, str) else "json"


def _join_shapes(shapes: Sequence[Shape]) -> Shape:
    """The one shape of all; whole numbers are numbers, and what differs otherwise is JSON text."""
    if not shapes:
        return "json"
    if all(shape in ("int64", "double") for shape in shapes):
        return "double" if "double" in shapes else "int64"
    return shapes[0] if all(shape == shapes[0] for shape in shapes) else "json"


def _sort(value: Any, *, named: bool = False) -> Any:
    """Keywords in the order of the alphabet; the names of properties, `named`, as they stand."""
    if isinstance(value, Mapping):
        keys = list(value) if named else sorted(value)
        return {key: _sort(value[key], named=key == "properties" and not named) for key in keys}
    return [_sort(each) for each in value] if isinstance(value, (list, tuple)) else value
