"""The helper process by its protocol: JSON lines on stdin and stdout, and nothing else on stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

COMMAND = [sys.executable, "-m", "workbench.engines.helper"]


def ask(*lines: str) -> list[dict[str, Any]]:
    """Answers to these lines, after which stdin ends."""
    process = subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("".join(line + "\n" for line in lines))
    process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for _ in lines]
    process.stdin.close()
    assert process.wait(timeout=20) == 0
    assert process.stdout.read() == ""
    return answers


def test_it_ends_with_its_stdin() -> None:
    assert subprocess.run(COMMAND, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def test_a_line_that_is_no_question_is_answered_with_an_error() -> None:
    for answer in ask("no json", "[]", '{"id": 1}', '"text"'):
        assert answer["id"] is None
        assert answer["error"]["cause"]


def test_an_unknown_operation_names_the_known_ones() -> None:
    (answer,) = ask('{"id": 4, "op": "juggle"}')
    assert answer["id"] == 4
    assert "preview" in answer["error"]["solution"]


def test_a_defect_is_answered_and_printed_to_stderr_alone() -> None:
    (answer,) = ask('{"id": 1, "op": "preview", "arguments": {}}')
    assert "KeyError" in answer["error"]["cause"]
