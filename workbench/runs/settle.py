"""What becomes of a run whose process is gone: it has ended, goes on as its next attempt, or is given up.

A process that dies without a word (killed, out of memory, a segmentation fault, a reboot) is started again from the
last checkpoint. Three attempts in a row that get no further than those before them are enough: the cause is not
chance.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

from workbench.errors import CHECKPOINTED, FAILED
from workbench.runs.events import append_event
from workbench.runs.folder import RunFolder, RunState
from workbench.runs.logs import format_line
from workbench.runs.process import describe_exit
from workbench.runs.queue import Queue

FRUITLESS_ATTEMPTS = 3


def settle_run(run: RunFolder, queue: Queue, status: int | None = None, started: float = 0.0) -> RunState | None:
    """Bring state and queue in order for a run that nobody executes. Returns the state, None if a process holds it.

    `status` is the exit status of its process as `subprocess` counts it, None if that is not known, and `started`
    when that process was started. A run that is still `queued` then is one whose process ended before it could say
    anything, which counts as an attempt, unless it was queued again after that.
    """
    with run.lock() as lock:
        if not lock.acquire(wait=0.1):
            return None
        state = run.read_stored_state()
        if not (state.has_ended or (state.state == "queued" and (status is None or state.queued >= started))):
            state = _record_death(run, state, status)
        # Still under the lock: who resumes the run at this moment writes to the queue after this.
        if state.has_ended:
            queue.remove(run.id)
        else:
            queue.release(run.id)
        return state


def _record_death(run: RunFolder, state: RunState, status: int | None) -> RunState:
    if state.state == "queued":
        state = replace(state, attempt=state.attempt + 1, fruitless=state.fruitless + 1, started=time.time())
    how = describe_exit(status) if status is not None else "died while no worker watched it"
    settled = _decide(state, how, stop_requested=run.stop_path.exists())
    run.write_state(settled)
    append_event(run.path, "died", how=how, attempt=state.attempt)
    append_event(run.path, "state", state=settled.state, attempt=settled.attempt, error=settled.error)
    _write_log(run, settled, how)
    return settled


def _write_log(run: RunFolder, settled: RunState, how: str) -> None:
    """Tell the reader of the log as well, whose last line may be anything."""
    told = f"Attempt {settled.attempt} {how}."
    if settled.state == "queued":
        line = format_line(f"{told} The run goes on from its last checkpoint.", "warning")
    else:
        line = format_line(f"{told} The run is {settled.state}.", "error")
    with contextlib.suppress(OSError), run.log_path.open("ab") as file:
        file.write(line.encode())


def _decide(state: RunState, how: str, *, stop_requested: bool) -> RunState:
    if stop_requested:
        error = {
            "cause": f"Run {state.id} was asked to stop and {how}.",
            "solution": f"`workbench resume {state.id}` goes on from its last checkpoint.",
            "code": CHECKPOINTED,
        }
        return replace(state, state="stopped", ended=time.time(), error=error)
    if state.fruitless < FRUITLESS_ATTEMPTS:
        return replace(state, state="queued")
    error = {
        "cause": f"Run {state.id} was given up after {state.fruitless} attempts that got no further: the last {how}.",
        "solution": f"Look for the cause in `workbench logs {state.id}`, then `workbench resume {state.id}`.",
        "code": FAILED,
    }
    return replace(state, state="lost", ended=time.time(), error=error)
