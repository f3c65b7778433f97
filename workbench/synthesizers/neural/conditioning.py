"""Conditions in training and in drawing: which columns of a row a network is told, and the label's share kept exactly.

A network sees the encoded values of the columns it is told, zeros for the others, and a mask of which these are. In
training the masks are drawn so that every subset of columns comes up; then one pass makes the rest of a row given any
subset, and nothing is ever rejected. As in Xu et al. (2019), "training by sampling" picks a category, one of its levels
by the logarithm of its count, and a real row that has it, so that rare levels are seen often. The picked column is
always told, hence what is learned of the others given it is not distorted by picking it.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.labels import spread_evenly
from workbench.synthesizers.neural.encoding import EncodedRows, TableEncoder
from workbench.synthesizers.profile import ColumnProfile, decode_codes

LABEL_SHARE = 0.4
"""Share of training rows that are told the label alone: that is how rows are drawn when nothing else is asked for."""

PICKED_SHARE = 0.1
"""Share that are told one category alone, each category as often as another."""

BLANK_SHARE = 0.1
"""Share that are told nothing."""

JOINT_SHARE = 0.15
"""Share that are told a picked category and further columns. The rest are told any columns of any row, each with one
chance a row, so that every subset comes up, numbers alone too.
"""


class ConditionSampler:
    """Draws rows of a table and masks for them; index arrays are made once, so that a batch takes no loop over columns.

    Memory: 4 bytes for each row and category.
    """

    def __init__(self, encoder: TableEncoder, rows: EncodedRows, label: str | None) -> None:
        self.rows = len(rows)
        self.columns = len(encoder.names)
        picked = [number for number, column in enumerate(encoder.columns) if column.levels is not None]
        self._picked = np.array(picked, np.int64)
        self._label = picked.index(encoder.names.index(label)) if label is not None else -1
        counts, orders, weights = [], [], []
        for number in picked:
            segment = encoder.columns[number].segment
            assert segment is not None
            codes = rows.codes[:, segment]
            count = np.bincount(codes, minlength=int(encoder.sizes[segment]))
            orders.append(np.argsort(codes, kind="stable").astype(np.int32))
            counts.append(count)
            weight = np.log1p(count)
            weights.append(weight / weight.sum())
        self._order = np.concatenate(orders) if orders else np.empty(0, np.int32)
        self._counts = np.concatenate(counts) if counts else np.empty(0, np.int64)
        self._firsts = np.cumsum(self._counts) - self._counts
        self._ends = np.cumsum(np.concatenate(weights)) if weights else np.empty(0)

    def sample(self, generator: Generator, count: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Row numbers (count,) and which columns of each are told, (count, columns)."""
        told = np.zeros((count, self.columns), np.bool_)
        index = generator.integers(self.rows, size=count)
        way = generator.random(count)
        chances = generator.random(count)
        further = generator.random((count, self.columns)) < chances[:, None]
        picking = way < LABEL_SHARE + PICKED_SHARE + JOINT_SHARE
        mixed = (way >= LABEL_SHARE + PICKED_SHARE) & (way < 1.0 - BLANK_SHARE)
        told[mixed] = further[mixed]
        if not len(self._picked):
            return index, told
        which = generator.integers(len(self._picked), size=count)
        level, row = generator.random(count), generator.random(count)
        if self._label >= 0:
            which[way < LABEL_SHARE] = self._label
        places = np.minimum(np.searchsorted(self._ends, which + level, side="right"), len(self._ends) - 1)
        found = self._order[self._firsts[places] + (row * self._counts[places]).astype(np.int64)]
        index = np.where(picking, found, index)
        told[np.flatnonzero(picking), self._picked[which[picking]]] = True
        return index, told


def draw_masks(generator: Generator, count: int, columns: int, label: int | None) -> NDArray[np.bool_]:
    """Which columns of given rows are told, (count, columns): the label's alone, none, or each with one chance a row.

    A private fit may not choose rows by what is in them; here each row's mask is drawn without a look at any row.
    """
    told = np.zeros((count, columns), np.bool_)
    way = generator.random(count)
    further = generator.random((count, columns)) < generator.random((count, 1))
    mixed = way >= LABEL_SHARE + BLANK_SHARE
    told[mixed] = further[mixed]
    if label is not None:
        told[way < LABEL_SHARE, label] = True
    return told


def draw_label(column: ColumnProfile, generator: Generator, count: int) -> Values:
    """`count` values of a column with levels, each share within one row of the real one, nearly so in a first part."""
    uniforms = spread_evenly(generator, count)
    shares = np.append(column.shares * (1.0 - column.missing), column.missing)
    ends = np.cumsum(shares)
    places = np.minimum(np.searchsorted(ends / ends[-1], uniforms, side="right"), np.flatnonzero(shares)[-1])
    places[places == len(column.shares)] = -1
    return decode_codes(column, places)


def stratify(generator: Generator, count: int) -> NDArray[np.float64]:
    """`count` uniforms in [0, 1), one in each of `count` equal parts, in random order: (permutation + u) / count."""
    uniforms = (generator.permutation(count) + generator.random(count)) / count
    return np.minimum(uniforms, np.nextafter(1.0, 0.0))
