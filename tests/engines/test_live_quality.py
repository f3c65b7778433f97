"""The cheap checks on the first rows, while a spec is written."""

from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.engines.helper_client import HelperClient
from workbench.engines.live_quality import check_first_rows
from workbench.quality.catalogue import CHECKS

SPEC = """
name: tickets
rows: 5000
columns:
  - {name: ticket_id, type: id}
  - {name: amount, type: uniform, low: 0, high: 100, decimals: 2}
  - {name: product, type: category, values: [router, modem]}
"""


def get_verdicts(text: str, folder: Path) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in check_first_rows(text, folder, None)["checks"]}


def test_the_first_500_rows_are_checked_for_schema_rules_and_repeats(tmp_path: Path) -> None:
    result = check_first_rows(SPEC, tmp_path, None)
    assert result["rows"] == {"tickets": 500}
    assert {"schema", "rules", "duplicates"} <= {check["name"] for check in result["checks"]}
    assert result["verdict"] == "pass"


def test_only_live_checks_are_asked_and_none_for_want_of_real_data(tmp_path: Path) -> None:
    live = {name for name, check in CHECKS.items() if check.live and not check.needs_real}
    found = {check["name"] for check in check_first_rows(SPEC, tmp_path, None)["checks"]}
    assert {name.split(".")[0] for name in found} <= {name.split(".")[0] for name in live}


def test_real_data_is_compared_with_and_read_again_when_it_changes(tmp_path: Path) -> None:
    real = tmp_path / "real.csv"
    text = SPEC + "sources: {real: {path: real.csv, holdout: 0.3}}\n"
    real.write_text("amount\n" + "".join(f"{number * 0.31:.2f}\n" for number in range(320)))
    assert get_verdicts(text, tmp_path)["fidelity.columns"] == "pass"
    real.write_text("amount\n" + "".join(f"{900 + number * 0.31:.2f}\n" for number in range(320)))
    assert get_verdicts(text, tmp_path)["fidelity.columns"] == "warn"


def test_what_cannot_be_looked_at_is_said(tmp_path: Path) -> None:
    text = """
name: notes
rows: 20
models:
  writer: {provider: openai, model: m, base_url: "http://127.0.0.1:9/v1"}
sources: {real: {path: gone.csv}}
columns:
  - {name: topic, type: category, values: [a, b]}
  - {name: note, type: llm_text, model: writer, prompt: "{{ topic }}"}
"""
    result = check_first_rows(text, tmp_path, None)
    notes = " ".join(result["notes"])
    if result["checks"]:  # a source that is gone may be an error of the spec already
        assert "gone.csv" in notes
        assert "waits for a model" in notes
    else:
        assert result["verdict"] == "not assessed"


def test_a_spec_with_errors_has_no_checks(tmp_path: Path) -> None:
    assert check_first_rows("name: x\nrows: 3\ncolumns: [{name: a, type: nothing}]", tmp_path, None)["checks"] == []


async def test_the_helper_answers_it_beside_previews(tmp_path: Path) -> None:
    helper = HelperClient(log=tmp_path / "helper.log")
    await helper.start()
    try:
        answer = await helper.ask("check_rows", {"text": SPEC, "folder": str(tmp_path)})
    finally:
        await helper.close()
    assert answer.result is not None
    assert answer.result["verdict"] == "pass"


def test_a_preview_on_the_command_line_can_be_checked_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    repeated = SPEC.replace("{name: ticket_id, type: id}", "{name: side, type: category, values: [left]}")
    spec.write_text(
        repeated.replace("type: uniform, low: 0, high: 100, decimals: 2", "type: uniform_int, low: 1, high: 2")
    )
    assert main(["preview", str(spec), "-n", "2", "--check", "--workspace", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "500 rows of tickets: warn" in printed
    assert "warn: duplicates of tickets" in printed
