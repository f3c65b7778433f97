"""All types of synthesizers. Importing this module imports every type's package, and thereby registers it.

A new type is one new package beside the others; nothing else lists it. None imports torch before it fits or draws.
"""

from __future__ import annotations

import importlib
import pkgutil

import workbench.synthesizers.types
from workbench.columns.registry import column_types
from workbench.spec.loading import SpecTypes
from workbench.spec.model import SynthesizerConfig
from workbench.synthesizers.synthesizer import SYNTHESIZERS, SynthesizerType

__all__ = ["SYNTHESIZERS", "SynthesizerType", "spec_types", "synthesizer_types"]

for _module in pkgutil.iter_modules(workbench.synthesizers.types.__path__):
    importlib.import_module(f"{workbench.synthesizers.types.__name__}.{_module.name}")


def synthesizer_types() -> dict[str, type[SynthesizerConfig]]:
    """The config of every type by its name."""
    return {name: entry.config for name, entry in SYNTHESIZERS.items()}


def spec_types() -> SpecTypes:
    """What all registries add to the shape of a spec, as `workbench.spec.loading` takes it."""
    return SpecTypes(column_types(), synthesizer_types())
