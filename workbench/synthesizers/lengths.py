"""How many rows belong to a parent, learned given the parent's columns: a customer's purchases, a patient's visits.

The number is one more column of the parents' table, where 0 is a number like any other, so that it is drawn by the same
exact conditional sampling as any other column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.fitting import fit_table, read_settings
from workbench.synthesizers.nearest import choose_nearest
from workbench.synthesizers.profile import ColumnProfile, RealTable, TableProfile, profile_values
from workbench.synthesizers.synthesizer import Conditions, FitContext

if TYPE_CHECKING:
    from workbench.synthesizers.fitted import FittedTable

LENGTH = "sequence: length"
"""The column of the number of rows, in the fitted tables that have it."""

BASE_TYPE = "gaussian_copula"
"""What learns lengths and times, whatever learns the rows: it takes seconds, and needs few rows."""


def fit_lengths(parents: RealTable | None, counts: NDArray[np.int64], source: str, context: FitContext) -> FittedTable:
    """Learn `counts`, shape (parents,), given the columns of `parents`; None: there is nothing to learn them from."""
    own = profile_values({LENGTH: ("int64", Values(counts.astype(np.int64)))})
    columns: dict[str, ColumnProfile] = {} if parents is None else dict(parents.profile.columns)
    values = {} if parents is None else dict(parents.columns)
    profile = TableProfile({**columns, **own.profile.columns}, own.rows)
    return fit_base(RealTable(profile, {**values, **own.columns}), source, context)


def draw_lengths(
    fitted: FittedTable, parents: NDArray[np.int64], given: Conditions, names: tuple[object, ...]
) -> NDArray[np.int64]:
    """The number of rows, shape (parents,), of each of the parents numbered `parents` (rising).

    `given` holds a value for each parent in some of the columns; those that were not learned from are ignored. A
    number depends on `names`, the parent's number and its values alone.
    """
    known = choose_nearest(fitted.profile, {name: values for name, values in given.items() if name != LENGTH})
    made = fitted.draw_rows(parents, known, (*names, "length"))
    return made[LENGTH].data.astype(np.int64)


def fit_base(table: RealTable, source: str, context: FitContext) -> FittedTable:
    """Fit `BASE_TYPE` with its default settings."""
    return fit_table(table, read_settings(BASE_TYPE, source, {}), context)
