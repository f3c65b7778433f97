"""Structured values: always valid under their schema, whatever the model wrapped around them, or counted as failed."""

import contextlib
import json
from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, model_validator

from tests.columns.scripted import make_rows, make_scripted
from workbench.calls.failures import Place, Rejected
from workbench.columns.answers import read_json
from workbench.columns.column_type import Maker
from workbench.columns.records import compile_schema
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.providers.requests import Answer, TextRequest

ORDER = (
    "schema: {type: object, required: [item, count], "
    "properties: {item: {type: string}, count: {type: integer, minimum: 1, maximum: 9}}}"
)
LINE = f"{{name: order, type: llm_structured, prompt: Invent an order., {ORDER}}}"
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


class Visit(BaseModel):
    """Two numbers that belong together, which no JSON Schema can say."""

    kind: Literal["first", "repeat"]
    low: Annotated[int, Field(ge=0, le=50)]
    high: Annotated[int, Field(ge=0, le=99)]

    @model_validator(mode="after")
    def validate_order(self) -> "Visit":
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Tree(BaseModel):
    """A value that holds its own kind."""

    children: list["Tree"]


def read(schema: dict[str, object], text: str, finish: Literal["stop", "length"] = "stop") -> object:
    """The value that a column of this schema gets from a text."""
    return compile_schema(schema).read(Answer(text, finish=finish))


def test_a_flat_object_is_a_struct_and_a_block_alone_has_the_values_of_the_whole(
    compile_line: Callable[..., Maker],
) -> None:
    maker = compile_line(LINE)
    assert (maker.kind, maker.members) == ("struct", {"item": "string", "count": "int64"})
    whole = make_rows(maker, 0, 20).to_list()
    assert make_rows(maker, 7, 11).to_list() == whole[7:11]
    assert all(1 <= value["count"] <= 9 for value in whole)


def test_lists_and_objects_inside_get_a_nested_type() -> None:
    schema = {
        "type": "object",
        "properties": {
            "lines": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
            "any": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "free": {"type": "object"},
            "size": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
    }
    record = compile_schema(schema)
    assert record.kind == "nested"
    assert record.nested == {"lines": ({"n": "int64"},), "any": "string", "free": "string", "size": "double"}
    value = record.read(Answer('{"lines": [{"n": 1.0}, {}], "any": "x", "free": {"a": [1]}}'))
    assert value == {"lines": [{"n": 1}, {"n": None}], "any": '"x"', "free": '{"a": [1]}', "size": None}


@pytest.mark.parametrize(
    "text",
    [
        '{"item": "lamp", "count": 2}',
        'Sure, here it is:\n```json\n{"item": "lamp", "count": 2}\n```\nHave a nice day!',
        'The order [as asked]: {"item": "lamp", "count": 2} Is that right?',
        '{"item": "lamp", "count": 2,}',
        '{"item": "lamp", "count": 2',
        "{'item': 'lamp', 'count': 2}",
        '{"item": "la\\u0000mp\\ud800", "count": 2}',
    ],
)
def test_what_stands_around_an_answer_and_small_slips_do_not_matter(text: str) -> None:
    maker, _ = make_scripted(LINE, lambda request: Answer(text))
    assert make_rows(maker, 0, 2).to_list() == [{"item": "lamp", "count": 2}] * 2


@pytest.mark.parametrize(
    ("answer", "cause", "told"),
    [
        (Answer(""), "empty answer", "the model ended at once"),
        (Answer("I cannot do that."), "no JSON in the answer", "I cannot"),
        (Answer('{"item": "lamp", "count": 99}'), "not valid under the schema", "count: 99 is greater than"),
        (Answer('{"item": "lamp"}'), "not valid under the schema", "'count' is a required property"),
        (Answer('{"item": "lamp", "cou', finish="length"), "cut before its end", "max_tokens"),
        (Answer('{"item": "lamp", "count": NaN}'), "not valid under the schema", "count"),
    ],
)
def test_an_answer_that_is_not_valid_is_asked_for_again_and_then_counted(answer: Answer, cause: str, told: str) -> None:
    maker, session = make_scripted(LINE, lambda request: answer)
    assert make_rows(maker, 0, 2).to_list() == [None, None]
    asked = session.provider.asked
    assert len({request.seed for request in asked if isinstance(request, TextRequest)}) == len(asked) == 6
    failures = session.take_failures()
    assert {(failure.cause, failure.attempts) for failure in failures} == {(cause, 3)}
    assert all(told in failure.message for failure in failures)


def test_a_row_that_is_valid_at_the_second_try_has_its_value() -> None:
    answers = iter(['{"count": 0}', '{"item": "lamp", "count": 3}'])
    maker, session = make_scripted(LINE, lambda request: Answer(next(answers)))
    assert make_rows(maker, 0, 1).to_list() == [{"item": "lamp", "count": 3}]
    assert not session.take_failures()


def test_rows_without_an_answer_can_be_left_out() -> None:
    line = LINE[:-1] + ", on_failure: drop}"
    maker, session = make_scripted(line, lambda request: Answer("no"))
    make_rows(maker, 0, 3)
    assert maker.find_lost is not None
    assert maker.find_lost(Draws(1, "table", "column", np.arange(3))).all()
    assert session.find_lost(Place("table", "column")) == {0, 1, 2}


def test_the_request_carries_a_bounded_schema_whose_text_is_always_the_same() -> None:
    one = compile_schema({"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "array"}}})
    other = compile_schema({"properties": {"b": {"type": "string"}, "a": {"type": "array"}}, "type": "object"})
    assert one.text == other.text
    sent = json.loads(one.text)
    assert sent["properties"] == {"b": {"type": "string", "maxLength": 500}, "a": {"type": "array", "maxItems": 20}}
    assert list(sent["properties"]) == ["b", "a"]
    assert sent["additionalProperties"] is False
    assert one.read(Answer(json.dumps({"b": "x" * 900, "more": 1}))) == {"b": "x" * 900, "a": None}


def test_keywords_that_cannot_be_enforced_are_left_out_of_the_request_and_checked_afterwards() -> None:
    items = {"oneOf": [{"type": "string", "maxLength": 9}, {"type": "integer"}]}
    record = compile_schema({"type": "array", "items": items, "uniqueItems": True, "maxItems": 3})
    assert json.loads(record.text) == {
        "type": "array",
        "items": {"anyOf": items["oneOf"]},
        "maxItems": 3,
        "description": "No item twice.",
    }
    with pytest.raises(Rejected, match="not valid under the schema"):
        record.read(Answer("[1, 1]"))


def test_a_pydantic_class_gives_the_schema_and_checks_what_no_schema_can_say() -> None:
    line = f"{{name: a, type: llm_structured, prompt: x, model_class: '{__name__}:Visit'}}"
    answers = iter(['{"kind": "first", "low": 9, "high": 2}', '{"kind": "first", "low": 2, "high": 9}'])
    maker, session = make_scripted(line, lambda request: Answer(next(answers)))
    assert maker.members == {"kind": "string", "low": "int64", "high": "int64"}
    assert make_rows(maker, 0, 1).to_list() == [{"kind": "first", "low": 2, "high": 9}]
    assert len(session.provider.asked) == 2


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("schema: {type: objct}", "no JSON Schema"),
        ("schema: {}", "must be a mapping"),
        ("schema: {type: object, properties: {a: {$ref: '#/$defs/gone'}}}", "which is not in it"),
        (f"model_class: '{__name__}:Tree'", "refers to itself"),
        (f"model_class: '{__name__}:Nothing'", "has no Pydantic class “Nothing”"),
        (f"model_class: '{__name__}:PLAIN'", "has no Pydantic class"),
        ("model_class: 'no_such_module:X'", "cannot be imported"),
        ("min_chars: 1", "Extra inputs"),
        ("retries: 1", "either schema or model_class"),
        (f"{ORDER}, skip: {{when: true, value: x}}", "a skipped row is null"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_before_a_row_is_made(
    compile_line: Callable[..., Maker], rest: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        compile_line(f"{{name: a, type: llm_structured, prompt: x, {rest}}}")


@given(PLAIN, st.sampled_from(["{}", "```json\n{}\n```", "```\n{}\n```", "  {}\n"]))
def test_any_json_is_read_back_from_what_models_put_around_it(value: object, wrapping: str) -> None:
    assert read_json(Answer(wrapping.replace("{}", json.dumps(value)))) == value


@given(st.text(alphabet='{}[]",:\\ntrue1e9-\n `a', max_size=60))
def test_any_text_is_read_or_rejected(text: str) -> None:
    with contextlib.suppress(Rejected):
        json.dumps(read_json(Answer(text)), allow_nan=False)


@given(st.integers())
def test_whole_numbers_beyond_64_bits_are_rejected(number: int) -> None:
    schema: dict[str, object] = {"type": "object", "properties": {"n": {"type": "integer"}}}
    text = json.dumps({"n": number})
    if -(2**63) <= number < 2**63:
        assert read(schema, text) == {"n": number}
    else:
        with pytest.raises(Rejected, match="number too large"):
            read(schema, text)


def test_a_judge_gives_each_score_one_of_its_options_with_a_reason(make: Callable[..., Values]) -> None:
    line = (
        "{name: v, type: llm_judge, target: note, reasoning: true, scores: ["
        "{name: realism, options: {1: fake, 5: real}}, "
        "{name: tone, options: {kind: kind, rude: rude}}, {name: part, options: {0.5: half, 1: all}}]}"
    )
    verdicts = make(line, note=["A fine chair.", "Bad.", None, ""]).to_list()
    assert verdicts[2:] == [None, None]
    for verdict in verdicts[:2]:
        assert verdict["realism"] in (1, 5)
        assert verdict["tone"] in ("kind", "rude")
        assert verdict["part"] in (0.5, 1.0)
        assert all(verdict[f"{name}_reasoning"] for name in ("realism", "tone", "part"))


def test_a_judge_sees_what_it_judges_and_what_its_options_mean() -> None:
    score = "{name: q, description: How good., options: {1: bad, 2: good}}"
    line = f"{{name: v, type: llm_judge, target: note, scores: [{score}]}}"
    notes = Values(np.array(["A fine chair."], object))
    maker, session = make_scripted(
        line, lambda request: Answer('{"q": 2}'), {"note": Maker("string", lambda d, r: notes)}
    )
    assert (maker.kind, maker.members) == ("struct", {"q": "int64"})
    assert make_rows(maker, 0, 1, {"note": notes}).to_list() == [{"q": 2}]
    request = session.provider.asked[0]
    assert isinstance(request, TextRequest)
    assert all(part in request.prompt for part in ("A fine chair.", "How good.", "1 = bad", "2 = good"))


def test_a_field_takes_a_member_out_with_its_kind(compile_line: Callable[..., Maker]) -> None:
    orders = compile_line(LINE)
    field = compile_line("{name: n, type: field, of: order, field: count}", {"order": orders})
    rows = make_rows(orders, 0, 6)
    assert field.kind == "int64"
    assert make_rows(field, 0, 6, {"order": rows}).to_list() == [value["count"] for value in rows.to_list()]
    with pytest.raises(ValueError, match="Did you mean “count”"):
        compile_line("{name: n, type: field, of: order, field: coumt}", {"order": orders})
