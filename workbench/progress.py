"""How long work tells its watcher where it stands and learns that it should stop.

Generation, quality and tuning take a `Progress` and know nothing of run folders or screens; the run gives them one
that writes to its folder, a script may give them `Quiet`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

from workbench.workspace import Workspace

Level = Literal["info", "warning", "error"]


class Progress(Protocol):
    """What long work calls. All methods return at once and may be called from the thread that does the work."""

    def stage(self, name: str) -> None:
        """A new stage begins, for instance `generate` or `evaluate`."""

    def step(self, done: int, total: int) -> None:
        """`done` of `total` units (rows, optimizer steps) are complete."""

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Figures measured at `step`."""

    def log(self, message: str, level: Level = "info") -> None:
        """One line for the reader of the log."""

    def should_stop(self) -> bool:
        """True once the run was asked to stop: commit, then raise `StopRequested`."""


class Quiet:
    """A `Progress` that tells nobody and never stops."""

    def stage(self, name: str) -> None:
        pass

    def step(self, done: int, total: int) -> None:
        pass

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        pass

    def log(self, message: str, level: Level = "info") -> None:
        pass

    def should_stop(self) -> bool:
        return False


class RunContext(Progress, Protocol):
    """The `Progress` of a run, with the folder it may write to. `attempt` counts from 1 and grows at each resume."""

    @property
    def folder(self) -> Path:
        """The run's folder: `checkpoints/` and `result/` in it are the work's own."""

    @property
    def workspace(self) -> Workspace:
        """Where datasets are found and put."""

    @property
    def attempt(self) -> int:
        """1 for the first start of the run."""
