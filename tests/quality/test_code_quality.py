"""Programs that do not parse, run or pass their tests are found; sound ones are not."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.quality.notes import load_table, make_evidence
from workbench.quality.check import Finding
from workbench.quality.checks.code import check_code
from workbench.quality.text.programs import find_same_programs, find_secrets

COLUMN = """
  - {name: n, type: uniform_int, low: 0, high: 9}
  - {name: code, type: llm_code, prompt: "Write it."%s}
"""
SOUND = [f"def add(a):\n    return a + {row}\n\n\nprint(add(1))\n" for row in range(6)]


def check(programs: list[str | None], options: str = "", more: str = "") -> Finding:
    spec = load_table(COLUMN % options, more)
    frame = pd.DataFrame({"n": range(len(programs)), "code": programs})
    (finding,) = check_code(make_evidence(frame, spec=spec))
    return finding


def test_sound_programs_pass_and_unused_names_only_lower_the_share_that_lints() -> None:
    finding = check([*SOUND, "import os\nprint(1)\n", None])
    assert (finding.verdict, finding.rows) == ("pass", 7)
    assert finding.columns["code"]["lints"] == 6 / 7
    assert finding.columns["code"]["failing"] == 0


@pytest.mark.parametrize(
    ("program", "cause"), [("def add(a:\n", "parses"), ("print(undefined)\n", "runs"), ("1 / 0\n", "runs")]
)
def test_programs_that_do_not_run_are_warned_of_and_fail_at_the_gate(program: str, cause: str) -> None:
    programs = [*SOUND, program]
    finding = check(programs)
    assert (finding.verdict, list(finding.examples)) == ("warn", [6])
    assert f"1 at “{cause}”" in finding.detail
    assert check(programs, more="quality: {max_failing_code: 0.01}").verdict == "fail"
    assert check(programs, more="quality: {max_failing_code: 0.2}").verdict == "pass"


def test_tests_of_the_column_are_run_row_by_row() -> None:
    options = ', checks: [tests], tests: "assert add(1) == 1 + {{ n }}"'
    assert check(SOUND, options).verdict == "pass"
    finding = check([*SOUND[:5], SOUND[0]], options)
    assert (finding.verdict, list(finding.examples)) == ("warn", [5])
    assert "1 at “tests”" in finding.detail


def test_a_library_that_is_not_here_is_no_failure() -> None:
    finding = check(["import some_library_that_is_nowhere\n"] * 3)
    assert finding.verdict == "pass"
    assert finding.columns["code"]["parses"] == 1


def test_secrets_are_found_and_told_without_their_text() -> None:
    finding = check([*SOUND, 'key = "AKIA' + "A7B3" * 4 + '"\nprint(len(key))\n'])
    assert (finding.verdict, list(finding.examples)) == ("warn", [6])
    assert "AKIA" not in finding.detail
    assert find_secrets(['password = "hunter2hunter2"', 'password = "your-password"', "password = read()"]) == [0]


def test_a_table_without_code_is_not_asked_unless_the_gate_is_set() -> None:
    frame = pd.DataFrame({"note": ["a text of several words that nobody runs"] * 40})
    assert check_code(make_evidence(frame)) == []
    (finding,) = check_code(make_evidence(frame, spec=load_table(more="quality: {max_failing_code: 0}")))
    assert (finding.verdict, finding.gated) == ("not assessed", True)


def test_an_unknown_language_is_not_assessed() -> None:
    assert check(SOUND, ", language: klingon").verdict == "not assessed"


def test_programs_are_the_same_whatever_their_names_and_comments() -> None:
    programs = [
        'def f(a):\n    """Adds."""\n    return a + 1\n',
        "def  g(b):  # adds\n    return b+1",
        "def f(a):\n    return a + 2\n",
        "def f(a:",
        "def f(a:  # again",
        "(" * 5_000,
    ]
    assert find_same_programs(programs, "python") == [1, 4]
    assert find_same_programs(["SELECT a FROM b -- one", "select a\nfrom b"], "sql") == [1]
