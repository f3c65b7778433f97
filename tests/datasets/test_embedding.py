"""Pictures and sound of a dataset are loaded by `datasets` from wherever it is called, and wherever the folder went."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.datasets.conftest import Build, read_spec
from workbench.cli.main import main
from workbench.datasets.finishing import finish_dataset
from workbench.datasets.manifest import Manifest, find_damaged_extra
from workbench.errors import WorkbenchError
from workbench.providers.sound import encode_wav, measure_wav

SHOTS = """\
name: shots
seed: 5
tables:
  shots:
    rows: 6
    columns:
      - {name: number, type: id}
      - {name: picture, type: image, prompt: "a red circle", width: 20, height: 16}
      - {name: said, type: audio, text: "Hello", voice: low}
  other:
    rows: 4
    columns:
      - {name: number, type: id}
"""
SPLITS = "splits: {train: 0.5, test: 0.5}\n"
RATE = 8_000
ROWS = 6


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """load_dataset, called from a folder that has nothing to do with the dataset."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return lambda *args, **options: datasets.load_dataset(*args, cache_dir=str(tmp_path / "cache"), **options)


def draw(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (20, 16), (40 * number, 0, 0)).save(file, "PNG")
    return file.getvalue()


def write_media(folder: Path, table: str, column: str, suffix: str, contents: dict[int, bytes]) -> list[str | None]:
    """The files of a column, and its values; rows without content are null."""
    place = folder / "media" / table / column
    place.mkdir(parents=True)
    paths: list[str | None] = [None] * ROWS
    for row, content in contents.items():
        paths[row] = f"media/{table}/{column}/{row:09d}.{suffix}"
        (folder / str(paths[row])).write_bytes(content)
    return paths


def build_shots(build: Build, tmp_path: Path, more: str = "") -> tuple[Path, Manifest]:
    folder = tmp_path / "dataset"
    pictures = write_media(folder, "shots", "picture", "png", {row: draw(row) for row in range(ROWS) if row != 2})
    sounds = write_media(
        folder, "shots", "said", "wav", {row: encode_wav(np.full(RATE * (row + 1), 0.5), RATE) for row in (0, 1, 5)}
    )
    tables = {
        "shots": pa.table(
            {
                "number": np.arange(ROWS),
                "picture": pa.array(pictures, pa.string()),
                "said": pa.array(sounds, pa.string()),
            }
        ),
        "other": pa.table({"number": np.arange(4)}),
    }
    folder, manifest, spec = build(SHOTS + more, tables)
    return folder, finish_dataset(folder, manifest, spec)


def check_rows(data: Any, numbers: list[int]) -> None:
    """Rows of `load`ed data hold the pictures and sounds of their numbers."""
    import datasets

    assert data.features["picture"] == datasets.Image()
    assert data.features["said"] == datasets.Audio()
    heard = data.cast_column("said", datasets.Audio(decode=False))
    assert sorted(data["number"]) == numbers
    for row in heard:
        picture, said = row["picture"], row["said"]
        if row["number"] == 2:
            assert picture is None
        else:
            assert (picture.size, picture.getpixel((3, 3))) == ((20, 16), (40 * row["number"], 0, 0))
        if row["number"] in (0, 1, 5):
            assert measure_wav(said["bytes"]).seconds == row["number"] + 1
            assert said["path"] == f"media/shots/said/{row['number']:09d}.wav"
        else:
            assert said is None


def test_a_moved_dataset_gives_pictures_and_sound(build: Build, tmp_path: Path, load: Callable[..., Any]) -> None:
    folder, _ = build_shots(build, tmp_path)
    moved = folder.rename(tmp_path / "moved")
    check_rows(load(str(moved), "shots", split="train"), list(range(ROWS)))
    assert load(str(moved), "other", split="train").num_rows == 4


def test_splits_and_a_lone_file_give_them_too(build: Build, tmp_path: Path, load: Callable[..., Any]) -> None:
    folder, manifest = build_shots(build, tmp_path, SPLITS)
    sides = load(str(folder), "shots")
    assert sides.num_rows == manifest.splits["shots"]
    numbers = [sorted(sides[name]["number"]) for name in ("train", "test")]
    assert sorted(numbers[0] + numbers[1]) == list(range(ROWS))
    for name, own in zip(("train", "test"), numbers, strict=True):
        check_rows(sides[name], own)
    file = shutil.copy(folder / "exports" / "tables-parquet" / "shots-train.parquet", tmp_path / "alone.parquet")
    check_rows(load("parquet", data_files=str(file), split="train"), numbers[0])


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_an_export_asked_for_holds_them(build: Build, tmp_path: Path, load: Callable[..., Any], form: str) -> None:
    folder, _ = build_shots(build, tmp_path, f"exports: [{{format: {form}}}]\n")
    place = folder / "exports" / f"tables-{form}"
    assert sorted(path.name for path in place.iterdir()) == [f"other.{form}", f"shots.{form}"]
    check_rows(load(form, data_files=str(place / f"shots.{form}"), split="train"), list(range(ROWS)))


@pytest.mark.parametrize("target", [["--to", "hf"], ["--format", "parquet"]])
def test_an_exported_folder_needs_no_media_beside_it(
    build: Build, tmp_path: Path, load: Callable[..., Any], target: list[str]
) -> None:
    folder, _ = build_shots(build, tmp_path)
    out = tmp_path / "out"
    assert main(["export", str(folder), "--out", str(out), "--json", *target]) == 0
    shutil.rmtree(folder)
    loaded = (
        load(str(out), "shots", split="train")
        if "hf" in target
        else load("parquet", data_files=str(out / "shots.parquet"), split="train")
    )
    check_rows(loaded, list(range(ROWS)))


def test_rows_of_the_dataset_itself_stay_paths(build: Build, tmp_path: Path) -> None:
    folder, manifest = build_shots(build, tmp_path, SPLITS)
    for path in [*(folder / "data").glob("shots-*.parquet"), *(folder / "splits").rglob("shots-*.parquet")]:
        assert pq.read_schema(path).field("picture").type == pa.string()
    copies = [extra.path for extra in manifest.extras if extra.path.startswith("exports/")]
    assert copies == ["exports/tables-parquet/shots-test.parquet", "exports/tables-parquet/shots-train.parquet"]
    assert find_damaged_extra(folder, manifest) is None


def test_large_media_are_written_in_pieces(
    build: Build, tmp_path: Path, load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.datasets.embedding._BATCH_BYTES", 40_000)
    folder, _ = build_shots(build, tmp_path)
    copy = folder / "exports" / "tables-parquet" / "shots.parquet"
    assert pq.ParquetFile(copy).num_row_groups == 4
    check_rows(load(str(folder), "shots", split="train"), list(range(ROWS)))


def test_a_missing_file_is_named(build: Build, tmp_path: Path) -> None:
    folder, manifest = build_shots(build, tmp_path)
    (folder / "media" / "shots" / "picture" / "000000004.png").unlink()
    with pytest.raises(WorkbenchError, match=r"000000004\.png is missing, which a row of the dataset names"):
        finish_dataset(folder, manifest, read_spec(SHOTS))


@pytest.mark.parametrize(
    "value", ["/etc/hostname", "media/../secret.txt", "secret.txt", "media/link.txt", "media/a\0b"]
)
def test_a_path_that_leaves_the_media_takes_nothing_in(build: Build, tmp_path: Path, value: str) -> None:
    folder = tmp_path / "dataset"
    (folder / "media").mkdir(parents=True)
    (folder / "secret.txt").write_text("secret")
    (folder / "media" / "link.txt").symlink_to(folder / "secret.txt")
    table = pa.table({"number": [1, 2], "picture": [value, None], "said": pa.nulls(2, pa.string())})
    folder, manifest, spec = build(SHOTS, {"shots": table, "other": pa.table({"number": [1]})})
    finish_dataset(folder, manifest, spec)
    rows = pq.read_table(folder / "exports" / "tables-parquet" / "shots.parquet").column("picture").to_pylist()
    assert rows == [{"bytes": None, "path": value}, None]
