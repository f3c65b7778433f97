"""What the monitor reads of one run: its state, new lines of its log, new points of its metrics.

`read` touches files only and may be called from a thread; the pane calls it a few times a second while it is seen.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from workbench.errors import WorkbenchError
from workbench.runs.folder import RunFolder, RunState
from workbench.runs.logs import LogTail
from workbench.runs.metrics import MetricsHistory, MetricsTail
from workbench.workspace import Workspace

BATCHES = 8  # of 1,000 lines each: what one reading may take at most
_STAMP = re.compile(r"\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d) (?:INFO +)?")


@dataclass(frozen=True, slots=True)
class Reading:
    """News of a run. `missing` says why there is no state; `points` whether there are new points."""

    state: RunState | None
    lines: list[str]
    points: bool
    left: int | None = None
    missing: str = ""


class RunFeed:
    """Follows one run by offsets. `series` grows as points come."""

    def __init__(self, workspace: Workspace, run: str) -> None:
        self.run = run
        self._folder = RunFolder(workspace.runs / run)
        self._log = LogTail(self._folder.log_path)
        self._metrics = MetricsTail(self._folder.path)
        self._history = MetricsHistory()
        self._pace = Pace()

    @property
    def series(self) -> dict[str, list[tuple[int, float]]]:
        """All metrics so far, by name."""
        return self._history.series

    def read(self) -> Reading:
        """What is new since the last reading."""
        try:
            state = self._folder.read_state()
        except WorkbenchError as error:
            return Reading(None, [], False, missing=f"{error.cause} {error.solution}")
        lines: list[str] = []
        for _ in range(BATCHES):
            batch = self._log.read_new()
            lines += batch
            if not batch:
                break
        if state.has_ended:
            lines += self._log.read_rest()
        points = self._metrics.read_new()
        self._history.add(points)
        lines = [shorten_line(line) for line in lines]
        return Reading(state, lines, bool(points), self._pace.estimate_left(state, time.monotonic()))

    def close(self) -> None:
        """Close the log."""
        self._log.close()


def shorten_line(line: str) -> str:
    """A line of the log without its date and without the level of what is no warning: room is scarce at 80 columns."""
    return _STAMP.sub(r"\1 ", line, count=1) if line[:1].isdigit() else line


@dataclass(slots=True)
class Pace:
    """How fast the present stage of the present attempt goes, from what was seen of it."""

    part: tuple[str, int] = ("", 0)
    step: int = 0
    since: float = 0.0

    def estimate_left(self, state: RunState, now: float) -> int | None:
        """Seconds until the stage ends at its pace so far; None where that is not known."""
        if state.state != "running" or not state.steps:
            return None
        if (state.stage, state.attempt) != self.part or state.step < self.step:
            self.part, self.step, self.since = (state.stage, state.attempt), state.step, now
        done, elapsed = state.step - self.step, now - self.since
        return round((state.steps - state.step) * elapsed / done) if done > 0 and elapsed > 1 else None
