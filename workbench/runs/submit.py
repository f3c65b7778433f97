"""What commands and screens do with runs: submit, stop, resume, wait. The work itself happens elsewhere.

All of it goes through files, so it works from any number of processes at once, with a worker or without one.
"""

from __future__ import annotations

import json
import os
import platform
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from workbench import __version__
from workbench.errors import UsageError
from workbench.files import explain_os_error, make_folder, write_json
from workbench.runs.events import append_event
from workbench.runs.folder import RunFolder, RunRequest, RunState, find_run
from workbench.runs.kinds import check_kind
from workbench.runs.launch import ensure_worker, is_worker_alive
from workbench.runs.queue import Queue
from workbench.runs.references import list_references
from workbench.workspace import Workspace

__all__ = ["ensure_worker", "resume_run", "stop_run", "submit_run", "wait_for_run"]

GRACE_SECONDS = 60.0
POLL_SECONDS = 0.1
REVIVE_SECONDS = 2.0
PACKAGES = ("torch", "transformers", "peft", "numpy", "pandas")  # those whose version may change what a run gives
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # without those that are read as one another


def submit_run(
    workspace: Workspace,
    kind: str,
    arguments: dict[str, Any],
    *,
    title: str = "",
    priority: int = 0,
    after: Sequence[str] = (),
) -> str:
    """Queue a run and make sure that a worker is there. Returns its id.

    `arguments` must be JSON-ready; references in it ({"result_of", "key"}) join `after`, the runs that must be done
    first. Higher `priority` goes first. Raises `UsageError` for an unknown kind, run or argument, `WorkbenchError` if
    the workspace cannot be written.
    """
    check_kind(kind)
    wanted = dict.fromkeys([*after, *list_references(arguments)])
    needed = tuple(dict.fromkeys(find_run(workspace, each).id for each in wanted))
    try:
        arguments = json.loads(json.dumps(arguments, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"The arguments of the run cannot be written as JSON: {error}.", "Use plain values."
        ) from error
    created = time.time()
    request = RunRequest("", kind, title, arguments, created, priority, needed, _list_versions())
    state = RunState("", kind, title, "queued", created, queued=created, after=needed, priority=priority)
    run = _create_folder(workspace, request, state)
    Queue(workspace).add(replace(state, id=run.id))
    ensure_worker(workspace)
    return run.id


def stop_run(workspace: Workspace, run_id: str, *, grace: float = GRACE_SECONDS) -> RunState:
    """Ask a run to stop; one that has not started is stopped at once. Returns its state afterwards.

    A running one commits its work and stops; after `grace` seconds the worker kills it, and it can be resumed from
    its last checkpoint all the same. Raises `UsageError` if it has ended otherwise.
    """
    run = find_run(workspace, run_id)
    state = run.read_stored_state()
    if not state.has_ended:
        # The file comes first: a process that is just starting looks for it once it holds the lock.
        write_json(run.stop_path, {"requested": time.time(), "grace": grace})
        append_event(run.path, "stop_requested", grace=grace)
        with run.lock() as lock:
            if not lock.acquire(wait=0.2):
                if not is_worker_alive(workspace):
                    ensure_worker(workspace)  # somebody has to enforce the grace
                return run.read_state()
            state = run.read_stored_state()
            if not state.has_ended:
                state = replace(state, state="stopped", ended=time.time())
                run.write_state(state)
                append_event(run.path, "state", state="stopped", attempt=state.attempt)
            Queue(workspace).remove(run.id)
    if state.state != "stopped":
        raise UsageError(f"Run {run.id} has ended already: it is {state.state}.", "There is nothing to stop.")
    return state


def resume_run(workspace: Workspace, run_id: str) -> RunState:
    """Queue a stopped, failed or lost run again, to go on from its last checkpoint. Returns its new state.

    A run that is queued stays so. Raises `UsageError` if it is done or still running.
    """
    run = find_run(workspace, run_id)
    with run.lock() as lock:
        if not lock.acquire(wait=0.5):
            raise UsageError(f"Run {run.id} is still running.", f"`workbench logs -f {run.id}` follows it.")
        state = run.read_stored_state()
        if state.state == "done":
            raise UsageError(f"Run {run.id} is done.", "There is nothing to resume; start a new run to repeat it.")
        run.stop_path.unlink(missing_ok=True)
        if state.state != "queued":
            state = replace(state, state="queued", queued=time.time(), ended=None, error=None, fruitless=0)
            run.write_state(state)
            append_event(run.path, "state", state="queued", attempt=state.attempt)
        Queue(workspace).add(state)  # under the lock, so that a worker that settles the run does not undo it
    ensure_worker(workspace)
    return state


def wait_for_run(workspace: Workspace, run_id: str, on_change: Callable[[RunState], object] | None = None) -> RunState:
    """Wait until the run has ended and return its state; `on_change` gets every new state on the way.

    Whoever waits wants the run to go on, so a worker that was killed is started again. Interrupting the wait leaves
    the run alone.
    """
    run = find_run(workspace, run_id)
    shown: RunState | None = None
    revived = 0.0
    while True:
        if time.monotonic() - revived >= REVIVE_SECONDS:
            revived = time.monotonic()
            if not run.read_stored_state().has_ended:
                ensure_worker(workspace)
        state = run.read_state()
        if state != shown and on_change is not None:
            on_change(state)
        shown = state
        if state.has_ended and not (state.state == "lost" and run.read_stored_state().state == "running"):
            return state
        time.sleep(POLL_SECONDS)


def _create_folder(workspace: Workspace, request: RunRequest, state: RunState) -> RunFolder:
    """Make the run's folder under an id that is new, complete before it is seen under its name."""
    runs = make_folder(workspace.runs)
    while True:
        run_id = _make_id(request.kind, request.title)
        run = RunFolder(runs / run_id)
        staging = RunFolder(runs / f".new-{run_id}")
        try:
            staging.path.mkdir(mode=0o700)
            write_json(staging.path / "request.json", asdict(replace(request, id=run_id)))
            staging.write_state(replace(state, id=run_id))
            append_event(staging.path, "state", state="queued", attempt=0)
            os.rename(staging.path, run.path)  # noqa: PTH104 (Path.rename would do the same)
        except FileExistsError:
            continue
        except OSError as error:
            raise explain_os_error(error, run.path) from error
        return run


def _make_id(kind: str, title: str) -> str:
    """`tune-lora-1122-201455-x7f`: kind, first word of the title, local date and time, and three letters of chance."""
    words = [re.sub(r"[^a-z0-9_]+", "-", each.lower()).strip("-_")[:20] for each in (kind, *title.split()[:1])]
    chance = "".join(secrets.choice(_LETTERS) for _ in range(3))
    return "-".join([*filter(None, words), time.strftime("%m%d-%H%M%S"), chance])


def _list_versions() -> dict[str, str]:
    versions = {"workbench": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
