"""Who may go on with a dataset that failed: nobody, unless a reason is given, which then stands wherever rows go."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.main import main
from workbench.datasets.gates import STALE, UNCHECKED, check_gate, describe_gate, read_verdict, waive_checks
from workbench.datasets.manifest import read_manifest
from workbench.datasets.store import Dataset
from workbench.errors import GateError, UsageError
from workbench.progress import Quiet
from workbench.quality.check import CHECKS, Check, Finding
from workbench.quality.evidence import Evidence
from workbench.quality.run import run
from workbench.tuning.data import read_tuning_data

Make = Callable[[str], Dataset]

REPEATED = """
name: coins
rows: 200
columns: [{name: side, type: category, values: [head, tail]}]
quality: {max_duplicates: 0.1}
training: {task: text, text: "{{ side }}"}
"""


@pytest.fixture
def failed(make: Make, context: Any) -> Dataset:
    """A dataset that fails its gate on duplicates."""
    dataset = make(REPEATED)
    run({"dataset": str(dataset.folder)}, context)
    return dataset


def test_a_waived_check_lets_the_dataset_pass_and_stands_in_manifest_and_card(failed: Dataset) -> None:
    with pytest.raises(GateError, match="duplicates"):
        check_gate(failed.folder)
    made = waive_checks(failed.folder, ["duplicates"], "coins have two sides", "Ada")
    assert check_gate(failed.folder) is not None
    manifest = read_manifest(failed.folder)
    assert manifest.waivers == made
    assert made[0].describe().startswith("duplicates waived by Ada on 20")
    assert "coins have two sides" in (failed.folder / "README.md").read_text()
    assert describe_gate(failed.folder)[0] == "quality: fail"
    assert describe_gate(failed.folder)[1].endswith(": coins have two sides")


def test_only_what_stands_in_the_way_can_be_waived_and_only_with_a_reason(failed: Dataset) -> None:
    with pytest.raises(UsageError, match="reason"):
        waive_checks(failed.folder, ["duplicates"], "  ", "Ada")
    with pytest.raises(UsageError, match=r"“schema”"):
        waive_checks(failed.folder, ["schema"], "why not", "Ada")
    assert not read_manifest(failed.folder).waivers


def test_a_waiver_ends_with_the_state_it_was_given_for(failed: Dataset, make: Make, context: Any) -> None:
    waive_checks(failed.folder, ["duplicates"], "coins have two sides", "Ada")
    changed = make(REPEATED.replace("0.1", "0.2"))
    assert changed.folder == failed.folder
    with pytest.raises(GateError, match="stale"):
        check_gate(failed.folder)
    run({"dataset": str(failed.folder)}, context)
    with pytest.raises(GateError, match="duplicates"):
        check_gate(failed.folder)
    assert describe_gate(failed.folder) == ["quality: fail"]


def test_a_stale_or_missing_report_can_be_waived_by_its_own_name(make: Make, context: Any) -> None:
    dataset = make(REPEATED)
    with pytest.raises(GateError, match="not checked"):
        check_gate(dataset.folder)
    waive_checks(dataset.folder, [UNCHECKED], "a dry run", "Ada")
    assert check_gate(dataset.folder) is None
    run({"dataset": str(dataset.folder)}, context)
    make(REPEATED.replace("0.1", "0.9"))
    waive_checks(dataset.folder, [STALE, "duplicates"], "the gate was too strict", "Ada")
    assert check_gate(dataset.folder) is not None


def test_the_preset_release_allows_no_waiver_and_needs_privacy_assessed(make: Make, context: Any) -> None:
    dataset = make(REPEATED.replace("quality: {", "quality: {preset: release, "))
    with pytest.raises(GateError, match="not checked"):
        check_gate(dataset.folder)
    run({"dataset": str(dataset.folder)}, context)
    with pytest.raises(UsageError, match="release"):
        waive_checks(dataset.folder, ["duplicates"], "please", "Ada")
    verdict = read_verdict(dataset.folder)
    assert verdict is not None
    assert "privacy.copies" in verdict.unassessed


def test_the_preset_draft_only_warns_where_no_gate_is_set(make: Make, context: Any, tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("amount\n" + "".join(f"{number * 1.5}\n" for number in range(400)))
    spec = """
name: copies
rows: 100
sources: {real: {path: real.csv, holdout: 0.5}}
columns: [{name: amount, type: source, source: real}]
quality: {preset: PRESET}
"""
    verdicts = {}
    for preset in ("draft", "train"):
        dataset = make(spec.replace("PRESET", preset))
        report = run({"dataset": str(dataset.folder)}, context)
        verdicts[preset] = {check["name"]: check["verdict"] for check in report["checks"]}
    assert verdicts["draft"]["privacy.copies"] == "warn"
    assert verdicts["train"]["privacy.copies"] == "fail"


def test_a_report_is_stale_once_the_real_data_changes_and_not_because_it_is_elsewhere(
    make: Make, context: Any, tmp_path: Path
) -> None:
    real = tmp_path / "real.csv"
    real.write_text("side,place\n" + "".join(f"{'head' if number % 2 else 'tail'},{number}\n" for number in range(200)))
    dataset = make(REPEATED.replace("max_duplicates: 0.1", ""))
    run({"dataset": str(dataset.folder), "real": str(real)}, context)
    assert check_gate(dataset.folder) is not None
    content = real.read_text()
    real.unlink()
    assert check_gate(dataset.folder) is not None
    real.write_text(content + "head,200\n")
    with pytest.raises(GateError, match="stale"):
        check_gate(dataset.folder)


def test_what_a_check_requires_refuses_where_it_cannot_be_assessed(make: Make, context: Any) -> None:
    dataset = make(REPEATED.replace("max_duplicates: 0.1", "require: [privacy.copies]"))
    run({"dataset": str(dataset.folder)}, context)
    with pytest.raises(GateError, match=r"privacy\.copies could not be judged"):
        check_gate(dataset.folder)


def test_export_and_tune_refuse_a_failed_dataset_and_a_waiver_goes_with_its_rows(
    failed: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(tmp_path / "out")
    common = ["--workspace", str(tmp_path)]
    export = ["export", str(failed.folder), "--layout", "text", "--out", target, *common]
    assert main(export) == 3
    assert main(["tune", str(failed.folder), *common]) == 3
    assert "--waive" in capsys.readouterr().err
    assert main([*export, "--reason", "two sides"]) == 2
    assert main([*export, "--waive", "duplicates", "--reason", "two sides", "--by", "Ada"]) == 0
    record = json.loads((tmp_path / "out" / "export.json").read_text())
    assert record["quality"] == ["quality: fail", f"{describe_gate(failed.folder)[1]}"]


def test_a_waiver_stands_in_the_card_of_a_model_that_is_trained_on_the_rows(failed: Dataset) -> None:
    waive_checks(failed.folder, ["duplicates"], "coins have two sides", "Ada")
    sources = read_tuning_data(failed, "synthetic", Quiet()).sources
    assert "quality: fail" in sources
    assert any(line.startswith("duplicates waived by Ada") for line in sources)


def test_the_manifest_and_the_card_say_what_every_check_found(failed: Dataset) -> None:
    manifest = read_manifest(failed.folder)
    assert manifest.quality is not None
    assert manifest.quality.verdict == "fail"
    by_name = {check.name: check for check in manifest.quality.checks}
    assert by_name["duplicates"].threshold == 0.1
    card = (failed.folder / "README.md").read_text()
    assert "Verdict: **fail**" in card
    assert "no proof of anonymity" in card


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        ("require: [pairs]", "no table has what this check looks at"),
        ("require: [duplicate]", "there is no check of this name"),
        ("max_broken_media: 0.1", "no table has what this check looks at"),
    ],
)
def test_what_no_table_has_or_no_check_is_called_is_not_passed(
    make: Make, context: Any, gate: str, reason: str
) -> None:
    dataset = make(REPEATED.replace("max_duplicates: 0.1", gate))
    report = run({"dataset": str(dataset.folder)}, context)
    assert reason in [check["detail"] for check in report["checks"]]
    with pytest.raises(GateError, match="could not be judged"):
        check_gate(dataset.folder)


def test_a_check_that_fails_itself_leaves_the_others_their_report(make: Make, context: Any) -> None:
    def fail(evidence: Evidence) -> list[Finding]:
        raise ZeroDivisionError("a plug-in's slip")

    CHECKS.add("plugged", Check("plugged", "Does it?", fail, "plugged"))
    try:
        dataset = make(REPEATED)
        report = run({"dataset": str(dataset.folder)}, context)
        assert run({"dataset": str(dataset.folder)}, context)["reused"] == report["reused"] + len(CHECKS.names()) - 1
    finally:
        del CHECKS._entries["plugged"]
    found = next(check for check in report["checks"] if check["name"] == "plugged")
    assert found["verdict"] == "not assessed"
    assert "a plug-in's slip" in found["detail"]
    assert len(report["checks"]) > 5


def test_a_name_of_a_check_and_of_a_group_means_the_check(make: Make, context: Any) -> None:
    dataset = make(
        REPEATED.replace("columns: [", 'columns: [{name: memo, type: llm_text, prompt: "Say {{ side }}."}, ').replace(
            "max_duplicates: 0.1", "require: [duplicates]"
        )
    )
    report = run({"dataset": str(dataset.folder)}, context)
    gated = {check["name"] for check in report["checks"] if check["gated"]}
    assert gated == {"duplicates"}
