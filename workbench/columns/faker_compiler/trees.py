"""A Faker method as a tree: pick from a list, branch by a format, join the parts, rewrite the text.

Each node that draws has a slot, and a slot is one uniform number per row. The cases of a branch exclude one another,
so they share their slots: a method with fifty formats draws no more numbers than its longest format needs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.streams import Draws
from workbench.columns.values import Array, make_text_array

LARGEST_PRODUCT = 2_000
"""Neighbours become one list of all their pairs while it is no longer than this."""

Rows = NDArray[np.int64]
RowTexts = Callable[[list[int]], list[str]]


class Chance:
    """The numbers of one block: slot by slot for all its rows, each made once. `given` holds texts of every row."""

    def __init__(self, draws: Draws, given: Mapping[str, Array] | None = None) -> None:
        self.draws = draws
        self.given = given or {}
        self._uniform: dict[int, NDArray[np.float64]] = {}
        self._bits: dict[int, NDArray[np.uint64]] = {}

    def uniform(self, slot: int, rows: Rows) -> NDArray[np.float64]:
        """The numbers of `slot` in (0, 1) at the positions `rows` of the block."""
        if slot not in self._uniform:
            self._uniform[slot] = self.draws.uniform(f"slot {slot}")
        numbers = self._uniform[slot]
        return numbers if len(rows) == len(numbers) else numbers[rows]

    def bits(self, slot: int, rows: Rows) -> NDArray[np.uint64]:
        """64 bits of `slot` at the positions `rows`."""
        if slot not in self._bits:
            self._bits[slot] = self.draws.bits(f"slot {slot}")
        return self._bits[slot][rows]


class Node:
    """A random value. `slots` is how many numbers one row of it needs."""

    slots: int = 0

    def make(self, chance: Chance, slot: int, rows: Rows) -> Array:
        """Its texts at the positions `rows`, an object array; its slots start at `slot`."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Pick(Node):
    """One of `options`, which are plain values, each as likely as its weight says."""

    options: Sequence[Any]
    weights: tuple[float, ...] | None = None

    @property
    def slots(self) -> int:  # type: ignore[override]
        return int(len(self.options) > 1)

    @cached_property
    def pool(self) -> Array:
        return make_text_array(self.options)

    @cached_property
    def ends(self) -> NDArray[np.float64] | None:
        return _sum_weights(self.weights)

    def make(self, chance: Chance, slot: int, rows: Rows) -> Array:
        if len(self.options) == 1:
            return self.pool.repeat(len(rows))
        chosen: Array = self.pool.take(_choose(chance.uniform(slot, rows), len(self.options), self.ends))
        return chosen


@dataclass(frozen=True, eq=False)
class Branch(Node):
    """One of `cases`, each of them random itself."""

    cases: Sequence[Node]
    weights: tuple[float, ...] | None = None

    @cached_property
    def slots(self) -> int:  # type: ignore[override]
        return 1 + max(case.slots for case in self.cases)

    @cached_property
    def ends(self) -> NDArray[np.float64] | None:
        return _sum_weights(self.weights)

    def make(self, chance: Chance, slot: int, rows: Rows) -> Array:
        chosen = _choose(chance.uniform(slot, rows), len(self.cases), self.ends)
        order = np.argsort(chosen.astype(np.int16 if len(self.cases) < 2**15 else np.int64), kind="stable")
        stops = np.cumsum(np.bincount(chosen, minlength=len(self.cases))).tolist()
        made = np.empty(len(rows), object)
        start = 0
        for case, stop in zip(self.cases, stops, strict=True):
            if stop > start:
                positions = order[start:stop]
                made[positions] = case.make(chance, slot + 1, rows[positions])
            start = stop
        return made


@dataclass(frozen=True, eq=False)
class Join(Node):
    """Texts one after the other."""

    parts: Sequence[Node]

    @cached_property
    def slots(self) -> int:  # type: ignore[override]
        return sum(part.slots for part in self.parts)

    @cached_property
    def form(self) -> str:
        """How `%` joins a row."""
        texts = [str(part.options[0]) if isinstance(part, Pick) and is_fixed(part) else None for part in self.parts]
        return "".join("%s" if text is None else text.replace("%", "%%") for text in texts)

    def make(self, chance: Chance, slot: int, rows: Rows) -> Array:
        columns = []
        for part in self.parts:
            if not is_fixed(part):
                columns.append(part.make(chance, slot, rows).tolist())
            slot += part.slots
        form = self.form
        return make_text_array([form % texts for texts in zip(*columns, strict=True)])


@dataclass(frozen=True, eq=False)
class Rewrite(Node):
    """The texts of `node`, each sent through `function`, which is asked once for equal texts."""

    function: Callable[[str], str]
    node: Node

    @property
    def slots(self) -> int:  # type: ignore[override]
        return self.node.slots

    def make(self, chance: Chance, slot: int, rows: Rows) -> Array:
        return _rewrite(self.function, self.node.make(chance, slot, rows))


@dataclass(frozen=True, eq=False)
class RowCall(Node):
    """What `call` gives for 64 bits of each row: a method that is not compiled, within one that is."""

    call: RowTexts
    slots: int = 1

    def make(self, chance: Chance, slot: int, rows: Rows) -> Array:
        return make_text_array(self.call(chance.bits(slot, rows).tolist()))


@dataclass(frozen=True, eq=False)
class Given(Node):
    """A text that each row already has, for instance the first name of its person, after `functions`.

    `texts` are those that can occur, None if unknown.
    """

    name: str
    texts: tuple[str, ...] | None = None
    functions: tuple[Callable[[str], str], ...] = ()
    slots: int = field(default=0, init=False)

    def make(self, chance: Chance, slot: int, rows: Rows) -> Array:
        texts = chance.given[self.name]
        if len(rows) != len(texts):
            texts = texts[rows]
        return _rewrite(self.apply, texts) if self.functions else texts

    def apply(self, text: str) -> str:
        """`text` after all functions."""
        for function in self.functions:
            text = function(text)
        return text


def make_texts(node: Node, draws: Draws, given: Mapping[str, Array] | None = None) -> Array:
    """The texts of `node` for the rows of `draws`, an object array of shape (rows,)."""
    return node.make(Chance(draws, given), 0, np.arange(len(draws)))


def is_fixed(node: Node) -> bool:
    """Whether it is the same text in each row."""
    return isinstance(node, Pick) and len(node.options) == 1


def join(parts: Sequence[Node]) -> Node:
    """The texts of `parts` one after the other."""
    all_parts = itertools.chain.from_iterable(part.parts if isinstance(part, Join) else (part,) for part in parts)
    flat = [part for part in all_parts if not (isinstance(part, Pick) and list(part.options) == [""])]
    joined: list[Node] = []
    for part in flat:
        last = joined[-1] if joined else None
        if isinstance(last, Pick) and isinstance(part, Pick) and is_fixed(last) and is_fixed(part):
            joined[-1] = Pick((f"{last.options[0]}{part.options[0]}",))
        else:
            joined.append(part)
    return joined[0] if len(joined) == 1 else Join(tuple(joined)) if joined else Pick(("",))


def compact(node: Node) -> Node:
    """The same with fewer draws: short lists that stand side by side become one list of all their pairs."""
    if isinstance(node, Branch):
        return Branch([compact(case) for case in node.cases], node.weights)
    if isinstance(node, Rewrite):
        return Rewrite(node.function, compact(node.node))
    if not isinstance(node, Join):
        return node
    parts: list[Node] = []
    for part in map(compact, node.parts):
        last = parts[-1] if parts else None
        if isinstance(last, Pick) and isinstance(part, Pick) and _is_short(last, part):
            parts[-1] = multiply(last, part)
        else:
            parts.append(part)
    return join(parts)


@lru_cache(maxsize=1_000)
def multiply(left: Pick, right: Pick) -> Pick:
    """All pairs of two lists of texts, joined."""
    options = [f"{first}{second}" for first in left.options for second in right.options]
    if left.weights is None and right.weights is None:
        return Pick(options)
    shares = [_list_shares(pick) for pick in (left, right)]
    return Pick(options, tuple(first * second for first in shares[0] for second in shares[1]))


def list_texts(node: Node) -> list[str] | None:
    """The texts that the node's pieces can be, None where that is not known; a join gives those of its parts."""
    if isinstance(node, Pick):
        return list(node.options)
    if isinstance(node, Given):
        return None if node.texts is None else list(node.texts)
    if not isinstance(node, (Branch, Join)):
        return None
    texts: list[str] = []
    for part in node.cases if isinstance(node, Branch) else node.parts:
        found = list_texts(part)
        if found is None:
            return None
        texts += found
    return texts


def is_text(node: Node) -> bool:
    """Whether all that it can give are texts."""
    if isinstance(node, Pick):
        return all(type(option) is str for option in node.options)
    if isinstance(node, Branch):
        return all(map(is_text, node.cases))
    return True


def list_given(node: Node) -> frozenset[str]:
    """The names of the given texts that it holds."""
    if isinstance(node, Given):
        return frozenset({node.name})
    if isinstance(node, Rewrite):
        return list_given(node.node)
    if isinstance(node, (Branch, Join)):
        return frozenset().union(*map(list_given, node.cases if isinstance(node, Branch) else node.parts))
    return frozenset()


def count_row_calls(node: Node) -> int:
    """How many of its nodes ask Faker row by row."""
    if isinstance(node, (Branch, Join)):
        return sum(map(count_row_calls, node.cases if isinstance(node, Branch) else node.parts))
    if isinstance(node, Rewrite):
        return count_row_calls(node.node)
    return int(isinstance(node, RowCall))


def _is_short(left: Pick, right: Pick) -> bool:
    return not is_fixed(left) and not is_fixed(right) and len(left.options) * len(right.options) <= LARGEST_PRODUCT


def _list_shares(pick: Pick) -> Sequence[float]:
    if pick.weights is None:
        return (1 / len(pick.options),) * len(pick.options)
    total = sum(pick.weights)
    return tuple(weight / total for weight in pick.weights)


def _sum_weights(weights: tuple[float, ...] | None) -> NDArray[np.float64] | None:
    if weights is None:
        return None
    ends = np.cumsum(np.array(weights, np.float64))
    shares: NDArray[np.float64] = ends[:-1] / ends[-1]
    return shares


def _choose(uniform: NDArray[np.float64], count: int, ends: NDArray[np.float64] | None) -> NDArray[np.int64]:
    if ends is not None:
        return np.searchsorted(ends, uniform, side="right")
    return (uniform * count).astype(np.int64)


def _rewrite(function: Callable[[str], str], texts: Array) -> Array:
    plain: list[str] = texts.tolist()
    rewritten = {text: function(text) for text in set(plain)}
    return make_text_array([rewritten[text] for text in plain])
