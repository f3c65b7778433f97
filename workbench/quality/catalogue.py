"""All checks. Importing this module imports every module of `workbench.quality.checks`, which register themselves."""

from __future__ import annotations

import importlib
import pkgutil

import workbench.quality.checks
from workbench.quality.check import CHECKS, Check

__all__ = ["CHECKS", "Check"]

for _module in pkgutil.iter_modules(workbench.quality.checks.__path__):
    importlib.import_module(f"{workbench.quality.checks.__name__}.{_module.name}")
