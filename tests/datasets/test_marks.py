"""Every file of a dataset that can say so says that it is synthetic, and the mark goes with it into exports."""

from __future__ import annotations

import io
import struct
import tempfile
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.datasets.conftest import Build, make_tickets, read_spec
from workbench.datasets.finishing import finish_dataset
from workbench.datasets.manifest import hash_file
from workbench.datasets.marks import (
    MADE_BY_MODEL,
    MADE_BY_RULES,
    carry_mark,
    make_mark,
    mark_content,
    read_mark,
)
from workbench.datasets.store import Dataset, open_dataset
from workbench.generation.run import run as generate
from workbench.progress import Quiet
from workbench.providers.sound import encode_wav
from workbench.workspace import Workspace

MARK = make_mark("abcd1234" * 8, learned=True)
MEDIA = """\
name: shots
seed: 5
rows: 4
columns:
  - {name: number, type: id}
  - {name: picture, type: image, prompt: "{{ number }} red circles", width: 32, height: 32}
  - {name: said, type: audio, text: "Number {{ number }}."}
splits: {train: 0.5, test: 0.5}
"""


class Context(Quiet):
    attempt = 1

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)
        self.folder = root / "runs" / "test"
        self.folder.mkdir(parents=True, exist_ok=True)


def make(root: Path, workers: int = 1) -> Dataset:
    arguments = {"spec": MEDIA, "folder": str(root), "workers": workers}
    context = Context(root)
    return open_dataset(generate(arguments, context)["dataset"], context.workspace)


def draw_picture(form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (12, 9, 3)).astype("uint8")
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def read_pixels(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as picture:
        return picture.tobytes()


def test_every_file_of_a_dataset_that_can_hold_the_mark_has_it(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    marks = {path: read_mark(path) for path in sorted(dataset.folder.rglob("*")) if path.is_file()}
    marked = {path.relative_to(dataset.folder).as_posix() for path, mark in marks.items() if mark}
    kinds = (("picture", "png"), ("said", "wav"))
    media = {f"media/shots/{name}/{row:09d}.{end}" for name, end in kinds for row in range(4)}
    splits = {f"splits/{name}/shots-00000.parquet" for name in ("train", "test")}
    exports = {f"exports/tables-parquet/shots-{name}.parquet" for name in ("train", "test")}
    assert marked == {"data/shots-00000.parquet", "provenance/shots-00000.parquet"} | media | splits | exports
    found = [mark for mark in marks.values() if mark]
    assert all(mark == make_mark(dataset.manifest.fingerprint, learned=False) for mark in found)
    assert found[0]["digitalSourceType"] == MADE_BY_RULES


def test_the_digests_of_the_manifest_are_those_of_the_marked_files(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    for record in [*dataset.manifest.files, *dataset.manifest.extras]:
        assert hash_file(dataset.folder / record.path) == record.sha256


def test_the_marked_bytes_do_not_depend_on_workers_or_time(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two", workers=2)
    for record in [*one.manifest.files, *one.manifest.extras]:
        if record.path.startswith(("data/", "media/", "splits/", "exports/")):
            assert (one.folder / record.path).read_bytes() == (two.folder / record.path).read_bytes()


def test_pictures_within_an_export_are_marked_too(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    table = pq.read_table(dataset.folder / "exports/tables-parquet/shots-train.parquet")
    assert b"huggingface" in table.schema.metadata
    row = table.to_pylist()[0]
    with Image.open(io.BytesIO(row["picture"]["bytes"])) as picture:
        assert picture.text["synthetic"] == "true"
    (tmp_path / "said.wav").write_bytes(row["said"]["bytes"])
    assert read_mark(tmp_path / "said.wav")


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_examples_of_a_layout_carry_the_mark_of_their_rows(build: Build, form: str) -> None:
    text = f"""\
name: tickets
rows: 1000
columns:
  - {{name: said, type: template, template: "x"}}
  - {{name: kind, type: category, values: [a, b, c]}}
training: {{task: text, text: "{{{{ said }}}}"}}
exports: [{{format: {form}, layout: text}}]
"""
    rows = make_tickets().select(["said", "kind"])
    own = {key.encode(): value.encode() for key, value in MARK.items()}
    folder, manifest, _ = build(text, rows.replace_schema_metadata(own))
    finish_dataset(folder, manifest, read_spec(text))
    assert read_mark(next((folder / "exports").rglob(f"*.{form}"))) == MARK


def test_a_png_shows_its_mark_to_pillow_and_keeps_its_pixels() -> None:
    plain = draw_picture("PNG")
    marked = mark_content(plain, MARK)
    with Image.open(io.BytesIO(marked)) as picture:
        picture.verify()
    with Image.open(io.BytesIO(marked)) as picture:
        assert {key: picture.text[key] for key in MARK} == MARK
        assert MADE_BY_MODEL.encode() in picture.info["xmp"]
    assert read_pixels(marked) == read_pixels(plain)


def test_a_jpeg_shows_its_mark_and_keeps_its_pixels(tmp_path: Path) -> None:
    plain = draw_picture("JPEG", comment=b"by hand")
    marked = mark_content(plain, MARK)
    (tmp_path / "one.jpg").write_bytes(marked)
    assert read_mark(tmp_path / "one.jpg") == MARK
    assert read_pixels(marked) == read_pixels(plain)
    with Image.open(io.BytesIO(marked)) as picture:
        assert MADE_BY_MODEL.encode() in picture.info["xmp"]
    assert b"by hand" in marked


def test_a_wav_is_read_as_before_and_holds_an_info_list(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).integers(-900, 900, 801).astype("<i2")
    marked = mark_content(encode_wav(samples, 8000), MARK)
    with wave.open(io.BytesIO(marked)) as file:
        assert file.readframes(file.getnframes()) == samples.tobytes()
    assert b"INFOICMT" in marked
    assert b"ISFT" in marked
    assert struct.unpack_from("<I", marked, 4)[0] == len(marked) - 8
    (tmp_path / "one.wav").write_bytes(marked)
    assert read_mark(tmp_path / "one.wav") == MARK


@pytest.mark.parametrize("content", [draw_picture("PNG"), draw_picture("JPEG"), encode_wav(np.zeros(9, "<i2"), 8000)])
def test_marking_again_replaces_the_mark(content: bytes) -> None:
    other = make_mark("0" * 64, learned=False)
    assert mark_content(mark_content(content, other), MARK) == mark_content(content, MARK)


@given(
    st.sampled_from([b"", draw_picture("PNG"), draw_picture("JPEG"), encode_wav(np.zeros(99, "<i2"), 8000)]),
    st.integers(0, 400),
    st.binary(max_size=20),
)
def test_a_damaged_file_is_left_as_it_is_or_marked_but_never_an_error(content: bytes, cut: int, tail: bytes) -> None:
    damaged = content[:cut] + tail
    marked = mark_content(damaged, MARK)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged"
        path.write_bytes(marked)
        assert marked == damaged or read_mark(path) in (MARK, None)


def test_what_has_no_mark_reads_as_none(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    (tmp_path / "text.txt").write_text("synthetic=true")
    (tmp_path / "a.png").write_bytes(draw_picture("PNG"))
    for name in ("a.parquet", "text.txt", "a.png", "missing"):
        assert read_mark(tmp_path / name) is None


def test_carrying_a_mark_keeps_other_metadata() -> None:
    schema = pa.schema([("a", pa.int64())], {"pandas": "x"})
    marked = carry_mark(schema, pa.schema([], {**MARK, "else": "y"}))
    assert marked.metadata == {b"pandas": b"x", **{key.encode(): value.encode() for key, value in MARK.items()}}
    assert carry_mark(schema, schema) is schema
