"""The loop by keys in the real app: generate, check, see the cost, tune, watch, compare."""

from __future__ import annotations

from typing import Any

from screens.monitor.pane import MonitorPane
from workbench.runs.submit import submit_run


async def test_the_whole_loop_by_keys_at_80x24(open_app: Any) -> None:
    async with open_app((80, 24)) as app:
        await app.sees("T001")
        await app.press("f5")
        await app.sees("Generating and checking in the background")
        await app.until(lambda: [run.state for run in app.list_runs()] == ["done", "done"])
        await app.press("ctrl+o", "2")
        await app.sees("tickets@", "simulated")
        assert "lora" in app.screen
        await app.press("e")
        await app.sees("Tuning run", "Settings")
        for _ in range(4):
            await app.press("tab")
        await app.type("max_steps=2 rank=4\n")
        await app.sees("simulated")
        await app.press("j", "enter")
        await app.sees("Start this run?", "lora", "rank=4", "max_steps=2", "estimate")
        await app.press("y")
        await app.until(lambda: len(app.list_runs()) == 3)
        await app.sees("[3 Monitor]", "lora · tickets · synthetic")
        await app.until(lambda: app.list_runs()[0].has_ended)
        assert app.list_runs()[0].state == "done"
        await app.sees("✓ done", "loss", "━ loss", "step 2")
        await app.press("escape")
        await app.sees("[4 Runs]", "Held-out scores", "lora", " → ")


async def test_what_ifs_change_the_estimate_and_mistakes_are_explained(open_app: Any) -> None:
    async with open_app(start="method") as app:
        await app.sees("no dataset", "simulated", "batch 16 · length 512")
        await app.press("minus", "less_than_sign", "c", "o")
        await app.sees("batch 8 · length 256 · checkpointing", "real rows")
        await app.press("u")
        await app.sees("Estimate for", "H100")
        await app.type("h100")
        await app.press("enter")
        await app.sees("· H100 ·", "of 85 GB", "at the peak")
        await app.press("enter")
        await app.sees("There is no dataset yet", "F5")
        await app.press("e")
        await app.sees("Tuning run")
        for _ in range(2):
            await app.press("tab")
        await app.press("ctrl+u")
        await app.type("none\n")
        await app.sees("Batch size must be a whole number")
        await app.press("ctrl+u")
        await app.type("8")
        await app.press("tab", "tab")
        await app.type("rnk=4\n")
        await app.sees("batch 8", "rank", "no estimate")


async def test_a_run_that_fails_says_why_and_what_to_do(open_app: Any, workspace: Any) -> None:
    arguments = {"dataset": "missing", "model": "workbench-base", "method": "lora", "settings": {}}
    run = submit_run(workspace, "tune", arguments, title="doomed")
    async with open_app(start="monitor") as app:
        await app.until(lambda: app.list_runs()[0].has_ended)
        await app.sees("✗ failed", "doomed", "There is no dataset")
        await app.press("x")
        await app.sees("no active run")
        assert app.find("#monitor").run == run


async def test_stopping_and_resuming_ask_and_do(open_app: Any, workspace: Any) -> None:
    spec = (workspace.specs / "tickets.yaml").read_text().replace("rows: 40", "rows: 4000000")
    arguments = {"spec": spec, "folder": str(workspace.specs), "rows": None, "out": None}
    submit_run(workspace, "generate", arguments, title="large")
    async with open_app(start="runs") as app:
        await app.until(lambda: app.list_runs()[0].state == "running" and "●" in app.screen)
        await app.press("x")
        await app.sees("Stop this run?")
        await app.press("enter")
        await app.until(lambda: "Stop this run?" not in app.screen)
        assert app.list_runs()[0].state == "running"
        await app.press("x")
        await app.sees("Stop this run?")
        await app.press("y")
        await app.sees("■ stopped")
        await app.press("r")
        await app.until(lambda: app.list_runs()[0].state in ("queued", "running"))
        await app.press("enter")
        await app.sees("[3 Monitor]", "attempt 2")
        await app.press("x")
        await app.sees("Stop this run?")
        await app.press("y")
        await app.sees("■ stopped")


async def test_nothing_is_read_while_the_monitor_is_hidden(open_app: Any, workspace: Any) -> None:
    arguments = {"dataset": "missing", "model": "workbench-base", "method": "lora", "settings": {}}
    submit_run(workspace, "tune", arguments, title="doomed")
    async with open_app(start="monitor") as app:
        await app.sees("✗ failed")
        monitor = app.find("#monitor")
        assert isinstance(monitor, MonitorPane)
        await app.until(lambda: not monitor.is_reading)
        await app.press("1")
        assert not monitor.is_reading
        await app.press("ctrl+o", "3")
        assert app.app.context == "monitor"


async def test_the_log_is_followed_found_in_and_scrolled(open_app: Any, workspace: Any) -> None:
    arguments = {"dataset": "missing", "model": "workbench-base", "method": "lora", "settings": {}}
    run = submit_run(workspace, "tune", arguments, title="doomed")
    async with open_app(start="monitor") as app:
        await app.sees("✗ failed")
        with (workspace.runs / run / "log.txt").open("a") as log:
            log.writelines(f"line {number} \x1b[31m[red]\u202e\n" for number in range(500))
        await app.press("1", "ctrl+o", "3")
        await app.sees("following", "line 499 [red]")
        await app.press("g")
        await app.sees("space follows")
        assert "line 499" not in app.screen
        await app.press("slash")
        await app.sees("Find in the log")
        await app.type("line 123\n")
        await app.sees("line 123")
        await app.press("slash")
        await app.sees("Find in the log")
        await app.press("ctrl+u")
        await app.type("nowhere\n")
        await app.sees("is not in the log")
        await app.press("G")
        await app.sees("line 499", "following")
