"""All providers. Importing this module imports every module beside it, and thereby registers what they define.

A new provider is one new module or package here; nothing else lists it.
"""

from __future__ import annotations

import importlib
import pkgutil

import workbench.providers
from workbench.providers.provider import PROVIDERS, ProviderType

__all__ = ["PROVIDERS", "ProviderType"]

for _module in pkgutil.iter_modules(workbench.providers.__path__):
    importlib.import_module(f"{workbench.providers.__name__}.{_module.name}")
