"""Ctrl+C while `generate` waits: the run stops at the end of a block, says how to go on, and goes on to the end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from workbench.cli.main import main
from workbench.datasets.store import open_dataset
from workbench.runs.folder import RunFolder
from workbench.runs.submit import wait_for_run
from workbench.workspace import Workspace

SPEC = """name: long
rows: 1500000
columns:
  - {name: id, type: id, pattern: "P{n:07d}"}
  - {name: who, type: template, template: "{{ id }} of {{ city }}"}
  - {name: city, type: category, values: [Berlin, Paris]}
"""


def test_interrupting_generate_stops_at_a_block_and_resume_finishes_it(tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_text(SPEC)
    command = [sys.executable, "-m", "workbench", "generate", str(tmp_path / "long.yaml"), "--workers", "1"]
    with subprocess.Popen([*command, "--workspace", str(tmp_path)], stderr=subprocess.PIPE, text=True) as waiting:
        run = wait_for_step(tmp_path)
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(60) == 130
        assert waiting.stderr is not None
        told = waiting.stderr.read()
    state = run.read_state()
    assert state.state == "stopped"
    assert 0 < state.step < state.steps
    assert state.step % 50_000 == 0
    assert f"Stopped after {state.step:,} of 1,500,000 rows. `workbench resume {run.id}`" in told
    assert "Runs in the background go on" not in told
    assert main(["resume", run.id, "--workspace", str(tmp_path)]) == 0
    assert wait_for_run(Workspace(tmp_path), run.id).state == "done"
    assert "Going on after" in (run.path / "log.txt").read_text()
    assert len(open_dataset("long", Workspace(tmp_path)).read("long", ["id"])) == 1_500_000


def wait_for_step(workspace: Path) -> RunFolder:
    """The only run of the workspace, once it has committed a block."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in workspace.glob("runs/generate-*/state.json"):
            if json.loads(path.read_text()).get("step"):
                return RunFolder(path.parent)
        time.sleep(0.02)
    raise AssertionError("no block was committed in a minute")
