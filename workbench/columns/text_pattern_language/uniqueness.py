"""Whether a text can be made from a pattern in one way only, so that different numbers give different texts.

The test is on the safe side: it holds only where the borders between parts can be found in every text, by their
length or because the character after a border cannot stand before it.
"""

from __future__ import annotations

from itertools import combinations

from workbench.columns.text_pattern_language.nodes import Chars, Choice, Joined, Node, Repeat

_LOOK = 64
"""So many characters of two branches are compared."""


def is_unambiguous(node: Node) -> bool:
    """True if it is certain that no text can be made in two ways."""
    if isinstance(node, Chars):
        return True
    if isinstance(node, Choice):
        return all(map(is_unambiguous, node.branches)) and all(
            _differ(*pair) for pair in combinations(node.branches, 2)
        )
    if isinstance(node, Repeat):
        if not is_unambiguous(node.part):
            return False
        if node.high <= 1:
            return node.low == node.high or node.part.lengths[0] > 0
        return _is_fixed(node.part) and (node.low == node.high or node.part.lengths[0] > 0)
    return all(map(is_unambiguous, node.parts)) and _has_borders(node.parts)


def _is_fixed(node: Node) -> bool:
    return node.lengths[0] == node.lengths[1]


def _has_borders(parts: tuple[Node, ...]) -> bool:
    """Where a part ends is known by its length, by the length of all that follows, or by the next character."""
    for place, part in enumerate(parts):
        rest = Joined(parts[place + 1 :])
        if not _is_fixed(part) and not _is_fixed(rest) and _alphabet(part) & _first(rest):
            return False
    return True


def _differ(one: Node, other: Node) -> bool:
    """No text is of both: their lengths differ, or a place is held by different characters."""
    if one.lengths[1] < other.lengths[0] or other.lengths[1] < one.lengths[0]:
        return True
    return any(not here & there for here, there in zip(_prefix(one), _prefix(other), strict=False))


def _alphabet(node: Node) -> frozenset[str]:
    """Every character that a text can hold."""
    if isinstance(node, Chars):
        return frozenset(node.characters)
    if isinstance(node, Repeat):
        return _alphabet(node.part) if node.high else frozenset()
    return frozenset[str]().union(*map(_alphabet, node.parts if isinstance(node, Joined) else node.branches))


def _first(node: Node) -> frozenset[str]:
    """Every character that a text can begin with."""
    if isinstance(node, Chars):
        return frozenset(node.characters)
    if isinstance(node, Repeat):
        return _first(node.part) if node.high else frozenset()
    if isinstance(node, Choice):
        return frozenset[str]().union(*map(_first, node.branches))
    found: frozenset[str] = frozenset()
    for part in node.parts:
        found |= _first(part)
        if part.lengths[0] > 0:
            break
    return found


def _prefix(node: Node) -> list[frozenset[str]]:
    """For the first places that every text has: the characters that can stand there, at most _LOOK places."""
    if isinstance(node, Chars):
        return [frozenset(node.characters)]
    if isinstance(node, Choice):
        columns = zip(*map(_prefix, node.branches), strict=False)
        return [frozenset[str]().union(*column) for column in columns]
    if isinstance(node, Repeat):
        parts: tuple[Node, ...] = (node.part,) * min(node.low, _LOOK)
    else:
        parts = node.parts
    places: list[frozenset[str]] = []
    for part in parts:
        places += _prefix(part)
        if not _is_fixed(part) or len(places) >= _LOOK:
            break
    return places[:_LOOK]
