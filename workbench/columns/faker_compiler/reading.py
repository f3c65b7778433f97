"""Reads the source of Faker's methods and turns what it understands into trees.

Nearly all methods are a few lines: pick one of the provider's own lists, fill in digits, parse a pattern. They are
interpreted here on random values instead of plain ones, with the lists, weights and patterns that the locale's
provider really holds. A locale that overrides a method is thereby read as it is. What is not understood is refused,
and Faker itself makes that method row by row: the values are always ones that Faker can give, by its own weights.

A random value that is used twice in one expression must be the same value both times. Then its options are gone
through one by one, each as a plain value (`_split`), and so they are where an `if` depends on one.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import random
import re
import textwrap
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from workbench.columns.faker_compiler import rules
from workbench.columns.faker_compiler.building_blocks import (
    MOST_SPLITS,
    as_node,
    draw,
    fill_form,
    find_own_meaning,
    find_wrapper,
    is_random,
    is_written,
    require_text,
    write,
)
from workbench.columns.faker_compiler.row_calls import call_rows
from workbench.columns.faker_compiler.rules import NeedsValueError, RefusedError, choose, lift
from workbench.columns.faker_compiler.trees import Given, Node, Pick, RowCall, compact, is_text, join

if TYPE_CHECKING:
    from faker import Generator

_TOKEN = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_MOST_STEPS = 5_000
_DEEPEST = 40
_PLAIN_FUNCTIONS = (len, str, int, isinstance, tuple, list, range, pow, min, max, bool, chr, ord, abs)
_TEXT_METHODS = frozenset({
    "upper", "lower", "replace", "strip", "lstrip", "rstrip", "title", "capitalize", "zfill", "rjust", "ljust",
    "startswith", "endswith", "isdigit", "split",
})  # fmt: skip
_TEXT_RULES = {"upper": rules.UPPER, "lower": rules.LOWER}
_OPERATIONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b, ast.Mod: lambda a, b: a % b,
    ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b, ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b, ast.Gt: lambda a, b: a > b, ast.GtE: lambda a, b: a >= b,
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
    ast.Is: lambda a, b: a is b, ast.IsNot: lambda a, b: a is not b,
}  # fmt: skip

Names = dict[str, Any]


def read_method(
    generator: Generator,
    method: str,
    args: Mapping[str, Any] | None = None,
    given: Mapping[str, Given] | None = None,
    *,
    deep: bool = False,
) -> Node | None:
    """The tree of a method, None if it is not understood or does not give texts.

    `given` puts texts that a row already has in the place of methods: of the first token of that name in the patterns
    that the method itself reads, and with `deep` wherever the method is called.
    """
    try:
        node = _Reader(generator, given or {}, deep).call(getattr(generator, method), [], dict(args or {}))
    except (RefusedError, AttributeError, TypeError):  # an unknown token, or arguments that do not fit
        return None
    if isinstance(node, str):
        node = Pick((node,))
    if not isinstance(node, Node) or isinstance(node, RowCall) or not is_text(node):
        return None
    return compact(node)


def read_or_call(generator: Generator, method: str) -> Node:
    """The tree of a method without arguments, or a node that asks Faker row by row."""
    return read_method(generator, method) or _make_row_call(generator, method)


class _Reader:
    def __init__(self, generator: Generator, given: Mapping[str, Given], deep: bool) -> None:
        self.generator = generator
        self.given = given
        self.deep = deep
        self.depth = 0
        self.known: dict[str, Any] = {}
        self.steps = 0

    def count_step(self) -> None:
        """Raise RefusedError once a method takes too long to read: splits multiply."""
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise RefusedError("too many cases")

    def call(self, method: Any, args: list[Any], named: Names) -> Any:
        """What a bound method of a provider gives."""
        if not isinstance(method, MethodType) or self.depth > _DEEPEST:
            raise RefusedError(f"a call of {method!r}")
        if self.deep and method.__name__ in self.given:
            return self.given[method.__name__]
        provider, function = method.__self__, method.__func__
        rewriters = []
        while (wrapper := find_wrapper(function)) is not None:
            rewriters.append(wrapper)
            function = function.__wrapped__  # type: ignore[attr-defined]
        if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
            raise RefusedError("an unknown decorator")
        bound = inspect.signature(function).bind(provider, *args, **named)
        bound.apply_defaults()
        names = dict(bound.arguments)
        own = find_own_meaning(function)
        self.depth += 1
        try:
            result = own(self, **names) if own else self._read_body(function, names)
        finally:
            self.depth -= 1
        for rule in reversed(rewriters):
            result = self._rewrite(rule, result)
        return result

    def parse(self, pattern: Any) -> Any:
        """`generator.parse(pattern)`."""
        return rules.parse(as_node(pattern), self._read_pattern)

    def format(self, method: str) -> Any:
        """`generator.format(method)`: Faker row by row where the method is not understood."""
        call = getattr(self.generator, method)
        if method not in self.known:
            try:
                self.known[method] = self.call(call, [], {})
            except RefusedError:
                self.known[method] = _make_row_call(self.generator, method)
        return self.known[method]

    def _read_pattern(self, pattern: str) -> Node:
        pieces = _TOKEN.split(pattern)
        if any("{{" in text for text in pieces[::2]):
            raise RefusedError("a token with arguments")
        parts: list[Node] = []
        unused = dict(self.given) if self.depth == 1 and not self.deep else {}
        for text, token in itertools.zip_longest(pieces[::2], pieces[1::2]):
            parts.append(Pick((text,)))
            if token is not None:
                given = unused.pop(token, None)
                if given is not None:
                    unused = {name: other for name, other in unused.items() if other.name != given.name}
                parts.append(given or write(self.format(token)))
        return join(parts)

    def _rewrite(self, rule: rules.TextRule, value: Any) -> Any:
        return rule.function(value) if isinstance(value, str) else rules.rewrite(rule, value)

    def _read_body(self, function: FunctionType, names: Names) -> Any:
        try:
            return _Scope(self, function, names).run(_parse_source(function).body)
        except RefusedError:
            raise
        except Exception as error:  # interpreting a third party's code may fail in any way
            raise RefusedError(str(error)) from None


class _Scope:
    """One call being interpreted: its function and its local names."""

    def __init__(self, reader: _Reader, function: FunctionType, names: Names) -> None:
        self.reader = reader
        self.function = function
        self.names = names
        self.used: set[str] = set()

    def run(self, statements: Sequence[ast.stmt]) -> Any:
        """What the function returns that still has these statements to go."""
        self.reader.count_step()
        for position, statement in enumerate(statements):
            rest = statements[position + 1 :]
            match statement:
                case ast.Return(value=value):
                    return None if value is None else self.value(value)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    return self._assign(name, self.value(value), rest)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    return self._assign(name, self.value(value), rest)
                case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                    left = self.value(ast.Name(target.id, ast.Load()))
                    return self._assign(name, self._operate(op, left, self.value(value)), rest)
                case ast.If(test=test, body=body, orelse=orelse):
                    return self._split(self.value(test), lambda yes: [*(body if yes else orelse), *rest])  # noqa: B023
                case ast.Expr(value=ast.Constant()) | ast.Pass():
                    continue
                case _:
                    raise RefusedError(type(statement).__name__)
        return None

    def _assign(self, name: str, value: Any, rest: Sequence[ast.stmt]) -> Any:
        scope = self._copy({name: value})
        if not isinstance(value, Pick) or len(value.options) > MOST_SPLITS:
            return scope.run(rest)
        try:
            return scope.run(rest)
        except NeedsValueError:  # as it is used twice, or decides: go through what it can be
            return choose([self._copy({name: option}).run(rest) for option in value.options], value.weights)

    def _split(self, test: Any, choose_rest: Callable[[bool], Sequence[ast.stmt]]) -> Any:
        if not isinstance(test, Node):
            return self._copy({}).run(choose_rest(bool(test)))
        if not isinstance(test, Pick) or len(test.options) > MOST_SPLITS:
            raise NeedsValueError("a condition that is not known")
        cases = {yes: self._copy({}).run(choose_rest(yes)) for yes in {bool(option) for option in test.options}}
        return choose([cases[bool(option)] for option in test.options], test.weights)

    def _copy(self, names: Names) -> _Scope:
        scope = _Scope(self.reader, self.function, {**self.names, **names})
        scope.used = self.used - names.keys()
        return scope

    def value(self, expression: ast.expr) -> Any:
        """A plain value, a random one, or a list that holds some."""
        match expression:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._look_up(name)
            case ast.Attribute(value=base, attr=name):
                return self._attribute(self.value(base), name)
            case ast.JoinedStr(values=parts):
                return join([as_node(self._formatted(part)) for part in parts])
            case ast.BinOp(left=left, op=op, right=right):
                return self._operate(op, self.value(left), self.value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._operate(op, self.value(left), self.value(right))
            case ast.BoolOp(op=op, values=values):
                return self._logic(isinstance(op, ast.And), values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return lift(lambda found: not found, [self.value(operand)])
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return lift(lambda found: -found, [self.value(operand)])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                found = self.value(test)
                if isinstance(found, Node):
                    raise NeedsValueError("a condition in an expression")
                return self.value(body if found else orelse)
            case ast.Tuple(elts=elements):
                return tuple(map(self.value, elements))
            case ast.List(elts=elements):
                return list(map(self.value, elements))
            case ast.Subscript(value=base, slice=ast.Slice(lower=lower, upper=upper, step=None)):
                ends = [None if end is None else self.value(end) for end in (lower, upper)]
                return lift(lambda found, start, stop: found[start:stop], [self.value(base), *ends])
            case ast.Subscript(value=base, slice=index):
                return lift(lambda found, at: found[at], [self.value(base), self.value(index)])
            case ast.ListComp(
                elt=element, generators=[ast.comprehension(target=ast.Name(id=name), iter=items, ifs=[])]
            ):
                return self._go_through(element, name, self.value(items))
            case ast.GeneratorExp(
                elt=element, generators=[ast.comprehension(target=ast.Name(id=name), iter=items, ifs=[])]
            ):
                return self._go_through(element, name, self.value(items))
            case ast.Call(func=function, args=args, keywords=named):
                return self._call(function, args, named)
            case _:
                raise RefusedError(type(expression).__name__)

    def _look_up(self, name: str) -> Any:
        if name in self.names:
            value = self.names[name]
            if is_random(value):
                if name in self.used:
                    raise NeedsValueError("a random value used twice")
                self.used.add(name)
            return value
        closure = inspect.getclosurevars(self.function)
        for scope in (closure.nonlocals, closure.globals, closure.builtins):
            if name in scope:
                return scope[name]
        raise RefusedError(f"the name {name}")

    def _attribute(self, base: Any, name: str) -> Any:
        from faker.providers import BaseProvider

        plain = isinstance(base, (BaseProvider, ModuleType, super)) or base is self.reader.generator
        if not plain and not (isinstance(base, type) and issubclass(base, BaseProvider)):
            raise RefusedError(f"the attribute {name}")
        return getattr(base, name)

    def _formatted(self, part: ast.expr) -> Any:
        match part:
            case ast.Constant(value=value):
                return value
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return write(self.value(value))
            case ast.FormattedValue(value=value, conversion=-1, format_spec=ast.JoinedStr(values=[ast.Constant(spec)])):
                return lift(lambda found: format(found, str(spec)), [self.value(value)])
            case _:
                raise RefusedError("a conversion")

    def _operate(self, op: ast.AST, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Mod) and isinstance(left, str):
            return fill_form(left, right if isinstance(right, tuple) else (right,))
        if isinstance(op, ast.Add) and is_written(left) and is_written(right):
            return join([as_node(left), as_node(right)])
        if type(op) not in _OPERATIONS or any(is_random(v) and not isinstance(v, Node) for v in (left, right)):
            raise RefusedError(type(op).__name__)
        return lift(_OPERATIONS[type(op)], [left, right])

    def _logic(self, is_and: bool, values: Sequence[ast.expr]) -> Any:
        for expression in values:
            found = self.value(expression)
            if isinstance(found, Node):
                raise NeedsValueError("a condition that is not known")
            if bool(found) != is_and:
                break
        return found

    def _go_through(self, element: ast.expr, name: str, items: Any) -> list[Any]:
        if not isinstance(items, (list, tuple, range, str)) or len(items) > MOST_SPLITS:
            raise RefusedError("a loop")
        outer = self.names
        found = []
        try:
            for item in items:
                self.names = {**outer, name: item}
                self.used.discard(name)
                found.append(self.value(element))
        finally:
            self.names = outer
        return found

    def _call(self, function: ast.expr, args: Sequence[ast.expr], keywords: Sequence[ast.keyword]) -> Any:
        if isinstance(function, ast.Name) and function.id == "super" and not args:
            owner = inspect.getclosurevars(self.function).nonlocals.get("__class__")
            return super(owner, next(iter(self.names.values())))
        if any(isinstance(arg, ast.Starred) for arg in args) or any(keyword.arg is None for keyword in keywords):
            raise RefusedError("unpacked arguments")
        base = self.value(function.value) if isinstance(function, ast.Attribute) else None
        values = [self.value(arg) for arg in args]
        named = {str(keyword.arg): self.value(keyword.value) for keyword in keywords}
        if isinstance(function, ast.Attribute):
            if isinstance(base, random.Random):
                return draw(function.attr, values)
            if base is self.reader.generator and function.attr == "parse":
                return self.reader.parse(*values)
            if base is self.reader.generator and function.attr == "format" and len(values) == 1:
                return self.reader.format(*values)
            if isinstance(base, (str, Node)):
                return self._call_text_method(base, function.attr, values)
            if isinstance(base, dict) and function.attr in {"keys", "values", "items"}:
                return tuple(getattr(base, function.attr)())
            return self.reader.call(self._attribute(base, function.attr), values, named)
        return self._call_function(self.value(function), values, named)

    def _call_text_method(self, base: Any, method: str, values: list[Any]) -> Any:
        if method == "join" and isinstance(base, str) and len(values) == 1 and isinstance(values[0], (list, tuple)):
            pairs = [part for value in values[0] for part in (Pick((base,)), require_text(value))]
            return join(pairs[1:])
        if method in _TEXT_RULES and not values and isinstance(base, Node):
            return rules.rewrite(_TEXT_RULES[method], base)
        if method not in _TEXT_METHODS:
            raise RefusedError(f"the method {method} of texts")
        return lift(lambda text, *rest: getattr(text, method)(*rest), [base, *values])

    def _call_function(self, function: Any, values: list[Any], named: Names) -> Any:
        from faker.utils.datasets import add_ordereddicts

        if function in (hasattr, getattr) and not is_random(values):
            return function(*values)
        if function is str and len(values) == 1 and not named:
            return write(values[0])
        if (
            function in _PLAIN_FUNCTIONS
            and not named
            and not any(is_random(v) for v in values if not isinstance(v, Node))
        ):
            return lift(function, values)
        if function in (add_ordereddicts, OrderedDict) and not is_random(values) and not named:
            return function(*values)
        raise RefusedError(f"the function {function!r}")


@lru_cache(maxsize=2_000)
def _parse_source(function: FunctionType) -> ast.FunctionDef:
    found = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    if not isinstance(found, ast.FunctionDef):
        raise RefusedError("no function")
    return found


def _make_row_call(generator: Generator, method: str) -> RowCall:
    return RowCall(partial(_call_for_texts, generator, getattr(generator, method)))


def _call_for_texts(generator: Generator, call: Callable[..., Any], states: list[int]) -> list[str]:
    return list(map(str, call_rows(generator, call, {}, states)))
