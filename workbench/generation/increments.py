"""`fixed_increments`: a column of numbers is rounded to the nearest multiple of a step; a null stays null."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from workbench.columns.column_type import Maker
from workbench.columns.values import Values


def round_to_multiples(values: Values, increment: float, span: tuple[float, float]) -> Values:
    """The values as the nearest multiples of `increment` within `span`, halves to the even one.

    The product is rounded to the step's own decimals: 3 * 0.05 is then 0.15 and not 0.15000000000000002.
    """
    low, high = (np.ceil(span[0] / increment), np.floor(span[1] / increment))
    steps = np.clip(np.rint(values.data / increment), low, high)
    if values.data.dtype.kind == "i":
        return Values(steps.astype(np.int64) * int(increment), values.valid)
    decimals = max(0, -int(Decimal(repr(increment)).normalize().as_tuple().exponent))
    return Values(np.round(steps * increment, decimals), values.valid)


def check_increment(maker: Maker, increment: float) -> None:
    """Raise ValueError where the column cannot hold multiples of the step, or has none in its range."""
    if maker.kind == "int64" and increment != int(increment):
        raise ValueError(f"the column holds whole numbers, and {increment:g} is none")
    if maker.bounds is not None:
        low, high = maker.bounds
        if np.floor(high / increment) < np.ceil(low / increment):
            raise ValueError(f"no multiple of {increment:g} lies between {low:g} and {high:g}")
