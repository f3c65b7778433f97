"""Starting the two processes of the background: the worker of a workspace, and the process that executes a run.

Each gets a session of its own, no terminal, and files instead of pipes, so that neither a lost connection nor the end
of whoever started it reaches it. `-P` keeps the folder it starts in from providing modules.
"""

from __future__ import annotations

import os
import subprocess
import sys

from workbench.errors import WorkbenchError
from workbench.files import explain_os_error
from workbench.runs.folder import RunFolder
from workbench.runs.lock import is_held
from workbench.workspace import Workspace

START_SECONDS = 60.0


def is_worker_alive(workspace: Workspace) -> bool:
    """Whether a worker serves the workspace."""
    return is_held(workspace.runs / "worker.lock")


def ensure_worker(workspace: Workspace) -> None:
    """Start a worker unless there is one, and wait until it serves. Raises `WorkbenchError` if it does not start."""
    if is_worker_alive(workspace):
        return
    command = [sys.executable, "-P", "-m", "workbench.runs.worker", str(workspace.root), "--detach"]
    advice = f"Runs stay queued. Look into {workspace.runs / 'worker.log'} and try `workbench runs` again."
    try:
        # The process that is started here forks the worker and ends once that one holds its lock.
        ended = subprocess.run(
            command,
            cwd=workspace.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            timeout=START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WorkbenchError(f"The worker did not start within {START_SECONDS:.0f} s.", advice) from error
    except OSError as error:
        raise explain_os_error(error, workspace.root) from error
    if ended.returncode != 0:
        lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1] if lines else f"exit code {ended.returncode}"
        raise WorkbenchError(f"The worker did not start: {reason.rstrip('.')}.", advice)


def start_execution(run: RunFolder) -> subprocess.Popen[bytes]:
    """Start the process that executes `run`, as the leader of its own session and process group.

    Its OpenMP threads sleep while they wait, unless the user says otherwise: spinning ones starve each other on a
    machine that has other work, where training was seen to take five times as long.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "workbench.runs.execute", str(run.path)],
        cwd=run.workspace.root,
        env={"OMP_WAIT_POLICY": "passive", **os.environ},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
