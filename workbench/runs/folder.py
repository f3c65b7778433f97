"""A run on disk: its request, its state, and whether it is alive.

    request.json   what was asked for, never changed
    state.json     where it stands; written only by the process that holds the lock, so writers never meet
    lock           held by the executing process for its whole life
    heartbeat      touched every second by the executing process
    stop           exists once the run was asked to stop
    events.jsonl  log.txt  metrics/  tb/  checkpoints/  result/

A run whose state says `running` while its lock is free has died. As long as a worker serves the workspace it will
start the run again, so it is shown as `running`; with no worker it is shown as `lost`, though nothing is written:
the next worker resumes it from its last checkpoint.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from workbench.errors import CHECKPOINTED, DONE, FAILED, INTERRUPTED, UsageError, WorkbenchError
from workbench.files import NAME_PATTERN, clean_text, write_json
from workbench.runs.json_values import decode_numbers, encode_number
from workbench.runs.lock import FileLock, is_held, read_holder
from workbench.spec.problems import suggest
from workbench.workspace import Workspace

State = Literal["queued", "running", "done", "failed", "stopped", "lost"]
ENDED: tuple[State, ...] = ("done", "failed", "stopped", "lost")
HEARTBEAT_SECONDS = 1.0
FRESH_SECONDS = 15.0  # a heartbeat this recent, from another machine, counts as a sign of life
_ID = re.compile(NAME_PATTERN.rstrip("$"))


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands. Times are seconds since 1970; `attempt` is 0 until the first start, then counts from 1.

    `metrics` holds the newest value of each; `error` has `cause`, `solution` and `code` (the exit code). `reached`
    is the furthest step of each stage over all attempts and `fruitless` the number of attempts since it last grew.
    """

    id: str
    kind: str
    title: str
    state: State
    created: float
    attempt: int = 0
    stage: str = ""
    step: int = 0
    steps: int = 0
    queued: float = 0.0
    started: float | None = None
    ended: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    after: tuple[str, ...] = ()
    priority: int = 0
    reached: Mapping[str, int] = field(default_factory=dict)
    fruitless: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to the run unless it is resumed."""
        return self.state in ENDED

    @property
    def exit_code(self) -> int:
        """The exit code of a command that waited for this run."""
        if self.state == "stopped":
            return INTERRUPTED
        if self.error is not None and self.state != "done":
            code = int(self.error.get("code", FAILED))
            return FAILED if code in (DONE, CHECKPOINTED) else code
        return DONE if self.state == "done" else FAILED

    def as_json(self) -> dict[str, Any]:
        """What state.json holds."""
        data = asdict(self)
        data["metrics"] = {name: encode_number(value) for name, value in self.metrics.items()}
        return data

    @classmethod
    def from_json(cls, data: Any) -> RunState:
        """The state in state.json; fields of later versions are passed over. Raises ValueError if it is damaged."""
        if not isinstance(data, dict) or data.get("state") not in _STATES:
            raise ValueError("not the state of a run")
        known = {name: data[name] for name in _FIELDS if name in data}
        try:
            known["metrics"] = decode_numbers(known.get("metrics", {}))
            known["after"] = tuple(known.get("after", ()))
            return cls(**known)
        except TypeError as error:
            raise ValueError("the state of a run lacks something") from error


_FIELDS = tuple(each.name for each in fields(RunState))
_STATES = frozenset(get_args(State))


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What was asked for. `arguments` is what the kind's function gets, with references to other runs unresolved."""

    id: str
    kind: str
    title: str
    arguments: dict[str, Any]
    created: float
    priority: int
    after: tuple[str, ...]
    versions: dict[str, str]


class RunFolder:
    """The folder of one run. Making one reads nothing; `request` and `read_state` raise `UsageError` if it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        """The run's id, which is the folder's name."""
        return self.path.name

    @property
    def workspace(self) -> Workspace:
        """The workspace the run belongs to."""
        return Workspace(self.path.parent.parent)

    @property
    def log_path(self) -> Path:
        """What the run printed and said."""
        return self.path / "log.txt"

    @property
    def lock_path(self) -> Path:
        """Held by the executing process, and for an instant by whoever else changes the state."""
        return self.path / "lock"

    @property
    def heartbeat_path(self) -> Path:
        """Its time of modification is the last sign of life."""
        return self.path / "heartbeat"

    @property
    def stop_path(self) -> Path:
        """Exists once the run was asked to stop."""
        return self.path / "stop"

    @cached_property
    def request(self) -> RunRequest:
        """request.json."""
        try:
            data = json.loads((self.path / "request.json").read_bytes())
            return RunRequest(
                id=data["id"],
                kind=data["kind"],
                title=data["title"],
                arguments=dict(data["arguments"]),
                created=float(data["created"]),
                priority=int(data["priority"]),
                after=tuple(data["after"]),
                versions=dict(data["versions"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{self.path} is not the folder of a run: its request.json is missing or damaged.",
                "`workbench runs` lists the runs of this workspace.",
            ) from error

    def read_state(self) -> RunState:
        """Where the run stands, a dead run without a worker being `lost` (see the top of this file)."""
        state = self.read_stored_state()
        if state.state != "running" or self.is_alive():
            return state
        # It may have ended between the reading and the probe of the lock; what ended it is written by now.
        state = self.read_stored_state()
        if state.state != "running" or is_held(self.path.parent / "worker.lock"):
            return state
        return replace(state, state="lost", ended=self.read_heartbeat(), error=_explain_lost(state))

    def read_stored_state(self) -> RunState:
        """What state.json says. A damaged one reads as `lost`, so that the run can be resumed."""
        try:
            # `open` of a joined string rather than a new `Path` keeps a list of thousands of runs fast.
            with open(f"{self.path}/state.json", "rb", buffering=0) as file:  # noqa: PTH123
                state = RunState.from_json(json.loads(file.read()))
            return state if state.id == self.id else replace(state, id=self.id)  # a folder that was copied
        except (OSError, ValueError):
            request = self.request
        return RunState(
            id=self.id,
            kind=request.kind,
            title=request.title,
            state="lost",
            created=request.created,
            after=request.after,
            priority=request.priority,
            error={
                "cause": f"The state.json of run {self.id} is missing or damaged.",
                "solution": f"`workbench resume {self.id}` starts it again from its last checkpoint.",
                "code": FAILED,
            },
        )

    def write_state(self, state: RunState) -> None:
        """Replace state.json. Only for the process that holds the lock."""
        write_json(self.path / "state.json", state.as_json())

    def lock(self) -> FileLock:
        """The run's lock, not yet taken."""
        return FileLock(self.lock_path)

    def is_alive(self) -> bool:
        """Whether a process executes the run: its lock is held, or another machine keeps its heartbeat fresh.

        The second counts on network file systems whose locks are not seen by other machines.
        """
        if is_held(self.lock_path):
            return True
        holder = read_holder(self.lock_path)
        if holder is None or holder.host == socket.gethostname():
            return False
        heartbeat = self.read_heartbeat()
        return heartbeat is not None and abs(time.time() - heartbeat) < FRESH_SECONDS

    def read_heartbeat(self) -> float | None:
        """Time of the last heartbeat, or None if there was none."""
        try:
            return self.heartbeat_path.stat().st_mtime
        except OSError:
            return None


def list_runs(workspace: Workspace) -> list[RunState]:
    """The states of all runs, newest first. Reads state.json of each, and probes the locks of running ones only."""
    states = []
    for run in iterate_runs(workspace):
        try:
            states.append(run.read_state())
        except UsageError:
            continue  # neither a state nor a request: not a run, or one being deleted
    return sorted(states, key=lambda state: (state.created, state.id), reverse=True)


def iterate_runs(workspace: Workspace) -> Iterator[RunFolder]:
    """The folders in `runs/` that may be runs by their names, in no order."""
    folder = workspace.runs
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError as error:
        raise WorkbenchError(
            f"No permission to read {workspace.runs}.", "Choose a --workspace you own, or change its permissions."
        ) from error
    with entries:
        for entry in entries:
            if _ID.fullmatch(entry.name) and entry.is_dir():
                yield RunFolder(folder / entry.name)


def find_run(workspace: Workspace, text: str) -> RunFolder:
    """The run of that id, of the only id that begins or ends so, or the newest one for `last`.

    Raises `UsageError` with the nearest id, or with the ids that fit if there are several.
    """
    ids = sorted(run.id for run in iterate_runs(workspace))
    newest = list_runs(workspace)[:1] if text == "last" else []
    if newest:
        return RunFolder(workspace.runs / newest[0].id)
    if not ids:
        raise UsageError(f"There are no runs in {workspace.root}.", "`workbench generate SPEC` starts one.")
    if text in ids:
        return RunFolder(workspace.runs / text)
    fitting = [each for each in ids if text and (each.startswith(text) or each.endswith(text))]
    if len(fitting) == 1:
        return RunFolder(workspace.runs / fitting[0])
    shown = clean_text(text)[:80]
    if fitting:
        listed = ", ".join(fitting[-5:])
        raise UsageError(f"“{shown}” fits {len(fitting)} runs.", f"Write more of the id, for instance of {listed}.")
    hint = suggest(text[:100], ids)
    raise UsageError(f"There is no run “{shown}”.", f"{hint} `workbench runs` lists all.".strip())


def _explain_lost(state: RunState) -> dict[str, Any]:
    return {
        "cause": f"The process of run {state.id} died and no worker is there to start it again.",
        "solution": f"`workbench resume {state.id}` goes on from its last checkpoint.",
        "code": FAILED,
    }
