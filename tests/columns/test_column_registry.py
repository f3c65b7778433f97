"""The registry: it finds every type by itself, knows an example of each, and imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import workbench.columns
from workbench.columns.registry import COLUMNS, column_types
from workbench.columns.values import Values

EXAMPLES = {name: entry.example for name, entry in COLUMNS.items()}


def test_a_module_is_all_that_a_type_needs() -> None:
    modules = {path.stem for path in Path(workbench.columns.__path__[0]).glob("*.py")}
    assert {name for name, _ in COLUMNS.items()} <= modules
    assert set(column_types()) == set(COLUMNS.names())


@pytest.mark.parametrize("name", [name for name, entry in COLUMNS.items() if entry.group == "samplers"])
def test_the_example_of_a_sampler_works(make: Callable[..., Values], name: str) -> None:
    assert len(make(EXAMPLES[name], 5).to_list()) == 5


def test_the_examples_of_derived_types_work(make: Callable[..., Values]) -> None:
    assert make(EXAMPLES["expression"], amount=[1.0], balance=[8.0]).to_list() == [0.125]
    assert make(EXAMPLES["template"], merchant=["Shop"], amount=[3.5]).to_list() == ["Shop: 3.5 EUR"]


@pytest.mark.parametrize("name", COLUMNS.names())
def test_every_type_says_what_it_is_and_describes_its_fields(name: str) -> None:
    entry = COLUMNS.get(name)
    assert entry is not None
    assert entry.summary.endswith(".")
    own = entry.config.model_fields.keys() - {"name", "type"}
    assert all(entry.config.model_fields[field].description for field in own)


def test_listing_the_types_imports_nothing_heavy() -> None:
    heavy = ("pandas", "scipy", "faker", "jinja2", "pyarrow", "torch", "sklearn")
    code = f"import sys, workbench.columns.registry; sys.exit(' '.join(m for m in {heavy} if m in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
