"""The run kind `generate`: what it writes, uses again, refuses, and leaves behind when it fails."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

import workbench.generation.blocks as blocks
import workbench.generation.plan as plan
import workbench.generation.run as generation
from workbench.datasets.manifest import read_manifest
from workbench.datasets.store import open_dataset
from workbench.errors import StopRequested, UsageError, WorkbenchError
from workbench.generation.preview import preview_text

Recorder = Callable[..., Any]

SPEC = """name: bank
description: Two columns | and a [pipe](x)
seed: 3
rows: 700
primary_key: id
columns:
  - {name: id, type: id}
  - {name: amount, type: normal, mean: 10, stddev: 3, min: 0, decimals: 2, missing: 0.1}
  - {name: count, type: poisson, mean: 3, missing: 0.1}
  - {name: even, type: expression, expression: id % 2}
  - {name: memo, type: template, template: "{{ id }}: {{ amount }}"}
constraints: [{type: range, column: id, high: 690}]
scenarios: [{name: rich, share: 0.1, set: {amount: 1000}}]
training: {task: text, text: "{{ memo }}"}
"""


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 100 rows, so that a small table has several."""
    monkeypatch.setattr(plan, "BLOCK_ROWS", 100)


def generate(context: Any, spec: str = SPEC, **more: Any) -> dict[str, Any]:
    return generation.run({"spec": spec, "folder": "/", "workers": 1, **more}, context)


def read_bytes(folder: Path) -> dict[str, bytes]:
    """Content of every file but the manifest and the Croissant file, whose times differ between runs."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("manifest.json", "croissant.json")
    }


def test_a_run_publishes_a_dataset_and_reports_it(recorder: Recorder) -> None:
    context = recorder()
    result = generate(context)
    folder = Path(result["dataset"])
    assert result["name"] == f"bank@{folder.name}"
    assert result["rows"] == {"bank": 690}
    assert result["rejected"] == {"id <= 690": 10}
    assert context.stages == ["generate", "publish"]
    assert context.steps[0] == (0, 700)
    assert context.steps[-1] == (700, 700)
    assert len(context.measured) == 7
    assert any("10 of 700 rows of bank left out" in message for _, message in context.lines)
    files = ["README.md", "croissant.json", "data", "manifest.json", "provenance"]
    assert sorted(path.name for path in folder.iterdir()) == files
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_manifest_tells_how_the_rows_were_made(recorder: Recorder) -> None:
    folder = Path(generate(recorder())["dataset"])
    manifest = read_manifest(folder)
    table = manifest.tables["bank"]
    assert manifest.synthetic is True
    assert manifest.spec == SPEC
    assert manifest.seed == 3
    assert manifest.fingerprint.startswith(manifest.version)
    assert {"workbench", "numpy", "faker"} <= manifest.versions.keys()
    assert (table.rows, table.asked, table.primary_key) == (690, 700, "id")
    assert [column.type for column in table.columns] == ["int64", "double", "int64", "int64", "string"]
    assert table.columns[1].recipe["type"] == "normal"
    assert 30 < table.columns[1].nulls < 110
    assert [(each.name, each.asked) for each in table.scenarios] == [("rich", 70)]
    assert 60 <= table.scenarios[0].achieved <= 70
    for record in manifest.files:
        assert hashlib.sha256((folder / record.path).read_bytes()).hexdigest() == record.sha256
    metadata = pyarrow.parquet.read_schema(folder / manifest.files[0].path).metadata
    assert metadata[b"workbench.synthetic"] == b"true"
    assert metadata[b"workbench.fingerprint"].decode() == manifest.fingerprint
    assert json.loads((folder / "manifest.json").read_text())["synthetic"] is True


def test_the_card_has_front_matter_and_no_markup_of_the_spec(recorder: Recorder) -> None:
    card = (Path(generate(recorder())["dataset"]) / "README.md").read_text()
    front = card.split("---\n")[1]
    assert "license: other" in front
    assert "- synthetic" in front
    assert "path: data/bank-*.parquet" in front
    assert "Two columns \\| and a \\[pipe\\](x)" in card
    assert "| rich | 0.1 | 70 |" in card


def test_the_files_are_those_of_a_run_with_other_blocks(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_dataset(generate(recorder())["dataset"], recorder().workspace).read("bank")
    monkeypatch.setattr(plan, "BLOCK_ROWS", 333)
    second = open_dataset(generate(recorder(), out="other")["dataset"], recorder().workspace).read("bank")
    assert first.equals(second)


def test_a_preview_shows_the_first_rows_of_the_dataset(recorder: Recorder, tmp_path: Path) -> None:
    shown = preview_text(SPEC, tmp_path, rows=150)["tables"]["bank"]
    frame = open_dataset(generate(recorder())["dataset"], recorder().workspace).read("bank").head(150)
    written = frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert written == shown


def test_the_same_spec_again_is_not_made_again(recorder: Recorder) -> None:
    first = generate(recorder())
    context = recorder("r2")
    second = generate(context)
    assert second["dataset"] == first["dataset"]
    assert second["rows"] == first["rows"]
    assert context.stages == []
    assert any("there already" in message for _, message in context.lines)
    assert context.steps == [(700, 700)]


def test_what_does_not_change_rows_keeps_the_version_and_is_brought_up_to_date(recorder: Recorder) -> None:
    first = generate(recorder())
    changed = SPEC.replace("{{ memo }}", "Memo {{ memo }}").replace("Two columns", "Three columns")
    second = generate(recorder("r2"), changed)
    assert second["dataset"] == first["dataset"]
    dataset = open_dataset("bank", recorder().workspace)
    assert dataset.spec_text == changed
    assert "Three columns" in (dataset.folder / "README.md").read_text()


@pytest.mark.parametrize(("old", "new"), [
    ("seed: 3", "seed: 4"), ("rows: 700", "rows: 701"), ("mean: 10", "mean: 11"), ("0.1, set", "0.2, set"),
    ("high: 690", "high: 691"), ("name: even", "name: odd"),
])  # fmt: skip
def test_what_changes_rows_changes_the_version(recorder: Recorder, old: str, new: str) -> None:
    assert old in SPEC
    assert generate(recorder("r1"))["dataset"] != generate(recorder("r2"), SPEC.replace(old, new))["dataset"]


def test_a_damaged_dataset_is_made_again(recorder: Recorder) -> None:
    folder = Path(generate(recorder())["dataset"])
    before = read_bytes(folder)
    (folder / "data" / "bank-00002.parquet").write_bytes(b"short")
    generate(recorder("r2"))
    assert read_bytes(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_stopped_run_keeps_its_blocks_and_goes_on_to_the_same_bytes(recorder: Recorder, tmp_path: Path) -> None:
    whole = read_bytes(Path(generate(recorder(), out=str(tmp_path / "whole"))["dataset"]))
    with pytest.raises(StopRequested):
        generate(recorder("r2", stop_after=3))
    partial = next((tmp_path / "datasets" / "bank").iterdir())
    assert partial.name == ".partial-r2"
    assert len(list((partial / "data").iterdir())) == 3
    context = recorder("r2")
    result = generate(context)
    assert len(context.measured) == 4
    assert "Going on after 3 blocks" in context.lines[0][1]
    assert read_bytes(Path(result["dataset"])) == whole
    assert not partial.exists()


@pytest.mark.parametrize("damage", ["torn log", "torn block", "no block", "stray file", "other spec", "no header"])
def test_whatever_a_crash_left_the_bytes_are_the_same(recorder: Recorder, tmp_path: Path, damage: str) -> None:
    whole = read_bytes(Path(generate(recorder(), out=str(tmp_path / "whole"))["dataset"]))
    spec = SPEC.replace("seed: 3", "seed: 4") if damage == "other spec" else SPEC
    with pytest.raises(StopRequested):
        generate(recorder("r2", stop_after=4), spec)
    partial = tmp_path / "datasets" / "bank" / ".partial-r2"
    log, block = partial / "blocks.jsonl", partial / "data" / "bank-00001.parquet"
    if damage == "torn log":
        log.write_bytes(log.read_bytes()[:-40])
    elif damage == "torn block":
        block.write_bytes(block.read_bytes()[:500])
    elif damage == "no block":
        block.unlink()
    elif damage == "stray file":
        (partial / "data" / ".bank-00004.parquet.abc.tmp").write_bytes(b"half")
    elif damage == "no header":
        log.write_bytes(b"\0\0\n")
    assert read_bytes(Path(generate(recorder("r2"))["dataset"])) == whole


def test_rows_can_be_set_and_a_folder_chosen(recorder: Recorder, tmp_path: Path) -> None:
    result = generate(recorder(), rows=50, out=str(tmp_path / "there"))
    assert result["dataset"] == str(tmp_path / "there")
    assert result["rows"] == {"bank": 50}
    assert open_dataset(str(tmp_path / "there"), recorder().workspace).read("bank").shape == (50, 5)
    assert not (tmp_path / "datasets").exists()


def test_an_out_folder_with_another_dataset_is_replaced_and_other_files_never_are(
    recorder: Recorder, tmp_path: Path
) -> None:
    generate(recorder(), rows=50, out=str(tmp_path / "there"))
    assert generate(recorder("r2"), rows=60, out=str(tmp_path / "there"))["rows"] == {"bank": 60}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("dear")
    with pytest.raises(UsageError, match="holds other files"):
        generate(recorder("r3"), out=str(tmp_path / "mine"))
    with pytest.raises(UsageError, match="is a file"):
        generate(recorder("r4"), out=str(tmp_path / "mine" / "thesis.txt"))
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "there"]


@pytest.mark.parametrize(("spec", "more", "words"), [
    ("name: x\nrows: 1\ncolumns: [{name: a, type: idd}]", {}, "Line 3 of the spec: Unknown column type “idd”"),
    ("", {}, "empty"),
    ("{", {}, "not valid YAML"),
    (SPEC, {"rows": 0}, "no number of rows"),
    (SPEC, {"rows": "many"}, "no number of rows"),
])  # fmt: skip
def test_wrong_arguments_are_usage_errors(
    recorder: Recorder, tmp_path: Path, spec: str, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        generate(recorder(), spec, **more)
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_which_nothing_would_be_left_is_refused_before_the_run(recorder: Recorder, tmp_path: Path) -> None:
    spec = "name: x\nrows: 9\ncolumns: [{name: a, type: id}]\nconstraints: [{type: range, column: a, high: 0}]\n"
    with pytest.raises(UsageError, match="The constraint a <= 0 is kept by none of 72 trial rows"):
        generate(recorder(), spec)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_path_that_cannot_be_written_is_explained(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkbenchError, match="cannot be used"):
        generate(recorder(), out=str(tmp_path / "file" / "below"))


QUOTAS = """name: q
rows: 300
columns:
  - {name: x, type: uniform, low: 0, high: 1}
  - {name: rare, type: expression, expression: "x > 0.99999"}
  - {name: group, type: category, values: [a, b]}
  - {name: lucky, type: bernoulli, p: 0.5}
scenarios: [{name: night, share: 0.1, set: {group: a}}]
balance: [{column: rare, shares: {true: 0.1, false: 0.9}}]
parity: [{outcome: lucky, across: group, max_gap: 0.02}]
"""


def test_what_was_asked_stands_beside_what_came_out_and_misses_are_told(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_BALANCE_ROUNDS", 40)
    context = recorder()
    result = generate(context, QUOTAS)
    table = read_manifest(Path(result["dataset"])).tables["q"]
    assert [cell.asked for cell in table.balance[0].cells] == [30, 270]
    achieved = table.balance[0].cells[0].achieved
    assert achieved < 30
    assert table.rejected == {"balance of rare": 30 - achieved}
    assert table.parity[0].achieved_gap <= 0.02
    assert len(result["missed"]) == 2
    assert f"q: balance of rare: 1 of 2 exact; True: {achieved:,}, 30 asked" in result["missed"]
    told = {message: level for level, message in context.lines}
    assert told[result["missed"][1]] == "warning"
    card = (Path(result["dataset"]) / "README.md").read_text()
    assert "rare" in card
    assert "lucky" in card
