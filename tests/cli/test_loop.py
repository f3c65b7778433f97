"""The whole loop by commands, each a process of its own, on a real table and the shipped model."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SHORT = ("--set", "max_steps=2", "--set", "batch_size=4")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("loop")


def call(workspace: Path, *words: str, code: int = 0) -> Any:
    answer = subprocess.run(
        [sys.executable, "-m", "workbench", *words, "--json", "--workspace", str(workspace)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=200,
    )
    assert answer.returncode == code, answer.stderr
    assert "Traceback" not in answer.stderr
    return json.loads(answer.stdout)


def test_generate_check_tune_and_compare(workspace: Path, sample_specs: Path) -> None:
    spec = str(sample_specs / "breast_cancer.yaml")
    preview = call(workspace, "preview", spec, "-n", "3")
    made = call(workspace, "generate", spec, "--rows", "200")
    assert made["rows"] == {"breast_cancer": 200}

    # A preview is the first rows of the run.
    shown = preview["tables"]["breast_cancer"]
    import pandas as pd

    files = sorted(Path(made["dataset"]).glob("data/*.parquet"))
    assert len(shown) == 3
    assert pd.read_parquet(files[0]).head(3).to_dict("records") == shown

    refused = call(workspace, "tune", "breast_cancer", *SHORT, code=3)
    assert "was not checked" in refused["error"]["cause"]
    report = call(workspace, "quality", "breast_cancer")
    assert report["verdict"] in {"pass", "warn"}

    tuned = [
        call(workspace, "tune", made["name"], "--method", method, "--train-on", rows, "--follow", *SHORT)
        for method, rows in (("lora", "synthetic"), ("full", "real"))
    ]
    assert [result["evaluated_on"] for result in tuned] == ["real holdout", "real holdout"]
    assert [result["steps"] for result in tuned] == [2, 2]
    # The same base model was measured on the same held-out rows.
    assert tuned[0]["before"] == tuned[1]["before"]

    compared = call(workspace, "compare")
    assert [run["run"] for run in compared["runs"]] == [result["run"] for result in tuned]
    assert compared["differences"]["learning_rate"][0] != compared["differences"]["learning_rate"][1]
    shown_run = call(workspace, "show", tuned[0]["run"])
    assert (shown_run["state"], shown_run["kind"]) == ("done", "tune")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("tune", "brest_cancer"), "breast_cancer"),
        (("tune", "breast_cancer", "--method", "lroa"), "lora"),
        (("tune", "breast_cancer", "--set", "rnk=3"), "rank"),
        (("tune", "breast_cancer", "--set", "rank=-3"), "rank"),
        (("tune", "breast_cancer", "--set", "rank"), "--set NAME=VALUE"),
        (("tune", "breast_cancer", "--model", "workbench-bse"), "workbench-base"),
        (("inspect", "brest_cancer"), "breast_cancer"),
        (("logs", "tune-"), ""),
    ],
)
def test_wrong_words_exit_2_and_name_the_nearest(
    words: tuple[str, ...], told: str, workspace: Path, sample_specs: Path
) -> None:
    if not (workspace / "datasets" / "breast_cancer").exists():
        call(workspace, "generate", str(sample_specs / "breast_cancer.yaml"), "--rows", "200")
    error = call(workspace, *words, code=2)["error"]
    assert told in error["cause"] + error["solution"]


def test_a_spec_with_an_impossible_rule_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    spec = tmp_path / "impossible.yaml"
    spec.write_text(
        "name: impossible\nrows: 10\ncolumns:\n  - {name: a, type: uniform, low: 0, high: 1}\n"
        "constraints:\n  - {type: range, column: a, low: 5}\n",
        "utf-8",
    )
    error = call(tmp_path / "ws", "generate", str(spec), code=2)["error"]
    assert "has problems" in error["cause"]
    assert not (tmp_path / "ws").exists()
