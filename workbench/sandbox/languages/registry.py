"""All languages. Importing this module imports every module beside it, and thereby registers what they define.

A new language is one new module in this package; nothing else lists it.
"""

from __future__ import annotations

import importlib
import pkgutil

import workbench.sandbox.languages
from workbench.sandbox.language import LANGUAGES, Language
from workbench.spec.problems import suggest

__all__ = ["LANGUAGES", "Language", "find_language"]

for _module in pkgutil.iter_modules(workbench.sandbox.languages.__path__):
    importlib.import_module(f"{workbench.sandbox.languages.__name__}.{_module.name}")


def find_language(name: str) -> Language:
    """The language of that name, or of one of its other names; “sql:postgres” is a dialect of one.

    Raises ValueError with a sentence for the user where there is none.
    """
    wanted, _, dialect = name.strip().lower().partition(":")
    for known, language in LANGUAGES.items():
        if wanted == known or wanted in language.names:
            return language.find_dialect(dialect) if dialect else language
    raise ValueError(f"there is no language “{name}”. {suggest(wanted, LANGUAGES.names())}".rstrip("."))
