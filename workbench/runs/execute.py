"""`python -m workbench.runs.execute RUN_FOLDER`: executes one run, from the beginning or from its last checkpoint.

The whole contract with whoever starts it, the worker of this machine or another engine: start it again after any end
and it goes on; SIGTERM or the file `stop` means commit and exit 75; the lock is held while it lives. What came of it
is in state.json, and the exit code says the same.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from workbench.errors import CHECKPOINTED, DONE, FAILED, WRONG_USAGE, StopRequested, WorkbenchError
from workbench.files import clean_text, explain_os_error
from workbench.runs.context import LiveContext
from workbench.runs.events import append_event
from workbench.runs.folder import RunFolder, RunState
from workbench.runs.json_values import make_json_ready
from workbench.runs.kinds import load_kind
from workbench.runs.launch import ensure_worker, is_worker_alive
from workbench.runs.log_pump import LogPump
from workbench.runs.queue import Queue
from workbench.runs.references import resolve_references
from workbench.secrets import Redactor

LOCK_SECONDS = 5.0
EXIT_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the run whose folder is the only argument. Returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if len(words) != 1:
        return _say("Usage: python -m workbench.runs.execute RUN_FOLDER", WRONG_USAGE)
    run = RunFolder(Path(words[0]).absolute())
    try:
        run.read_stored_state()  # refuses a folder that is no run before a lock file is made in it
        lock = run.lock()
        if not lock.acquire(wait=LOCK_SECONDS):
            return _say(f"Run {run.id} is being executed by another process.", FAILED)
    except WorkbenchError as error:
        return _say(f"{error.cause} {error.solution}", error.code)
    with lock:
        lock.record_holder()
        lock.close_in_children()
        try:
            code = _execute_once(run)
        except WorkbenchError as error:  # not even the state can be written
            code = _say(f"{error.cause} {error.solution}", error.code)
    _keep_queue_going(run)
    return code


def execute_run(run: RunFolder, state: RunState) -> int:
    """Do the work of a run whose lock this process holds, and write its final state. Returns the exit code."""
    redactor = Redactor(os.environ)
    pump = LogPump(run.log_path, redactor)
    faulthandler.enable()
    started = replace(
        state,
        state="running",
        attempt=state.attempt + 1,
        fruitless=state.fruitless + 1,
        started=time.time(),
        ended=None,
        stage="",
        step=0,
        steps=0,
        error=None,
    )
    with LiveContext(run, started, redactor) as context:
        _listen(context)
        append_event(run.path, "state", state="running", attempt=context.attempt)
        changes = _work(run, context, redactor)
    final = replace(context.state, ended=time.time(), **changes)
    # The log is complete before the state says that the run has ended, so that followers may leave at once.
    pump.finish()
    append_event(run.path, "state", state=final.state, attempt=final.attempt, error=final.error)
    run.write_state(final)
    if final.state == "stopped":
        return CHECKPOINTED
    return DONE if final.state == "done" else int((final.error or {}).get("code", FAILED))


def explain_exception(error: BaseException, run_id: str) -> dict[str, Any]:
    """The two sentences and the exit code for whatever ended the work."""
    if isinstance(error, WorkbenchError):
        return {"cause": error.cause, "solution": error.solution, "code": error.code}
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return {
            "cause": "The run needed more memory than there is.",
            "solution": "Use a smaller batch or length, or a method that needs less: `workbench estimate` shows them.",
            "code": FAILED,
        }
    if isinstance(error, OSError) and isinstance(error.filename, str | bytes):
        explained = explain_os_error(error, Path(os.fsdecode(error.filename)))
        return {"cause": explained.cause, "solution": explained.solution, "code": explained.code}
    first_line = (str(error).strip().splitlines() or [""])[0][:300]
    told = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    return {
        "cause": f"The run ended with an unexpected {told.rstrip('.')}.",
        "solution": f"`workbench logs {run_id}` ends with where it happened.",
        "code": FAILED,
    }


def _execute_once(run: RunFolder) -> int:
    state = run.read_stored_state()
    if state.state == "done":
        return _say(f"Run {run.id} is done.", DONE)
    if run.stop_path.exists():
        if not state.has_ended:
            run.write_state(replace(state, state="stopped", ended=time.time()))
        return _say(f"Run {run.id} was asked to stop. `workbench resume {run.id}` lets it go on.", CHECKPOINTED)
    return execute_run(run, state)


def _keep_queue_going(run: RunFolder) -> None:
    """Start a worker if there is none and runs wait: theirs may have been killed while this one was executed."""
    with contextlib.suppress(WorkbenchError):
        if not is_worker_alive(run.workspace) and Queue(run.workspace).list_all():
            ensure_worker(run.workspace)


def _work(run: RunFolder, context: LiveContext, redactor: Redactor) -> dict[str, Any]:
    """Call the function of the run's kind. Returns what changes in the state: how it ended and what came of it."""
    try:
        function = load_kind(run.request.kind)
        result = make_json_ready(function(resolve_references(run.request.arguments, context.workspace), context))
        if not isinstance(result, dict):
            raise TypeError(f"a run gives a dict, not {type(result).__name__}")
        return {"state": "done", "result": result, "fruitless": 0}
    except StopRequested:
        context.log("Stopped on request; the work up to here is kept.")
        return {"state": "stopped"}
    except (Exception, SystemExit) as error:
        explained = explain_exception(error, run.id)
        if isinstance(error, WorkbenchError):
            context.log(f"{error.cause} {error.solution}", "error")
        else:
            traceback.print_exc()
        for part in ("cause", "solution"):
            explained[part] = redactor.redact(clean_text(explained[part]))
        return {"state": "failed", "error": explained}


def _listen(context: LiveContext) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: context.request_stop())
    # Children inherit an ignored signal: a lost terminal must not end them either.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _say(text: str, code: int) -> int:
    sys.stderr.write(text + "\n")
    return code


def _exit(code: int) -> NoReturn:
    # The run is over once its state is written. A thread or child that some library left behind must not keep the
    # process, and with it the lock, alive.
    watchdog = threading.Timer(EXIT_SECONDS, os._exit, (code,))
    watchdog.daemon = True
    watchdog.start()
    raise SystemExit(code)


if __name__ == "__main__":
    _exit(main())
