"""The record of each row: what was asked of it, and which real rows and answers it was made from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import workbench.generation.plan as plan
from workbench.datasets.manifest import find_damage, read_manifest
from workbench.datasets.packaged import load_packaged
from workbench.datasets.provenance import RowRecord, read_row_record
from workbench.datasets.store import Dataset, open_dataset
from workbench.errors import UsageError, WorkbenchError
from workbench.generation.packing import list_jobs, pack_block
from workbench.generation.preparing import prepare_plan
from workbench.generation.run import run as generate
from workbench.progress import Quiet
from workbench.spec.loading import load_spec
from workbench.synthesizers.registry import spec_types
from workbench.workspace import Workspace

SPEC = """name: credit
seed: 3
sources: {real: {packaged: german_credit}}
rows: 250
primary_key: id
columns:
  - {name: id, type: id}
  - {name: amount, type: normal, mean: 10, stddev: 3}
  - {name: purpose, type: source, source: real}
  - {name: age, type: source, source: real, independent: true}
  - {name: sex, type: category, values: [f, m]}
  - {name: bad, type: bernoulli, p: 0.1}
  - name: note
    type: llm_text
    prompt: "Write of {{ purpose }}, {{ sex }}."
    max_chars: 80
    must_match: "^[A-R]"
    retries: 50
    examples: {source: real, count: 2, prompt: "On {{ purpose }}", answer: "{{ age }}"}
  - name: chat
    type: llm_conversation
    opening: "Hello {{ sex }}"
    turns: 2
    max_chars: 40
    user: {system_prompt: "A customer.", model: other}
    assistant: {system_prompt: "A clerk."}
  - {name: batch, type: llm_rows, prompt: "Invent.", source: real, examples: 2, drop: true, batch: 5,
     fields: {age: {type: integer, minimum: 0, maximum: 90}, word: {enum: [a, b]}}}
  - {name: word, type: field, of: batch, field: word}
models: {other: {provider: offline}}
constraints: [{type: range, column: age, high: 40}, {type: range, column: id, high: 240}]
scenarios:
  - {name: rich, share: 0.1, set: {amount: {type: uniform_int, low: 900, high: 999}, note: nothing}}
balance: [{column: bad, shares: {true: 0.3, false: 0.7}}]
splits: {train: 0.5, test: 0.5}
"""
PLAIN = """name: plain
rows: 20
columns: [{name: n, type: uniform, low: 0, high: 1}]
"""


class Context(Quiet):
    attempt = 1

    def __init__(self, root: Path) -> None:
        self.workspace, self.folder = Workspace(root), root / "runs" / "r1"


def make(root: Path, spec: str = SPEC) -> Dataset:
    result = generate({"spec": spec, "folder": str(root), "workers": 1}, Context(root))
    return open_dataset(result["dataset"], Workspace(root))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "BLOCK_ROWS", 100)
        return make(tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def records(dataset: Dataset) -> list[RowRecord]:
    return [read_row_record(dataset, "credit", row) for row in range(0, 240, 7)]


def test_every_row_names_the_real_rows_that_its_values_are_of(dataset: Dataset, records: list[RowRecord]) -> None:
    real = load_packaged("german_credit")[1]
    assert len(records) == 35
    for record in records:
        taken = {each.column: each for each in record.real_rows if not each.shown}
        assert set(taken) == {"purpose", "age"}
        for column, each in taken.items():  # the second was drawn again until it kept a rule
            assert str(real[column].iloc[each.rows[0]]) == str(record.values[column])
            assert (each.source, each.licence) == ("real", "CC BY 4.0 (UCI Machine Learning Repository)")
        shown = {each.column: each.rows for each in record.real_rows if each.shown}
        assert set(shown) - {"note"} == {"batch"}
        assert all(len(set(rows)) == 2 for rows in shown.values())


def test_every_written_value_names_its_request_and_its_model(records: list[RowRecord]) -> None:
    written = [{each.column: each for each in record.written} for record in records]
    assert all(re.fullmatch("[0-9a-f]{64}", each.prompt) for row in written for each in row.values())
    assert {len({row[name].prompt for row in written if name in row}) for name in ("note", "chat")} != {1}
    notes = [row["note"] for row in written if "note" in row]
    assert {(note.model, note.provider, note.licence) for note in notes} == {("offline", "offline", "Apache-2.0")}
    assert max(note.attempt for note in notes) > 0  # some answers did not match
    assert {row["chat"].model for row in written} == {"offline, other"}


def test_a_scenario_and_a_quota_tell_what_they_asked(records: list[RowRecord]) -> None:
    rich = [record for record in records if record.scenario == "rich"]
    others = [record for record in records if record.scenario is None]
    assert rich
    assert others
    for record in rich:
        assert record.set == {"amount": {"type": "uniform_int", "low": 900, "high": 999}, "note": "nothing"}
        assert 900 <= record.values["amount"] <= 999
        assert record.values["note"] == "nothing"
        assert "note" not in {each.column for each in record.written}
    assert all(not record.set for record in others)
    assert all(record.balance == {"bad": record.values["bad"]} for record in records)


def test_rows_of_one_answer_share_its_prompt_and_its_examples(dataset: Dataset) -> None:
    told = [pq.read_table(dataset.folder / file.path).to_pylist() for file in dataset.manifest.provenance]
    rows = {row["number"]: row for block in told for row in block}
    for head in range(0, 240, 5):
        group = [rows[number] for number in range(head, head + 5)]
        assert len({row["prompt:batch"] for row in group}) == 1
        assert len({tuple(row["example_rows:batch@real"]) for row in group}) == 1
    assert len({row["prompt:batch"] for row in rows.values()}) == 48


def test_numbers_of_the_plan_count_rows_that_were_left_out(tmp_path: Path) -> None:
    spec = """name: odd
rows: 30
columns: [{name: id, type: id}, {name: even, type: expression, expression: "id % 2"}]
constraints: [{type: range, column: even, low: 1}]
"""
    odd = make(tmp_path, spec)
    record = read_row_record(odd, "odd", 4)
    assert (record.values["id"], record.number, record.row) == (9, 8, 4)


def test_tables_of_samplers_alone_have_no_file_and_still_a_record(tmp_path: Path) -> None:
    plain = make(tmp_path, PLAIN)
    assert plain.manifest.provenance == []
    assert not (plain.folder / "provenance").exists()
    record = read_row_record(plain, "plain", 19)
    assert (record.number, record.seed, record.spec_sha256) == (19, 0, plain.manifest.spec_sha256)
    assert record.recipes["n"]["type"] == "uniform"


def test_the_split_of_a_row_is_the_one_that_holds_it(dataset: Dataset) -> None:
    spec = load_spec(dataset.spec_text, spec_types()).spec
    sides = {row: read_row_record(dataset, "credit", row, spec) for row in (0, 5, 100, 239)}
    for record in sides.values():
        held = pq.read_table(dataset.folder / "splits" / str(record.split), columns=["id"], partitioning=None)
        assert record.values["id"] in held.column("id").to_pylist()


def test_records_do_not_depend_on_the_order_or_company_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "BLOCK_ROWS", 50)
    jobs = list_jobs(prepare_plan(SPEC, Path("/"), None)[0].tables["credit"])

    def pack(order: list[Any]) -> dict[int, bytes | None]:
        prepared, fingerprint = prepare_plan(SPEC, Path("/"), None)
        metadata = {"fingerprint": fingerprint}
        return {job.number: pack_block(prepared, job, metadata).provenance for job in order}

    together = pack(jobs)
    assert len(together) == 5
    assert pack(jobs[::-1]) == together
    assert pack(jobs[3:4])[3] == together[3]


def test_a_lost_record_is_damage_and_is_made_again_to_the_same_bytes(tmp_path: Path) -> None:
    spec = PLAIN + "scenarios: [{name: one, share: 0.5, set: {n: 0.25}}]\n"
    made = make(tmp_path, spec)
    (file,) = made.manifest.provenance
    before = (made.folder / file.path).read_bytes()
    (made.folder / file.path).unlink()
    assert find_damage(made.folder, made.manifest) == f"{file.path} is missing or cannot be read"
    with pytest.raises(WorkbenchError, match="is damaged"):
        read_row_record(made, "plain", 0)
    make(tmp_path, spec)
    assert (made.folder / file.path).read_bytes() == before


def test_rows_and_tables_that_do_not_exist_are_refused(dataset: Dataset) -> None:
    for row in (-1, 240, 10**12):
        with pytest.raises(UsageError, match="numbered from 0 to 239"):
            read_row_record(dataset, "credit", row)
    with pytest.raises(UsageError, match="has no table"):
        read_row_record(dataset, "debit", 0)


def test_a_stated_licence_is_kept_and_changes_no_row(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("a,b\n" + "".join(f"{n},{n % 3}\n" for n in range(50)))
    spec = """name: own
sources: {real: {path: real.csv}}
rows: 10
columns: [{name: a, type: source, source: real}]
"""
    first = make(tmp_path, spec)
    assert first.manifest.sources["real"].licence == "not stated"
    stated = make(tmp_path, spec.replace("real.csv}", "real.csv, licence: ours}"))
    assert stated.folder == first.folder
    assert read_manifest(stated.folder).sources["real"].licence == "ours"
    record = read_row_record(stated, "own", 3)
    assert record.real_rows[0].rows == [record.values["a"]]
    assert record.real_rows[0].licence == "ours"
