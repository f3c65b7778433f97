"""Datasets on disk: found by name, version or folder, read as they were written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.datasets.card import write_card
from workbench.datasets.manifest import ColumnRecord, FileRecord, Manifest, TableRecord, find_damage, hash_file
from workbench.datasets.store import Dataset, list_datasets, open_dataset
from workbench.errors import UsageError, WorkbenchError
from workbench.workspace import Workspace

Put = Callable[..., Path]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def put(workspace: Workspace) -> Put:
    """put(name, version, created=…, folder=…) writes a dataset of one table in two files."""

    def put_dataset(name: str, version: str, *, created: str = "2026-01-01", folder: Path | None = None) -> Path:
        folder = folder or workspace.datasets / name / version
        (folder / "data").mkdir(parents=True)
        files = []
        for number, numbers in enumerate([[1, None], [3]]):
            path = folder / "data" / f"main-{number:05d}.parquet"
            columns = {
                "n": pa.array(numbers, "int64"),
                "ok": pa.array([True] * len(numbers)),
                "s": ["ä"] * len(numbers),
            }
            pq.write_table(pa.table(columns), path)
            files.append(
                FileRecord(
                    path=f"data/{path.name}",
                    table="main",
                    rows=len(numbers),
                    bytes=path.stat().st_size,
                    sha256=hash_file(path),
                )
            )
        columns = [
            ColumnRecord(name=each, type=kind, recipe={"type": "id", "pattern": "a|b"})
            for each, kind in [("n", "int64"), ("ok", "bool"), ("s", "string")]
        ]
        manifest = Manifest(
            name=name, version=version, fingerprint=version * 8, seed=1, spec="name: x", spec_folder="/specs",
            tables={"main": TableRecord(rows=3, asked=3, columns=columns)}, files=files, rejected={}, versions={},
            created=created, seconds=0.0,
        )  # fmt: skip
        (folder / "manifest.json").write_text(manifest.as_text())
        return folder

    return put_dataset


def test_a_name_means_its_newest_version(put: Put, workspace: Workspace) -> None:
    put("fraud", "aaaa1111", created="2026-01-02")
    put("fraud", "bbbb2222", created="2026-01-01")
    assert open_dataset("fraud", workspace).reference == "fraud@aaaa1111"
    assert open_dataset("fraud@bbbb2222", workspace).reference == "fraud@bbbb2222"
    assert open_dataset("fraud@bb", workspace).reference == "fraud@bbbb2222"


def test_a_folder_means_the_dataset_in_it(put: Put, workspace: Workspace, tmp_path: Path) -> None:
    folder = put("fraud", "aaaa1111", folder=tmp_path / "elsewhere")
    dataset = open_dataset(str(folder), workspace)
    assert dataset.folder == folder
    assert dataset.tables == ["main"]
    assert (dataset.spec_text, str(dataset.spec_folder)) == ("name: x", "/specs")
    assert open_dataset(folder, workspace).reference == "fraud@aaaa1111"


def test_all_datasets_are_listed_newest_first_without_unfinished_ones(put: Put, workspace: Workspace) -> None:
    put("a", "aaaa1111", created="2026-01-01")
    put("b", "bbbb2222", created="2026-01-03")
    put("a", ".partial-r1", created="2026-01-04")
    (put("c", "cccc3333") / "manifest.json").write_text("{")
    assert [dataset.reference for dataset in list_datasets(workspace)] == ["b@bbbb2222", "a@aaaa1111"]
    assert list_datasets(Workspace(workspace.root / "nothing")) == []


@pytest.mark.parametrize(("reference", "words"), [
    ("fruad", "Did you mean “fraud”"),
    ("fraud@cccc", "fraud@aaaa"),
    ("fraud@a", "several versions"),
    ("../fraud", "There is no dataset"),
    ("/etc", "holds no dataset"),
    ("", "holds no dataset"),
    ("a\0b", "There is no dataset"),
    ("~nobody-has-this-name/x", "There is no dataset"),
    ("x" * 5000, "There is no dataset"),
], ids=range(9))  # fmt: skip
def test_what_is_no_dataset_is_a_usage_error(put: Put, workspace: Workspace, reference: str, words: str) -> None:
    put("fraud", "aaaa1111")
    put("fraud", "aaaa2222")
    with pytest.raises(UsageError, match=words):
        open_dataset(reference, workspace)


def test_reading_joins_the_files_and_keeps_types_where_values_are_null(put: Put, workspace: Workspace) -> None:
    put("fraud", "aaaa1111")
    dataset = open_dataset("fraud", workspace)
    frame = dataset.read("main")
    assert frame["n"].dtype == pd.Int64Dtype()
    assert frame["n"].astype(object).where(frame["n"].notna(), None).tolist() == [1, None, 3]
    assert frame["ok"].dtype == np.bool_
    assert frame["s"].tolist() == ["ä"] * 3
    assert list(dataset.read("main", ["s", "n"]).columns) == ["s", "n"]
    assert dataset.schema("main") == {"n": "int64", "ok": "bool", "s": "string"}


def test_unknown_tables_and_columns_are_usage_errors(put: Put, workspace: Workspace) -> None:
    put("fraud", "aaaa1111")
    dataset = open_dataset("fraud", workspace)
    with pytest.raises(UsageError, match="Did you mean “main”"):
        dataset.read("mian")
    with pytest.raises(UsageError, match="has no column “m”"):
        dataset.read("main", ["m"])


@pytest.mark.parametrize("damage", ["short", "gone"])
def test_a_damaged_file_is_named(put: Put, workspace: Workspace, damage: str) -> None:
    path = put("fraud", "aaaa1111") / "data" / "main-00001.parquet"
    if damage == "short":
        path.write_bytes(path.read_bytes()[:50])
    else:
        path.unlink()
    dataset: Dataset = open_dataset("fraud", workspace)
    assert "main-00001" in str(find_damage(dataset.folder, dataset.manifest))
    with pytest.raises(WorkbenchError, match=r"fraud@aaaa1111 is damaged: data/main-00001.parquet"):
        dataset.read("main")


def test_changed_content_of_the_same_size_is_found_by_a_thorough_look(put: Put, workspace: Workspace) -> None:
    path = put("fraud", "aaaa1111") / "data" / "main-00000.parquet"
    path.write_bytes(bytes(reversed(path.read_bytes())))
    dataset = open_dataset("fraud", workspace)
    assert find_damage(dataset.folder, dataset.manifest) is None
    assert "other content" in str(find_damage(dataset.folder, dataset.manifest, thorough=True))


def test_a_damaged_manifest_is_an_error_and_not_a_traceback(put: Put, workspace: Workspace) -> None:
    folder = put("fraud", "aaaa1111")
    for content in ["", "{", "[]", '{"name": 3}', "\0"]:
        (folder / "manifest.json").write_text(content)
        with pytest.raises(WorkbenchError, match="damaged"):
            open_dataset("fraud", workspace)


def test_a_card_counts_rows_and_escapes_the_spec(put: Put, workspace: Workspace) -> None:
    put("fraud", "aaaa1111")
    manifest = open_dataset("fraud", workspace).manifest
    card = write_card(manifest.model_copy(update={"description": "---\n<script>\x1b[31m"}))
    assert "- n<1K" in card
    assert "a\\|b" in card
    assert "<script>" not in card
    assert "\x1b" not in card
    assert card.count("\n---\n") == 1
