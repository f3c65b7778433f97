"""What the app asks of runs, off its event loop: a submission syncs to disk and may start the worker."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from workbench.runs.folder import RunState, list_runs
from workbench.runs.submit import resume_run, stop_run, submit_run
from workbench.workspace import Workspace

IDLE_POLLS = 5


class Background:
    """The runs of one workspace. Methods raise WorkbenchError where the workspace or the run refuses."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._skipped = 0
        self._made = 0
        self.states: list[RunState] = []

    @property
    def active(self) -> list[RunState]:
        """Runs that are queued or running, as of the last poll."""
        return [state for state in self.states if not state.has_ended]

    def is_due(self, watched: bool) -> bool:
        """Whether to poll now: always while runs are watched or active, else every few times."""
        self._skipped += 1
        due = watched or bool(self.active) or self._skipped >= IDLE_POLLS
        if due:
            self._skipped = 0
        return due

    async def poll(self) -> list[RunState]:
        """Read all states, newest first."""
        self.states = await asyncio.to_thread(list_runs, self._workspace)
        return self.states

    def found_new_data(self) -> bool:
        """Whether datasets were made or checked between the last two polls."""
        made = sum(state.kind in ("generate", "quality") and state.state == "done" for state in self.states)
        before, self._made = self._made, made
        return made != before

    async def generate(self, text: str, folder: Path, title: str) -> str:
        """Queue the generation of a spec and the check of what it gives; the id of the first."""
        arguments = {"spec": text, "folder": str(folder), "rows": None, "out": None}
        run = await asyncio.to_thread(submit_run, self._workspace, "generate", arguments, title=title)
        dataset = {"dataset": {"result_of": run, "key": "dataset"}}
        await asyncio.to_thread(submit_run, self._workspace, "quality", dataset, title=title, after=(run,))
        return run

    async def tune(self, arguments: dict[str, Any], title: str) -> str:
        """Queue a tuning run; its id."""
        return await asyncio.to_thread(submit_run, self._workspace, "tune", arguments, title=title)

    async def stop(self, run: str) -> RunState:
        """Ask a run to stop."""
        return await asyncio.to_thread(stop_run, self._workspace, run)

    async def resume(self, run: str) -> RunState:
        """Queue a run again."""
        return await asyncio.to_thread(resume_run, self._workspace, run)

    def choose_to_watch(self) -> str | None:
        """The run a monitor shows that was told nothing: the running one, else the next, else the newest."""
        running = [state for state in self.states if state.state == "running"]
        queued = [state for state in reversed(self.states) if state.state == "queued"]
        candidates = running or queued or self.states
        return candidates[0].id if candidates else None
