"""The real command in a real terminal: keys, exit code, and what is left when the connection or the app is lost."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pty_harness import Tty

from screens.spec.drafts import read_draft
from workbench.runs.folder import iterate_runs, list_runs
from workbench.runs.lock import read_holder
from workbench.runs.process import kill_group
from workbench.workspace import Workspace

SPEC = """\
name: tickets
seed: 7
rows: 50000000
columns:
  - {name: ticket_id, type: id, pattern: "T{n:03d}"}
  - {name: product, type: category, values: {router: 0.5, modem: 0.5}}
"""
F5, CTRL_Q, CTRL_O = "\x1b[15~", "\x11", "\x0f"

Start = Callable[..., Tty]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Workspace(tmp_path / "workspace")
    made.specs.mkdir(parents=True)
    (made.specs / "tickets.yaml").write_text(SPEC)
    yield made
    for lock in (made.runs / "worker.lock", *(run.lock_path for run in iterate_runs(made))):
        if holder := read_holder(lock):
            kill_group(holder)


@pytest.fixture
def start(workspace: Workspace) -> Iterator[Start]:
    opened: list[Tty] = []

    def open_terminal(columns: int = 80, rows: int = 24) -> Tty:
        spec = str(workspace.specs / "tickets.yaml")
        command = [sys.executable, "-m", "workbench", spec, "--workspace", str(workspace.root)]
        opened.append(Tty(command, columns, rows))
        return opened[-1]

    yield open_terminal
    for tty in opened:
        tty.close()


def wait_until(condition: Callable[[], object], limit: float = 60.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "the condition never became true"
        time.sleep(0.01)


def list_children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_keys_work_and_quitting_ends_with_exit_code_0(start: Start, workspace: Workspace) -> None:
    tty = start()
    tty.sees("tickets.yaml", "T001", "^s save")
    tty.press("# typed\r")
    tty.sees("# typed", "tickets.yaml ●")
    tty.press(CTRL_O)
    tty.sees("Go to")
    tty.press("4")
    tty.sees("[4 Runs]", "No runs yet")
    tty.press(CTRL_Q)
    tty.sees("Quit?")
    tty.press("s")
    assert tty.wait_for_end() == 0, tty.screen
    assert (workspace.specs / "tickets.yaml").read_text().startswith("# typed\n")


def test_an_idle_app_writes_nothing(start: Start) -> None:
    tty = start()
    tty.sees("tickets.yaml", "T001")
    tty.until(lambda: tty.read(0.4) == 0)
    assert tty.read(1.5) == 0


def test_a_lost_connection_leaves_the_draft_and_the_run(start: Start, workspace: Workspace) -> None:
    tty = start()
    tty.sees("T001")
    tty.press(F5)
    tty.sees("Generating and checking")
    wait_until(lambda: any(run.state == "running" for run in list_runs(workspace)))
    (helper,) = [child for child in list_children(tty.pid) if is_alive(child)]
    tty.press("# not saved\r")
    tty.sees("# not saved")
    tty.hang_up()
    assert tty.wait_for_end() != 0
    assert str(read_draft(workspace.specs / "tickets.yaml")).startswith("# not saved\n")
    wait_until(lambda: not is_alive(helper))
    (running,) = [run for run in list_runs(workspace) if run.kind == "generate"]
    assert running.state == "running"
    again = start()
    again.sees("# not saved", "are back")
    again.press(CTRL_O)
    again.sees("Go to")
    again.press("3")
    again.sees("[3 Monitor]", "● running", "tickets")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_app_after_the_draft_is_written(
    start: Start, workspace: Workspace, number: signal.Signals
) -> None:
    tty = start()
    tty.sees("T001")
    tty.press("# not saved\r")
    tty.sees("# not saved")
    os.kill(tty.pid, number)
    assert tty.wait_for_end() == 128 + number
    assert str(read_draft(workspace.specs / "tickets.yaml")).startswith("# not saved\n")


def test_the_helper_ends_with_an_app_that_is_killed(start: Start) -> None:
    tty = start()
    tty.sees("T001")
    children = list_children(tty.pid)
    assert children
    os.kill(tty.pid, signal.SIGKILL)
    wait_until(lambda: not any(is_alive(child) for child in children))


def test_a_terminal_of_40x10_says_what_it_needs(start: Start) -> None:
    tty = start(40, 10)
    tty.sees("Terminal too small (40x10)", "needs 60x15")
    tty.press(CTRL_Q)
    assert tty.wait_for_end() == 0, tty.screen
