"""Exact shares: how many rows of each class go to each split, and which of them, where some must stay together.

Rows that must stay together have the same 64-bit hash. The hashes also are the draw: in each class, groups are handed
out in the order of their hash. Nothing but whole numbers is kept per class and size of group, and the groups are found
part by part of the range of hashes, so that memory is that of the arrays given plus a few megabytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_PART = 1 << 20
"""Rows sorted at once."""

Cell = tuple[int, int]
"""A class and a size of group."""


def share_out(total: int, shares: Sequence[float]) -> list[int]:
    """`total` in whole numbers by the largest remainder (Hamilton's method); the first of equal remainders wins."""
    weight = sum(shares)
    exact = [total * share / weight for share in shares]
    counts = [int(value + 1e-9) for value in exact]
    order = sorted(range(len(shares)), key=lambda place: (round(counts[place] - exact[place], 9), place))
    for place in order[: total - sum(counts)]:
        counts[place] += 1
    return counts


def share_out_classes(sizes: Sequence[int], shares: Sequence[float]) -> list[list[int]]:
    """Rows of each class (one list each) for each split: a class's shares and the total's, each by largest remainder.

    What is left of the classes after their whole parts goes where the remainder is largest, as long as the split's own
    total has room.
    """
    weight = sum(shares)
    counts = [[int(size * share / weight + 1e-9) for share in shares] for size in sizes]
    room = share_out(sum(sizes), shares)
    room = [total - sum(row[split] for row in counts) for split, total in enumerate(room)]
    left = [size - sum(row) for size, row in zip(sizes, counts, strict=True)]
    cells = [(place, split) for place in range(len(sizes)) for split in range(len(shares))]
    by_remainder = sorted(
        cells, key=lambda c: (round(counts[c[0]][c[1]] - sizes[c[0]] * shares[c[1]] / weight, 9), c[0], c[1])
    )
    for place, split in by_remainder:
        if left[place] and room[split] > 0:
            counts[place][split] += 1
            left[place] -= 1
            room[split] -= 1
    for place, missing in enumerate(left):
        for _ in range(missing):
            split = max(range(len(shares)), key=lambda each: room[each])
            counts[place][split] += 1
            room[split] -= 1
    return counts


def assign(
    hashes: NDArray[np.uint64], classes: NDArray[np.int32], shares: Sequence[float], largest: int | None = None
) -> NDArray[np.int8]:
    """The split (position in `shares`) of each row. Rows of one hash are on one side, in the class of the rarest.

    A class has exactly its share where no group is in the way; larger groups are placed first, so that the rows
    without a like make up for them. Groups of more than `largest` rows are not kept together.
    """
    if not len(hashes):
        return np.zeros(0, np.int8)
    counts = np.bincount(classes)
    ranks = np.empty(len(counts), np.int32)
    ranks[np.argsort(counts, kind="stable")] = np.arange(len(counts), dtype=np.int32)
    parts = max(1, len(hashes) // _PART)
    cells: Counter[Cell] = Counter()
    for part in range(parts):
        groups = _Groups(hashes, ranks, classes, part, parts, largest)
        pairs, many = np.unique(np.stack([groups.classes, groups.sizes]), axis=1, return_counts=True)
        cells.update(dict(zip(map(tuple, pairs.T.tolist()), many.tolist(), strict=True)))
    handed = _hand_out(cells, shares)
    sides = np.zeros(len(hashes), np.int8)
    for part in range(parts):
        groups = _Groups(hashes, ranks, classes, part, parts, largest)
        chosen = np.zeros(len(groups.sizes), np.int8)
        for cell in sorted(set(zip(groups.classes.tolist(), groups.sizes.tolist(), strict=True))):
            places = np.flatnonzero((groups.classes == cell[0]) & (groups.sizes == cell[1]))
            chosen[places] = _take(handed[cell], len(places))
        sides[groups.rows] = np.repeat(chosen, groups.sizes)
    return sides


class _Groups:
    """The groups whose hash lies in one part of the range: `rows` in the order of groups, their `sizes`, `classes`."""

    def __init__(
        self,
        hashes: NDArray[np.uint64],
        ranks: NDArray[np.int32],
        classes: NDArray[np.int32],
        part: int,
        parts: int,
        largest: int | None,
    ) -> None:
        width = (1 << 64) // parts + 1
        rows = np.flatnonzero(hashes // np.uint64(width) == part) if parts > 1 else np.arange(len(hashes))
        own = hashes[rows]
        order = np.argsort(own, kind="stable")
        self.rows, own = rows[order], own[order]
        first = np.ones(len(own), np.bool_)
        first[1:] = own[1:] != own[:-1]
        if largest is not None:
            starts = np.flatnonzero(first)
            sizes = np.diff(starts, append=len(own))
            first |= np.repeat(sizes > largest, sizes)
        starts = np.flatnonzero(first)
        self.sizes = np.diff(starts, append=len(own))
        rarest = ranks[classes[self.rows]]
        self.classes = np.minimum.reduceat(rarest, starts) if len(starts) else rarest


def _hand_out(cells: Counter[Cell], shares: Sequence[float]) -> dict[Cell, list[int]]:
    """For each class and size, how many groups each split gets."""
    names = sorted({name for name, _ in cells})
    sizes = [sum(size * many for (each, size), many in cells.items() if each == name) for name in names]
    handed: dict[Cell, list[int]] = {}
    for name, room in zip(names, share_out_classes(sizes, shares), strict=True):
        for size in sorted((size for each, size in cells if each == name), reverse=True):
            handed[name, size] = _place(cells[name, size], size, room)
    return handed


def _place(many: int, size: int, room: list[int]) -> list[int]:
    """Split `many` groups of `size` rows over the splits by their `room` (rows), which is made smaller by them."""
    given = share_out(many, [max(left, 0) for left in room]) if any(left > 0 for left in room) else [0] * len(room)
    given = [min(count, max(left, 0) // size) for count, left in zip(given, room, strict=True)]
    for split, left in enumerate(room):
        more = min(many - sum(given), max(left, 0) // size - given[split])
        given[split] += max(more, 0)
    for split, count in enumerate(given):
        room[split] -= count * size
    for _ in range(many - sum(given)):  # at most one for each split: groups larger than any room that is left
        split = max(range(len(room)), key=lambda each: room[each])
        given[split] += 1
        room[split] -= size
    return given


def _take(left: list[int], count: int) -> NDArray[np.int8]:
    """The next `count` splits of a cell, first all of the first split; `left` is made smaller by them."""
    taken: list[int] = []
    for split, many in enumerate(left):
        taken.append(min(many, count - sum(taken)))
        left[split] -= taken[-1]
    return np.repeat(np.arange(len(left), dtype=np.int8), taken)
