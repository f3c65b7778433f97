"""A table as digits: where each column's digits stand in a row, and in which orders rows are written and learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.labels import choose_label
from workbench.synthesizers.profile import RealTable, TableProfile
from workbench.synthesizers.types.language_model.vocabulary import ValueTree, find_leaves, grow_trees

NATURAL_SHARE = 0.5
"""Rows of a batch in the natural order, in which most rows are made; the others begin with any columns."""


@dataclass(frozen=True, slots=True, eq=False)
class DigitRows:
    """`digits` (rows, slots), and how many digits could have stood in each place."""

    digits: NDArray[np.int16]
    allowed: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.digits)


@dataclass(frozen=True, slots=True, eq=False)
class RowLayout:
    """The slots of a row, column by column as the profile has them, and the natural order of the columns."""

    profile: TableProfile
    trees: Mapping[str, ValueTree]
    natural: tuple[str, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """The alphabet of each slot."""
        return tuple(int(counts.max()) for tree in self.trees.values() for counts in tree.counts)

    @property
    def levels(self) -> tuple[int, ...]:
        """The depth of each slot's digit within its column."""
        return tuple(level for tree in self.trees.values() for level in range(tree.depth))

    @property
    def ordered(self) -> tuple[int, ...]:
        """How many of each slot's digits stand in the order of numbers; null, a last digit of the first, does not."""
        found = []
        for name, tree in self.trees.items():
            column = self.profile.columns[name]
            for level, counts in enumerate(tree.counts):
                null = level == 0 and column.missing > 0
                found.append(int(counts.max()) - null if column.role == "number" else 0)
        return tuple(found)

    def find_slots(self, names: Sequence[str]) -> list[tuple[str, int, int]]:
        """The slots of these columns one after the other: name, depth, and place in a row."""
        first: dict[str, int] = {}
        total = 0
        for name, tree in self.trees.items():
            first[name] = total
            total += tree.depth
        return [(name, level, first[name] + level) for name in names for level in range(self.trees[name].depth)]

    def spell(self, columns: Mapping[str, Values], rows: int) -> DigitRows:
        """The digits of values. What is not there, and texts that are no level, get zeros that nothing else can be."""
        digits, allowed = [], []
        for name, tree in self.trees.items():
            leaves = np.full(rows, -1)
            if name in columns:
                leaves = find_leaves(tree, self.profile.columns[name], columns[name])
            known = leaves >= 0
            found = tree.spell(np.maximum(leaves, 0))
            digits.append(np.where(known[:, None], found[0], 0).astype(np.int16))
            allowed.append(np.where(known[:, None], found[1], 1).astype(np.int16))
        return DigitRows(np.hstack(digits), np.hstack(allowed))

    def draw_orders(self, generator: Generator, rows: int) -> NDArray[np.int64]:
        """For each row an order of its slots: some columns, shuffled, then the others in the natural order.

        So what is left out of conditions is always learned given any columns before it (Borisov et al., Language Models
        are Realistic Tabular Data Generators, ICLR 2023, shuffle all columns, always).
        """
        names = list(self.trees)
        rank = {name: place for place, name in enumerate(self.natural)}
        keys = np.tile([float(1 + rank[name]) for name in names], (rows, 1))
        ahead = np.where(generator.random(rows) < NATURAL_SHARE, 0, generator.integers(1, len(names) + 1, rows))
        shuffled = generator.random((rows, len(names)))
        keys = np.where(shuffled.argsort(1).argsort(1) < ahead[:, None], shuffled, keys)
        column = np.repeat(np.arange(len(names)), [tree.depth for tree in self.trees.values()])
        return np.argsort(keys[:, column], axis=1, kind="stable")


def lay_out(table: RealTable, given: Sequence[str], label: str | None, *, private: bool) -> RowLayout:
    """The layout of a table: first the columns that are always given, then the label, then the others."""
    trees = grow_trees(table, private=private)
    return RowLayout(table.profile, trees, order_columns(table.profile, given, label))


def order_columns(profile: TableProfile, given: Sequence[str], label: str | None) -> tuple[str, ...]:
    """The natural order: columns that are always given, the label, the others as they stand in the table."""
    first = [*(name for name in given if name in profile.columns)]
    found = choose_label(profile, label)
    if found is not None:
        first.append(found)
    return tuple(dict.fromkeys([*first, *profile.columns]))
