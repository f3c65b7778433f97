"""What the offline provider answers under a schema is valid under it, the same for the same request, and varied."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from workbench.providers.offline.chance import Chance
from workbench.providers.offline.patterns import write_match
from workbench.providers.offline.structures import write_structure
from workbench.providers.offline.vectors import DIMENSIONS, embed_text
from workbench.providers.requests import TextRequest

SCHEMAS: list[dict[str, Any]] = [
    {"type": "string", "minLength": 5, "maxLength": 9},
    {"type": "string", "pattern": "^[A-Z]{2}-\\d{3,5}$", "maxLength": 7},
    {"type": "string", "pattern": "^(ab|c)+[^x]?$", "minLength": 12},
    {"type": "string", "format": "date-time"},
    {"type": "integer", "minimum": 3, "exclusiveMaximum": 5},
    {"type": "integer", "multipleOf": 7, "minimum": 10, "maximum": 40},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 0.01},
    {"type": "number", "maximum": -3},
    {"enum": ["a", 2, None, {"b": 1}]},
    {"const": [1]},
    {"type": ["integer", "null"]},
    {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "integer"}]},
    {"type": "array", "items": {"enum": ["x", "y", "z"]}, "uniqueItems": True, "minItems": 2, "maxItems": 3},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}], "items": False},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"], "additionalProperties": False},
    {
        "$ref": "#/$defs/tree",
        "$defs": {
            "tree": {
                "type": "object",
                "properties": {
                    "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/tree"}]}, "n": {"type": "integer"}
                },
                "required": ["next", "n"],
            }
        },
    },
    {"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
               {"properties": {"b": {"type": "string"}}, "required": ["b"]}]},
]  # fmt: skip
_BOUNDS = st.tuples(st.integers(-50, 50), st.integers(0, 60))
_LEAVES = st.one_of(
    _BOUNDS.map(lambda ends: {"type": "integer", "minimum": ends[0], "maximum": ends[0] + ends[1]}),
    _BOUNDS.map(lambda ends: {"type": "number", "minimum": ends[0], "maximum": ends[0] + ends[1]}),
    _BOUNDS.map(lambda ends: {"type": "string", "minLength": ends[1], "maxLength": ends[1] + 20}),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
)
_ANY = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["name", "text", "size"]), inner, min_size=1).map(
            lambda parts: {"type": "object", "properties": parts, "required": sorted(parts)[:1]}
        ),
        inner.map(lambda items: {"type": "array", "items": items, "minItems": 1, "maxItems": 3}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
    ),
    max_leaves=8,
)


def write(schema: dict[str, Any], seed: int) -> str:
    """The answer to a request for a value under the schema."""
    return write_structure(TextRequest("Write a review of a red chair for Tom.", seed, schema=json.dumps(schema)))


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_answers_are_valid_and_the_same_for_the_same_request(schema: dict[str, Any]) -> None:
    for seed in range(40):
        text = write(schema, seed)
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(json.loads(text))
        assert write(schema, seed) == text


@settings(deadline=None)
@given(_ANY, st.integers(0, 2**64 - 1))
def test_answers_to_any_schema_are_valid(schema: dict[str, Any], seed: int) -> None:
    Draft202012Validator(schema).validate(json.loads(write(schema, seed)))


def test_answers_differ_from_seed_to_seed_and_use_the_words_of_the_prompt() -> None:
    schema = {
        "type": "object",
        "properties": {"item": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["item"],
    }
    answers = {write(schema, seed) for seed in range(100)}
    assert len(answers) > 60
    assert any("chair" in answer.lower() for answer in answers)


@pytest.mark.parametrize("pattern", [r"\d{4}-\w+", r"(a)(b)\1\2", r"[^a-z]{3}", r"^x*$", r"(?:yes|no)!?", r"\S+ \S+"])
def test_texts_of_a_pattern_match_it(pattern: str) -> None:
    import re

    assert all(re.search(pattern, write_match(pattern, 0, 50, Chance(pattern, n))) for n in range(50))


@given(st.text())
def test_every_text_has_a_vector_of_length_one(text: str) -> None:
    vector = embed_text(text)
    assert len(vector) == DIMENSIONS
    assert abs(sum(part * part for part in vector) - 1) < 1e-9
