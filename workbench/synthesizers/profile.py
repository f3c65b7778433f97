"""What a real table looks like, column by column: the facts that every synthesizer learns from and must keep.

A column is a `number` (whole, real or a moment in time), a `category` (true and false, or texts that repeat), an
`identifier` (texts that hardly ever repeat, such as names: made anew, never copied) or `empty` (no value at all).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import DTYPES, Kind, Values, fill_nulls, make_text_array
from workbench.errors import UsageError
from workbench.spec.problems import suggest
from workbench.synthesizers.series import read_real_series

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["number", "category", "identifier", "empty"]

MOST_DISCRETE = 20
"""Numbers with at most so many different values keep exactly these: grades, counts of doors, flags of 0 and 1."""

IDENTIFIER_SHARE = 0.9
"""Texts of which a larger share differs are identifiers."""

FEWEST_IDENTIFIERS = 20
"""In fewer rows, texts that all differ say nothing yet."""

MOST_DECIMALS = 9
"""Digits after the point that are looked for; numbers with more are not rounded."""

_STEPS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000)
"""Days, hours, minutes, seconds and milliseconds in microseconds: the grain of moments in time."""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """A column. `missing` is the share of nulls among all rows.

    `levels` are the different values, the most frequent first, with their `counts`; they are known for categories and
    for numbers with at most MOST_DISCRETE of them. `low` and `high` bound a number (moments in microseconds since
    1970), `decimals` is what real numbers are rounded to, `step` the grain of moments in microseconds. `dtype` names
    the pandas type that a frame of made values gets, empty where that of the kind will do.
    """

    name: str
    kind: Kind
    role: Role
    missing: float = 0.0
    levels: tuple[Any, ...] | None = None
    counts: tuple[int, ...] | None = None
    low: float = 0.0
    high: float = 0.0
    decimals: int | None = None
    step: int = 1
    dtype: str = ""

    @property
    def is_constant(self) -> bool:
        """Whether all values that are there are the same."""
        return self.levels is not None and len(self.levels) == 1

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share of each of `levels` among the values that are there; they sum to 1."""
        counts = np.asarray(self.counts or (), np.float64)
        return counts / counts.sum() if counts.sum() else counts


@dataclass(frozen=True, slots=True)
class TableProfile:
    """The columns by name in their order, the rows they were seen in, and what was noticed, as sentences."""

    columns: Mapping[str, ColumnProfile]
    rows: int
    notes: tuple[str, ...] = ()

    def of_role(self, *roles: Role) -> list[ColumnProfile]:
        """The columns of these roles, in order."""
        return [column for column in self.columns.values() if column.role in roles]


@dataclass(frozen=True, slots=True, eq=False)
class RealTable:
    """A real table as values, each array of shape (rows,), with its profile."""

    profile: TableProfile
    columns: Mapping[str, Values]
    _codes: dict[str, NDArray[np.int64]] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def take(self, index: NDArray[Any]) -> RealTable:
        """Some of the rows, with the same profile."""
        return RealTable(self.profile, {name: values.take(index) for name, values in self.columns.items()})

    def codes(self, name: str) -> NDArray[np.int64]:
        """For each row the place of its value in the column's `levels`; -1 where it is null or none of them."""
        if name not in self._codes:
            self._codes[name] = find_codes(self.profile.columns[name], self.columns[name])
        return self._codes[name]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """The values of a number as doubles, NaN where null; moments in microseconds since 1970."""
        return find_numbers(self.columns[name])

    def find_missing(self, name: str) -> NDArray[np.bool_]:
        """Which rows are null."""
        values = self.columns[name]
        return np.zeros(len(values), np.bool_) if values.valid is None else ~values.valid


def read_table(frame: pd.DataFrame, columns: Sequence[str] | None = None) -> RealTable:
    """The columns of a pandas frame, all by default, as values with their profile.

    What `series.read_real_series` changes is told in the notes. Raises UsageError where the frame has no row or no
    column, where two columns have one name, where `columns` names others, and for a column that cannot be learned.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise UsageError(f"A {type(frame).__name__} is no table.", "Give a pandas DataFrame.")
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise UsageError(f"Two columns have the name “{twice[0]}”.", "Rename one of them.")
    if not names or not len(frame):
        raise UsageError("The table has no rows to learn from.", "Give a table with at least one row and column.")
    frame = frame.set_axis(names, axis=1)
    for name in columns or ():
        if name not in names:
            hint = suggest(name, names) or f"It has {', '.join(names[:20])} and more."
            raise UsageError(f"The table has no column “{name}”.", hint)
    notes: list[str] = []
    read = {name: read_real_series(frame[name], notes) for name in columns or names}
    table = profile_values({name: (kind, values) for name, (kind, values, _) in read.items()}, notes)
    profiles = {name: replace(table.profile.columns[name], dtype=dtype) for name, (_, _, dtype) in read.items()}
    return RealTable(replace(table.profile, columns=profiles), table.columns)


def profile_values(values: Mapping[str, tuple[Kind, Values]], notes: Iterable[str] = ()) -> RealTable:
    """The same for columns that are values already, each with its kind."""
    told = list(notes)
    rows = len(next(iter(values.values()))[1])
    profiles = {name: _profile_column(name, kind, column, told) for name, (kind, column) in values.items()}
    return RealTable(TableProfile(profiles, rows, tuple(told)), {name: column for name, (_, column) in values.items()})


def find_numbers(values: Values) -> NDArray[np.float64]:
    """Values as doubles, NaN where null; moments in microseconds since 1970, true and false as 1 and 0."""
    data = values.data.astype(np.int64) if values.data.dtype.kind == "M" else values.data
    numbers = data.astype(np.float64)
    if values.valid is not None:
        numbers[~values.valid] = np.nan
    return numbers


def find_codes(profile: ColumnProfile, values: Values) -> NDArray[np.int64]:
    """For each value its place among the column's levels; -1 where it is null or none of them."""
    if not profile.levels:
        return np.full(len(values), -1)
    import pandas as pd

    # Of type object, texts that are no valid Unicode can be looked up too.
    dtype = object if profile.kind == "string" else None
    index = pd.Index(make_level_array(profile), dtype=dtype)
    codes: NDArray[np.int64] = index.get_indexer(pd.Index(values.data, dtype=dtype)).astype(np.int64)
    if values.valid is not None:
        codes[~values.valid] = -1
    return codes


def make_level_array(profile: ColumnProfile) -> NDArray[Any]:
    """The column's levels as an array of its kind, shape (levels,)."""
    levels = profile.levels or ()
    if profile.kind == "string":
        return make_text_array(levels)
    if profile.kind == "timestamp":
        return np.array(levels, np.int64).astype(DTYPES["timestamp"])
    return np.array(levels, DTYPES[profile.kind])


def decode_codes(profile: ColumnProfile, codes: NDArray[np.int64]) -> Values:
    """The values of places among the levels; null where -1."""
    if not profile.levels:
        return fill_nulls(profile.kind, len(codes))
    missing = codes < 0
    data = make_level_array(profile)[np.where(missing, 0, codes)]
    if not missing.any():
        return Values(data)
    if profile.kind == "string":
        data[missing] = ""
    return Values(data, ~missing)


def decode_numbers(profile: ColumnProfile, numbers: NDArray[np.float64]) -> Values:
    """Doubles as values of the column: null where NaN, within its bounds, on its grain, or on its nearest level."""
    missing = np.isnan(numbers)
    valid = ~missing if missing.any() else None
    filled = np.clip(np.where(missing, profile.low, numbers), profile.low, profile.high)
    if profile.levels is not None:
        levels = make_level_array(profile)
        order = np.argsort(places := find_numbers(Values(levels)))
        places = places[order]
        return Values(levels[order][np.searchsorted(places[1:] / 2 + places[:-1] / 2, filled)], valid)
    if profile.kind == "timestamp":
        data: NDArray[Any] = (np.round(filled / profile.step).astype(np.int64) * profile.step).astype("datetime64[us]")
    elif profile.kind == "int64":
        data = np.round(filled).astype(np.int64)
    elif profile.kind == "bool":
        data = filled >= 0.5
    elif profile.decimals is None:
        data = filled
    else:
        data = np.clip(np.round(filled, profile.decimals), profile.low, profile.high)
    return Values(data, valid)


def _profile_column(name: str, kind: Kind, values: Values, notes: list[str]) -> ColumnProfile:
    import pandas as pd

    missing = values.count_nulls() / len(values) if len(values) else 0.0
    present = values.data if values.valid is None else values.data[values.valid]
    if not len(present):
        notes.append(f"“{name}” has no value in any row: it stays empty.")
        return ColumnProfile(name, kind, "empty", 1.0)
    plain: NDArray[Any] = present.astype(np.int64) if kind == "timestamp" else present
    counted = pd.Series(plain, dtype=object if kind == "string" else None).value_counts(sort=False)
    seen, often = counted.index.tolist(), counted.tolist()
    order = sorted(range(len(seen)), key=lambda at: (-often[at], seen[at]))
    few = kind in ("bool", "string") or len(counted) <= MOST_DISCRETE
    found = ColumnProfile(name, kind, "category" if kind in ("bool", "string") else "number", missing)
    if kind == "string" and len(counted) > IDENTIFIER_SHARE * len(present) and len(present) >= FEWEST_IDENTIFIERS:
        notes.append(
            f"“{name}” has another text in nearly every row: new texts of the same shape are made, none copied."
        )
        return replace(found, role="identifier", levels=tuple(seen))
    if few:
        found = replace(found, levels=tuple(seen[at] for at in order), counts=tuple(often[at] for at in order))
    if kind in ("bool", "string"):
        return found
    low, high = _find_bounds(plain)
    found = replace(found, low=low, high=high)
    if kind == "double":
        return replace(found, decimals=_find_decimals(plain))
    return replace(found, step=_find_step(plain)) if kind == "timestamp" else found


def _find_bounds(numbers: NDArray[Any]) -> tuple[float, float]:
    """The lowest and the highest number as doubles that do not lie beyond them, as those of large whole numbers may."""
    low, high = float(numbers.min()), float(numbers.max())
    if low < numbers.min().item():
        low = float(np.nextafter(low, np.inf))
    return low, float(np.nextafter(high, -np.inf)) if high > numbers.max().item() else high


def _find_decimals(numbers: NDArray[np.float64]) -> int | None:
    """The fewest digits after the point that all numbers can be written with; None where that is more than 9."""
    sample = numbers[:: max(1, len(numbers) // 10_000)]
    with np.errstate(over="ignore", invalid="ignore"):
        for decimals in range(MOST_DECIMALS + 1):
            if all(np.array_equal(np.round(part, decimals), part) for part in (sample, numbers)):
                return decimals
    return None


def _find_step(moments: NDArray[np.int64]) -> int:
    return next((step for step in _STEPS if not (moments % step).any()), 1)
