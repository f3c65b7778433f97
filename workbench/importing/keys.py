"""Keys of real tables: which column tells rows apart, and which column refers to a row of another table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.importing.columns import MIN_ROWS, write_shares
from workbench.importing.naming import split_words
from workbench.importing.numbers import fit_numbers, round_sensibly

if TYPE_CHECKING:
    import pandas as pd

_FEW_COUNTS = 15
_NEAR_POISSON = (0.8, 1.25)
_ID_ENDINGS = ("id", "key", "no", "nr", "code", "uid", "number", "ref")


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Each value of `column` of the table `child` is one of the unique `parent_column` of the table `parent`."""

    child: str
    column: str
    parent: str
    parent_column: str
    missing: int = 0


def find_unique(frame: pd.DataFrame) -> list[str]:
    """Columns with a value in every row and none twice, of whole numbers or texts."""
    from pandas.api import types

    found = []
    for name in frame.columns:
        series = frame[name]
        if types.is_float_dtype(series.dtype) or types.is_bool_dtype(series.dtype) or series.isna().any():
            continue
        if not types.is_datetime64_any_dtype(series.dtype) and series.is_unique:
            found.append(str(name))
    return found


def choose_primary_key(frame: pd.DataFrame, unique: Sequence[str], keys: Sequence[str], table: str) -> str | None:
    """Of the columns that `keys` says can be made unique: that named after the table, or an id, or the first column."""
    candidates = [name for name in unique if name in keys]
    singular = "".join(split_words(table)).rstrip("s")

    def rank(name: str) -> tuple[bool, bool, int]:
        words = split_words(name)
        own = words == ["id"] or (words[-1:] == ["id"] and "".join(words[:-1]).rstrip("s") == singular)
        return (not own, not words or words[-1] not in _ID_ENDINGS, list(frame.columns).index(name))

    return min(candidates, key=rank, default=None)


def find_foreign_keys(frames: Mapping[str, pd.DataFrame], unique: Mapping[str, Sequence[str]]) -> list[ForeignKey]:
    """References between tables: all values of a column stand in another table's unique column, and the names agree.

    Inclusion alone proves little: every small whole number stands in a running id. Where no name agrees, a column that
    is called an id of something counts if it fits one table alone and names most of its rows. A table refers to
    another only in one direction, so that no circle of tables comes out.
    """
    found: list[ForeignKey] = []
    known = {(table, name): set(frames[table][name]) for table in frames for name in unique[table]}
    for child, frame in frames.items():
        for name in map(str, frame.columns):
            values = set(frame[name].dropna())
            if not values:
                continue
            included = [
                ForeignKey(child, name, parent, other, int(frame[name].isna().sum()))
                for (parent, other), all_values in known.items()
                if parent != child and values <= all_values and not _leads_to(found, parent, child)
            ]
            matches = [match for match in included if _names_agree(name, match.parent, match.parent_column)]
            if not matches and _is_called_an_id(name) and len(included) == 1:
                only = included[0]
                matches = included if 2 * len(values) > len(known[only.parent, only.parent_column]) else []
            if name in unique[child] and not any(split_words(match.column) != ["id"] for match in matches):
                continue
            if matches:
                found.append(
                    min(
                        matches,
                        key=lambda match: (match.parent_column != name, len(known[match.parent, match.parent_column])),
                    )
                )
    return found


def measure_children(child: pd.Series[Any], parent: pd.Series[Any]) -> int | dict[str, Any]:
    """How many rows refer to each parent row, as `per_parent` of the spec: a number or a sampler.

    Few different numbers become a category of their shares, those of fewer than MIN_ROWS parents left out.
    """
    counts = child.value_counts().reindex(parent.unique(), fill_value=0).to_numpy(np.float64)
    mean, variance = float(counts.mean()), float(counts.var())
    if variance == 0:
        return int(mean)
    if _NEAR_POISSON[0] <= variance / mean <= _NEAR_POISSON[1]:
        return {"type": "poisson", "mean": round_sensibly(mean)}
    values, times = np.unique(counts.astype(np.int64), return_counts=True)
    frequent = [(int(value), int(n)) for value, n in zip(values, times, strict=True) if n >= MIN_ROWS]
    if len(values) <= _FEW_COUNTS and sum(n for _, n in frequent) >= 0.9 * len(counts) and any(v for v, _ in frequent):
        return {"type": "category", "values": write_shares(frequent)}
    return fit_numbers(np.asarray(counts, np.float64)).fields


def _names_agree(name: str, parent: str, parent_column: str) -> bool:
    """`card_id` agrees with `cards.card_id` and `cards.id`; `billing_card` with both; `amount` with neither."""
    words, own = split_words(name), [word for word in split_words(parent_column) if word not in _ID_ENDINGS]
    if words == split_words(parent_column) and own:
        return True
    stems = {word.rstrip("s") for word in words}
    table = [word.rstrip("s") for word in split_words(parent)]
    joined = "".join(words)
    return (bool(table) and (set(table) <= stems or "".join(table) in joined)) or (
        bool(own) and {word.rstrip("s") for word in own} <= stems
    )


def _is_called_an_id(name: str) -> bool:
    words = split_words(name)
    return len(words) > 1 and words[-1] in _ID_ENDINGS


def _leads_to(found: Sequence[ForeignKey], start: str, end: str) -> bool:
    """Whether the table `start` already refers to `end`, directly or through others."""
    return start == end or any(_leads_to(found, key.parent, end) for key in found if key.child == start)
