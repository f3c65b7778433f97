"""Conditions brought to what one model has learned, where several models make one table in turn.

What one of them draws may lie just outside of what another has seen, which learned from other rows: a first visit may
have a reason that no later one follows. The nearest value that the other knows then stands in for it as a condition;
the row keeps its own.
"""

from __future__ import annotations

import numpy as np

from workbench.columns.values import Values
from workbench.synthesizers.profile import (
    ColumnProfile,
    TableProfile,
    decode_codes,
    decode_numbers,
    find_codes,
    find_numbers,
)
from workbench.synthesizers.synthesizer import Conditions


def choose_nearest(profile: TableProfile, conditions: Conditions) -> dict[str, Values]:
    """The conditions on columns of `profile`, each value the nearest that its column can have; others are left out.

    A number is moved to the nearest bound or level. An unknown category, and a null where there was none, becomes the
    most frequent level, or the middle of the range.
    """
    return {
        name: _choose_values(profile.columns[name], values)
        for name, values in conditions.items()
        if name in profile.columns
    }


def _choose_values(column: ColumnProfile, values: Values) -> Values:
    if column.role == "category":
        codes = find_codes(column, values)
        known = codes >= 0
        if column.missing and values.valid is not None:
            known |= ~values.valid
        return values if known.all() else decode_codes(column, np.where(known, codes, 0))
    if column.role != "number":
        return values
    numbers = find_numbers(values)
    if not column.missing:
        usual = (
            float(find_numbers(decode_codes(column, np.zeros(1, np.int64)))[0])
            if column.levels
            else ((column.low + column.high) / 2)
        )
        numbers = np.where(np.isnan(numbers), usual, numbers)
    return decode_numbers(column, numbers)
