"""The registry: it finds every type by itself, knows an example of each, and imports nothing heavy."""

from __future__ import annotations

import datetime
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench.columns
from workbench.columns.column_type import Maker, TableContext
from workbench.columns.registry import COLUMNS, column_types
from workbench.columns.streams import Draws
from workbench.columns.values import DTYPES, Kind, Values, make_text_array
from workbench.spec.model import ColumnConfig
from workbench.spec.yaml_nodes import load_plain

EXAMPLES = {name: entry.example for name, entry in COLUMNS.items()}
DOCS = Path(__file__).parents[2] / "docs" / "column-types.md"
ROWS = 5

INPUTS: dict[str, tuple[Kind, object]] = {
    "amount": ("double", 3.5),
    "balance": ("double", 7.0),
    "merchant": ("string", "Shop"),
    "street": ("string", "Elm Road 4"),
    "city": ("string", "Ulm"),
    "ordered": ("timestamp", datetime.datetime(2026, 1, 1)),
}
"""Columns that examples refer to."""


def make_input(kind: Kind, value: object) -> Maker:
    """The maker of a column that holds `value` in every row."""

    def values(draws: Draws, inputs: object) -> Values:
        same = [value] * len(draws)
        return Values(
            make_text_array([str(each) for each in same]) if kind == "string" else np.array(same, DTYPES[kind])
        )

    return Maker(kind, values)


MAKERS = {name: make_input(*described) for name, described in INPUTS.items()}
CONTEXT = TableContext(
    MAKERS,
    rows=ROWS,
    read_source=lambda name: pd.DataFrame({"mean_radius": [12.5, 17.25]}),
    make_link=lambda config: MAKERS["city"],
    make_synthesized=lambda config: MAKERS["amount"],
)
MADE = {"address": "struct", "picture": "image"}
"""Columns that examples refer to and that are examples themselves."""


def make_example(name: str) -> tuple[ColumnConfig, Maker]:
    """The config and the maker of a type's example."""
    entry = COLUMNS.get(name)
    assert entry is not None
    config = entry.config.model_validate(load_plain(entry.example))
    return config, entry.make(config, CONTEXT)


MAKERS |= {column: make_example(name)[1] for column, name in MADE.items()}


def make_inputs(config: ColumnConfig, draws: Draws) -> dict[str, Values]:
    """The columns that a config refers to."""
    return {
        column: MAKERS[column].values(
            draws, make_inputs(make_example(MADE[column])[0], draws) if column in MADE else {}
        )
        for column in config.references()
    }  # fmt: skip


def test_a_module_is_all_that_a_type_needs() -> None:
    modules = {path.stem for path in Path(workbench.columns.__path__[0]).glob("*.py")}
    assert {name for name, _ in COLUMNS.items()} <= modules
    assert set(column_types()) == set(COLUMNS.names())


@pytest.mark.parametrize("name", COLUMNS.names())
def test_the_example_of_every_type_makes_values_of_its_kind(name: str) -> None:
    entry = COLUMNS.get(name)
    assert entry is not None
    config, maker = make_example(name)
    assert (config.type, "\n" in entry.example) == (name, False)
    draws = Draws(1, "table", config.name, np.arange(ROWS))
    values = maker.values(draws, make_inputs(config, draws))
    assert values.data.dtype == DTYPES[maker.kind]
    assert len(values.to_list()) == ROWS
    assert values.count_nulls() < ROWS
    assert (maker.members is not None) == (maker.kind == "struct")
    assert (maker.nested is not None) == (maker.kind == "nested")


def test_the_examples_of_derived_types_work(make: Callable[..., Values]) -> None:
    assert make(EXAMPLES["expression"], amount=[1.0], balance=[8.0]).to_list() == [0.125]
    assert make(EXAMPLES["template"], merchant=["Shop"], amount=[3.5]).to_list() == ["Shop: 3.5 EUR"]
    assert make(EXAMPLES["struct"], street=["Elm"], city=["Ulm"]).to_list() == [{"street": "Elm", "city": "Ulm"}]


@pytest.mark.parametrize("name", COLUMNS.names())
def test_every_type_says_what_it_is_and_describes_its_fields(name: str) -> None:
    entry = COLUMNS.get(name)
    assert entry is not None
    assert entry.summary.endswith(".")
    own = entry.config.model_fields.keys() - {"name", "type"}
    assert all(entry.config.model_fields[field].description for field in own)


@pytest.mark.parametrize("name", COLUMNS.names())
def test_the_page_of_column_types_has_every_type_with_its_example(name: str) -> None:
    entry = COLUMNS.get(name)
    assert entry is not None
    rows = [row for row in DOCS.read_text(encoding="utf-8").splitlines() if row.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    # A bar ends a cell of a table, so the page writes it with a backslash.
    assert entry.example in rows[0].replace("\\|", "|")


def test_listing_the_types_imports_nothing_heavy() -> None:
    heavy = ("pandas", "scipy", "faker", "jinja2", "pyarrow", "PIL", "torch", "sklearn")
    code = f"import sys, workbench.columns.registry; sys.exit(' '.join(m for m in {heavy} if m in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
