"""Following logs that grow, rotate, break off and attack the terminal; and keeping secrets out of them."""

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.runs.logs import BATCH_LINES, FIRST_BYTES, LONGEST_LINE, LogTail
from workbench.secrets import Redactor


def test_new_lines_are_read_once_and_a_torn_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    tail = LogTail(path)
    assert tail.read_new() == []
    path.write_bytes("one\ntwö\nthr".encode())
    assert tail.read_new() == ["one", "twö"]
    assert tail.read_new() == []
    with path.open("ab") as file:
        file.write(b"ee\nfo")
    assert tail.read_new() == ["three"]
    assert tail.read_rest() == ["fo"]
    assert tail.read_rest() == []


def test_a_large_log_is_read_from_its_last_part_in_bounded_batches(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    line = b"x" * 99 + b"\n"
    path.write_bytes(b"first\n" + line * (FIRST_BYTES // 100) + b"last\n")
    tail = LogTail(path)
    batches = []
    while batch := tail.read_new():
        batches.append(batch)
    assert max(map(len, batches)) == BATCH_LINES
    lines = [line for batch in batches for line in batch]
    assert "first" not in lines
    assert lines[-1] == "last"
    assert len(lines) == FIRST_BYTES // 100


def test_a_log_that_was_rotated_or_truncated_is_read_on_from_its_new_beginning(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("one\n")
    tail = LogTail(path)
    assert tail.read_new() == ["one"]
    with path.open("a") as file:
        file.write("two\nend of the old")
    path.rename(tmp_path / "log.1.txt")
    path.write_text("three\n")
    assert tail.read_new() == ["two", "end of the old", "three"]
    path.write_text("4\n")
    assert tail.read_new() == ["4"]
    path.unlink()
    assert tail.read_new() == []


def test_hostile_text_is_harmless_when_shown(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(
        b"\x1b[31mred\x1b[0m\x1b]0;title\x07\n"
        b"10%\r50%\r100%\r\n"
        b"\xff\xfe\x00null\x08\n"
        + "right\u202eleft\u200b\n".encode()
        + b"a\tb\n"
        + b"y" * (LONGEST_LINE * 3)
        + b"\n"
        + b"z" * 3_000_000
        + b"\nend\n"
    )
    tail = LogTail(path)
    lines = []
    while batch := tail.read_new():
        lines += batch
    assert lines[0] == "red"
    assert lines[1] == "100%"
    assert lines[2].endswith("null")
    assert lines[3] == "rightleft"
    assert lines[4] == "a   b"
    assert len(lines[5]) == len(lines[6]) == LONGEST_LINE
    assert lines[5].endswith("…")
    assert lines[7:] == ["end"]
    assert all(line.isprintable() for line in lines)


@given(pieces=st.lists(st.binary(max_size=40), max_size=12))
def test_however_a_log_is_written_its_lines_come_out_the_same(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.txt"
    path.touch()
    growing = LogTail(path)
    grown = []
    for piece in pieces:
        with path.open("ab") as file:
            file.write(piece)
        grown += growing.read_new()
    grown += growing.read_rest()
    whole = LogTail(path)
    assert grown == whole.read_new() + whole.read_rest()
    growing.close()
    whole.close()


def test_only_values_of_variables_named_as_secrets_are_taken_out() -> None:
    redactor = Redactor(
        {
            "HF_TOKEN": "hf_abcdef",
            "OPENAI_API_KEY": "sk-123456",
            "AWS_SECRET_ACCESS_KEY": "aws/secret+key",
            "GCP_CREDENTIALS": "-----BEGIN KEY-----\nMIIabcdefg\n-----END KEY-----",
            "SHORT_TOKEN": "yes",
            "HOME": "/home/user",
            "TOKENIZERS_PARALLELISM": "parallel",
        }
    )
    assert (
        redactor.redact("hf_abcdef sk-123456 aws/secret+key") == "[HF_TOKEN] [OPENAI_API_KEY] [AWS_SECRET_ACCESS_KEY]"
    )
    assert redactor.redact("MIIabcdefg") == "[GCP_CREDENTIALS]"
    assert redactor.redact("yes /home/user parallel") == "yes /home/user parallel"
    assert Redactor({}).redact("text") == "text"


@given(secret=st.text(string.ascii_letters, min_size=6, max_size=20), text=st.text("ab\u00e4\U0001f600\n", max_size=50))
def test_a_secret_is_gone_wherever_it_stands(secret: str, text: str) -> None:
    redacted = Redactor({"A_TOKEN": secret}).redact(text + secret + text)
    assert secret not in redacted
