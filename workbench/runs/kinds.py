"""The kinds of run: a name leads to the function that does the work, imported only in the process that executes it.

Another package adds a kind by an entry point of the group `workbench.runs` that names a constant of the form
"module:function". The constant sits in a light module, so that listing the kinds imports none of the work itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

from workbench.errors import UsageError, WorkbenchError
from workbench.progress import RunContext
from workbench.spec.problems import suggest
from workbench.spec.registry import Registry

RunFunction = Callable[[dict[str, Any], RunContext], dict[str, Any]]

KINDS: Registry[str] = Registry("workbench.runs")
KINDS.add("fit", "workbench.generation.fitting:run")
KINDS.add("generate", "workbench.generation.run:run")
KINDS.add("quality", "workbench.quality.run:run")
KINDS.add("tune", "workbench.tuning.run:run")


def check_kind(kind: str) -> str:
    """Return `kind` if it is known, else raise `UsageError` with the nearest name."""
    if KINDS.get(kind) is None:
        reason = KINDS.failures.get(kind)
        if reason:
            raise UsageError(f"The plug-in for runs of kind “{kind}” failed: {reason}.", "Update or remove it.")
        raise UsageError(f"There is no kind of run “{kind}”.", suggest(kind, KINDS.names()))
    return kind


def load_kind(kind: str) -> RunFunction:
    """Import the function that executes runs of `kind`. Raises `WorkbenchError` if the entry names none."""
    check_kind(kind)
    entry = KINDS.get(kind)
    module, separator, name = str(entry).partition(":")
    if not separator:
        raise WorkbenchError(
            f"The entry of the kind of run “{kind}” is “{entry}”, not of the form module:function.",
            "Correct the entry point in the package that provides it.",
        )
    function = getattr(importlib.import_module(module), name, None)
    if not callable(function):
        raise WorkbenchError(
            f"The kind of run “{kind}” leads to {entry}, which is no function.",
            "Correct the entry point in the package that provides it.",
        )
    return cast("RunFunction", function)
