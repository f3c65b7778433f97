"""All column types. Importing this module imports every module beside it, and thereby registers what they define.

A new type is one new module in this package; nothing else lists it.
"""

from __future__ import annotations

import importlib
import pkgutil

import workbench.columns
from workbench.columns.column_type import COLUMNS, ColumnType
from workbench.spec.model import ColumnConfig

__all__ = ["COLUMNS", "ColumnType", "column_types"]

for _module in pkgutil.iter_modules(workbench.columns.__path__):
    importlib.import_module(f"{workbench.columns.__name__}.{_module.name}")


def column_types() -> dict[str, type[ColumnConfig]]:
    """The config of every column type by its name, as `workbench.spec.loading` takes them."""
    return {name: entry.config for name, entry in COLUMNS.items()}
