"""Reading a user's file: what is in it arrives as it is, and what cannot be read is named with its line."""

import contextlib
import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.datasets.reading import read_table
from workbench.errors import UsageError


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_csv_jsonl_and_parquet_give_the_same_table(tmp_path: Path) -> None:
    table = pd.DataFrame({"n": [1, 2], "x": [0.5, None], "s": ["Köln, Ost", None], "b": [True, False]})
    csv = write(tmp_path, "a.csv", 'n,x,s,b\n1,0.5,"Köln, Ost",true\n2,,,false\n')
    lines = '{"n":1,"x":0.5,"s":"Köln, Ost","b":true}\n\n{"n":2,"x":null,"b":false}\n'
    jsonl = write(tmp_path, "a.jsonl", lines)
    table.to_parquet(tmp_path / "a.parquet")
    for path in (csv, jsonl, tmp_path / "a.parquet"):
        pd.testing.assert_frame_equal(read_table(path)[list(table.columns)], table, check_dtype=False)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_separator_is_told_from_the_header(tmp_path: Path, delimiter: str) -> None:
    path = write(tmp_path, "a.csv", f"a{delimiter}b\n1{delimiter}2\n")
    assert read_table(path).to_dict("records") == [{"a": 1, "b": 2}]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert list(read_table(write(tmp_path, "a.csv", "\ufeffa,b\n1,2\n")).columns) == ["a", "b"]
    assert list(read_table(write(tmp_path, "a.jsonl", '\ufeff{"a": 1}\n')).columns) == ["a"]


def test_na_is_a_text_among_texts_and_missing_among_numbers(tmp_path: Path) -> None:
    frame = read_table(write(tmp_path, "a.csv", "country,n\nNA,1\nDE,NA\n"))
    assert list(frame["country"]) == ["NA", "DE"]
    assert frame["n"].isna().tolist() == [False, True]


def test_lists_inside_json_are_kept_as_their_text(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "a.jsonl", '{"a": [1, 2]}\n'))["a"][0] == "[1, 2]"


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "a,b\n", "no rows"),
        ("a.csv", "a,b\n1,2\n3\n", "proper csv"),
        ("a.csv", "a,b\n1,2\n3,4,5\n", "proper csv"),
        ("a.csv", "a,a\n1,2\n", "two columns called"),
        ("a.csv", b"a,b\n1,2\nK\xf6ln,3\n", "line 3"),
        ("a.csv", b"\x00\x01\x02\xff\xfe", "UTF-8"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "Line 2"),
        ("a.jsonl", '{"a": 1}\n[1]\n', "Line 2"),
        ("a.jsonl", '{"a": 1}\n{"a": "x"}\n', "mixes int and str"),
        ("a.jsonl", "\n\n", "no rows"),
        ("a.jsonl", "[" * 100_000, "Line 1"),
        ("a.parquet", b"PAR1 not really", "parquet"),
        ("a.xlsx", b"x", "kind"),
        ("a", b"x", "kind"),
    ],
)
def test_broken_files_are_explained(tmp_path: Path, name: str, content: str | bytes, word: str) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        read_table(write(tmp_path, name, content))
    assert "\n" not in caught.value.cause
    assert caught.value.solution


def test_what_is_no_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name, word in {"none.csv": "no file", "folder.csv": "not a file", "pipe.csv": "not a file"}.items():
        with pytest.raises(UsageError, match=word):
            read_table(tmp_path / name)
    with pytest.raises(UsageError, match="cannot be read"):
        read_table(Path("null\x00character.csv"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_explained(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "a\n1\n")
    path.chmod(0)
    with pytest.raises(UsageError, match="cannot be read"):
        read_table(path)


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200), ending=st.sampled_from([".csv", ".jsonl", ".parquet", ".tsv"]))
def test_any_bytes_give_a_table_or_an_explanation(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str
) -> None:
    path = tmp_path_factory.mktemp("any") / f"a{ending}"
    path.write_bytes(content)
    with contextlib.suppress(UsageError):
        assert len(read_table(path)) > 0
