"""Children and their parents: which parent each child row has, and the parents' columns beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import UsageError
from workbench.spec.problems import suggest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """`children` are the rows with a parent, with the columns asked for of it; `counts`, shape (parents,), how many.

    `left_out` children have no parent among the parents, for instance because it is held out.
    """

    children: pd.DataFrame
    counts: NDArray[np.int64]
    left_out: int


def join_parents(
    children: pd.DataFrame, child_key: str, parents: pd.DataFrame, parent_key: str, columns: Sequence[str]
) -> Family:
    """Put those of `columns` that the parents have beside each child, in the place of its own of that name.

    Keys match as whole numbers, real numbers without a fraction, and texts. Raises UsageError for a key that is not
    there or that two parents have, and where no child has a parent.
    """
    import pandas as pd

    for name, frame in ((child_key, children), (parent_key, parents)):
        if name not in frame.columns:
            known = [str(column) for column in frame.columns]
            raise UsageError(f"There is no column “{name}” to join parents and children by.", suggest(name, known))
    places_of: dict[str, int] = {}
    for place, key in enumerate(map(_write_key, parents[parent_key])):
        if key and places_of.setdefault(key, place) != place:
            raise UsageError(f"Two parents have the key “{key}”.", f"“{parent_key}” must differ in all rows.")
    places = np.array([places_of.get(_write_key(key), -1) for key in children[child_key]], np.int64)
    found = places >= 0
    if not found.any():
        raise UsageError(
            f"No child's “{child_key}” is a parent's “{parent_key}”.",
            "Name the columns that join the two, and split both sources by them with group_by.",
        )
    joined = children[found].reset_index(drop=True)
    own = [name for name in columns if name in parents.columns]
    taken = parents[own].iloc[places[found]].reset_index(drop=True)
    joined = joined.drop(columns=[name for name in own if name in joined.columns])
    counts = np.bincount(places[found], minlength=len(parents)).astype(np.int64)
    return Family(pd.concat([taken, joined], axis=1), counts, int(np.count_nonzero(~found)))


def _write_key(key: Any) -> str:
    """A key as text, the same whether it was read as a whole or a real number; empty where it is missing."""
    if isinstance(key, str):
        return key
    if key is None or key != key or str(key) in ("<NA>", "NaT"):
        return ""
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key)
