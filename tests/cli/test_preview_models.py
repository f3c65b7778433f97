"""`preview` and `generate` with a model that costs: asked, stored, estimated, interrupted, asked anew."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.waiting import RunProgress
from workbench.runs.folder import RunState, iterate_runs
from workbench.runs.lock import read_holder
from workbench.runs.process import kill_group
from workbench.workspace import Workspace


def command(slow: Any, *words: str) -> list[str]:
    return [sys.executable, "-m", "workbench", *words, "--workspace", str(slow.folder)]


def call(slow: Any, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(slow, *words), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=100)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def spec(slow: Any) -> str:
    path: Path = slow.folder / "tickets.yaml"
    path.write_text(slow.write_spec(words=2))
    return str(path)


def test_a_preview_asks_and_stores_and_the_second_costs_nothing(slow: Any, spec: str) -> None:
    shown = json.loads(call(slow, "preview", spec, "-n", "3", "--json").stdout)
    assert [row["reply"] for row in shown["tables"]["tickets"]] == ["w0 w1 T001", "w0 w1 T002", "w0 w1 T003"]
    (estimate,) = shown["estimate"]
    assert (estimate["evidence"], estimate["calls"], estimate["reused"]) == ("measured", 37, 3)
    again = json.loads(call(slow, "preview", spec, "-n", "3", "--json").stdout)
    assert again["tables"] == shown["tables"]
    assert slow.journal.count("write") == 3


def test_without_models_only_stored_answers_are_shown_and_the_rest_is_said(slow: Any, spec: str) -> None:
    call(slow, "preview", spec, "-n", "1")
    shown = call(slow, "preview", spec, "-n", "2", "--no-models")
    assert "w0 w1 T001" in shown.stdout
    assert "T002" in shown.stdout
    assert "w0 w1 T002" not in shown.stdout
    assert "tickets.reply: rows without a stored answer are empty" in shown.stderr
    assert "writer: 39 calls to make (1 answers are stored)" in shown.stderr
    assert "about $0.39" in shown.stderr
    assert slow.journal.count("write") == 1


def test_no_models_makes_no_store(slow: Any, spec: str) -> None:
    call(slow, "preview", spec, "--no-models")
    assert not (slow.folder / "responses.sqlite").exists()


def test_an_interrupted_preview_shows_what_it_has(slow: Any) -> None:
    spec = slow.folder / "tickets.yaml"
    spec.write_text(slow.write_spec(words=20, seconds=0.02))
    process = subprocess.Popen(
        command(slow, "preview", str(spec)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while slow.journal.count("done") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=30)
    assert process.returncode == 130, told
    assert "T001" in out
    assert "w0 w1" in out
    assert "Interrupted: the answers so far are kept" in told
    assert "stop" in slow.journal


def test_generate_says_first_what_it_will_cost_and_reuses_the_preview_unless_it_is_fresh(slow: Any, spec: str) -> None:
    try:
        call(slow, "preview", spec, "-n", "5")
        made = call(slow, "generate", spec)
        assert "writer: 35 calls to make (5 answers are stored)" in made.stderr
        assert "$0.4000 paid" not in made.stderr
        assert "$0.3500 paid" in made.stderr
        assert slow.journal.count("write") == 40
        fresh = call(slow, "generate", spec, "--fresh")
        assert "writer: 40 calls to make, " in fresh.stderr
        assert slow.journal.count("write") == 80
    finally:
        end_worker(slow)


def test_generate_warns_of_a_budget_that_will_not_do(slow: Any, spec: str) -> None:
    path = Path(spec)
    path.write_text(path.read_text() + "budget: {max_cost_usd: 0.1}\n")
    try:
        warned = call(slow, "generate", spec, "--detach")
        assert "That is more than the budget of $0.1" in warned.stderr
    finally:
        end_worker(slow)


def end_worker(slow: Any) -> None:
    workspace = Workspace(slow.folder)
    for lock in (workspace.runs / "worker.lock", *(run.lock_path for run in iterate_runs(workspace))):
        holder = read_holder(lock)
        if holder:
            kill_group(holder)


def test_the_bar_of_a_run_that_asks_models_shows_calls_and_money(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    metrics = {"rows_per_second": 3.0, "calls": 12, "calls_per_second": 4.25, "cost_usd": 0.0123, "eta_seconds": 80.0}
    state = RunState("r1", "generate", "", "running", 0.0, stage="generate", step=10, steps=40, metrics=metrics)
    with RunProgress() as progress:
        progress.show(state)
    told = terminal.getvalue()
    assert "10/40 · 4.2 calls/s · $0.0123" in told
    assert "rows/s" not in told


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True
