"""An operand of an expression: its kind, known before any row is made, and how to compute it for many rows.

Kinds are checked once, when the expression is compiled; what can still go wrong in a row (a division by zero, a
whole number beyond 64 bits) makes that row null. Null spreads: what is computed from a null is null.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Row
from workbench.columns.expression_language.parsing import ExpressionError
from workbench.columns.values import DTYPES, Array, Kind, Values, join_masks

Evaluate = Callable[[Row, int], Values]

KIND_WORDS: dict[Kind, str] = {
    "bool": "true or false",
    "int64": "a whole number",
    "double": "a number",
    "string": "a text",
    "timestamp": "a moment in time",
    "struct": "a nested value",
    "nested": "a nested value",
    "vector": "a vector",
}
NUMBERS: tuple[Kind, ...] = ("bool", "int64", "double")
_LARGEST = 9.2e18  # a little inside 64 bits, so that a double can be compared with it
_NO_WHOLE = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Operand:
    """`evaluate(columns, rows)` gives `rows` values of `kind`. `node` is where it stands; `constant` what it is."""

    kind: Kind
    evaluate: Evaluate
    node: ast.expr
    constant: Any = None


def make_constant(value: Any, kind: Kind, node: ast.expr) -> Operand:
    """The same value in every row."""
    cell = np.array(value, DTYPES[kind])
    return Operand(kind, lambda row, count: Values(np.broadcast_to(cell, (count,))), node, value)


def need(operand: Operand, *kinds: Kind, by: str) -> None:
    """Raise ExpressionError unless the operand is of one of the kinds; `by` is what needs it."""
    if operand.kind not in kinds:
        wanted = "a number" if kinds == NUMBERS else " or ".join(KIND_WORDS[kind] for kind in kinds)
        raise ExpressionError(f"{by} needs {wanted}, and this is {KIND_WORDS[operand.kind]}", operand.node)


def combine(kind: Kind, node: ast.expr, function: Callable[..., Array], *operands: Operand) -> Operand:
    """Apply a numpy function to the data of the operands; null where one is, or where there is no finite result."""

    def evaluate(row: Row, count: int) -> Values:
        values = [operand.evaluate(row, count) for operand in operands]
        with np.errstate(all="ignore"):
            data = function(*(value.data for value in values))
        return _settle(data, kind, join_masks(*(value.valid for value in values)))

    return Operand(kind, evaluate, node)


def convert(operand: Operand, kind: Kind) -> Operand:
    """The operand as a wider kind of number."""
    if operand.kind == kind:
        return operand
    return combine(kind, operand.node, lambda data: data.astype(DTYPES[kind]), operand)


def unify(operands: list[Operand], by: str) -> list[Operand]:
    """The operands, all of one kind; numbers are widened. Raises ExpressionError where they do not go together."""
    kinds = {operand.kind for operand in operands}
    if len(kinds) == 1:
        return operands
    if kinds <= set(NUMBERS):
        widest: Kind = "double" if "double" in kinds else "int64"
        return [convert(operand, widest) for operand in operands]
    if kinds == {"timestamp", "string"}:
        return [_read_moment(operand, by) if operand.kind == "string" else operand for operand in operands]
    first = operands[0]
    other = next(operand for operand in operands if operand.kind != first.kind)
    raise ExpressionError(f"{by} cannot mix {KIND_WORDS[first.kind]} and {KIND_WORDS[other.kind]}", other.node)


def make_whole(data: Array) -> Array:
    """Doubles as whole numbers; what does not fit becomes the smallest int64, which `combine` makes null."""
    return np.where(np.abs(data) < _LARGEST, data, _NO_WHOLE).astype(np.int64)


def compute_whole(function: Callable[[Array, Array], Array], left: Array, right: Array) -> Array:
    """A sum, difference or product of int64. Where it leaves 64 bits it is the smallest int64, hence null."""
    with np.errstate(all="ignore"):
        exact = function(left, right)
        rough = np.abs(function(left.astype(np.float64), right.astype(np.float64)))
    return exact if not len(rough) or rough.max() < _LARGEST else np.where(rough < _LARGEST, exact, _NO_WHOLE)


def spread_mask(mask: NDArray[np.bool_] | None, count: int) -> NDArray[np.bool_]:
    """`mask` itself, or all true."""
    return np.ones(count, np.bool_) if mask is None else mask


def _settle(data: Array, kind: Kind, valid: NDArray[np.bool_] | None) -> Values:
    if kind == "double":
        finite = np.isfinite(data)
        if not finite.all():
            valid = join_masks(valid, finite)
    elif kind == "int64":
        whole = data != _NO_WHOLE
        if not whole.all():
            valid = join_masks(valid, whole)
    elif kind == "timestamp":
        known = ~np.isnat(data)
        if not known.all():
            valid = join_masks(valid, known)
    return Values(data, valid)


def _read_moment(operand: Operand, by: str) -> Operand:
    if isinstance(operand.constant, str):
        moment = _parse_moment(operand.constant)
        if moment is not None:
            return make_constant(moment, "timestamp", operand.node)
        raise ExpressionError("this is no date; write it as “2026-01-31” or “2026-01-31T08:00”", operand.node)
    raise ExpressionError(f"{by} cannot mix a text and a moment in time", operand.node)


def _parse_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
