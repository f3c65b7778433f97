"""What Faker does to a text, done to a tree: filling in `##` and `??`, tokens in braces, case, slugs.

A rule that works character by character can be done to the parts of a join; any other only where the parts are such
that it cannot tell. Where that is not known the whole text is rewritten row by row, which is slower and still right.
"""

from __future__ import annotations

import itertools
import math
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from workbench.columns.faker_compiler.trees import Branch, Given, Join, Node, Pick, Rewrite, is_text, join, list_texts

LARGEST_LIST = 100_000
LARGEST_PAIRING = 2_000
_DIGITS = tuple(string.digits)
_MAYBE = (0.5, *(0.05,) * 10)
_FILLERS = {
    "#": Pick(_DIGITS),
    "%": Pick(_DIGITS[1:]),
    "$": Pick(_DIGITS[2:]),
    "!": Pick(("", *_DIGITS), _MAYBE),
    "@": Pick(("", *_DIGITS[1:]), (0.5, *(0.5 / 9,) * 9)),
}
"""What Faker's numerify puts for each sign."""
_NOT_SLUG = re.compile(r"[^\w\s-]")


class RefusedError(Exception):
    """This method, or what it does to a random value, is beyond what is compiled."""


class NeedsValueError(RefusedError):
    """It works on a plain value, so it may be compiled by going through those that the random one can be."""


@dataclass(frozen=True)
class TextRule:
    """`function` rewrites a text; `is_local(texts)`: done to such parts, it gives the same as done to their join."""

    function: Callable[[str], str]
    is_local: Callable[[Sequence[str]], bool]
    known: WeakKeyDictionary[Node, Node] = field(default_factory=WeakKeyDictionary)
    """What it made of nodes: the list of last names stands in most formats of a user name."""


def rewrite(rule: TextRule, node: Node) -> Node:
    """`node` with its texts sent through a rule."""
    found = rule.known.get(node)
    if found is None:
        found = rule.known[node] = _rewrite(rule, node)
    return found


def _rewrite(rule: TextRule, node: Node) -> Node:
    if isinstance(node, Pick):
        _require(is_text(node), "a rule of texts")
        return Pick([rule.function(option) for option in node.options], node.weights)
    if isinstance(node, Branch):
        return Branch([rewrite(rule, case) for case in node.cases], node.weights)
    if isinstance(node, Given):
        texts = None if node.texts is None else tuple(map(rule.function, node.texts))
        return Given(node.name, texts, (*node.functions, rule.function))
    if isinstance(node, Join):
        texts = list_texts(node)  # type: ignore[assignment]
        if texts is not None and rule.is_local(texts):
            return join([rewrite(rule, part) for part in node.parts])
    return Rewrite(rule.function, node)


UPPER = TextRule(str.upper, lambda texts: True)
LOWER = TextRule(str.lower, lambda texts: not any("Σ" in text for text in texts))
"""The one letter whose lower case depends on its neighbours is the Greek sigma."""


def make_ascii_rule(to_ascii: Callable[[str], str], replacements: Sequence[tuple[str, str]]) -> TextRule:
    """The provider's way to ASCII letters, which replaces some texts first and then letter by letter."""
    return TextRule(to_ascii, lambda texts: all(len(found) == 1 for found, _ in replacements))


def make_slug_rule(allow_unicode: bool) -> TextRule:
    """Faker's slug: only letters and digits, lower case, a hyphen for spaces between them."""
    return TextRule(partial(_slugify, allow_unicode=allow_unicode), lambda texts: all(map(_is_inner, texts)))


def _slugify(text: str, allow_unicode: bool) -> str:
    from faker.utils.text import slugify

    return slugify(text, allow_unicode=allow_unicode)


SLUG = make_slug_rule(allow_unicode=False)
SLUG_UNICODE = make_slug_rule(allow_unicode=True)


def _is_inner(text: str) -> bool:
    """Whether no neighbour changes its slug: plain letters, and no space or hyphen at either end."""
    kept = _NOT_SLUG.sub("", text)
    return text.isascii() and (not kept or not any(end == "-" or end.isspace() for end in (kept[0], kept[-1])))


def numerify(node: Node) -> Node:
    """Digits for the signs `# % $ ! @`, as Faker's method of this name."""
    return _expand(node, partial(fill_in, fillers=_FILLERS), "".join(_FILLERS))


def lexify(node: Node, letters: str, sign: str = "?") -> Node:
    """Letters for question marks, or for another sign."""
    return _expand(node, partial(fill_in, fillers={sign: Pick(tuple(letters))}), sign)


def fill_in(text: str, fillers: dict[str, Pick]) -> Node:
    """`text` with a pick of its own for each sign."""
    return join([fillers.get(sign) or Pick((sign,)) for sign in text])


def parse(node: Node, read_pattern: Callable[[str], Node]) -> Node:
    """Patterns with tokens in braces, each read by `read_pattern`. No token may reach from one part into the next."""
    if isinstance(node, Join):
        texts = list_texts(node)
        _require(texts is not None, "patterns that are not known")
        for text in texts or ():
            _require(not set("{}") & set(re.sub(r"\{\{\s*\w+\s*\}\}", "", text)), "a pattern in pieces")
    return _expand(node, read_pattern, "{")


def _expand(node: Node, read: Callable[[str], Node], signs: str) -> Node:
    if isinstance(node, Pick):
        _require(is_text(node), "a pattern that is no text")
        if not any(sign in option for option in node.options for sign in signs):
            return node
        return choose([read(option) for option in node.options], node.weights)
    if isinstance(node, Branch):
        return Branch([_expand(case, read, signs) for case in node.cases], node.weights)
    if isinstance(node, Join):
        return join([_expand(part, read, signs) for part in node.parts])
    if isinstance(node, Given):  # a name, in which these signs do not occur
        return node
    raise RefusedError("a pattern that is not known")


def choose(values: Sequence[Any], weights: tuple[float, ...] | None) -> Node:
    """One of values that are plain or random themselves."""
    _require(bool(values), "an empty list")
    if weights is not None:
        _require(all(weight >= 0 for weight in weights) and sum(weights) > 0, "weights without a sum")
    if len(values) == 1:
        return values[0] if isinstance(values[0], Node) else Pick(values)
    flat = [value.options[0] if isinstance(value, Pick) and len(value.options) == 1 else value for value in values]
    if not any(isinstance(value, Node) for value in flat):
        return Pick(flat, weights)
    return Branch([value if isinstance(value, Node) else Pick((value,)) for value in flat], weights)


def lift(function: Callable[..., Any], values: Sequence[Any]) -> Any:
    """`function(*values)` where some values are random: done to each of their options, or to all their pairs."""
    random = [value for value in values if isinstance(value, Node)]
    if not random:
        return function(*values)
    branch = random[0]
    if len(random) == 1 and isinstance(branch, Branch):
        cases = [lift(function, [case if value is branch else value for value in values]) for case in branch.cases]
        return choose(cases, branch.weights)
    picks = [value for value in random if isinstance(value, Pick)]
    if len(picks) < len(random):
        raise NeedsValueError("a text that is not known")
    size = math.prod(len(pick.options) for pick in picks)
    _require(size <= (LARGEST_LIST if len(picks) == 1 else LARGEST_PAIRING), "too many values")
    lists = [value.options if isinstance(value, Pick) else (value,) for value in values]
    options = [function(*combination) for combination in itertools.product(*lists)]
    if all(pick.weights is None for pick in picks):
        return choose(options, None)
    shares = [pick.weights or (1.0,) * len(pick.options) for pick in picks]
    return choose(options, tuple(map(math.prod, itertools.product(*shares))))


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise RefusedError(reason)
