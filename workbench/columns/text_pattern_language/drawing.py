"""Making the texts of a pattern for many rows at once: by chance, or by number so that no two are the same.

All repetitions are written out into slots, places for one character each. A block is a matrix of characters, one row
for each text and one column for each slot, with 0 where a slot stays empty; what is not 0 is the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from workbench.columns.streams import Draws
from workbench.columns.text_pattern_language.nodes import Chars, Choice, Joined, Node, Repeat

LIMIT = 2**62
"""Texts are numbered below this."""

_CELLS = 4_000_000
"""Characters of a matrix, which bounds the memory of one step."""

Whole = NDArray[np.int64]


def draw_texts(node: Node, draws: Draws, numbers: Whole | None = None) -> list[str]:
    """A text for each row of `draws`.

    Without `numbers` each choice is uniform by itself: a character among its class, a branch, a number of
    repetitions. With `numbers`, below `count_numbered(node)` and of shape (rows,), different ones give different texts
    if the node is unambiguous.
    """
    texts: list[str] = []
    step = max(1, _CELLS // max(1, node.slots))
    for start in range(0, len(draws), step):
        part = np.arange(start, min(start + step, len(draws)))
        filler = _Filler(draws.select(part), node.slots)
        filler.fill(node, np.arange(len(part)), None if numbers is None else numbers[part])
        texts += filler.join()
    return texts


def count_numbered(node: Node) -> int:
    """How many numbers there are for the node's texts, at most LIMIT.

    They are all its texts where these are no more. Else only some parts are numbered, the others are drawn freely:
    enough for the numbers to give different texts, and no part is left at its first value.
    """
    if node.count <= LIMIT or isinstance(node, Chars):
        return node.count
    if isinstance(node, Choice):
        return min(map(count_numbered, _large_branches(node)))
    product = 1
    for count in _count_parts(node):
        product *= count
    return product


def _large_branches(node: Choice) -> list[Node]:
    """The branches that hold nearly all texts of a choice with more than LIMIT."""
    return [branch for branch in node.branches if branch.count > LIMIT // len(node.branches)]


def _spread_parts(node: Joined | Repeat) -> Sequence[Node]:
    """The parts in their order; of a repetition with more than LIMIT texts nearly all are of the greatest length."""
    return node.parts if isinstance(node, Joined) else (node.part,) * node.high


def _count_parts(node: Joined | Repeat) -> list[int]:
    """How many numbers each part gets, 1 where it is drawn freely: largest first, as long as the product fits."""
    counts = [count_numbered(part) for part in _spread_parts(node)]
    kept = [1] * len(counts)
    product = 1
    for place in sorted(range(len(counts)), key=lambda place: -counts[place]):
        if product * counts[place] <= LIMIT:
            kept[place] = counts[place]
            product *= counts[place]
    return kept


class _Filler:
    """Walks the nodes in order and fills slot after slot; `rows` are positions within the block, rising."""

    def __init__(self, draws: Draws, slots: int) -> None:
        self.draws = draws
        self.matrix = np.zeros((slots, len(draws)), np.uint32)
        self.slot = 0
        self.choices = 0

    def join(self) -> list[str]:
        """The texts of the rows."""
        matrix = np.ascontiguousarray(self.matrix.T)
        taken = matrix != 0
        text = matrix[taken].astype("<u4").tobytes().decode("utf-32-le")
        ends = np.cumsum(np.count_nonzero(taken, axis=1)).tolist()
        return [text[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def pick(self, options: int, rows: Whole) -> Whole:
        """A number below `options` by chance for the rows; each call of a block has a stream of its own."""
        purpose = f"node {self.choices}"
        self.choices += 1
        if options == 1 or not len(rows):
            return np.zeros(len(rows), np.int64)
        draws = self.draws if len(rows) == len(self.draws) else self.draws.select(rows)
        return (draws.uniform(purpose) * options).astype(np.int64)

    def fill(self, node: Node, rows: Whole, numbers: Whole | None) -> None:
        """Fill the slots of the node in the rows. Slots and streams are counted for those it leaves out, too."""
        if isinstance(node, Chars):
            self.fill_chars(node, rows, numbers)
        elif isinstance(node, Choice):
            self.fill_choice(node, rows, numbers)
        elif isinstance(node, Repeat):
            self.fill_repeat(node, rows, numbers)
        else:
            self.fill_parts(node, rows, numbers)

    def fill_chars(self, node: Chars, rows: Whole, numbers: Whole | None) -> None:
        codes = np.array([ord(character) for character in node.characters], np.uint32)
        index = self.pick(len(codes), rows) if numbers is None else numbers
        if len(rows) == len(self.draws):
            self.matrix[self.slot] = codes[index]
        else:
            self.matrix[self.slot, rows] = codes[index]
        self.slot += 1

    def fill_choice(self, node: Choice, rows: Whole, numbers: Whole | None) -> None:
        starts = [0] * len(node.branches)
        if numbers is None:
            chosen = self.pick(len(node.branches), rows)
        elif node.count <= LIMIT:
            starts = [0, *accumulate(branch.count for branch in node.branches)]
            chosen = np.searchsorted(np.array(starts[1:], np.int64), numbers, side="right")
        else:
            large = list(map(id, _large_branches(node)))
            places = np.array([place for place, branch in enumerate(node.branches) if id(branch) in large])
            chosen = places[self.pick(len(places), rows)]
        for place, branch in enumerate(node.branches):
            mine = chosen == place
            self.fill(branch, rows[mine], None if numbers is None else numbers[mine] - starts[place])

    def fill_repeat(self, node: Repeat, rows: Whole, numbers: Whole | None) -> None:
        if numbers is not None and node.count > LIMIT:
            self.fill_parts(node, rows, numbers)
            return
        if numbers is None:
            length = node.low + self.pick(node.high - node.low + 1, rows)
        else:
            ends = np.array([0, *accumulate(node.counts)], np.int64)
            longer = np.searchsorted(ends[1:], numbers, side="right")
            numbers = numbers - ends[longer]
            length = node.low + longer
        for done in range(node.high):
            mine = length > done
            if numbers is None:
                self.fill(node.part, rows[mine], None)
            else:
                self.fill(node.part, rows[mine], numbers[mine] % node.part.count)
                numbers = numbers // node.part.count

    def fill_parts(self, node: Joined | Repeat, rows: Whole, numbers: Whole | None) -> None:
        parts = _spread_parts(node)
        if numbers is None:
            for part in parts:
                self.fill(part, rows, None)
            return
        counts = [part.count for part in parts] if node.count <= LIMIT else _count_parts(node)
        for part, count in zip(parts, counts, strict=True):
            if count == 1 and part.count > 1:
                self.fill(part, rows, None)
            else:
                self.fill(part, rows, numbers % count)
                numbers = numbers // count
