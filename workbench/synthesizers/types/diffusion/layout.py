"""What of an encoded row belongs together, and in which order its codes are uncovered.

The label's segment comes first, so that its shares can be met exactly; then the other segments in the table's order,
and then all numbers at once. Whether a number is null is a segment of its own, so it is known before the number is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.synthesizers.neural.encoding import TableEncoder


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """`sizes`, `starts` and `order` have the shape (segments,): codes of a segment, the place of its first among all
    codes, and the segments as they are uncovered.

    `null_segments` and `null_codes` (scalars,) say where a number's null stands, -1 for numbers that are never null;
    `segment_columns` (segments,) and `scalar_columns` (scalars,) which of the encoder’s `columns` they belong to,
    and `label` is the number of the label's column.
    """

    sizes: NDArray[np.int64]
    starts: NDArray[np.int64]
    order: NDArray[np.int64]
    null_segments: NDArray[np.int64]
    null_codes: NDArray[np.int64]
    segment_columns: NDArray[np.int64]
    scalar_columns: NDArray[np.int64]
    columns: int
    label: int | None

    @property
    def segments(self) -> int:
        """How many segments there are."""
        return len(self.sizes)

    @property
    def scalars(self) -> int:
        """How many numbers there are that are not of few values."""
        return len(self.scalar_columns)

    @property
    def width(self) -> int:
        """The codes of all segments together."""
        return int(self.sizes.sum())

    def find_present(self, codes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which numbers are not null, shape (rows, scalars), by all codes of the rows."""
        present = np.ones((len(codes), self.scalars), np.bool_)
        for scalar in np.flatnonzero(self.null_segments >= 0):
            present[:, scalar] = codes[:, self.null_segments[scalar]] != self.null_codes[scalar]
        return present


def make_layout(encoder: TableEncoder, label: str | None) -> Layout:
    """The layout of the rows of `encoder`, whose numbers are scores; `label` names a column that has a segment."""
    segment_columns = np.zeros(encoder.segments, np.int64)
    scalar_columns = np.zeros(encoder.scalars, np.int64)
    null_segments = np.full(encoder.scalars, -1)
    null_codes = np.full(encoder.scalars, -1)
    first = -1
    named = encoder.names.index(label) if label is not None else None
    for number, column in enumerate(encoder.columns):
        if column.segment is not None:
            segment_columns[column.segment] = number
            if column.name == label:
                first = column.segment
        if column.scalar is not None:
            scalar_columns[column.scalar] = number
            if column.segment is not None and column.null is not None:
                null_segments[column.scalar], null_codes[column.scalar] = column.segment, column.null
    order = np.array(sorted(range(encoder.segments), key=lambda segment: segment != first), np.int64)
    return Layout(
        encoder.sizes,
        encoder.starts,
        order,
        null_segments,
        null_codes,
        segment_columns,
        scalar_columns,
        len(encoder.columns),
        named,
    )
