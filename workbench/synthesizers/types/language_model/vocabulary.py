"""How the small model spells a value: by a few digits of its column's own alphabet, the coarse ones first.

The values of a column are put in order (numbers by size, texts by the alphabet) and split into groups, the groups into
smaller ones, until a group is one value or one narrow range of numbers: a tree. A value is written as the path to its
leaf, a digit per level. A column of a few values thus takes one token, a number two, and 50,000 texts three, with an
alphabet of 64; what is predicted first is where about the value lies. Numbers that are split by their rank keep the
shape of their distribution whatever their scale (as the discretised columns of TabularARGN, Tiwald et al. 2025). Every
path is a valid value, so the children of a node are all that constrained decoding has to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.profile import (
    ColumnProfile,
    RealTable,
    TableProfile,
    decode_codes,
    decode_numbers,
    find_codes,
    find_numbers,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CELLS = 480
"""Most ranges that a number is split into, of about as many rows each."""

FEWEST_ROWS = 8
"""Rows of a range, so that no path leads to the value of one row."""

NUMBER_BASE = 32
LEVEL_BASE = 64
"""Most children of a node: of numbers, and of categories."""

PARTS = 8
"""Pieces of as many rows each within a range, between which a number is interpolated: they keep the tails."""


@dataclass(frozen=True, slots=True)
class ValueTree:
    """`starts[d][node]` is the first child of a node at depth d, `counts[d][node]` how many it has.

    A child stands at its parent's start plus its digit; at the last depth these are the leaves. Leaf i holds the value
    `codes[i]` among the column's levels (-1 for null), or a range of numbers with the quantiles `knots[i]`, of shape
    (leaves, PARTS + 1), NaN for null. `masses` are the shares of the leaves among all rows; where they were not
    counted they are a guess.
    """

    starts: tuple[Ints, ...]
    counts: tuple[Ints, ...]
    masses: Floats
    counted: bool
    codes: Ints | None = None
    knots: Floats | None = None

    @property
    def depth(self) -> int:
        """The digits of a value."""
        return len(self.starts)

    @property
    def leaves(self) -> int:
        """How many values it tells apart."""
        return len(self.masses)

    def spell(self, leaves: Ints) -> tuple[Ints, Ints]:
        """The digits of leaves, and at each depth the number of digits that could have stood there: (rows, depth)."""
        digits = np.empty((len(leaves), self.depth), np.int64)
        allowed = np.empty_like(digits)
        nodes = leaves
        for level in range(self.depth - 1, -1, -1):
            parents = np.searchsorted(self.starts[level], nodes, side="right") - 1
            digits[:, level] = nodes - self.starts[level][parents]
            allowed[:, level] = self.counts[level][parents]
            nodes = parents
        return digits, allowed

    def find_masses(self, level: int) -> Floats:
        """The shares of the nodes at depth `level`."""
        masses = self.masses
        for upper in range(self.depth - 1, level - 1, -1):
            masses = np.add.reduceat(masses, self.starts[upper])
        return masses


def grow_tree(profile: ColumnProfile, values: Values | None) -> ValueTree:
    """The tree of a column; without `values` from its profile alone, which is then all that is known of it."""
    if profile.levels is not None:
        return _grow_levels(profile)
    knots, masses = _split_range(profile) if values is None else _split_numbers(find_numbers(values))
    paths = _split(masses, NUMBER_BASE)
    tree = _build(paths, masses, profile.missing)
    if profile.missing:
        knots = np.vstack([knots, np.full(PARTS + 1, np.nan)])
    return replace(tree, counted=values is not None, knots=knots)


def find_leaves(tree: ValueTree, profile: ColumnProfile, values: Values) -> Ints:
    """For each value its leaf: the nearest one for a number; -1 for a text that is no level."""
    missing = np.zeros(len(values), np.bool_) if values.valid is None else ~values.valid
    null = tree.leaves - 1 if profile.missing else -1
    if tree.codes is not None:
        place = np.full(len(profile.levels or ()) + 1, -1, np.int64)
        present = tree.codes >= 0
        place[tree.codes[present]] = np.flatnonzero(present)
        leaves = place[find_codes(profile, values)]
    else:
        assert tree.knots is not None
        knots = tree.knots[:-1] if profile.missing else tree.knots
        borders = (knots[1:, 0] + knots[:-1, -1]) / 2
        leaves = np.searchsorted(borders, np.nan_to_num(find_numbers(values)), side="right").astype(np.int64)
    leaves[missing] = null
    return leaves


def read_leaves(tree: ValueTree, profile: ColumnProfile, leaves: Ints, uniforms: Floats) -> Values:
    """The values of leaves; within a range of numbers one is drawn by `uniforms` of shape (rows,)."""
    if tree.codes is not None:
        return decode_codes(profile, tree.codes[leaves])
    assert tree.knots is not None
    place = uniforms * PARTS
    part = np.minimum(place.astype(np.int64), PARTS - 1)
    low, high = tree.knots[leaves, part], tree.knots[leaves, part + 1]
    return decode_numbers(profile, low + (high - low) * (place - part))


def grow_trees(table: RealTable, *, private: bool) -> dict[str, ValueTree]:
    """The trees of all columns. If `private`, they are grown from the profile alone."""
    return {
        name: grow_tree(column, None if private else table.columns[name])
        for name, column in table.profile.columns.items()
    }


def pack_trees(trees: Mapping[str, ValueTree]) -> dict[str, NDArray[Any]]:
    """All trees as arrays under names of their own, in the order of the columns."""
    arrays: dict[str, NDArray[Any]] = {}
    for at, tree in enumerate(trees.values()):
        for level in range(tree.depth):
            arrays[f"tree.{at}.counts.{level}"] = tree.counts[level]
        arrays[f"tree.{at}.masses"] = tree.masses
        arrays[f"tree.{at}.counted"] = np.array(tree.counted)
        if tree.codes is not None:
            arrays[f"tree.{at}.codes"] = tree.codes
        if tree.knots is not None:
            arrays[f"tree.{at}.knots"] = tree.knots
    return arrays


def unpack_trees(profile: TableProfile, arrays: Mapping[str, NDArray[Any]]) -> dict[str, ValueTree]:
    """The trees again. Raises KeyError where an array is missing."""
    trees = {}
    for at, name in enumerate(profile.columns):
        counts: list[Ints] = []
        while (found := arrays.get(f"tree.{at}.counts.{len(counts)}")) is not None:
            counts.append(found)
        starts = tuple(np.cumsum(each) - each for each in counts)
        trees[name] = ValueTree(
            starts,
            tuple(counts),
            arrays[f"tree.{at}.masses"],
            bool(arrays[f"tree.{at}.counted"]),
            arrays.get(f"tree.{at}.codes"),
            arrays.get(f"tree.{at}.knots"),
        )
    return trees


def _grow_levels(profile: ColumnProfile) -> ValueTree:
    levels = profile.levels or ()
    order = np.array(sorted(range(len(levels)), key=lambda at: levels[at]), np.int64)
    counts = np.maximum(np.array(profile.counts or [1] * len(levels), np.float64)[order], 0)
    masses = counts / counts.sum() if counts.sum() else np.full(len(counts), 1 / max(len(counts), 1))
    tree = _build(_split(masses, LEVEL_BASE), masses, profile.missing)
    codes = np.append(order, -1) if profile.missing else order
    return replace(tree, counted=bool(counts.sum()), codes=codes)


def _split_numbers(numbers: Floats) -> tuple[Floats, Floats]:
    """Ranges with their quantiles, and their shares; a value that many rows share has a range of its own."""
    present = np.sort(numbers[~np.isnan(numbers)])
    different, counts = np.unique(present, return_counts=True)
    if len(different) <= min(CELLS, len(present) // FEWEST_ROWS):
        return np.repeat(different[:, None], PARTS + 1, axis=1), counts / counts.sum()
    middle = (np.cumsum(counts) - counts / 2) / counts.sum()
    cells = min(CELLS, max(len(present) // FEWEST_ROWS, 2))
    _, first = np.unique(np.floor(middle * cells), return_index=True)
    sizes = np.add.reduceat(counts, first)
    starts = np.cumsum(sizes) - sizes
    places = starts[:, None] + np.linspace(0, 1, PARTS + 1) * (sizes - 1)[:, None]
    return np.interp(places, np.arange(len(present)), present), sizes / sizes.sum()


def _split_range(profile: ColumnProfile) -> tuple[Floats, Floats]:
    """As many ranges of the same width between the bounds."""
    edges = np.linspace(profile.low, profile.high, CELLS * PARTS + 1)
    return edges[np.arange(CELLS)[:, None] * PARTS + np.arange(PARTS + 1)], np.full(CELLS, 1 / CELLS)


def _split(masses: Floats, base: int) -> list[tuple[int, ...]]:
    """For each leaf its digits. Groups are halfway between as many rows and as many leaves: none gets too deep."""
    if len(masses) <= base:
        return [(digit,) for digit in range(len(masses))]
    weights = masses / masses.sum() / 2 if masses.sum() else np.zeros(len(masses))
    weights = weights + (1 - weights.sum()) / len(masses)
    groups = np.floor((np.cumsum(weights) - weights / 2) * base)
    first = np.unique(groups, return_index=True)[1].tolist()
    paths: list[tuple[int, ...]] = []
    for digit, (start, stop) in enumerate(zip(first, [*first[1:], len(masses)], strict=True)):
        paths += [(digit, *path) for path in _split(masses[start:stop], base)]
    return paths


def _build(paths: list[tuple[int, ...]], masses: Floats, missing: float) -> ValueTree:
    """The tree of paths in rising order, with null as the root's last child."""
    if missing:
        paths = [*paths, (paths[-1][0] + 1,)]
        masses = np.append(masses * (1 - missing), missing)
    depth = max(map(len, paths))
    digits = np.array([[*path, *[0] * (depth - len(path))] for path in paths], np.int64)
    counts = []
    for level in range(depth):
        # A new node begins where a digit before this depth differs from the leaf before, a child where this one does.
        changed = (digits[1:, : level + 1] != digits[:-1, : level + 1]).any(axis=1)
        nodes = np.append(0, np.cumsum((digits[1:, :level] != digits[:-1, :level]).any(axis=1)))
        children = np.append(True, changed)
        counts.append(np.bincount(nodes[children]))
    starts = tuple(np.cumsum(each) - each for each in counts)
    return ValueTree(starts, tuple(counts), masses, False)
