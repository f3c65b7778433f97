"""`expression`: what it computes, what it refuses with the character, and that nothing of it is ever executed."""

from __future__ import annotations

import datetime
import json
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.columns.column_type import Maker, TableContext
from workbench.columns.expression import ExpressionConfig
from workbench.columns.expression import make as make_expression
from workbench.columns.expression_language.functions import FUNCTIONS
from workbench.columns.streams import Draws
from workbench.columns.values import Kind, Values, make_text_array
from workbench.errors import WorkbenchError

Make = Callable[..., Values]

COLUMNS: dict[str, list[Any]] = {
    "a": [1.5, -2.0, None],
    "i": [7, 0, -3],
    "b": [True, False, True],
    "s": ["Köln", "bonn", ""],
    "at": [datetime.datetime(2026, 3, 1, 13, 5), datetime.datetime(1969, 12, 31), datetime.datetime(2024, 2, 29)],
}
NONE = [None, None, None]

RESULTS: dict[str, list[Any]] = {
    "a + i": [8.5, -2.0, None],
    "i - 1": [6, -1, -4],
    "i * 2": [14, 0, -6],
    "i / 2": [3.5, 0.0, -1.5],
    "1 / i": [1 / 7, None, -1 / 3],
    "i // 2": [3, 0, -2],
    "i % 4": [3, 0, 1],
    "5 // i": [0, None, -2],
    "i ** 2": [49.0, 0.0, 9.0],
    "-i": [-7, 0, 3],
    "+a": [1.5, -2.0, None],
    "b + b": [2, 0, 2],
    "a > 0": [True, False, None],
    "0 <= i < 7": [False, True, False],
    "i == 7 or b": [True, False, True],
    "b and not (i > 0)": [False, False, True],
    "i in [7, -3]": [True, False, True],
    "i not in (7, 0)": [False, False, True],
    "s in ['bonn', 'Köln']": [True, True, False],
    "'nn' in s": [False, True, False],
    "contains(s, 'ö')": [True, False, False],
    "i if b else a": [7.0, -2.0, -3.0],
    "where(b, s, 'none')": ["Köln", "none", ""],
    "where(a > 0, 1, 2)": [1, 2, None],
    "is_null(a)": [False, False, True],
    "where(is_null(a), 0.0, a)": [1.5, -2.0, 0.0],
    "min(a, i)": [1.5, -2.0, None],
    "max(i, 0, 2)": [7, 2, 2],
    "clip(i, -1, 1)": [1, 0, -1],
    "abs(i)": [7, 0, 3],
    "round(a)": [2, -2, None],
    "round(i / 3, 2)": [2.33, 0.0, -1.0],
    "floor(a)": [1, -2, None],
    "ceil(a)": [2, -2, None],
    "log(i)": [math.log(7), None, None],
    "exp(i * 1000)": [None, 1.0, 0.0],
    "sqrt(i)": [math.sqrt(7), 0.0, None],
    "lower(s)": ["köln", "bonn", ""],
    "upper(s)": ["KÖLN", "BONN", ""],
    "len(s)": [4, 4, 0],
    "concat(s, ':', i, ':', a, '%')": ["Köln:7:1.5%", "bonn:0:-2.0%", ":-3:%"],
    "s + '!'": ["Köln!", "bonn!", "!"],
    "year(at)": [2026, 1969, 2024],
    "month(at)": [3, 12, 2],
    "day(at)": [1, 31, 29],
    "hour(at)": [13, 0, 0],
    "weekday(at)": [6, 2, 3],
    "at >= '2025-01-01'": [True, False, False],
    "at - at": [0.0, 0.0, 0.0],
    "at + 60": [moment + datetime.timedelta(minutes=1) for moment in COLUMNS["at"]],
    "at + 1e15": NONE,
    "i * 4611686018427387904": [None, 0, None],
    "9223372036854775807 + i * 0": NONE,
    "3": [3, 3, 3],
    "true": [True, True, True],
    "'x'": ["x", "x", "x"],
}


@pytest.mark.parametrize(("expression", "expected"), RESULTS.items(), ids=list(RESULTS))
def test_expressions_compute(make: Make, expression: str, expected: list[Any]) -> None:
    found = make(json.dumps({"name": "x", "type": "expression", "expression": expression}), **COLUMNS)
    plain = found.to_list()
    assert plain == pytest.approx(expected) if float in map(type, expected) else plain == expected
    assert [type(value) for value in plain] == [type(value) for value in expected]


def test_every_function_is_shown_by_a_test() -> None:
    assert {name for name in FUNCTIONS if not any(f"{name}(" in expression for expression in RESULTS)} == set()


REFUSED = {
    "a +": "invalid syntax",
    "(a": "was never closed",
    "": "empty",
    "a.real": "lower(name) (at character 1)",
    "(lambda: 1)()": "not allowed",
    "[x for x in s]": "not allowed",
    "s[0]": "“[…]” after a name",
    "f'{a}'": "f-texts",
    "{{ a }}": "without {{ }}",
    "a & b": "use “and”",
    "a is b": "use “==”",
    "a := 1": "invalid syntax",
    "where(b, *s)": "not allowed",
    "round(a, digits=1)": "no names",
    "i + ünknown": "there is no column “ünknown”. Known: ",
    "ä + amonut": "“ä”",
    "('ä') + s + aa": "(at character 13)",
    "open('x')": "there is no function “open”",
    "__import__('os')": "there is no function",
    "flor(a)": "Did you mean “floor”?",
    "max(i)": "2 to 20 arguments",
    "i and b": "“and” needs true or false, and this is a whole number (at character 1)",
    "s * 3": "“*” needs a number",
    "s > 3": "cannot mix a text and a whole number",
    "at > 3": "cannot mix",
    "at > 'soon'": "no date",
    "at + at": "difference",
    "where(b, s, 1)": "cannot mix",
    "[1, 2]": "after “in”",
    "i in []": "is empty",
    "i in i": "needs a list",
    "None": "is_null",
    "a == None": "is_null",
    "1e999": "too large",
    "99999999999999999999": "64 bits",
    "1j": "only numbers",
    "b'x'": "only numbers",
    "...": "only numbers",
    "round(a, i)": "from 0 to 12",
    "round(a, 99)": "from 0 to 12",
    "a\0b": "",
    "-" * 500 + "a": "too long or nests",
    "(" * 900 + "a" + ")" * 900: "",
    "+".join(["a"] * 300): "too long or nests",
    "a" * 3000: "2,000 is the limit",
}


@pytest.mark.parametrize(("expression", "message"), REFUSED.items(), ids=[key[:20] for key in REFUSED])
def test_wrong_expressions_are_refused_with_a_reason(expression: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        make_expression(ExpressionConfig(name="x", type="expression", expression=expression), TableContext(MAKERS))
    assert message in str(caught.value)


def test_references_are_the_columns_and_not_the_functions() -> None:
    config = ExpressionConfig(name="x", type="expression", expression="round(round + true * max(low, 1))")
    assert config.references() == {"round", "low"}


def test_columns_that_double_one_another_stop_before_the_memory_is_full(make: Make) -> None:
    with pytest.raises(WorkbenchError, match="beyond 100,000"):
        make("{name: x, type: expression, expression: 'concat(s, s)'}", s=["x" * 60_000])


PARTS = st.sampled_from([
    "a", "i", "b", "s", "at", "x", "1", "2.5", "'t'", "True", "None", "(", ")", "[", "]", "{", "}", ",", ".", ":", "=",
    " + ", " - ", "*", "/", "//", "%", "**", "<", ">=", "==", "!=", " and ", " or ", " not ", " in ", " if ", " else ",
    " lambda ", " for ", " is ", "@", "~", "&", "__class__", "__import__", "eval(", "exec(", "open(", "where(", "max(",
    "concat(", "round(", "len(", "year(", "\\", "\n", "\t", "é", "\u202e", "\0", "'", '"', "f'", "#", ";", ":=", "...",
])  # fmt: skip


FORBIDDEN = {"exec", "open", "os.system", "subprocess.Popen", "socket.connect"}
INPUTS = {
    "a": Values(np.array([1.5, -2.0, 0.0]), np.array([True, True, False])),
    "i": Values(np.array([7, 0, -3])),
    "b": Values(np.array([True, False, True])),
    "s": Values(make_text_array(["Köln", "bonn", ""])),
    "at": Values(np.array(["2026-03-01", "1969-12-31", "2024-02-29"], "M8[us]")),
}
KINDS: dict[str, Kind] = {"a": "double", "i": "int64", "b": "bool", "s": "string", "at": "timestamp"}
MAKERS = {name: Maker(kind, lambda draws, row: Values(draws.rows)) for name, kind in KINDS.items()}
_watched: list[str] | None = None


def _watch(event: str, _: Any) -> None:
    if _watched is not None and event in FORBIDDEN:
        _watched.append(event)


sys.addaudithook(_watch)  # for the life of the process; it only looks while a test asks it to


def _compute(text: str) -> Values | None:
    try:
        config = ExpressionConfig(name="x", type="expression", expression=text)
        makers = {name: MAKERS[name] for name in config.references() if name in MAKERS}
        maker = make_expression(config, TableContext(makers))
        return maker.values(Draws(1, "t", "x", np.arange(3)), INPUTS)
    except (ValueError, WorkbenchError):
        return None


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=25).map("".join))
@example("__import__('os').system('touch hacked')")
@example("().__class__.__bases__[0].__subclasses__()")
@example("9**9**9**9")
@example("'a'*999999999")
def test_no_text_does_anything_but_compute_or_be_refused(text: str) -> None:
    """Whatever the text, the outcome is a ValueError or three values; no code runs, no file or process is opened."""
    global _watched
    _compute("concat(s, a)")
    _watched = []
    try:
        values = _compute(text)
        seen = list(_watched)
    finally:
        _watched = None
    assert seen == []
    assert values is None or len(values.to_list()) == 3
