"""`workbench fit` as a process of its own: what it prints, stores, refuses, and how it goes on after a kill."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPEC = """
name: cells
seed: 4
sources: {real: {packaged: breast_cancer, stratify_by: diagnosis}}
rows: 300
primary_key: patient
columns: [{name: patient, type: id}]
synthesizer: {type: TYPE, source: real, columns: [mean_radius, mean_area, mean_texture, diagnosis]}
"""


def call(workspace: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    answer = subprocess.run(
        [sys.executable, "-m", "workbench", *words, "--workspace", str(workspace)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=200,
    )
    assert answer.returncode == code, answer.stderr
    assert "Traceback" not in answer.stderr
    return answer


def read_json(answer: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(answer.stdout)


def write_spec(folder: Path, settings: str) -> str:
    path = folder / "cells.yaml"
    path.write_text(SPEC.replace("TYPE", settings))
    return str(path)


def test_fit_stores_a_model_that_generate_uses(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, "gaussian_copula")
    fitted = read_json(call(tmp_path, "fit", spec, "--json"))
    record = fitted["models"]["cells"]
    assert Path(fitted["folders"]["cells"]).is_dir()
    made = read_json(call(tmp_path, "generate", spec, "--json"))
    manifest = json.loads((Path(made["dataset"]) / "manifest.json").read_text())
    assert manifest["synthesizers"]["cells"]["sha256"] == record["sha256"]
    shown = call(tmp_path, "inspect", "cells").stdout
    assert "gaussian_copula fitted to" in shown
    assert "privacy: none promised" in shown


def test_fit_prints_what_came_of_it(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, "gaussian_copula, differential_privacy: {max_epsilon: 3}")
    shown = call(tmp_path, "fit", spec).stdout
    assert "cells: gaussian_copula fitted to" in shown
    epsilon = float(shown.split("epsilon ")[1].split()[0])
    assert 0 < epsilon <= 3


def test_fit_refuses_a_spec_with_problems_and_one_without_synthesizers(tmp_path: Path) -> None:
    wrong = call(tmp_path, "fit", write_spec(tmp_path, "gaussian_copla"), code=2)
    assert "Did you mean “gaussian_copula”?" in wrong.stderr
    plain = tmp_path / "plain.yaml"
    plain.write_text("name: a\nrows: 1\ncolumns: [{name: x, type: id}]\n")
    assert "has a synthesizer" in call(tmp_path, "fit", str(plain), code=2).stderr


def test_a_stopped_fit_goes_on_from_its_checkpoint_to_the_same_model(tmp_path: Path) -> None:
    settings = "tvae, epochs: 300, patience: null"
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    for folder in (whole, stopped):
        folder.mkdir()
    expected = read_json(call(whole, "fit", write_spec(whole, settings), "--json"))["models"]["cells"]
    run = read_json(call(stopped, "fit", write_spec(stopped, settings), "--detach", "--json"))["run"]
    wait_until(stopped, run, lambda state: state["step"] >= 20)
    call(stopped, "stop", run)
    state = wait_until(stopped, run, lambda state: state["state"] in ("stopped", "done"))
    assert (state["state"], state["step"] < state["steps"]) == ("stopped", True)
    call(stopped, "resume", run)
    result = wait_until(stopped, run, lambda state: state["state"] == "done")["result"]
    assert "goes on from step" in (stopped / "runs" / run / "log.txt").read_text()
    assert result["models"]["cells"]["fidelity"] == expected["fidelity"]
    arrays = [next((folder / "synthesizers").iterdir()) / "rows" / "arrays.safetensors" for folder in (whole, stopped)]
    assert arrays[0].read_bytes() == arrays[1].read_bytes()


def wait_until(workspace: Path, run: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The state of a run once it has come to where it is expected."""
    deadline = time.monotonic() + 150
    while True:
        state: dict[str, Any] = json.loads((workspace / "runs" / run / "state.json").read_text())
        if reached(state):
            return state
        assert time.monotonic() < deadline, state
        assert state["state"] != "failed", state
        time.sleep(0.05)
