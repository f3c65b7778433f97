"""The Jinja environment of templates: its filters and operators check what they are about to make.

Jinja's sandbox keeps a template from Python's internals, but not from `{{ "x" * 10**9 }}` or three nested loops. Here
what joins, repeats and multiplies is checked as it runs, and loops take from one budget per row. Names that do not
exist are errors, null prints as the empty text. What a template prints depends on the row alone: no clock, no chance.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jinja2 import StrictUndefined, Undefined
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workbench.columns.texts import MAX_CHARACTERS

MAX_LOOP_STEPS = 10_000
"""Steps that all loops of a template may take together in one row."""

COUNT_STEPS, CHECK_SCALAR, CHECK_VALUE = "_count_steps", "_check_scalar", "_check_value"
"""Filters that `templates` puts around loops, list entries, and what is joined or assigned."""

_MAX_BITS = 256
_FILTERS = (
    "abs", "capitalize", "d", "default", "first", "float", "int", "join", "last", "length", "list", "lower", "max",
    "min", "reverse", "sort", "sum", "title", "trim", "truncate", "unique", "upper", "wordcount",
)  # fmt: skip
_WIDE_FORMAT = re.compile(r"\d{4,}|\*")


def _count_steps(items: Iterable[Any], budget: list[int]) -> Iterator[Any]:
    """The items of a loop, each taken from the row's budget."""
    for item in items:
        budget[0] -= 1
        if budget[0] < 0:
            raise SecurityError(f"the loops of the template take more than {MAX_LOOP_STEPS:,} steps")
        yield item


def _check_scalar(value: Any) -> Any:
    """The value, if it is one that a template may print. Others print their address, which differs between runs."""
    if isinstance(value, str) and len(value) > MAX_CHARACTERS:
        raise SecurityError(f"a text grows beyond {MAX_CHARACTERS:,} characters")
    if value is None or isinstance(value, (str, int, float, datetime.date, datetime.time, Undefined)):
        return value
    raise SecurityError(f"a value of the kind {type(value).__name__} cannot stand here")


def _check_value(value: Any) -> Any:
    """A scalar, or a list of scalars: lists of lists could grow without bound."""
    if not isinstance(value, (list, tuple, range)):
        return _check_scalar(value)
    if len(value) > MAX_LOOP_STEPS:
        raise SecurityError(f"a list grows beyond {MAX_LOOP_STEPS:,} entries")
    for item in value:
        _check_scalar(item)
    return value


def _finalize(value: Any) -> Any:
    return "" if value is None else _check_value(value)


def _round(value: Any, digits: int = 0, method: str = "common") -> Any:
    if not 0 <= digits <= 12:
        raise SecurityError("the digits of round must be a whole number from 0 to 12")
    return FILTERS["round"](value, digits, method)


def _format(value: str, *arguments: Any, **named: Any) -> str:
    """`"%.2f"|format(x)`, without widths that fill the memory."""
    if _WIDE_FORMAT.search(str(value)):
        raise SecurityError("a width in a format may have at most three digits")
    text: str = FILTERS["format"](value, *arguments, **named)
    return text


def _replace(value: Any, old: str, new: str, count: int = -1) -> str:
    text = str(_check_value(value))
    if len(text) + (text.count(old) + 1) * len(new) > MAX_CHARACTERS:
        raise SecurityError(f"a text grows beyond {MAX_CHARACTERS:,} characters")
    return text.replace(old, new, count)


def _join(value: Iterable[Any], separator: str = "") -> str:
    parts = [str(_check_scalar(part)) for part in value]
    if sum(map(len, parts)) + len(parts) * len(separator) > MAX_CHARACTERS:
        raise SecurityError(f"a text grows beyond {MAX_CHARACTERS:,} characters")
    return separator.join(parts)


def _make_range(*arguments: int) -> range:
    steps = range(*arguments)
    if len(steps) > MAX_LOOP_STEPS:
        raise SecurityError(f"range() gives more than {MAX_LOOP_STEPS:,} steps")
    return steps


class _Environment(ImmutableSandboxedEnvironment):
    """Arithmetic passes `call_binop`, at compile time as well, since intercepted operators are not folded."""

    intercepted_binops = frozenset(["+", "-", "*", "%", "**"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        for side in (left, right):
            if isinstance(side, int) and side.bit_length() > _MAX_BITS:
                raise SecurityError("a number grows too large")
            _check_value(side)
        if operator == "*" and not (_is_number(left) and _is_number(right)):
            raise SecurityError("only numbers can be multiplied")
        if operator == "%" and isinstance(left, str):
            return _format(left, *(right if isinstance(right, tuple) else (right,)))
        if operator == "**":
            left, right = float(left), float(right)
        return super().call_binop(context, operator, left, right)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _make_environment() -> _Environment:
    environment = _Environment(
        undefined=StrictUndefined, finalize=_finalize, autoescape=False, keep_trailing_newline=True, cache_size=0
    )
    guarded: dict[str, Callable[..., Any]] = {
        "format": _format,
        "replace": _replace,
        "join": _join,
        "round": _round,
        "string": lambda value: str(_check_value(value)),
        COUNT_STEPS: _count_steps,
        CHECK_SCALAR: _check_scalar,
        CHECK_VALUE: _check_value,
    }
    environment.filters = {name: FILTERS[name] for name in _FILTERS} | guarded
    environment.globals = {"range": _make_range}
    return environment


ENVIRONMENT = _make_environment()
FILTER_NAMES = [name for name in ENVIRONMENT.filters if not name.startswith("_")]
