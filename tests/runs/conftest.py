"""A workspace whose worker and runs end with the test, and a plug-in that brings a kind of run made for tests.

The plug-in is put on the path while tests are collected, before anything asks for the kinds there are.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.runs.folder import RunFolder, iterate_runs
from workbench.runs.lock import read_holder
from workbench.runs.process import kill_group
from workbench.workspace import Workspace

PLUGIN = str(Path(__file__).parent / "plugin")
sys.path.insert(0, PLUGIN)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [PLUGIN, os.environ.get("PYTHONPATH", "")]))

WaitUntil = Callable[..., None]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path / "workspace")
    made.root.mkdir()
    yield made
    for lock in (made.runs / "worker.lock", *(run.lock_path for run in iterate_runs(made))):
        if holder := read_holder(lock):
            kill_group(holder)


@pytest.fixture
def wait_until() -> WaitUntil:
    """Polls a condition until it holds; the limit only ends a test that would hang."""

    def wait(condition: Callable[[], object], limit: float = 30.0) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < deadline, "the condition never became true"
            time.sleep(0.01)

    return wait


@pytest.fixture
def hold(workspace: Workspace, wait_until: WaitUntil) -> Callable[..., RunFolder]:
    """Submits a probe and returns its folder once it waits in the middle of its work; `go` in it lets it finish."""
    from workbench.runs.submit import submit_run

    def submit(**arguments: object) -> RunFolder:
        run = RunFolder(workspace.runs / submit_run(workspace, "probe", {"steps": 4, "hold_at": 2, **arguments}))
        wait_until(lambda: run.read_state().step == 2 or run.read_state().has_ended)
        assert run.read_state().state == "running"
        return run

    return submit
