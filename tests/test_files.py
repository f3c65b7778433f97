"""Files that are whole or absent, names that stay inside, and text that a terminal shows as text."""

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UsageError, WorkbenchError
from workbench.files import append_json_line, check_name, clean_text, read_json_lines, write_atomic


@given(st.text())
def test_cleaned_text_holds_nothing_that_a_terminal_acts_on(text: str) -> None:
    cleaned = clean_text(text)
    assert not {unicodedata.category(character) for character in cleaned} & {"Cc", "Cf", "Cs"}
    assert clean_text(cleaned) == cleaned


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]52;c;aGVsbG8=\x1b\\x", "x"),
        ("a\u202eb", "ab"),
        ("plain [bold]text[/bold]", "plain [bold]text[/bold]"),
        ("\x1b", ""),
    ],
)
def test_terminal_sequences_are_removed_and_words_stay(hostile: str, shown: str) -> None:
    assert clean_text(hostile) == shown


@given(st.text(min_size=1))
def test_a_name_that_passes_is_one_folder_inside(name: str) -> None:
    try:
        check_name(name, "run")
    except UsageError:
        return
    assert Path(name).name == name
    assert name not in {".", ".."}


def test_writing_replaces_whole_files_and_leaves_no_temporary_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.json"
    write_atomic(target, "one")
    write_atomic(target, "two")
    assert target.read_text("utf-8") == "two"
    assert [path.name for path in target.parent.iterdir()] == ["file.json"]
    write_atomic(tmp_path / "a" / "b" / "file", "")
    assert {folder.stat().st_mode & 0o777 for folder in (target.parent, tmp_path / "a", tmp_path / "a" / "b")} == {
        0o700
    }


def test_a_folder_without_write_permission_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(WorkbenchError, match="No permission to write"):
            write_atomic(tmp_path / "file", "text")
    finally:
        if root:
            os.seteuid(0)
        tmp_path.chmod(0o755)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_and_the_old_content_stays(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomic(target, "old")
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(WorkbenchError, match="No disk space left"):
        append_json_line(full, {"a": 1})
    assert target.read_text("utf-8") == "old"


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    append_json_line(path, {"a": 1})
    with path.open("ab") as file:
        file.write(b'{"a": 2')
    assert list(read_json_lines(path)) == [{"a": 1}]
    assert list(read_json_lines(tmp_path / "none")) == []
