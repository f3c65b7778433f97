"""Input that nobody should have to see a traceback for: each is refused by every command, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from workbench.cli.main import main

SPEC = """name: t
rows: 30
sources: {real: {path: real.csv, holdout: 0}}
columns:
  - {name: age, type: source, source: real}
"""
LINES = "".join(f"{age}\n" for age in range(40))


def write(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


def link_outside(folder: Path) -> None:
    outside = folder.parent / "outside.csv"
    outside.write_text("age\n" + LINES)
    (folder / "real.csv").symlink_to(outside)


# Each case: what to write beside the spec, the spec, and words of the error.
CASES: dict[str, tuple[Callable[[Path], None], str | bytes, str]] = {
    "no source": (lambda folder: None, SPEC, "There is no file real.csv"),
    "an empty source": (write("real.csv", b""), SPEC, "real.csv is empty"),
    "a source without rows": (write("real.csv", b"age\n"), SPEC, "real.csv has no rows"),
    "a source of other columns": (write("real.csv", b"agee\n1\n2\n"), SPEC, "“real” has no column “age”"),
    "a source that is not UTF-8": (write("real.csv", b"age\n1\n\xff\n"), SPEC, "byte 1 of line 3"),
    "a source that is a folder": (lambda folder: (folder / "real.csv").mkdir(), SPEC, "There is no file real.csv"),
    "a source of another kind": (write("real.xml", b"<a/>"), SPEC.replace("real.csv", "real.xml"), "cannot be read"),
    "a source outside": (lambda folder: None, SPEC.replace("real.csv", "../../../etc/passwd"), "leaves the folder"),
    "a link to outside": (link_outside, SPEC, "leaves the folder"),
    "a null character": (lambda folder: None, SPEC.replace("real.csv", '"a\\0b"'), "cannot be used"),
    "a table without columns": (lambda folder: None, "name: t\nrows: 3\ncolumns: []\n", "columns"),
    "no rows": (lambda folder: None, "name: t\nrows: 0\ncolumns: [{name: a, type: id}]\n", "rows"),
    "a name twice": (
        lambda folder: None,
        "name: t\nrows: 3\ncolumns: [{name: a, type: id}, {name: a, type: id}]\n",
        "Two columns have the name “a”",
    ),
    "a spec that is not UTF-8": (lambda folder: None, b"name: \xff\n", "is not UTF-8 text (byte 7)"),
    "a spec of 10 MB": (lambda folder: None, b"# " + b"x" * 10_000_000, "too large for a spec"),
    "a spec of 3 MB": (lambda folder: None, b"# " + b"x" * 3_000_000, "3,000,002 characters"),
    "aliases that multiply": (
        lambda folder: None,
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise("abcdefghi")),
        "grows too large",
    ),
    "an alias of itself": (lambda folder: None, "name: t\ncolumns: &a [*a]\n", "grows too large"),
    "nesting without end": (lambda folder: None, "name: " + "[" * 5_000, "nests too deeply"),
    "more parents than can be added up": (
        lambda folder: None,
        "name: t\ntables:\n  a: {rows: 9000000000, primary_key: i, columns: [{name: i, type: id}]}\n"
        "  b: {foreign_keys: [{column: k, table: a, per_parent: 2}], columns: [{name: i, type: id}]}\n",
        "100,000,000 parents at most",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("prepare", "spec", "words"), CASES.values(), ids=CASES)
def test_bad_input_is_refused_with_exit_code_2_and_leaves_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    prepare: Callable[[Path], None],
    spec: str | bytes,
    words: str,
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    prepare(folder)
    path = folder / "spec.yaml"
    path.write_bytes(spec if isinstance(spec, bytes) else spec.encode())
    workspace = ["--workspace", str(tmp_path / "work")]
    for command in (["check"], ["preview"], ["generate"], ["check", "--json"]):
        assert main([*command, str(path), *workspace]) == 2, command
        told = capsys.readouterr()
        assert words in told.out + told.err, command
        assert "Traceback" not in told.out + told.err
        if "--json" in command and told.out:
            problems = json.loads(told.out).get("problems", [])
            assert all(problem["line"] >= 1 and problem["column"] >= 1 for problem in problems)
    left = [found for found in (tmp_path / "work").rglob("*") if found.is_file()]
    assert left == []


def test_a_source_in_the_workspace_of_the_spec_is_read_and_one_named_in_full_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "real.csv").write_text("age\n" + LINES)
    spec = tmp_path / "specs" / "t.yaml"
    for written in ("../data/real.csv", str(tmp_path / "data" / "real.csv")):
        spec.write_text(SPEC.replace("real.csv", written))
        assert main(["preview", str(spec), "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)["tables"]["t"]
        assert all(0 <= row["age"] < 40 for row in rows)
