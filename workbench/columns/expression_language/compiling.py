"""A checked syntax tree into one function over whole columns, with the kind of its result known beforehand."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from workbench.columns.expression_language.functions import FUNCTIONS, concat, contains
from workbench.columns.expression_language.operands import (
    NUMBERS,
    Operand,
    combine,
    compute_whole,
    convert,
    make_constant,
    need,
    unify,
)
from workbench.columns.expression_language.parsing import ExpressionError
from workbench.columns.values import Array, Kind, find_kind
from workbench.spec.problems import suggest

_Pair = Callable[[Array, Array], Array]
_WHOLE: dict[type[ast.operator], tuple[str, _Pair]] = {
    ast.Add: ("“+”", np.add),
    ast.Sub: ("“-”", np.subtract),
    ast.Mult: ("“*”", np.multiply),
}
_REAL: dict[type[ast.operator], tuple[str, _Pair]] = {ast.Div: ("“/”", np.divide), ast.Pow: ("“**”", np.power)}
_DIVIDING: dict[type[ast.operator], tuple[str, _Pair]] = {
    ast.FloorDiv: ("“//”", np.floor_divide),
    ast.Mod: ("“%”", np.mod),
}
_COMPARING: dict[type[ast.cmpop], tuple[str, _Pair]] = {
    ast.Eq: ("“==”", np.equal),
    ast.NotEq: ("“!=”", np.not_equal),
    ast.Lt: ("“<”", np.less),
    ast.LtE: ("“<=”", np.less_equal),
    ast.Gt: ("“>”", np.greater),
    ast.GtE: ("“>=”", np.greater_equal),
}
_SECOND = np.timedelta64(1, "s")


def compile_expression(root: ast.expr, kinds: Mapping[str, Kind]) -> Operand:
    """The operand of the whole tree, for columns of these kinds. Raises ExpressionError with the character."""
    return _Compiler(kinds).compile(root)


class _Compiler:
    """One method per kind of node; the tree holds no others."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = kinds

    def compile(self, node: ast.expr) -> Operand:
        method = getattr(self, f"compile_{type(node).__name__}", None)
        if method is None:
            raise ExpressionError("a list can only stand after “in”", node)
        operand: Operand = method(node)
        return operand

    def compile_Constant(self, node: ast.Constant) -> Operand:  # noqa: N802 - named after the node
        value: Any = node.value
        kind = find_kind(value)
        if value is None:
            raise ExpressionError("nothing equals None; use is_null(…)", node)
        if kind is None or kind == "timestamp":
            raise ExpressionError("only numbers, texts, true and false can be written here", node)
        if kind == "double" and not math.isfinite(value):
            raise ExpressionError("this number is too large", node)
        if kind == "int64" and value >= 2**63:
            raise ExpressionError("this whole number needs more than 64 bits", node)
        return make_constant(value, kind, node)

    def compile_Name(self, node: ast.Name) -> Operand:  # noqa: N802
        name = node.id
        if name in self.kinds:
            return Operand(self.kinds[name], lambda row, count: row[name], node)
        if name in ("true", "false"):
            return make_constant(name == "true", "bool", node)
        raise ExpressionError(f"there is no column “{name}”. {suggest(name, self.kinds)}".strip(), node)

    def compile_Call(self, node: ast.Call) -> Operand:  # noqa: N802
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name not in FUNCTIONS:
            raise ExpressionError(f"there is no function “{name}”. {suggest(name, FUNCTIONS)}".strip(), node)
        fewest, most, function = FUNCTIONS[name]
        if not fewest <= len(node.args) <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise ExpressionError(f"{name}() takes {wanted} arguments, not {len(node.args)}", node)
        return function([self.compile(argument) for argument in node.args], node)

    def compile_IfExp(self, node: ast.IfExp) -> Operand:  # noqa: N802
        operands = [self.compile(part) for part in (node.test, node.body, node.orelse)]
        return FUNCTIONS["where"][2](operands, node)

    def compile_BoolOp(self, node: ast.BoolOp) -> Operand:  # noqa: N802
        word, function = ("and", np.logical_and) if isinstance(node.op, ast.And) else ("or", np.logical_or)
        operands = [self.compile(value) for value in node.values]
        for operand in operands:
            need(operand, "bool", by=f"“{word}”")
        return combine("bool", node, lambda *data: reduce(function, data), *operands)

    def compile_UnaryOp(self, node: ast.UnaryOp) -> Operand:  # noqa: N802
        operand = self.compile(node.operand)
        if isinstance(node.op, ast.Not):
            need(operand, "bool", by="“not”")
            return combine("bool", node, np.logical_not, operand)
        need(operand, *NUMBERS, by="a sign")
        kind: Kind = "double" if operand.kind == "double" else "int64"
        if operand.constant is not None:
            value = int(operand.constant) if kind == "int64" else operand.constant
            return make_constant(-value if isinstance(node.op, ast.USub) else value, kind, node)
        number = convert(operand, kind)
        return combine(kind, node, np.negative, number) if isinstance(node.op, ast.USub) else number

    def compile_BinOp(self, node: ast.BinOp) -> Operand:  # noqa: N802
        left, right = self.compile(node.left), self.compile(node.right)
        operator = type(node.op)
        if operator is ast.Add and left.kind == right.kind == "string":
            return concat([left, right], node)
        if "timestamp" in (left.kind, right.kind):
            return _combine_times(operator, left, right, node)
        sign, function = (_WHOLE | _REAL | _DIVIDING)[operator]
        need(left, *NUMBERS, by=sign)
        need(right, *NUMBERS, by=sign)
        if operator in _REAL or "double" in (left.kind, right.kind):
            return combine("double", node, function, convert(left, "double"), convert(right, "double"))
        whole = convert(left, "int64"), convert(right, "int64")
        if operator in _DIVIDING:
            return combine("int64", node, lambda a, b: _divide_whole(function, a, b), *whole)
        return combine("int64", node, lambda a, b: compute_whole(function, a, b), *whole)

    def compile_Compare(self, node: ast.Compare) -> Operand:  # noqa: N802
        parts = []
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, (ast.In, ast.NotIn)):
                found = self.compile_membership(left, right, node)
                parts.append(found if isinstance(operator, ast.In) else combine("bool", node, np.logical_not, found))
            else:
                parts.append(self.compare(operator, self.compile(left), self.compile(right), node))
            left = right
        return parts[0] if len(parts) == 1 else combine("bool", node, lambda *d: reduce(np.logical_and, d), *parts)

    def compile_membership(self, left: ast.expr, right: ast.expr, node: ast.expr) -> Operand:
        """`x in [a, b]` as x == a or x == b; `part in text` as contains(text, part)."""
        operand = self.compile(left)
        if not isinstance(right, (ast.List, ast.Tuple)):
            text = self.compile(right)
            if text.kind != "string":
                raise ExpressionError("“in” needs a list such as [1, 2], or a text, after it", right)
            return contains([text, operand], node)
        if not right.elts:
            raise ExpressionError("the list after “in” is empty", right)
        matches = [self.compare(ast.Eq(), operand, self.compile(element), node) for element in right.elts]
        return combine("bool", node, lambda *data: reduce(np.logical_or, data), *matches)

    def compare(self, operator: ast.cmpop, left: Operand, right: Operand, node: ast.expr) -> Operand:
        sign, function = _COMPARING[type(operator)]
        left, right = unify([left, right], sign)
        return combine("bool", node, lambda a, b: function(a, b).astype(np.bool_), left, right)


def _combine_times(operator: type[ast.operator], left: Operand, right: Operand, node: ast.expr) -> Operand:
    """Moment - moment is in seconds; a moment plus or minus a number moves by seconds."""
    if operator is ast.Sub and left.kind == right.kind:
        return combine("double", node, lambda a, b: (a - b) / _SECOND, left, right)
    if operator in (ast.Add, ast.Sub) and right.kind in NUMBERS:
        sign = 1 if operator is ast.Add else -1
        return combine("timestamp", node, lambda a, b: _move(a, sign * b), left, convert(right, "double"))
    raise ExpressionError("of moments in time you can take the difference, or add a number of seconds", node)


def _move(moments: Array, seconds: Array) -> Array:
    """Moments beyond the years 1 to 9999, which Python and Parquet readers cannot show, are no moments (NaT)."""
    moved = moments.astype(np.float64) + seconds * 1e6
    inside = (moved >= _FIRST_MOMENT) & (moved <= _LAST_MOMENT)
    steps = np.where(inside, np.rint(seconds * 1e6), 0).astype(np.int64)
    result: Array = moments + steps.astype("m8[us]")
    return np.where(inside, result, np.datetime64("NaT", "us"))


def _divide_whole(function: Callable[..., Any], left: Array, right: Array) -> Array:
    """Division by zero has no result: the smallest int64, which becomes null."""
    return np.where(right == 0, np.iinfo(np.int64).min, function(left, np.where(right == 0, 1, right)))


_FIRST_MOMENT = float(np.datetime64("0001-01-01", "us").astype(np.int64))
_LAST_MOMENT = float(np.datetime64("9999-12-31", "us").astype(np.int64))
