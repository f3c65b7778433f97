"""What is made from finished rows is read back by the libraries it is made for."""

from __future__ import annotations

from pathlib import Path

import mlcroissant
import pandas as pd
import pyarrow as pa
import pytest

from tests.datasets.conftest import CARDS, TICKETS, Build, make_cards, make_tickets, read_spec
from workbench.datasets.finishing import find_problems, finish_dataset
from workbench.datasets.manifest import find_damaged_extra, read_manifest

SPLITS = "splits: {train: 0.8, validation: 0.1, test: 0.1}\n"
PAIR = 'training: {task: prompt_completion, prompt: "{{ said }}", completion: "{{ kind }}"}\n'


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    return lambda *args, **options: datasets.load_dataset(*args, cache_dir=str(tmp_path / "cache"), **options)


def test_the_real_library_loads_tables_and_splits_by_the_card(build: Build, load: object) -> None:
    folder, manifest, spec = build(CARDS + SPLITS, make_cards())
    finish_dataset(folder, manifest, spec)
    assert load(str(folder)).num_rows == {"train": 240, "validation": 30, "test": 30}  # type: ignore[operator]
    payments = load(str(folder), "payments", split="test")  # type: ignore[operator]
    assert set(payments.column_names) == {"payment", "fraud", "card"}


def test_croissant_validates_and_its_records_are_the_rows(build: Build) -> None:
    tables = make_cards()
    folder, manifest, spec = build(CARDS + SPLITS, tables)
    finish_dataset(folder, manifest, spec)
    described = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not list(described.metadata.issues.errors)
    records = list(described.records("payments"))
    assert len(records) == 2000
    numbers = [record["payments/payment"] for record in records]
    assert sorted(numbers) == tables["payments"]["payment"].to_pylist()


def test_finishing_again_gives_the_same_and_an_earlier_spec_leaves_nothing(build: Build) -> None:
    folder, manifest, spec = build(
        TICKETS + SPLITS + PAIR + "exports: [{format: csv, layout: alpaca}]\n", make_tickets()
    )
    first = finish_dataset(folder, manifest, spec)
    assert finish_dataset(folder, first, spec) == first
    assert find_damaged_extra(folder, first) is None
    plain = finish_dataset(folder, first, read_spec(TICKETS))
    assert [extra.path for extra in plain.extras] == ["croissant.json"]
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "croissant.json", "data", "manifest.json"]


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv", "arrow"])
def test_every_format_is_read_by_datasets_and_pandas(build: Build, load: object, form: str) -> None:
    table = make_tickets(40)
    folder, manifest, spec = build(TICKETS + f"exports: [{{format: {form}}}]\n", table)
    finish_dataset(folder, manifest, spec)
    path = folder / "exports" / f"tables-{form}" / f"tickets.{form}"
    kind = "json" if form == "jsonl" else form
    assert load(kind, data_files=str(path), split="train").num_rows == 40  # type: ignore[operator]
    readers = {
        "parquet": pd.read_parquet, "jsonl": lambda path: pd.read_json(path, lines=True), "csv": pd.read_csv,
        "arrow": pd.read_feather,
    }  # fmt: skip
    frame = readers[form](path)  # type: ignore[operator]
    assert frame["said"].tolist() == table["said"].to_pylist()
    assert frame["size"].isna().sum() == 1


def test_structs_are_json_text_in_csv(build: Build) -> None:
    table = make_tickets(4).append_column(
        "at", pa.array([{"city": "Köln", "n": 1}, None, {"city": None, "n": 2}, None])
    )
    folder, manifest, spec = build(TICKETS + "exports: [{format: csv}]\n", table)
    finish_dataset(folder, manifest, spec)
    frame = pd.read_csv(folder / "exports" / "tables-csv" / "tickets.csv")
    assert frame["at"].fillna("").tolist() == ['{"city": "Köln", "n": 1}', "", '{"city": null, "n": 2}', ""]


@pytest.mark.parametrize(
    ("more", "path", "words"),
    [
        ("exports: [{format: jsonl, layout: messages}]\n", ("exports", 0, "layout"), "needs to know how"),
        (PAIR + "exports: [{format: jsonl, layout: preference}]\n", ("exports", 0, "layout"), "cannot give"),
        ("exports: [{format: csv}, {format: csv}]\n", ("exports", 1), "twice"),
        ("splits: {train: 1.0, stratify_by: kinds}\n", ("splits", "stratify_by"), "no table|No table"),
        ("splits: {train: 1.0, stratify_by: id}\n", ("splits", "stratify_by"), "differs in every row"),
    ],
)
def test_what_a_spec_cannot_give_is_a_problem_at_its_place(more: str, path: tuple[object, ...], words: str) -> None:
    import re

    problems = list(find_problems(read_spec(TICKETS + more)))
    assert [problem.path for problem in problems] == [path]
    assert re.search(words, problems[0].message)


def test_a_manifest_of_an_earlier_version_is_still_read(build: Build) -> None:
    import json

    folder, _, _ = build(TICKETS, make_tickets(4))
    content = json.loads((folder / "manifest.json").read_text())
    for name in ("models", "splits", "extras"):
        del content[name]
    for name in ("foreign_keys", "balance", "parity"):
        del content["tables"]["tickets"][name]
    (folder / "manifest.json").write_text(json.dumps(content))
    manifest = read_manifest(folder)
    assert (manifest.extras, manifest.splits, manifest.tables["tickets"].balance) == ([], {}, [])
