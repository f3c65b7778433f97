"""The functions of expressions, by name. Each checks the kinds of its arguments and returns the compiled operand."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np

from workbench.columns.column_type import Row
from workbench.columns.expression_language.operands import (
    NUMBERS,
    Operand,
    combine,
    convert,
    make_whole,
    need,
    spread_mask,
    unify,
)
from workbench.columns.expression_language.parsing import ExpressionError
from workbench.columns.texts import join_texts
from workbench.columns.values import Array, Kind, Values, join_masks, make_text_array

Function = Callable[[list[Operand], ast.expr], Operand]
FUNCTIONS: dict[str, tuple[int, int, Function]] = {}
"""Name to fewest arguments, most arguments, function."""

_MANY = 20


def _define(name: str, fewest: int, most: int | None = None) -> Callable[[Function], Function]:
    def add(function: Function) -> Function:
        FUNCTIONS[name] = (fewest, fewest if most is None else most, function)
        return function

    return add


@_define("where", 3)
def _where(arguments: list[Operand], node: ast.expr) -> Operand:
    """where(condition, a, b): a where the condition is true, else b; null where the condition is."""
    condition = arguments[0]
    need(condition, "bool", by="the condition of where()")
    left, right = unify(arguments[1:], "where()")

    def evaluate(row: Row, count: int) -> Values:
        chosen, yes, no = (operand.evaluate(row, count) for operand in (condition, left, right))
        data = np.where(chosen.data, yes.data, no.data)
        if yes.valid is None and no.valid is None:
            return Values(data, chosen.valid)
        sides = np.where(chosen.data, spread_mask(yes.valid, count), spread_mask(no.valid, count))
        return Values(data, join_masks(sides, chosen.valid))

    return Operand(left.kind, evaluate, node)


@_define("is_null", 1)
def _is_null(arguments: list[Operand], node: ast.expr) -> Operand:
    """is_null(a): true where a has no value."""

    def evaluate(row: Row, count: int) -> Values:
        return Values(~spread_mask(arguments[0].evaluate(row, count).valid, count))

    return Operand("bool", evaluate, node)


@_define("min", 2, _MANY)
def _min(arguments: list[Operand], node: ast.expr) -> Operand:
    return _reduce(np.minimum, "min()", arguments, node)


@_define("max", 2, _MANY)
def _max(arguments: list[Operand], node: ast.expr) -> Operand:
    return _reduce(np.maximum, "max()", arguments, node)


@_define("clip", 3)
def _clip(arguments: list[Operand], node: ast.expr) -> Operand:
    """clip(a, low, high)."""
    for argument in arguments:
        need(argument, *NUMBERS, by="clip()")
    operands = unify(arguments, "clip()")
    return combine(operands[0].kind, node, lambda data, low, high: np.minimum(np.maximum(data, low), high), *operands)


@_define("abs", 1)
def _abs(arguments: list[Operand], node: ast.expr) -> Operand:
    need(arguments[0], *NUMBERS, by="abs()")
    kind: Kind = "double" if arguments[0].kind == "double" else "int64"
    return combine(kind, node, np.abs, convert(arguments[0], kind))


@_define("round", 1, 2)
def _round(arguments: list[Operand], node: ast.expr) -> Operand:
    """round(a) is whole, round(a, digits) is not. Halves go to the even neighbour, as in Python and numpy."""
    need(arguments[0], *NUMBERS, by="round()")
    number = convert(arguments[0], "double")
    if len(arguments) == 1:
        return combine("int64", node, lambda data: make_whole(np.rint(data)), number)
    digits = arguments[1].constant
    if arguments[1].kind != "int64" or digits is None or not 0 <= digits <= 12:
        raise ExpressionError("the digits of round() must be a whole number from 0 to 12", arguments[1].node)
    return combine("double", node, partial(_round_to, digits), number)


def _round_to(digits: int, data: Array) -> Array:
    return np.asarray(np.round(data, digits))


def _define_whole(name: str, function: Callable[[Array], Array]) -> None:
    def apply(arguments: list[Operand], node: ast.expr) -> Operand:
        need(arguments[0], *NUMBERS, by=f"{name}()")
        return combine("int64", node, lambda data: make_whole(function(data)), convert(arguments[0], "double"))

    _define(name, 1)(apply)


def _define_real(name: str, function: Callable[[Array], Array]) -> None:
    def apply(arguments: list[Operand], node: ast.expr) -> Operand:
        need(arguments[0], *NUMBERS, by=f"{name}()")
        return combine("double", node, function, convert(arguments[0], "double"))

    _define(name, 1)(apply)


def _define_text(name: str, kind: Kind, function: Callable[[str], Any]) -> None:
    def apply(arguments: list[Operand], node: ast.expr) -> Operand:
        need(arguments[0], "string", by=f"{name}()")
        return combine(kind, node, lambda data: _map_texts(function, data, kind), arguments[0])

    _define(name, 1)(apply)


def _define_calendar(name: str, function: Callable[[Array], Array]) -> None:
    def apply(arguments: list[Operand], node: ast.expr) -> Operand:
        need(arguments[0], "timestamp", by=f"{name}()")
        return combine("int64", node, lambda data: function(data).astype(np.int64), arguments[0])

    _define(name, 1)(apply)


_define_whole("floor", np.floor)
_define_whole("ceil", np.ceil)
_define_real("log", np.log)
_define_real("exp", np.exp)
_define_real("sqrt", np.sqrt)
_define_text("lower", "string", str.lower)
_define_text("upper", "string", str.upper)
_define_text("len", "int64", len)
_define_calendar("year", lambda data: data.astype("M8[Y]").astype(np.int64) + 1970)
_define_calendar("month", lambda data: data.astype("M8[M]").astype(np.int64) % 12 + 1)
_define_calendar("day", lambda data: (data.astype("M8[D]") - data.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1)
_define_calendar("hour", lambda data: data.astype("M8[h]").astype(np.int64) % 24)
# 1970-01-01 was a Thursday; Monday is 0, as in Python.
_define_calendar("weekday", lambda data: (data.astype("M8[D]").astype(np.int64) + 3) % 7)


@_define("contains", 2)
def contains(arguments: list[Operand], node: ast.expr) -> Operand:
    """contains(text, part): true where the part stands in the text."""
    for argument in arguments:
        need(argument, "string", by="contains()")

    def search(texts: Array, parts: Array) -> Array:
        return np.fromiter((part in text for text, part in zip(texts, parts, strict=True)), np.bool_, len(texts))

    return combine("bool", node, search, *arguments)


@_define("concat", 1, _MANY)
def concat(arguments: list[Operand], node: ast.expr) -> Operand:
    """concat(a, b, …): all as one text; null counts as the empty text."""

    def evaluate(row: Row, count: int) -> Values:
        return Values(make_text_array(join_texts([a.evaluate(row, count).to_text() for a in arguments], count)))

    return Operand("string", evaluate, node)


def _reduce(function: Callable[[Array, Array], Array], by: str, arguments: list[Operand], node: ast.expr) -> Operand:
    for argument in arguments:
        if argument.kind != "timestamp":
            need(argument, *NUMBERS, by=by)
    operands = unify(arguments, by)
    return combine(operands[0].kind, node, lambda *data: reduce(function, data), *operands)


def _map_texts(function: Callable[[str], Any], texts: Array, kind: Kind) -> Array:
    if kind == "string":
        return make_text_array([function(text) for text in texts])
    return np.fromiter((function(text) for text in texts), np.int64, len(texts))
