"""The values of one column for some rows while a block is made: a numpy array and, where some are null, a mask.

Eight kinds are enough for every column type here. Each has one fixed Arrow type, a struct and a nested value one that
its column decides, so that a block of nulls has the schema of every other block. Texts are arrays of Python `str`: they
are made and read by Python code (Faker, Jinja) far more often than by numpy. A struct is an array of `dict` of plain
values; a nested value is an array of `dict` or `list` of any depth, a vector one of tuples of `float`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind = Literal["bool", "int64", "double", "string", "timestamp", "struct", "nested", "vector"]
Nested: TypeAlias = Kind | tuple["Nested"] | Mapping[str, "Nested"]
"""What a nested value is made of: a kind, a list of something (a tuple of one), or names with what they hold."""
COMPOUND_KINDS: frozenset[Kind] = frozenset({"struct", "nested", "vector"})
"""The kinds whose values hold several others: they cannot be compared as one."""
Array = NDArray[Any]

DTYPES: dict[Kind, np.dtype[Any]] = {
    "bool": np.dtype(np.bool_),
    "int64": np.dtype(np.int64),
    "double": np.dtype(np.float64),
    "string": np.dtype(object),
    "timestamp": np.dtype("datetime64[us]"),
    "struct": np.dtype(object),
    "nested": np.dtype(object),
    "vector": np.dtype(object),
}
ARROW_TYPES: dict[Kind, str] = {
    "bool": "bool",
    "int64": "int64",
    "double": "double",
    "string": "string",
    "timestamp": "timestamp[us]",
    "vector": "list<float>",
}


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """`data` of shape (rows,) in the dtype of its kind. `valid` of the same shape is False where null; None: no nulls.

    What `data` holds where `valid` is False has no meaning, but for texts it is always a `str`, for structs a `dict`.
    """

    data: Array
    valid: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.data)

    def take(self, index: Array) -> Values:
        """The values at the positions, or under the mask, `index`."""
        return Values(self.data[index], None if self.valid is None else self.valid[index])

    def overlay(self, positions: Array, values: Values) -> Values:
        """A copy in which `values` stand at `positions` (or under a mask with as many true entries)."""
        data = self.data.copy()
        data[positions] = values.data
        if self.valid is None and values.valid is None:
            return Values(data)
        valid = np.ones(len(data), np.bool_) if self.valid is None else self.valid.copy()
        valid[positions] = True if values.valid is None else values.valid
        return Values(data, valid)

    def to_list(self) -> list[Any]:
        """Plain Python values, None for null; timestamps as `datetime.datetime`."""
        plain: list[Any] = self.data.tolist()
        if self.valid is None:
            return plain
        return [value if valid else None for value, valid in zip(plain, self.valid.tolist(), strict=True)]

    def to_text(self) -> list[str]:
        """Each value as a template or `concat` writes it: null as the empty text, the rest as `str()` does."""
        plain = self.data.tolist()
        texts = plain if self.data.dtype == object else list(map(str, plain))
        if self.valid is None:
            return texts
        return [text if valid else "" for text, valid in zip(texts, self.valid.tolist(), strict=True)]

    def count_nulls(self) -> int:
        """How many of the values are null."""
        return 0 if self.valid is None else int(len(self.valid) - np.count_nonzero(self.valid))


def name_arrow_type(kind: Nested) -> str:
    """The Arrow type of a column as its name, for instance `struct<city: string, numbers: list<int64>>`."""
    if isinstance(kind, str):
        return ARROW_TYPES[kind]
    if isinstance(kind, tuple):
        return f"list<{name_arrow_type(kind[0])}>"
    return f"struct<{', '.join(f'{name}: {name_arrow_type(member)}' for name, member in kind.items())}>"


def make_text_array(texts: Sequence[str]) -> Array:
    """An object array of `texts`."""
    data = np.empty(len(texts), object)
    data[:] = texts
    return data


def join_masks(*masks: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """True where all masks are; None stands for all true."""
    joined: NDArray[np.bool_] | None = None
    for mask in masks:
        if mask is not None:
            joined = mask if joined is None else joined & mask
    return joined


def find_kind(value: object) -> Kind | None:
    """The kind of a plain Python value as YAML gives it; None if it is of none (null, a list, a mapping)."""
    import datetime

    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64"
    if isinstance(value, float):
        return "double"
    if isinstance(value, str):
        return "string"
    return "timestamp" if isinstance(value, datetime.date) else None


def fill_nulls(kind: Kind, count: int) -> Values:
    """`count` nulls of a kind."""
    blank: Array = np.zeros(count, DTYPES[kind])
    if kind in BLANKS:
        blank[:] = [BLANKS[kind]() for _ in range(count)]
    return Values(blank, np.zeros(count, np.bool_))


BLANKS: dict[Kind, Callable[[], Any]] = {"string": str, "struct": dict, "nested": dict, "vector": tuple}
"""What stands under a null of the kinds whose arrays hold Python objects."""


def fill(value: Any, kind: Kind, count: int) -> Values:
    """`count` times `value`, or nulls where it is None. Raises ValueError or OverflowError if it is not of the kind."""
    if value is None:
        return fill_nulls(kind, count)
    if kind == "string":
        return Values(make_text_array([value] * count))
    return Values(np.full(count, value, DTYPES[kind]))
