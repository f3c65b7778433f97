"""`python -m workbench.runs.worker WORKSPACE`: takes queued runs in order and executes each in a process of its own.

One per workspace, held by a lock; it imports nothing heavy and ends when there has been nothing to do for a while.
It may be killed at any time: its runs go on, and the next worker adopts them by their locks.

Who asks how often: the end of a child wakes the worker at once; four times a second it looks at a few file times (has
the queue changed, was a run asked to stop, is an adopted run's lock free), which costs about 0.15 % of a core; every
five seconds it reads the queue whatever the file times say.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.errors import DONE, FAILED, INTERRUPTED, UsageError, WorkbenchError
from workbench.files import make_folder
from workbench.runs.events import append_event
from workbench.runs.folder import RunFolder, RunState
from workbench.runs.launch import start_execution
from workbench.runs.lock import FileLock, read_holder
from workbench.runs.process import kill_group
from workbench.runs.queue import Queue
from workbench.runs.settle import settle_run
from workbench.workspace import Workspace

IDLE_SECONDS = 30.0
TICK_SECONDS = 0.25
LOOK_SECONDS = 5.0
LOG_BYTES = 2**20
ABANDONED_SECONDS = 3600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the workspace until there is nothing to do. Returns the exit code; a second worker ends with 0."""
    parser = argparse.ArgumentParser(prog="python -m workbench.runs.worker", description=__doc__.split("\n")[0])
    parser.add_argument("workspace", metavar="WORKSPACE")
    parser.add_argument("--detach", action="store_true", help="leave the terminal; return once the worker serves")
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, metavar="SECONDS", help="end after so long idle")
    args = parser.parse_args(arguments)
    workspace = Workspace(Path(args.workspace).absolute())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        make_folder(workspace.runs)
        if args.detach:
            return _serve_detached(workspace, args.idle)
        return _serve_locked(workspace, args.idle, lambda: None)
    except WorkbenchError as error:
        sys.stderr.write(f"{error.cause} {error.solution}\n")
        return error.code
    except KeyboardInterrupt:
        _note("interrupted; runs that were started go on")
        return INTERRUPTED


def count_slots() -> int:
    """How many runs are executed at once: one on a machine without GPUs, where a second would only slow both."""
    return 1


@dataclass(slots=True)
class _Watched:
    """A claimed run. `child` is None if another worker started it; then its lock tells when it is over.

    `status` is the child's exit status once it was waited for.
    """

    run: RunFolder
    child: subprocess.Popen[bytes] | None = None
    status: int | None = None
    started: float = field(default_factory=time.time)
    killed: bool = False
    pause_until: float = 0.0


class Worker:
    """The loop of the process that holds `lock`. `serve` returns once nothing waits or runs for `idle` seconds."""

    def __init__(self, workspace: Workspace, idle: float, lock: FileLock) -> None:
        self._workspace = workspace
        self._lock = lock
        self._idle = idle
        self._queue = Queue(workspace)
        self._watched: dict[str, _Watched] = {}

    def serve(self) -> None:
        """Adopt what runs already, then take what waits."""
        _remove_abandoned(self._workspace)
        self._queue.reconcile()
        signature: tuple[tuple[int, int, int], ...] = ()
        looked = -math.inf
        waiting = 0
        busy = time.monotonic()
        while self._lock.is_current():
            settled = [name for name, watched in self._watched.items() if self._check(watched)]
            for name in settled:
                del self._watched[name]
            now = time.monotonic()
            seen = self._queue.read_signature()
            if settled or seen != signature or now - looked >= LOOK_SECONDS:
                signature, looked = seen, now
                try:
                    waiting = self._take()
                except WorkbenchError as error:  # no room on the disk, or no answer from the queue: later, perhaps
                    _note(error.cause)
            if self._watched or waiting:
                busy = now
            elif now - busy >= self._idle:
                return
            self._sleep()

    def has_work(self) -> bool:
        """Whether anything is in the queue."""
        return self._workspace.runs.is_dir() and bool(self._queue.list_all())

    def _take(self) -> int:
        """Adopt claimed runs and start waiting ones while there are slots. Returns how many still wait."""
        waiting = 0
        rows = self._queue.list_all()
        for row in rows:
            if row.claimed and row.id not in self._watched:
                _note(f"{row.id}: adopted")
                self._watched[row.id] = _Watched(RunFolder(self._workspace.runs / row.id))
        for row in rows:
            if row.claimed or row.id in self._watched:
                continue
            run = RunFolder(self._workspace.runs / row.id)
            try:
                state = run.read_stored_state()
                ready = state.state == "queued" and self._is_ready(run, state)
            except UsageError as error:  # the folder is gone or damaged
                _note(f"{row.id}: {error.cause}")
                self._queue.remove(row.id)
                continue
            if state.state != "queued":
                settle_run(run, self._queue)
            elif ready and len(self._watched) < count_slots():
                self._start(run)
            else:
                waiting += 1
        return waiting

    def _is_ready(self, run: RunFolder, state: RunState) -> bool:
        """Whether all runs that `run` waits for are done; one that never will be fails `run`."""
        for needed in state.after:
            try:
                other = RunFolder(self._workspace.runs / needed).read_stored_state()
            except UsageError:
                self._fail(run, f"Run {run.id} waits for run {needed}, which is gone.", "Start a new run without it.")
                return False
            if other.state in ("failed", "stopped", "lost"):
                self._fail(
                    run,
                    f"Run {run.id} waits for run {needed}, which is {other.state}.",
                    f"See `workbench show {needed}`, resume that run, then `workbench resume {run.id}`.",
                )
                return False
            if other.state != "done":
                return False
        return True

    def _fail(self, run: RunFolder, cause: str, solution: str) -> None:
        with run.lock() as lock:
            if lock.acquire(wait=1.0) and (state := run.read_stored_state()).state == "queued":
                error = {"cause": cause, "solution": solution, "code": FAILED}
                run.write_state(replace(state, state="failed", ended=time.time(), error=error))
                append_event(run.path, "state", state="failed", attempt=state.attempt, error=error)
                self._queue.remove(run.id)
                _note(f"{run.id}: {cause}")

    def _start(self, run: RunFolder) -> None:
        if not self._queue.claim(run.id):
            return
        try:
            child = start_execution(run)
        except OSError as error:
            _note(f"{run.id}: could not be started: {error}")
            self._queue.release(run.id)
            return
        _note(f"{run.id}: started as process {child.pid}")
        self._watched[run.id] = _Watched(run, child)

    def _check(self, watched: _Watched) -> bool:
        """Look after a claimed run. True once it needs no more watching: it ended, or waits again."""
        if time.monotonic() < watched.pause_until:
            return False
        try:
            return self._look_after(watched)
        except WorkbenchError as error:
            _note(f"{watched.run.id}: {error.cause}")
            watched.pause_until = time.monotonic() + LOOK_SECONDS
            return False

    def _look_after(self, watched: _Watched) -> bool:
        run, child = watched.run, watched.child
        if not run.path.is_dir():
            # Deleted under the process: nobody could stop it any more.
            if child is not None:
                _kill_group_of(child)
                child.wait()
            self._queue.remove(run.id)
            return True
        if child is not None:
            if not _has_exited(child):
                self._enforce_stop(watched)
                return False
            # Not yet waited for, the dead leader keeps its number: what is left of its group can be ended safely.
            _kill_group_of(child)
            watched.status = child.wait()
            watched.child = None
        elif run.is_alive():
            self._enforce_stop(watched)
            return False
        elif (holder := read_holder(run.lock_path)) and not run.read_stored_state().has_ended:
            kill_group(holder)  # children that its dead process left behind
        state = settle_run(run, self._queue, watched.status, watched.started)
        if state is None:
            return False  # another process executes it
        _note(f"{run.id}: {state.state}")
        return True

    def _enforce_stop(self, watched: _Watched) -> None:
        """Kill the group of a run that was asked to stop and let its grace pass."""
        if watched.killed:
            return
        try:
            request = json.loads(watched.run.stop_path.read_bytes())
            deadline = float(request["requested"]) + float(request["grace"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if time.time() < deadline:
            return
        watched.killed = True
        _note(f"{watched.run.id}: did not stop by itself, killed")
        if watched.child is not None:
            _kill_group_of(watched.child)
        elif holder := read_holder(watched.run.lock_path):
            kill_group(holder)

    def _sleep(self) -> None:
        handles = []
        with contextlib.suppress(OSError):  # without pidfd the next tick notices the end
            for watched in self._watched.values():
                if watched.child is not None:
                    handles.append(os.pidfd_open(watched.child.pid))
        try:
            select.select(handles, [], [], TICK_SECONDS)
        finally:
            for handle in handles:
                os.close(handle)


def _serve_locked(workspace: Workspace, idle: float, on_ready: Callable[[], None]) -> int:
    with FileLock(workspace.runs / "worker.lock") as lock:
        if not lock.acquire(wait=1.0):
            holder = read_holder(lock.path)
            who = f" (process {holder.pid} on {holder.host})" if holder else ""
            on_ready()
            _note(f"a worker{who} serves {workspace.root} already; nothing to do")
            return DONE
        worker = Worker(workspace, idle, lock)
        on_ready()
        _note(f"process {os.getpid()} serves {workspace.root}")
        while True:
            lock.record_holder()
            worker.serve()
            lock.release()
            # A run submitted until now saw the lock held and started no worker: look once more.
            if not worker.has_work() or not lock.acquire():
                _note("nothing to do, ended")
                return DONE


def _serve_detached(workspace: Workspace, idle: float) -> int:
    """Fork the worker and return once it serves; its standard output and error go to runs/worker.log."""
    log = workspace.runs / "worker.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name("worker.1.log"))
    source, sink = os.pipe()
    child = os.fork()
    if child:
        os.close(sink)
        ready = os.read(source, 1)
        return DONE if ready else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or FAILED
    os.close(source)
    os.setsid()

    def detach() -> None:
        # Not before: what keeps it from serving is told to whoever started it.
        _redirect(log)
        os.write(sink, b"r")
        os.close(sink)

    return _serve_locked(workspace, idle, detach)


def _redirect(log: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, handle in ((0, nothing), (1, output), (2, output)):
        os.dup2(handle, target)
    os.close(nothing)
    os.close(output)


def _has_exited(child: subprocess.Popen[bytes]) -> bool:
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill_group_of(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _remove_abandoned(workspace: Workspace) -> None:
    """Remove folders of runs whose submission was cut off before they got their name."""
    for path in workspace.runs.glob(".new-*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def _note(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
