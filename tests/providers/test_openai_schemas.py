"""Answers under a schema: the form that a server knows is found and remembered, and OpenAI's strict mode is met."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.endpoint_calls import ask, fail, open_openai
from tests.providers.fault_server import FaultServer
from workbench.providers.forms import find_json, has_outline
from workbench.providers.openai.structured import make_form
from workbench.providers.requests import TextRequest
from workbench.providers.strictness import narrow_schema

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 1, "maximum": 9},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}


def make_request(text: str = "Make one.", schema: dict[str, Any] = SCHEMA) -> TextRequest:
    return TextRequest(text, 1, schema=json.dumps(schema))


def list_forms(server: FaultServer) -> list[str]:
    return [(body.get("response_format") or {"type": "prompt"})["type"] for body in server.bodies]


@pytest.mark.parametrize(
    ("server_knows", "tried"),
    [
        ("json_schema", ["json_schema"]),
        ("json_object", ["json_schema", "json_object"]),
        ("ignored", ["json_schema", "json_object"]),
    ],
)
def test_the_best_form_is_found_and_remembered(fault_server: FaultServer, server_knows: Any, tried: list[str]) -> None:
    fault_server.rules.structured = server_knows
    for text in ("first", "second"):  # each by a provider of its own, as two columns have
        [answer] = ask(open_openai(fault_server.url), make_request(text))
        found = find_json(answer.text)
        assert found is not None
        assert set(found.value) == {"name", "age", "tags"}
        assert answer.notes["structured"] == tried[-1]
    assert list_forms(fault_server) == [*tried, tried[-1]]


def test_a_server_that_writes_prose_whatever_it_is_asked_is_left_at_the_prompt(fault_server: FaultServer) -> None:
    fault_server.rules.structured = "ignored"
    fault_server.rules.prose = True
    [answer] = ask(open_openai(fault_server.url), make_request())
    ask(open_openai(fault_server.url), make_request("again"))
    assert list_forms(fault_server) == ["json_schema", "json_object", "prompt", "prompt"]
    # All that was paid for is counted: words of the three prompts.
    words = [body["messages"][-1]["content"].split() for body in fault_server.bodies[:3]]
    assert answer.usage.input_tokens == sum(map(len, words))


def test_prose_that_was_cut_tells_as_well(fault_server: FaultServer) -> None:
    fault_server.rules.structured = "ignored"
    ask(open_openai(fault_server.url), make_request("[fault: length]"))
    assert list_forms(fault_server) == ["json_schema", "json_object", "prompt"]


def test_a_flaw_of_the_server_changes_no_form(fault_server: FaultServer) -> None:
    assert fail(open_openai(fault_server.url), make_request("[fault: 500]")).kind == "server"
    [answer] = ask(open_openai(fault_server.url), make_request())
    assert answer.notes["structured"] == "json_schema"


def test_a_form_of_the_spec_is_kept(fault_server: FaultServer) -> None:
    fault_server.rules.structured = "json_object"
    assert fail(open_openai(fault_server.url, structured="json_schema"), make_request()).kind == "server"
    ask(open_openai(fault_server.url, structured="prompt"), make_request())
    assert list_forms(fault_server) == ["json_schema", "prompt"]
    assert json.dumps(SCHEMA) in fault_server.bodies[-1]["messages"][-1]["content"]


def test_a_base_model_is_asked_by_the_prompt(fault_server: FaultServer) -> None:
    ask(open_openai(fault_server.url, api="completion"), make_request())
    assert json.dumps(SCHEMA) in fault_server.bodies[-1]["prompt"]


@pytest.mark.parametrize(
    ("is_openai", "name"),
    [
        (False, {"type": "string", "maxLength": 12}),
        (True, {"type": "string", "description": "at most 12 characters"}),
    ],
)
def test_bounds_are_sent_to_servers_that_enforce_them_and_told_to_openai(is_openai: bool, name: object) -> None:
    more, ending = make_form("json_schema", json.dumps(SCHEMA), is_openai)
    sent = more["response_format"]["json_schema"]
    assert (sent["strict"], sent["schema"]["properties"]["name"], ending) == (is_openai, name, "")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "properties": {"a": {"type": "string"}}},  # optional
        {"type": "object", "properties": {}, "additionalProperties": True},
        {"type": "object", "properties": {"a": {"oneOf": [{"type": "string"}]}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {}}}, "required": ["a"]},
        {"type": "object", "properties": {"a": True}, "required": ["a"]},
        {"type": "object", "properties": {}, "patternProperties": {"a": {}}},
        {"type": "object", "properties": {"a": {"anyOf": [{"not": {}}]}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"if": {}}}}, "required": ["a"]},
    ],
)
def test_a_schema_that_strict_mode_would_change_is_left(schema: dict[str, Any]) -> None:
    assert narrow_schema(schema) is None


def test_a_schema_of_pydantic_is_narrowed_with_its_definitions() -> None:
    inner = {"type": "object", "title": "Inner", "properties": {"x": {"type": "number"}}, "required": ["x"]}
    schema = {
        "type": "object",
        "title": "Outer",
        "$defs": {"Inner": inner},
        "properties": {"inner": {"$ref": "#/$defs/Inner"}, "when": {"type": "string", "format": "made-up"}},
        "required": ["inner", "when"],
    }
    narrowed = narrow_schema(schema)
    assert narrowed is not None
    assert narrowed["$defs"]["Inner"] == {
        "type": "object",
        "properties": {"x": {"type": "number"}},
        "required": ["x"],
        "additionalProperties": False,
    }
    assert narrowed["properties"]["when"] == {"type": "string"}
    assert narrow_schema(narrowed) == narrowed


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
)


@given(VALUES, st.text("abc\n ."))
def test_json_is_found_within_fences_and_prose(value: Any, prose: str) -> None:
    text = json.dumps(value)
    for whole in (text, f"{prose}```json\n{text}\n```{prose}"):
        found = find_json(whole)
        assert found is not None
        assert found.value == value
    if isinstance(value, dict | list):
        found = find_json(f"{prose}{text}{prose}")
        assert found is not None
        assert found.value == value


@given(st.text())
def test_any_text_has_an_outline_or_not(text: str) -> None:
    assert has_outline(text, SCHEMA) in (True, False)
