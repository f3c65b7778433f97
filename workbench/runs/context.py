"""What the work of a run is given: where it may write, and how it says where it stands.

The calls only change memory. A thread beats the heart, looks for the request to stop and writes state.json when it
changed, so that work that reports a thousand steps a second costs four small writes, and the last step of a burst is
never missing. It is started before anything heavy is imported.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from workbench.errors import WorkbenchError
from workbench.files import make_folder
from workbench.progress import Level
from workbench.runs.events import append_event
from workbench.runs.folder import HEARTBEAT_SECONDS, RunFolder, RunState
from workbench.runs.logs import format_line
from workbench.runs.metrics import MetricsWriter
from workbench.secrets import Redactor
from workbench.workspace import Workspace

TICK_SECONDS = 0.25


class LiveContext:
    """The `RunContext` of an executing process, which must hold the run's lock. A context manager for its thread."""

    def __init__(self, run: RunFolder, state: RunState, redactor: Redactor) -> None:
        self._run = run
        self._redactor = redactor
        self._state = state
        self._changed = False
        self._guard = threading.RLock()
        self._stop = False
        self._end = threading.Event()
        self._metrics: MetricsWriter | None = None
        self._not_finite: set[str] = set()
        self._thread = threading.Thread(target=self._tick, name="heartbeat", daemon=True)
        make_folder(run.path / "checkpoints")
        make_folder(run.path / "result")

    def __enter__(self) -> LiveContext:
        self._run.heartbeat_path.touch()
        self._run.write_state(self._state)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()
        if self._metrics is not None:
            self._metrics.close()

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self._run.path

    @property
    def workspace(self) -> Workspace:
        """Where datasets are found and put."""
        return self._run.workspace

    @property
    def attempt(self) -> int:
        """1 for the first start of the run."""
        return self._state.attempt

    @property
    def state(self) -> RunState:
        """Where the run stands now, written or not."""
        return self._state

    def stage(self, name: str) -> None:
        """A new stage begins: its steps count from 0."""
        with self._guard:
            self._change(stage=name, step=0, steps=0)
        append_event(self.folder, "stage", stage=name, attempt=self.attempt)
        self.log(name)

    def step(self, done: int, total: int) -> None:
        """`done` of `total` units of the stage are complete."""
        with self._guard:
            self._change(step=done, steps=total)

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Keep the figures and show the newest; the first that is not finite is an alert."""
        numbers = {name: float(value) for name, value in values.items()}
        with self._guard:
            if self._metrics is None:
                self._metrics = MetricsWriter(self.folder, self.attempt)
            self._metrics.write(numbers, step)
            self._state = replace(self._state, metrics={**self._state.metrics, **numbers})
            self._changed = True
        for name, value in numbers.items():
            if not math.isfinite(value) and name not in self._not_finite:
                self._not_finite.add(name)
                self.log(f"{name} is {value} at step {step}", "warning")

    def log(self, message: str, level: Level = "info") -> None:
        """Write a line with time and level to the log; warnings and errors are alerts among the events as well."""
        sys.stderr.write(format_line(message, level))
        if level != "info":
            append_event(self.folder, "alert", level=level, message=self._redactor.redact(message))

    def should_stop(self) -> bool:
        """True once the run was asked to stop, by `request_stop` (a signal) or by the file `stop` in its folder."""
        return self._stop

    def request_stop(self) -> None:
        """Ask the work to commit and stop. Safe in a signal handler, where setting a `threading.Event` may deadlock."""
        self._stop = True

    def _change(self, stage: str | None = None, *, step: int, steps: int) -> None:
        state = self._state
        stage = state.stage if stage is None else stage
        reached = state.reached
        fruitless = state.fruitless
        if step > reached.get(stage, -1):
            reached = {**reached, stage: step}
            fruitless = 0
        self._state = replace(state, stage=stage, step=step, steps=steps, reached=reached, fruitless=fruitless)
        self._changed = True

    def _tick(self) -> None:
        beat = 0.0
        while not self._end.wait(TICK_SECONDS):
            if not self._stop and self._run.stop_path.exists():
                self._stop = True
            if time.monotonic() - beat >= HEARTBEAT_SECONDS:
                beat = time.monotonic()
                with contextlib.suppress(OSError):
                    os.utime(self._run.heartbeat_path)
            with self._guard:
                state, changed, self._changed = self._state, self._changed, False
            if changed:
                # A full disk must not end work that may yet finish; the final state is written by the caller.
                with contextlib.suppress(WorkbenchError):
                    self._run.write_state(state)
