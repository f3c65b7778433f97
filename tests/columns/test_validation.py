"""`validation`: verdicts on code, patterns and JSON of other columns, the same for any block of rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from workbench.columns.column_type import Maker
from workbench.columns.streams import Draws
from workbench.columns.values import Values, make_text_array
from workbench.generation.preview import preview_text
from workbench.sandbox.isolation import Isolation, find_isolation

Make = Callable[..., Values]
needs_sandbox = pytest.mark.skipif(find_isolation().mode is None, reason="; ".join(find_isolation().reasons))

TESTED = '{name: ok, type: validation, target: code, checks: [parses, tests], language: python, tests: "{{ tests }}"}'
SCHEMA = (
    "{name: ok, type: validation, target: answer, check: schema, "
    "schema: {type: object, required: [age], properties: {age: {type: integer, minimum: 0}}}}"
)
PASSED = {"passed": True, "message": ""}


def text_maker(*texts: str) -> Maker:
    """A column of the texts."""
    return Maker("string", lambda draws, row: Values(make_text_array(list(texts))))


@needs_sandbox
def test_code_is_judged_by_the_tests_of_its_row(make: Make) -> None:
    code = ["def f(x): return x", "def f(x): return x", "def f(x) return x", None, "def f(x): return x"]
    tests = ["assert f(1) == 1", "assert f(1) == 2", "assert f(1) == 1", "assert True", None]
    found = make(TESTED, code=code, tests=tests).to_list()
    assert found == [
        PASSED,
        {"passed": False, "message": "tests, line 1: assert f(1) == 2"},
        {"passed": False, "message": "line 1: expected ':'"},
        None,
        {"passed": False, "message": "there are no tests"},
    ]


@needs_sandbox
def test_a_block_made_alone_has_the_verdicts_of_the_whole(make: Make) -> None:
    line = "{name: ok, type: validation, target: code, language: sql, checks: [parses, runs]}"
    code = ["SELECT 1", "SELECT", "SELECT a FROM b", "SELECT 1"] * 5
    whole = make(line, code=code).to_list()
    assert make(line, code=code[7:12]).to_list() == whole[7:12]
    assert [verdict["passed"] for verdict in whole[:4]] == [True, False, False, True]


def test_a_text_must_hold_a_match_of_its_pattern(make: Make) -> None:
    line = "{name: ok, type: validation, target: note, check: pattern, pattern: '^[A-Z]'}"
    found = make(line, note=["Yes", "no", None]).to_list()
    assert found == [PASSED, {"passed": False, "message": "no match of the pattern"}, None]


def test_a_pattern_that_would_search_for_years_ends(make: Make) -> None:
    line = "{name: ok, type: validation, target: note, check: pattern, pattern: '^(a|a)*$'}"
    assert not make(line, note=["a" * 60 + "b"]).to_list()[0]["passed"]


def test_json_is_judged_by_its_schema(make: Make) -> None:
    answers = [
        '{"age": 3}',
        '{"age": -1}',
        "{}",
        '{"age": 3',
        '{"age": NaN}',
        "[" * 50_000,
        '{"age": ' + "9" * 5000 + "}",
    ]
    found = make(SCHEMA, answer=answers).to_list()
    assert [verdict["passed"] for verdict in found] == [True] + [False] * 6
    assert found[1]["message"] == "age: -1 is less than the minimum of 0"
    assert "'age' is a required property" in found[2]["message"]
    assert found[3]["message"].startswith("line 1: it is no JSON")
    assert "NaN" in found[4]["message"]
    assert found[5]["message"] == "it is nested too deeply"
    assert found[6]["message"].startswith("it is no JSON")


def test_messages_are_safe_and_short(make: Make) -> None:
    line = "{name: ok, type: validation, target: a, check: schema, schema: {enum: [x]}}"
    (verdict,) = make(line, a=['"\\u001b[31m' + "long " * 200 + '"']).to_list()
    assert verdict["message"].isprintable()
    assert len(verdict["message"]) <= 200


@needs_sandbox
def test_code_is_not_executed_unless_the_spec_asks_for_it(make: Make) -> None:
    line = "{name: ok, type: validation, target: code, language: python, checks: [parses]}"
    assert make(line, code=["raise SystemExit(1)"]).to_list() == [PASSED]


@needs_sandbox
def test_limits_of_the_spec_hold(make: Make) -> None:
    line = "{name: ok, type: validation, target: code, language: python, checks: [runs], cpu_seconds: 1, memory_mb: 64}"
    found = make(line, code=["while True: pass", "x = bytearray(100 << 20)"]).to_list()
    assert "1 s of processor time" in found[0]["message"]
    assert "MemoryError" in found[1]["message"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{name: ok, type: validation, target: code}", "a check of code needs “language”"),
        ("{name: ok, type: validation, target: code, check: pattern}", "a check of pattern needs “pattern”"),
        ("{name: ok, type: validation, target: code, language: json, pattern: x}", "belongs to “check: pattern”"),
        ("{name: ok, type: validation, target: code, language: python, checks: [tests]}", "given as well, or neither"),
        ("{name: ok, type: validation, target: code, language: python, tests: x}", "given as well, or neither"),
        ("{name: ok, type: validation, target: code, check: pattern, pattern: '('}", "no regular expression"),
        ("{name: ok, type: validation, target: code, language: python, checks: []}", "at least 1 item"),
        ("{name: ok, type: validation, target: code, language: python, checks: [compiles]}", "'parses', 'lints'"),
        ("{name: ok, type: validation, target: code, language: pyton}", "Did you mean “python”"),
        ("{name: ok, type: validation, target: code, language: sql, checks: [lints]}", "has no check “lints”"),
        ("{name: ok, type: validation, target: number, language: python}", "“number” holds no texts"),
        ("{name: ok, type: validation, target: code, check: schema, schema: {type: strange}}", "is no JSON Schema"),
    ],
)
def test_what_cannot_work_is_refused_before_a_row_is_made(
    compile_line: Callable[..., Maker], line: str, message: str
) -> None:
    makers = {"code": text_maker("x"), "number": Maker("int64", lambda draws, row: row["number"])}
    with pytest.raises((ValueError, ValidationError), match=message):
        compile_line(line, makers)


def test_a_machine_that_cannot_do_a_check_makes_no_other_verdicts(
    compile_line: Callable[..., Maker], monkeypatch: pytest.MonkeyPatch
) -> None:
    makers = {"code": text_maker("x")}
    monkeypatch.setattr("workbench.sandbox.languages.javascript.find_program", lambda name: None)
    with pytest.raises(ValueError, match="“node” on the PATH"):
        compile_line("{name: ok, type: validation, target: code, language: javascript}", makers)
    nothing = Isolation(None, 0, True, (), ("namespaces: Operation not permitted",))
    monkeypatch.setattr("workbench.sandbox.isolation.find_isolation", lambda: nothing)
    with pytest.raises(ValueError, match="code cannot be kept apart on this machine"):
        compile_line("{name: ok, type: validation, target: code, language: python}", makers)


def test_its_members_are_known_and_it_reads_its_target_and_its_tests(compile_line: Callable[..., Maker]) -> None:
    maker = compile_line(SCHEMA, {"answer": text_maker("{}")})
    assert (maker.kind, maker.members) == ("struct", {"passed": "bool", "message": "string"})
    values = maker.values(
        Draws(1, "table", "ok", __import__("numpy").arange(1)), {"answer": Values(make_text_array(["{}"]))}
    )
    assert len(values) == 1


@needs_sandbox
def test_a_spec_shows_the_code_of_a_model_with_its_verdict(tmp_path: Path) -> None:
    spec = """
version: 1
name: checked
seed: 3
rows: 8
columns:
  - {name: code, type: llm_code, language: python, prompt: "Solve this exercise: reverse a string."}
  - {name: verdict, type: validation, target: code, language: python, checks: [parses, runs]}
  - {name: good, type: field, of: verdict, field: passed}
constraints: [{type: expression, expression: "good"}]
"""
    found: dict[str, Any] = preview_text(spec, tmp_path, 8)
    assert found["problems"] == []
    (rows,) = found["tables"].values()
    assert len(rows) == 8
    assert all(row["verdict"] == {"passed": True, "message": ""} and row["good"] is True for row in rows)
