"""The label, the column whose shares matter most: which it is where nobody says, and how its chance is spread."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workbench.synthesizers.profile import ColumnProfile, TableProfile

MOST_LABEL_LEVELS = 50
"""The label is sought among columns with at most so many levels: of more, each is rare and none is meant."""


def choose_label(profile: TableProfile, wanted: str | None) -> str | None:
    """The label: `wanted` if it is there, else the category with the rarest level, else a number of few values so.

    None where no column has few values.
    """
    if wanted is not None and wanted in profile.columns:
        return wanted
    named = [c for c in profile.columns.values() if c.levels is not None and 2 <= len(c.levels) <= MOST_LABEL_LEVELS]
    for role in ("category", "number"):
        found = [column for column in named if column.role == role]
        if found:
            return min(found, key=_find_rarest).name
    return None


def spread_evenly(generator: Generator, count: int) -> NDArray[np.float64]:
    """`count` uniforms in [0, 1), one in each of `count` equal parts, and the first n of them nearly so for every n.

    A table rarely ends with a whole chunk, and its rare classes should be there too. The parts are taken in van der
    Corput's order (1935), bits reversed, scrambled by a random mask. Two columns must not both be drawn so: each would
    tell the other.
    """
    bits = max(1, (count - 1).bit_length())
    order = np.zeros(1, np.int64)
    for _ in range(bits):
        order = np.concatenate([order * 2, order * 2 + 1])
    order ^= int(generator.integers(1 << bits))
    uniforms = (order[order < count] + generator.random(count)) / count
    return np.minimum(uniforms, np.nextafter(1.0, 0.0))


def _find_rarest(column: ColumnProfile) -> float:
    shares = column.shares
    return float(shares[shares > 0].min()) if shares.any() else 1.0
