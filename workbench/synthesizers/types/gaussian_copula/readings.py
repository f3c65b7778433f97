"""The columns of a real table as the copula learns them: places among ordered levels, or numbers with their atoms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.synthesizers.profile import ColumnProfile, RealTable

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

MOST_ATOMS = 256
"""Numbers with at most so many different values, most of which repeat, are discrete: each value is an atom."""

ATOM_SHARE = 0.005
"""Of other numbers, values that a larger share of the rows has are atoms."""

FEWEST_IN_ATOM = 5


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A column. `missing` is None where it has no nulls.

    With levels, `codes` has each row's code, -1 for null, and `order` the codes in the order of the latent. Else
    `numbers` has the values, NaN for null, and `atoms` those that come back exactly.
    """

    column: ColumnProfile
    missing: NDArray[np.bool_] | None
    codes: Places | None = None
    order: Places | None = None
    numbers: Floats | None = None
    atoms: Floats | None = None

    @property
    def levels(self) -> int:
        """How many levels there are, 0 for numbers without."""
        return 0 if self.order is None else len(self.order)

    def find_places(self, rows: Places | slice = slice(None)) -> Places:
        """The place of each row, or of some, in the order of the levels, -1 for null."""
        assert self.codes is not None
        assert self.order is not None
        codes = self.codes[rows]
        return np.where(codes < 0, -1, np.argsort(self.order)[codes])


def read_column(table: RealTable, name: str) -> Reading:
    """The reading of a column; the levels of a number rise, those of a category stand as the profile has them."""
    column = table.profile.columns[name]
    missing = table.find_missing(name) if column.missing else None
    if column.levels is not None:
        order = np.argsort(np.array(column.levels, np.float64)) if column.kind != "string" else None
        levels = np.arange(len(column.levels)) if order is None else order
        return Reading(column, missing, codes=table.codes(name), order=levels.astype(np.int64))
    numbers = table.numbers(name)
    return Reading(column, missing, numbers=numbers, atoms=find_atoms(numbers))


def find_atoms(numbers: Floats) -> Floats:
    """Values that so many rows share that they are points of the distribution, rising."""
    present = numbers[~np.isnan(numbers)]
    values, counts = np.unique(present, return_counts=True)
    if len(values) <= MOST_ATOMS and len(values) * 2 <= len(present):
        return values
    often: Floats = values[counts >= max(FEWEST_IN_ATOM, ATOM_SHARE * len(present))]
    return often if len(often) <= MOST_ATOMS else np.empty(0)
