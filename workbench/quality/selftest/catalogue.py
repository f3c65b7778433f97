"""All scenes and defects. Importing this module imports every module of `scenes` and `defects`."""

from __future__ import annotations

import importlib
import pkgutil

import workbench.quality.selftest.defects
import workbench.quality.selftest.scenes
from workbench.quality.selftest.planting import DEFECTS, SCENES, Defect, Scene

__all__ = ["DEFECTS", "SCENES", "Defect", "Scene"]

for _package in (workbench.quality.selftest.scenes, workbench.quality.selftest.defects):
    for _module in pkgutil.iter_modules(_package.__path__):
        importlib.import_module(f"{_package.__name__}.{_module.name}")
