"""`workbench quality` as a process: the table, the JSON, and the exit code of a failed check."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet

from workbench.datasets.store import Dataset

SPEC = """
name: small
rows: 120
columns:
  - {name: amount, type: uniform, low: 0, high: 100}
quality: {max_duplicates: 0}
"""


def run_quality(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench", "quality", *words, "--workspace", str(workspace)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=200)


def test_quality_prints_every_check_and_fails_with_3_where_one_failed(
    tmp_path: Path, make: Callable[[str], Dataset]
) -> None:
    dataset = make(SPEC)
    good = run_quality(tmp_path, "small")
    assert good.returncode == 0, good.stderr
    assert "fidelity.columns" in good.stdout
    assert "not assessed" in good.stdout
    assert "Without real data" in good.stderr
    file = dataset.files("small")[0]
    table = pyarrow.parquet.read_table(file)
    pyarrow.parquet.write_table(pyarrow.concat_tables([table, table.slice(0, 5)]), file)
    bad = run_quality(tmp_path, "small", "--json")
    assert bad.returncode == 3, bad.stderr
    report = json.loads(bad.stdout)
    assert report["verdict"] == "fail"
    assert report["run"].startswith("quality-")


def test_wrong_arguments_are_answered_before_a_run_is_queued(tmp_path: Path, make: Callable[[str], Dataset]) -> None:
    make(SPEC)
    assert run_quality(tmp_path, "smal").returncode == 2
    answer = run_quality(tmp_path, "small", "--real", "nowhere.csv")
    assert answer.returncode == 2
    assert "nowhere.csv" in answer.stderr
    assert not (tmp_path / "runs" / "queue.sqlite").exists()


def test_the_page_can_be_put_anywhere_and_a_folder_that_is_not_there_is_explained(
    tmp_path: Path, make: Callable[[str], Dataset]
) -> None:
    make(SPEC)
    page = tmp_path / "report.html"
    assert run_quality(tmp_path, "small", "--html", str(page)).returncode == 0
    assert page.read_text().startswith("<!doctype html>")
    lost = run_quality(tmp_path, "small", "--html", str(tmp_path / "nowhere" / "report.html"))
    assert lost.returncode == 1
    assert "nowhere" in lost.stderr
    assert "Traceback" not in lost.stderr


def test_what_is_missing_on_the_command_line_is_said(tmp_path: Path) -> None:
    assert "needs a dataset" in run_quality(tmp_path).stderr
    alone = run_quality(tmp_path, "small", "--holdout", "kept.csv")
    assert alone.returncode == 2
    assert "--real" in alone.stderr
    unknown = run_quality(tmp_path, "--self-test", "--defect", "copied_row")
    assert unknown.returncode == 2
    assert "copied_rows" in unknown.stderr


def test_the_self_test_prints_what_a_defect_trips(tmp_path: Path) -> None:
    tested = run_quality(tmp_path, "--self-test", "--defect", "broken_rule", "--json")
    assert tested.returncode == 0, tested.stderr
    report = json.loads(tested.stdout)
    assert report["passed"] is True
    assert [outcome["defect"] for outcome in report["outcomes"]] == ["nothing", "broken_rule"]
