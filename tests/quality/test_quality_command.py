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
