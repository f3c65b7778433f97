"""Arguments that are another run's result: {"result_of": "<run id>", "key": "dataset"} stands for a value to come.

They let a whole chain be queued at once. A reference makes its run a dependency, and is replaced when the run starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.errors import WorkbenchError
from workbench.runs.folder import RunFolder
from workbench.workspace import Workspace

_KEYS = {"result_of", "key"}


def list_references(arguments: Any) -> list[str]:
    """Ids of the runs that `arguments` refers to, each once, in order."""
    found: dict[str, None] = {}
    _replace(arguments, lambda run_id, _: found.setdefault(run_id))
    return list(found)


def resolve_references(arguments: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    """A copy of `arguments` with results in place of references. Raises `WorkbenchError` if one has no such result."""

    def read(run_id: str, key: str) -> Any:
        state = RunFolder(workspace.runs / run_id).read_stored_state()
        if state.state != "done":
            raise WorkbenchError(
                f"The result of run {run_id} is needed, and that run is {state.state}.",
                f"`workbench resume {run_id}` first, then resume this run.",
            )
        if state.result is None or key not in state.result:
            raise WorkbenchError(
                f"The result of run {run_id} has no “{key}”.",
                f"It has {', '.join(state.result or {}) or 'nothing'}: refer to one of these.",
            )
        return state.result[key]

    resolved = _replace(arguments, read)
    assert isinstance(resolved, dict)
    return resolved


def _replace(value: Any, read: Callable[[str, str], Any]) -> Any:
    if isinstance(value, dict):
        if value.keys() == _KEYS:
            return read(str(value["result_of"]), str(value["key"]))
        return {key: _replace(item, read) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace(item, read) for item in value]
    return value
