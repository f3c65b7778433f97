"""Parity: an outcome that is true equally often in every group.

In each stripe of STRIPE rows every group gets its share of true outcomes, to the row: where it has too many, rows
picked at random become false, where too few, true. What the outcome depends on otherwise stays as it is. A stripe is
made whole whatever part of it is asked for, so that a preview shows the rows of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.columns.streams import Draws, derive_key
from workbench.columns.values import Values

STRIPE = 10_000
"""Rows evened out together. A group of 1 row in 20 then has 500 of them, so its rate is right to 0.002."""

Tally = dict[str, list[int]]
"""Group (as text) to [true outcomes, rows]."""


@dataclass(slots=True, eq=False)
class Parity:
    """An outcome to even out over the groups of `across`. `rate` is found when it is first needed, if not known."""

    outcome: str
    across: str
    max_gap: float
    rate: float | None = field(default=None)


def even_out(parity: Parity, draws: Draws, outcome: Values, groups: Values, fixed: NDArray[np.bool_]) -> Values:
    """The outcome with the same rate in every group; `draws` are those of whole stripes, `fixed` rows are not changed.

    The number of true rows of a group in a stripe is rate * rows, rounded up or down by a draw of its own, so that the
    rounding errors of many stripes cancel.
    """
    assert parity.rate is not None
    data = outcome.data.copy()
    known = np.ones(len(data), np.bool_) if outcome.valid is None else outcome.valid
    scores = draws.uniform("parity")
    names = groups.to_text()
    different, codes = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
    stripes = draws.rows // STRIPE
    for stripe in np.unique(stripes):
        in_stripe = (stripes == stripe) & known
        for code, name in enumerate(different):
            members = np.flatnonzero(in_stripe & (codes == code))
            if not len(members):
                continue
            key = derive_key(draws.seed, draws.table, draws.column, f"{name}", "parity rounding", int(stripe))
            wanted = int(parity.rate * len(members) + (int(key[0]) >> 11) * 2.0**-53)
            surplus = int(data[members].sum()) - wanted
            candidates = members[(data[members] == (surplus > 0)) & ~fixed[members]]
            chosen = candidates[np.argsort(scores[candidates], kind="stable")[: abs(surplus)]]
            data[chosen] = surplus < 0
    return Values(data, outcome.valid)


def tally_groups(parity: Parity, columns: Mapping[str, Values]) -> Tally:
    """True outcomes and rows of each group."""
    outcome, groups = columns[parity.outcome], columns[parity.across]
    tally: Tally = {}
    for group, value in zip(groups.to_text(), outcome.to_list(), strict=True):
        if value is not None:
            counts = tally.setdefault(group, [0, 0])
            counts[0] += bool(value)
            counts[1] += 1
    return tally


def find_gap(tally: Tally) -> float:
    """The largest difference between the rates of two groups, 0 where there are fewer than two."""
    rates = [true / rows for true, rows in tally.values() if rows]
    return max(rates) - min(rates) if len(rates) > 1 else 0.0
