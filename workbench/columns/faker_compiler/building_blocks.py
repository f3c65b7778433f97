"""What Faker's methods are made of and that is known rather than read: picking, drawing, filling in, writing out."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import FunctionType
from typing import Any

from workbench.columns.faker_compiler import rules
from workbench.columns.faker_compiler.rules import NeedsValueError, RefusedError, choose, lift
from workbench.columns.faker_compiler.trees import Branch, Node, Pick, is_text, join

MOST_SPLITS = 500
"""More values than this are not gone through one by one."""
_FIELD = re.compile(r"%(?:%|[0-9]*[sd])")


def pick(provider: Any, elements: Any, use_weighting: bool | None = None) -> Any:
    """`random_element(elements)`, by weights where the elements are an OrderedDict."""
    if isinstance(elements, Pick):
        return choose([pick(provider, option, use_weighting) for option in elements.options], elements.weights)
    if isinstance(elements, OrderedDict):
        weighted = provider.__use_weighting__ if use_weighting is None else use_weighting
        return choose(list(elements), tuple(map(float, elements.values())) if weighted else None)
    if not isinstance(elements, (list, tuple, str, range)):
        raise RefusedError("elements of an unknown type")
    return choose(elements, None)


def draw(method: str, args: list[Any]) -> Any:
    """What the methods of `random.Random` give."""
    if is_random(args):
        raise NeedsValueError("a random range")
    if method == "randint" and len(args) == 2:
        return Pick(range(args[0], args[1] + 1))
    if method == "randrange":
        return Pick(range(*args))
    if method == "choice" and len(args) == 1:
        return choose(args[0], None)
    raise RefusedError(f"random.{method}")


def _random_elements(
    reader: Any, self: Any, elements: Any, length: Any, unique: bool, use_weighting: bool | None
) -> Any:
    if unique or not isinstance(length, int) or length > MOST_SPLITS:
        raise RefusedError("a sample")
    return [pick(self, elements, use_weighting) for _ in range(length)]


def _to_ascii(reader: Any, self: Any, string: Any) -> Any:
    rule = rules.make_ascii_rule(self._to_ascii, self.replacements)
    return rules.rewrite(rule, as_node(string))


@lru_cache(maxsize=1)
def _list_own_meanings() -> dict[Any, Callable[..., Any]]:
    """Faker's building blocks, which are not read but known."""
    from faker.providers import BaseProvider
    from faker.providers.internet import Provider as InternetProvider

    return {
        BaseProvider.random_element: lambda reader, self, elements: pick(self, elements),
        BaseProvider.random_elements: _random_elements,
        BaseProvider.random_int: lambda reader, self, min, max, step: draw("randrange", [min, max + 1, step]),
        BaseProvider.numerify: lambda reader, self, text: rules.numerify(as_node(text)),
        BaseProvider.lexify: lambda reader, self, text, letters: rules.lexify(as_node(text), letters),
        BaseProvider.bothify: lambda reader, self, text, letters: rules.lexify(rules.numerify(as_node(text)), letters),
        InternetProvider._to_ascii: _to_ascii,
    }


def find_own_meaning(function: FunctionType) -> Callable[..., Any] | None:
    """What stands for a function of Faker, called with the reader and named arguments; None if it is to be read."""
    return _list_own_meanings().get(function)


@lru_cache(maxsize=1)
def _list_wrappers() -> dict[Any, rules.TextRule]:
    from faker.utils import decorators

    def keep(text: str) -> str:
        return text

    return {
        decorators.lowercase(keep).__code__: rules.LOWER,
        decorators.slugify(keep).__code__: rules.SLUG,
        decorators.slugify_unicode(keep).__code__: rules.SLUG_UNICODE,
    }


def find_wrapper(function: Any) -> rules.TextRule | None:
    """The rule of the decorator that made `function`, None if it is none of Faker's own."""
    return _list_wrappers().get(getattr(function, "__code__", None))


def fill_form(form: str, values: Sequence[Any]) -> Any:
    """`form % values`, piece by piece."""
    fields, texts = _FIELD.findall(form), _FIELD.split(form)
    if "%" in "".join(texts) or len([field for field in fields if field != "%%"]) != len(values):
        raise RefusedError("a form of text")
    left = list(values)
    parts: list[Node] = [Pick((texts[0],))]
    for sign, text in zip(fields, texts[1:], strict=True):
        if sign == "%%":
            written: Any = "%"
        elif sign == "%s":
            written = write(left.pop(0))
        else:
            written = lift(sign.__mod__, [left.pop(0)])
        parts += [as_node(written), Pick((text,))]
    return join(parts)


def write(value: Any) -> Node:
    """`str(value)`."""
    if isinstance(value, Pick) and not is_text(value):
        return as_node(lift(str, [value]))
    if isinstance(value, Branch) and not is_text(value):
        return Branch([write(case) for case in value.cases], value.weights)
    return as_node(value if isinstance(value, (Node, list, tuple, dict)) else str(value))


def require_text(value: Any) -> Node:
    """A text, plain or random, as a node. Raises RefusedError for anything else."""
    if not is_written(value):
        raise RefusedError("no text")
    return as_node(value)


def is_written(value: Any) -> bool:
    """Whether it is a text, plain or random."""
    return isinstance(value, str) or (isinstance(value, Node) and is_text(value))


def as_node(value: Any) -> Node:
    """A plain text as a node, a node as it is. Raises RefusedError for anything else."""
    if isinstance(value, Node):
        return value
    if isinstance(value, str):
        return Pick((value,))
    raise RefusedError("no text")


def is_random(value: Any) -> bool:
    """Whether it is random, or a list that holds something random."""
    if isinstance(value, (list, tuple)) and len(value) <= MOST_SPLITS:
        return any(map(is_random, value))
    return isinstance(value, Node)
