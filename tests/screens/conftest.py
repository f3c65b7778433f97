"""The real app over a workspace of its own, with the real helper process; runs and worker end with the test."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from screens.app import WorkbenchApp
from workbench.runs.folder import RunState, iterate_runs, list_runs
from workbench.runs.lock import read_holder
from workbench.runs.process import kill_group
from workbench.workspace import Workspace

sys.path.insert(0, str(Path(__file__).parents[1] / "providers" / "plugged"))
from slow_scene import endpoint, slow  # noqa: F401 - found only now

SPEC = """\
name: tickets
seed: 7
rows: 40
columns:
  - {name: ticket_id, type: id, pattern: "T{n:03d}"}
  - {name: product, type: category, values: {router: 0.5, modem: 0.5}}
  - {name: urgent, type: bernoulli, p: 0.4}
training:
  task: prompt_completion
  prompt: "{{ product }}"
  completion: "{{ urgent }}"
  label: urgent
"""


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Drafts and logs of the test go here."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)
    return tmp_path / "state"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with one spec, `tickets`."""
    made = Workspace(tmp_path / "workspace")
    made.specs.mkdir(parents=True)
    (made.specs / "tickets.yaml").write_text(SPEC)
    yield made
    for lock in (made.runs / "worker.lock", *(run.lock_path for run in iterate_runs(made))):
        if holder := read_holder(lock):
            kill_group(holder)


class Driver:
    """Drives one app by keys and reads its screen."""

    def __init__(self, app: WorkbenchApp, pilot: Pilot[int], workspace: Workspace) -> None:
        self.app = app
        self.pilot = pilot
        self.workspace = workspace

    @property
    def screen(self) -> str:
        """The screen as lines of text."""
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    def find(self, selector: str) -> Widget:
        """A widget of the main screen."""
        return self.app.screen_stack[0].query_one(selector)

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type text into what has the focus."""
        names = {" ": "space", "\n": "enter", ":": "colon", "/": "slash", "=": "equals_sign", "_": "underscore"}
        await self.pilot.press(*(names.get(character, character) for character in text))

    async def until(self, condition: Callable[[], object], limit: float = 60.0) -> None:
        """Let the app work until the condition holds; the limit only ends a test that would hang."""
        deadline = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < deadline, f"the condition never became true on:\n{self.screen}"
            await self.pilot.pause(0.02)

    async def sees(self, *words: str) -> None:
        """Wait until all of these are on the screen."""
        await self.until(lambda: all(word in self.screen for word in words))

    def list_runs(self) -> list[RunState]:
        """The runs of the workspace, newest first."""
        return list_runs(self.workspace)


OpenApp = Callable[..., AbstractAsyncContextManager[Driver]]


@pytest.fixture
def open_app(workspace: Workspace) -> OpenApp:
    """Opens the app at a size, by default on the workspace's spec, and waits until all panes are there."""

    @asynccontextmanager
    async def open_at(
        size: tuple[int, int] = (80, 24), spec: Path | None = None, start: str = "spec"
    ) -> AsyncIterator[Driver]:
        app = WorkbenchApp(workspace, spec or workspace.specs / "tickets.yaml", start)
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot, workspace)
            await driver.until(lambda: app.screen_stack[0].query("#runs"))
            yield driver

    return open_at
