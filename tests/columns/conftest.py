"""A column made from one line of YAML, for rows of the test's choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from workbench.columns.column_type import Maker, TableContext
from workbench.columns.registry import COLUMNS
from workbench.columns.streams import Draws
from workbench.columns.values import DTYPES, Kind, Values, find_kind, make_text_array
from workbench.spec.yaml_nodes import load_plain

Make = Callable[..., Values]


def compile_column(line: str, inputs: Mapping[str, Maker] | None = None) -> Maker:
    """The maker of the column that `line`, a YAML mapping, describes."""
    data = load_plain(line)
    column_type = COLUMNS.get(data["type"])
    assert column_type is not None
    return column_type.make(column_type.config.model_validate(data), TableContext(inputs or {}))


def make_values(plain: list[Any]) -> Values:
    """A column of plain values, None for null."""
    kinds = {find_kind(value) for value in plain if value is not None}
    kind: Kind = "double" if kinds == {"int64", "double"} else (kinds.pop() or "string")
    valid = np.array([value is not None for value in plain])
    blank: Any = "" if kind == "string" else 0
    filled = [blank if value is None else value for value in plain]
    data = make_text_array(filled) if kind == "string" else np.array(filled, DTYPES[kind])
    return Values(data, None if valid.all() else valid)


def kind_of(values: Values) -> Kind:
    """The kind of made values."""
    return next(kind for kind, dtype in DTYPES.items() if dtype == values.data.dtype)


@pytest.fixture
def make() -> Make:
    """make(line, rows or (start, stop), seed=…, **inputs as lists) gives the values of the column of that line."""

    def make_column(line: str, rows: int | tuple[int, int] = 20_000, *, seed: int = 1, **inputs: list[Any]) -> Values:
        columns = {name: make_values(plain) for name, plain in inputs.items()}
        makers = {
            name: Maker(kind_of(values), lambda draws, row, values=values: values) for name, values in columns.items()
        }
        maker = compile_column(line, makers)
        if columns:
            rows = len(next(iter(columns.values())))
        start, stop = rows if isinstance(rows, tuple) else (0, rows)
        return maker.values(Draws(seed, "table", "column", np.arange(start, stop)), columns)

    return make_column


@pytest.fixture
def compile_line() -> Callable[..., Maker]:
    """The maker of a column from its line."""
    return compile_column
