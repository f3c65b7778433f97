"""A text that a regular expression matches, drawn by chance: the values of `pattern` in a schema.

The expression is read by Python's own parser. Looking around and anchors inside it are not followed, so that a caller
checks what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from workbench.providers.offline.chance import Chance

_VISIBLE = range(32, 127)
_CATEGORIES = {
    "CATEGORY_DIGIT": "0123456789",
    "CATEGORY_SPACE": " ",
    "CATEGORY_WORD": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
}
_MOST_MORE = 8  # repetitions beyond the least, where there is no upper end
_TRIES = 60


def write_match(pattern: str, low: int, high: int, chance: Chance) -> str:
    """A text of `low` to `high` characters that holds a match of `pattern`; the last one tried where none was found.

    Raises ValueError if it is no regular expression.
    """
    try:
        parsed = _parser.parse(pattern)
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"“{pattern}” is no regular expression: {error}") from None
    text = ""
    for attempt in range(_TRIES):
        # Later tries repeat more often, then as seldom as can be: one of the two reaches the length asked for.
        more = _MOST_MORE if attempt < _TRIES // 3 else high if attempt % 2 and low else 1
        text = _write(parsed, more, {}, chance)
        if low <= len(text) <= high and compiled.search(text):
            break
    return text


def _write(nodes: Any, more: int, groups: dict[int, str], chance: Chance) -> str:
    return "".join(_write_node(str(kind), value, more, groups, chance) for kind, value in nodes)


def _write_node(kind: str, value: Any, more: int, groups: dict[int, str], chance: Chance) -> str:
    if kind == "LITERAL":
        return chr(value)
    if kind == "NOT_LITERAL":
        return chance.pick([chr(code) for code in _VISIBLE if code != value])
    if kind == "ANY":
        return chr(chance.pick(_VISIBLE))
    if kind == "IN":
        return chance.pick(_list_characters(value))
    if kind == "BRANCH":
        return _write(chance.pick(value[1]), more, groups, chance)
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        low, high, part = value
        top = low + more if high is _constants.MAXREPEAT else min(int(high), low + more)
        return "".join(_write(part, more, groups, chance) for _ in range(chance.between(low, max(low, top))))
    if kind == "SUBPATTERN":
        text = _write(value[3], more, groups, chance)
        if value[0] is not None:
            groups[value[0]] = text
        return text
    if kind == "ATOMIC_GROUP":
        return _write(value, more, groups, chance)
    return groups.get(value, "") if kind == "GROUPREF" else ""


def _list_characters(parts: Any) -> Sequence[str]:
    """The characters of a class; of a negated one the visible ASCII characters that are left."""
    negated, found = False, set[str]()
    for kind, value in parts:
        name = str(kind)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            found.add(chr(value))
        elif name == "RANGE":
            found.update(chr(code) for code in range(value[0], min(value[1], value[0] + 1_000) + 1))
        else:
            category = str(value)
            known = _CATEGORIES.get(category.replace("_NOT_", "_"), "")
            found.update(_leave_out(set(known)) if "_NOT_" in category else known)
    return _leave_out(found) if negated else sorted(found)


def _leave_out(characters: set[str]) -> list[str]:
    return [chr(code) for code in _VISIBLE if chr(code) not in characters] or ["\u00e9"]
