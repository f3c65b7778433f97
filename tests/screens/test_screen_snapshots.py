"""Pictures of states that are the same on every machine. `pytest --snapshot-update` takes them anew."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.app import WorkbenchApp
from screens.widgets.table import RowTable
from workbench.runs.folder import RunFolder, RunState
from workbench.workspace import Workspace

Prepare = Callable[[Pilot[int]], Awaitable[None]]
NOON = 1_800_000_000.0


async def wait_until(pilot: Pilot[int], condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition never became true"
        await pilot.pause(0.02)
    await pilot.pause()


def write_run(workspace: Workspace, name: str, kind: str, title: str, **values: Any) -> RunFolder:
    """A run as it lies on disk once it has ended."""
    run = RunFolder(workspace.runs / name)
    (run.path / "metrics").mkdir(parents=True)
    arguments = {"dataset": "/data/datasets/tickets/3fa91c2e", "method": "lora", "settings": {}}
    request = {"id": name, "kind": kind, "title": title, "arguments": arguments, "created": NOON}
    (run.path / "request.json").write_text(json.dumps(request | {"priority": 0, "after": [], "versions": {}}))
    state = {"created": NOON, "started": NOON, "attempt": 1, "stage": "train", "step": 80, "steps": 80} | values
    run.write_state(RunState(name, kind, title, **state))
    return run


def write_tuning(workspace: Workspace, name: str, method: str, train_on: str, loss: float, right: float) -> RunFolder:
    result = {
        "model": "workbench-base", "method": method, "train_on": train_on, "train_rows": 1500, "train_seconds": 64.0,
        "evaluated_on": "real holdout", "evaluated_rows": 171, "trainable_parameters": 90_000,
        "dataset": "/data/datasets/tickets/3fa91c2e",
        "before": {"loss": 6.921, "accuracy": 0.5, "balanced_accuracy": 0.5},
        "after": {"loss": loss, "accuracy": right, "balanced_accuracy": right},
    }  # fmt: skip
    title = f"{method} · tickets · {train_on}"
    return write_run(workspace, name, "tune", title, state="done", ended=NOON + 64, result=result)


@pytest.fixture
def finished(workspace: Workspace) -> Workspace:
    """Three tuning runs that are done, one that failed, one that was stopped."""
    run = write_tuning(workspace, "tune-a", "lora", "synthetic", 0.214, 0.912)
    lines = [
        json.dumps({"step": step, "time": NOON, "values": {"loss": 7.0 / step, "learning_rate": 1e-3 / step}})
        for step in range(1, 81)
    ]
    lines.append(json.dumps({"step": 80, "time": NOON, "values": {"eval_loss": 0.214}}))
    (run.path / "metrics" / "1-0.jsonl").write_text("\n".join(lines) + "\n")
    run.log_path.write_text("2026-11-22 20:57:28 INFO    train\n2026-11-22 20:58:32 WARNING 2 rows were cut\n")
    write_tuning(workspace, "tune-b", "full", "synthetic", 0.156, 0.948)
    write_tuning(workspace, "tune-c", "lora", "real", 0.198, 0.934)
    error = {"cause": "No disk space left to write model.safetensors.", "solution": "Free space.", "code": 1}
    write_run(
        workspace, "tune-d", "tune", "full · tickets · real", state="failed", ended=NOON + 12, error=error, step=9
    )
    write_run(workspace, "generate-e", "generate", "tickets", state="stopped", ended=NOON + 2, stage="generate")
    return workspace


def spec_is_shown(app: WorkbenchApp) -> bool:
    tables = app.query("#preview RowTable")
    has_rows = bool(tables) and tables.first(RowTable).row_count > 0 and bool(app.screen_stack[0].query("#runs"))
    return has_rows and "quality" in str(app.query_one("#preview").border_subtitle)


def open_spec(*keys: str) -> Prepare:
    async def prepare(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, WorkbenchApp)
        await wait_until(pilot, lambda: spec_is_shown(app))
        await pilot.press(*keys)
        await pilot.pause()

    return prepare


def open_error() -> Prepare:
    async def prepare(pilot: Pilot[int]) -> None:
        await open_spec("down", "down", "right", "x")(pilot)
        await wait_until(pilot, lambda: pilot.app.query_one("#problems").display)

    return prepare


def open_question() -> Prepare:
    async def prepare(pilot: Pilot[int]) -> None:
        await open_error()(pilot)
        await pilot.press("ctrl+q")
        await pilot.pause()

    return prepare


def open_tab(context: str, selector: str) -> Prepare:
    async def prepare(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, WorkbenchApp)
        await wait_until(pilot, lambda: spec_is_shown(app))
        app.focus_context(context)
        table = app.query_one(selector)
        await wait_until(pilot, lambda: not isinstance(table, RowTable) or table.row_count)

    return prepare


def open_run() -> Prepare:
    async def prepare(pilot: Pilot[int]) -> None:
        await open_tab("runs", "#run-list")(pilot)
        pilot.app.query_one("#run-list", RowTable).move_to(3)
        await pilot.press("enter")
        await wait_until(pilot, lambda: not pilot.app.query_one("#monitor").is_reading)  # type: ignore[attr-defined]

    return prepare


def make_app(workspace: Workspace) -> WorkbenchApp:
    return WorkbenchApp(workspace, workspace.specs / "tickets.yaml")


def test_the_spec_with_its_preview(snap_compare: Any, workspace: Workspace) -> None:
    assert snap_compare(make_app(workspace), terminal_size=(80, 24), run_before=open_spec())


def test_a_spec_with_an_error(snap_compare: Any, workspace: Workspace) -> None:
    assert snap_compare(make_app(workspace), terminal_size=(80, 24), run_before=open_error())


def test_the_help(snap_compare: Any, workspace: Workspace) -> None:
    assert snap_compare(make_app(workspace), terminal_size=(80, 24), run_before=open_spec("f1"))


def test_the_question_before_quitting(snap_compare: Any, workspace: Workspace) -> None:
    assert snap_compare(make_app(workspace), terminal_size=(60, 15), run_before=open_question())


def test_a_run_in_the_monitor(snap_compare: Any, finished: Workspace) -> None:
    assert snap_compare(make_app(finished), terminal_size=(80, 24), run_before=open_run())


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_runs_and_their_scores(snap_compare: Any, finished: Workspace, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(finished), terminal_size=size, run_before=open_tab("runs", "#scores"))
