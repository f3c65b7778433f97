"""The run: what quality.json holds, where real data comes from, and what the gate makes of it afterwards."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from workbench.datasets.gates import check_gate, read_verdict
from workbench.datasets.store import Dataset
from workbench.errors import GateError, StopRequested, UsageError, WorkbenchError
from workbench.quality.run import run

Make = Callable[[str], Dataset]

TABLE = """
name: payments
seed: 4
rows: 300
columns:
  - {name: amount, type: uniform, low: 0, high: 100}
  - {name: kind, type: category, values: [card, cash]}
"""
REAL = "sources: {real: {path: real.csv, holdout: 0.3, stratify_by: kind}}\n"


def write_real(folder: Path, high: int = 100) -> Path:
    rows = [f"{number * high / 199},{'card' if number % 2 else 'cash'}" for number in range(200)]
    path = folder / "real.csv"
    path.write_text("amount,kind\n" + "\n".join(rows) + "\n")
    return path


def get(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(check for check in report["checks"] if check["name"] == name)


def test_the_report_is_written_beside_the_data_and_is_what_the_run_returns(
    tmp_path: Path, make: Make, context: Any
) -> None:
    write_real(tmp_path)
    dataset = make(TABLE + REAL)
    report = run({"dataset": str(dataset.folder)}, context)
    written = json.loads((dataset.folder / "quality.json").read_text())
    assert written["dataset"] == dataset.reference
    page = dataset.folder / "quality.html"
    assert report == written | {"dataset": str(dataset.folder), "name": dataset.reference, "page": str(page)}
    assert dataset.reference in page.read_text()
    assert {check["verdict"] for check in report["checks"]} <= {"pass", "not assessed"}
    shape = {"name", "value", "reference", "interval", "threshold", "verdict", "rows"}
    assert all(shape <= check.keys() for check in report["checks"])
    fidelity = get(report, "fidelity.columns")
    assert fidelity["reference"] > 0.8
    assert set(fidelity["columns"]) == {"amount", "kind"}
    assert report["real"]["payments"] | {"digest": ""} == {
        "origin": "real.csv", "licence": "not stated", "digest": "", "train_rows": 140, "holdout_rows": 60
    }  # fmt: skip
    assert ("info", "pass: rules of payments: 4 rules hold") in context.lines


def test_the_same_dataset_gets_the_same_figures_twice(tmp_path: Path, make: Make, context: Any) -> None:
    write_real(tmp_path)
    dataset = make(TABLE + REAL)
    first, second = (run({"dataset": dataset.reference}, context) for _ in range(2))
    assert first["checks"] == second["checks"]
    assert first["digest"] == second["digest"]


def test_a_file_given_by_hand_stands_in_for_the_spec_s_sources(tmp_path: Path, make: Make, context: Any) -> None:
    dataset = make(TABLE)
    without = run({"dataset": str(dataset.folder)}, context)
    assert get(without, "fidelity.columns")["verdict"] == "not assessed"
    assert without["verdict"] == "not assessed"
    beside = run({"dataset": str(dataset.folder), "real": str(write_real(tmp_path, high=500))}, context)
    assert get(beside, "fidelity.columns")["verdict"] == "warn"
    assert "amount" in get(beside, "fidelity.columns")["detail"]


def test_real_data_that_shares_no_column_or_is_gone_is_explained(tmp_path: Path, make: Make, context: Any) -> None:
    (tmp_path / "other.csv").write_text("x\n" + "".join(f"{number}\n" for number in range(50)))
    dataset = make(TABLE)
    with pytest.raises(UsageError, match="shares no column"):
        run({"dataset": str(dataset.folder), "real": str(tmp_path / "other.csv")}, context)
    with pytest.raises(UsageError, match="no file"):
        run({"dataset": str(dataset.folder), "real": str(tmp_path / "none.csv")}, context)
    assert not (dataset.folder / "quality.json").exists()


def test_a_source_belongs_to_the_table_of_its_name_or_of_its_columns(tmp_path: Path, make: Make, context: Any) -> None:
    write_real(tmp_path)
    tables = """
name: two
tables:
  shops: {rows: 40, columns: [{name: city, type: category, values: [Oslo, Rome]}]}
  payments: {rows: 200, columns: [{name: amount, type: uniform, low: 0, high: 100}]}
"""
    report = run({"dataset": str(make(tables + REAL).folder)}, context)
    assert list(report["real"]) == ["payments"]
    assert {check["table"] for check in report["checks"]} == {"shops", "payments"}


def test_a_run_that_is_asked_to_stop_writes_nothing(make: Make, context: Any) -> None:
    dataset = make(TABLE)
    context.stop = True
    with pytest.raises(StopRequested):
        run({"dataset": str(dataset.folder)}, context)
    assert not (dataset.folder / "quality.json").exists()


def test_the_gate_lets_a_good_dataset_pass_and_refuses_a_failed_one(tmp_path: Path, make: Make, context: Any) -> None:
    write_real(tmp_path)
    good = make(TABLE + REAL + "quality: {min_fidelity: 0.8, max_exact_match: 0}\n")
    run({"dataset": str(good.folder)}, context)
    assert check_gate(good.folder) is not None
    write_real(tmp_path, high=500)
    run({"dataset": str(good.folder)}, context)
    with pytest.raises(GateError, match=r"fidelity\.columns") as caught:
        check_gate(good.folder)
    assert caught.value.code == 3


def test_a_dataset_with_gates_must_have_been_checked_and_one_without_need_not(make: Make) -> None:
    assert check_gate(make(TABLE).folder) is None
    with pytest.raises(GateError, match="not checked"):
        check_gate(make(TABLE.replace("payments", "gated") + "quality: {max_duplicates: 0}\n").folder)


def test_a_gate_that_nobody_could_judge_is_not_passed(tmp_path: Path, make: Make, context: Any) -> None:
    write_real(tmp_path)
    spec = TABLE.replace("300", "10") + REAL + "quality: {min_fidelity: 0.5}\n"
    dataset = make(spec)
    run({"dataset": str(dataset.folder)}, context)
    with pytest.raises(GateError, match="could not be judged"):
        check_gate(dataset.folder)


def test_a_report_is_stale_once_the_data_or_the_spec_changes(make: Make, context: Any) -> None:
    dataset = make(TABLE)
    run({"dataset": str(dataset.folder)}, context)
    verdict = read_verdict(dataset.folder)
    assert verdict is not None
    assert verdict.fresh
    changed = make(TABLE + "quality: {max_duplicates: 0.5}\n")  # the same rows, another gate
    assert changed.folder == dataset.folder
    with pytest.raises(GateError, match="stale"):
        check_gate(dataset.folder)
    run({"dataset": str(dataset.folder)}, context)
    assert check_gate(dataset.folder) is not None
    file = dataset.files("payments")[0]
    table = pyarrow.parquet.read_table(file)
    pyarrow.parquet.write_table(table.slice(1), file)
    with pytest.raises(GateError, match="stale"):
        check_gate(dataset.folder)


def test_a_damaged_report_is_explained(make: Make) -> None:
    dataset = make(TABLE)
    for content in ("", "[]", '{"checks": 3}', '{"verdict": "pass", "checks": [], "digest"'):
        (dataset.folder / "quality.json").write_text(content)
        with pytest.raises(WorkbenchError, match="workbench quality"):
            check_gate(dataset.folder)


def test_a_holdout_file_is_the_holdout_of_all_rows_of_the_real_file(tmp_path: Path, make: Make, context: Any) -> None:
    dataset = make(TABLE)
    real = write_real(tmp_path)
    holdout = tmp_path / "kept.csv"
    holdout.write_text("kind,amount,extra\n" + "".join(f"card,{number}.5,x\n" for number in range(60)))
    report = run({"dataset": str(dataset.folder), "real": str(real), "holdout": str(holdout)}, context)
    assert report["real"]["payments"]["train_rows"] == 200
    assert report["real"]["payments"]["holdout_rows"] == 60
    assert "kept.csv" in report["real"]["payments"]["origin"]
    assert set(report["digest"]["real"]) == {str(real), str(holdout)}
    holdout.write_text("kind\ncard\n")
    with pytest.raises(UsageError, match=r"kept\.csv lacks the column “amount”"):
        run({"dataset": str(dataset.folder), "real": str(real), "holdout": str(holdout)}, context)
