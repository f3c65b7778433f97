"""Models asked from a real terminal: the line that says so, Ctrl+C, F9, and what a lost connection leaves."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pty_harness import Tty

CTRL_C, F9 = "\x03", "\x1b[20~"

Start = Callable[..., Tty]


@pytest.fixture
def start(slow: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setenv("XDG_STATE_HOME", str(slow.folder / "state"))
    spec = slow.folder / "tickets.yaml"
    spec.write_text(slow.write_spec(words=100, seconds=0.02))
    opened: list[Tty] = []

    def open_terminal(*words: str) -> Tty:
        command = [sys.executable, "-m", "workbench", *words, str(spec), "--workspace", str(slow.folder)]
        opened.append(Tty(command, 120, 30))
        return opened[-1]

    yield open_terminal
    for tty in opened:
        tty.close()


def wait_until(condition: Callable[[], object], limit: float = 30.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "the condition never became true"
        time.sleep(0.01)


def test_ctrl_c_cancels_a_preview_at_the_next_token(start: Start, slow: Any) -> None:
    tty = start("preview")
    tty.sees("Asking writer for tickets.reply", "Ctrl+C cancels")
    tty.until(lambda: "done" in slow.journal)
    tty.press(CTRL_C)
    tty.sees("Interrupted: the answers so far are kept", "T001")
    assert tty.wait_for_end() == 130
    assert slow.journal.count("done") < 10
    assert "stop" in slow.journal


def test_f9_streams_into_the_app_and_a_lost_connection_ends_the_asking(start: Start, slow: Any) -> None:
    tty = start()
    tty.sees("T001", "a asks models")
    tty.press(F9)
    tty.sees("asking writer for reply", "w0 w1")
    (helper,) = [int(pid) for pid in Path(f"/proc/{tty.pid}/task/{tty.pid}/children").read_text().split()]
    tty.hang_up()
    tty.wait_for_end()
    wait_until(lambda: not Path(f"/proc/{helper}/cmdline").exists() or not Path(f"/proc/{helper}/cmdline").read_bytes())
    assert slow.journal.count("done") < 10
