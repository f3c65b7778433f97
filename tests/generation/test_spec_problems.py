"""What the words of a spec mean together: every problem names its line and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.errors import UsageError
from workbench.generation.check import check_file, check_text, read_spec_text
from workbench.spec.problems import Problem

BASE = """name: shop
rows: 100
columns:
  - {name: id, type: id}
  - {name: amount, type: uniform, low: 10, high: 20}
  - {name: balance, type: uniform, low: 0, high: 5}
  - {name: kind, type: category, values: [a, b]}
  - {name: at, type: datetime, start: 2026-01-01, end: 2026-02-01}
  - {name: late, type: datetime, start: 2025-01-01, end: 2025-02-01}
"""

# Each case: what follows BASE, the line of the problem, words of its message or hint.
CASES: dict[str, tuple[str, int, str]] = {
    "unknown name in an expression": ("  - {name: x, type: expression, expression: amuont * 2}\n", 10, "“amount”"),
    "unknown name in a template": ("  - name: x\n    type: template\n    template: 'a {{ kin }}'\n", 12, "“kind”"),
    "unknown name in given": ("  - {name: x, type: category, given: knid, values: {a: [1]}}\n", 10, "“kind”"),
    "a column that needs itself": ("  - {name: x, type: expression, expression: x + 1}\n", 10, "“x” needs “x”"),
    "a cycle": (
        "  - {name: x, type: expression, expression: y + 1}\n  - {name: y, type: expression, expression: x}\n",
        10,
        "“x” needs “y”, which needs “x”",
    ),
    "a duplicate name": ("  - {name: amount, type: id}\n", 10, "Two columns have the name “amount”"),
    "kinds that do not go together": ("  - {name: x, type: expression, expression: kind * 2}\n", 10, "needs a number"),
    "a value without an entry": ("  - {name: x, type: category, given: kind, values: {a: [1]}}\n", 10, "“b” of “kind”"),
    "a primary key that is not there": ("primary_key: idd\n", 10, "“id”"),
    "a primary key that is not unique": ("primary_key: kind\n", 10, "not unique"),
    "a constraint on an unknown column": ("constraints:\n  - {type: range, column: amout, low: 1}\n", 11, "“amount”"),
    "a constraint on texts": ("constraints: [{type: range, column: kind, low: 1}]\n", 10, "column of numbers"),
    "an inequality of a number and a moment": (
        "constraints: [{type: inequality, low: at, high: amount}]\n",
        10,
        "needs",
    ),
    "a range outside the sampler": (
        "constraints:\n  - {type: range, column: amount, low: 30}\n",
        11,
        "between 10 and 20",
    ),
    "an inequality outside the samplers": (
        "constraints: [{type: inequality, low: amount, high: balance}]\n",
        10,
        "“amount” is at least 10, and “balance” at most 5",
    ),
    "moments in the wrong order": (
        "constraints: [{type: inequality, low: at, high: late}]\n",
        10,
        "“at” is at least 2026-01-01 00:00:00, and “late” at most 2025-02-01 00:00:00",
    ),
    "two ranges that exclude each other": (
        "constraints:\n  - {type: range, column: amount, high: 12}\n  - {type: range, column: amount, low: 15}\n",
        12,
        "by the constraint amount <= 12",
    ),
    "a range and an inequality that exclude each other": (
        "  - {name: free, type: uniform, low: 0, high: 100}\nconstraints:\n  - {type: range, column: free, high: 3}\n"
        "  - {type: inequality, low: amount, high: free}\n",
        13,
        "at most 3 (by the constraint free <= 3)",
    ),
    "a circle of inequalities": (
        "constraints:\n  - {type: inequality, low: id, high: amount, strict: true}\n"
        "  - {type: inequality, low: amount, high: id}\n",
        11,
        "can never hold",
    ),
    "a scenario on an unknown column": ("scenarios: [{name: s, share: 0.1, set: {amout: 1}}]\n", 10, "“amount”"),
    "a scenario with a wrong constant": ("scenarios: [{name: s, share: 0.1, set: {kind: 3}}]\n", 10, "holds texts"),
    "a scenario with a list": ("scenarios: [{name: s, share: 0.1, set: {kind: [a]}}]\n", 10, "category"),
    "a scenario with an unknown sampler": (
        "scenarios: [{name: s, share: 0.1, set: {amount: {type: unifrom}}}]\n",
        10,
        "“uniform”",
    ),
    "a scenario whose sampler has an unknown key": (
        "scenarios:\n  - name: s\n    share: 0.1\n    set:\n"
        "      amount: {type: uniform, low: 1, high: 2, misssing: 0.1}\n",
        14,
        "“missing”",
    ),
    "a scenario whose sampler has another type": (
        "scenarios: [{name: s, share: 0.1, set: {kind: {type: uniform, low: 1, high: 2}}}]\n",
        10,
        "holds texts, and this makes numbers",
    ),
    "a scenario that breaks a constraint": (
        "constraints: [{type: range, column: amount, low: 15}]\n"
        "scenarios: [{name: s, share: 0.1, set: {amount: 11}}]\n",
        10,
        "in the scenario “s” “amount” lies between 11 and 11",
    ),
    "a scenario that sets the primary key": (
        "primary_key: id\nscenarios: [{name: s, share: 0.1, set: {id: 1}}]\n",
        10,
        "not unique",
    ),
    "shares over 1": (
        "scenarios: [{name: s, share: 0.6, set: {kind: a}}, {name: t, share: 0.6, set: {kind: b}}]\n",
        10,
        "sum to 1.2",
    ),
    "two scenarios of one name": (
        "scenarios: [{name: s, share: 0.1, set: {kind: a}}, {name: s, share: 0.1, set: {kind: b}}]\n",
        10,
        "Two scenarios",
    ),
    "an unknown column in training": ("training: {task: text, text: 'x {{ amuont }}'}\n", 10, "“amount”"),
    "a broken template in training": ("training: {task: text, text: 'x {{ amount '}\n", 10, "cannot be used"),
    "an unknown label": ("training: {task: text, text: 'x {{ kind }}', label: knd}\n", 10, "“kind”"),
    "a table that training does not find": ("training: {task: text, table: shpo, text: '{{ kind }}'}\n", 10, "“shop”"),
    "a source that is not there": ("sources:\n  real: {path: nothing.csv}\n", 11, "no file nothing.csv"),
    "a packaged source that is not there": ("sources:\n  real: {packaged: brest_cancer}\n", 11, "“breast_cancer”"),
    "a gate without real data": ("quality: {min_fidelity: 0.8}\n", 10, "real data"),
    "a faker method that is not there": ("  - {name: x, type: faker, method: compnay}\n", 10, "“company”"),
}


@pytest.mark.parametrize(("addition", "line", "words"), CASES.values(), ids=list(CASES))
def test_a_problem_names_its_line_and_the_way_out(
    problems_of: Callable[[str], list[Problem]], addition: str, line: int, words: str
) -> None:
    problems = problems_of(BASE + addition)
    assert [problem.line for problem in problems] == [line], problems
    assert words in f"{problems[0].message} {problems[0].hint}"
    assert problems[0].column >= 1


def test_one_wrong_column_gives_one_problem_and_not_one_per_dependent(
    problems_of: Callable[[str], list[Problem]],
) -> None:
    text = (
        BASE + "  - {name: x, type: expression, expression: nope}\n  - {name: y, type: expression, expression: x * 2}\n"
    )
    assert len(problems_of(text)) == 1


def test_several_tables_are_checked_each_and_training_must_choose(
    problems_of: Callable[[str], list[Problem]],
) -> None:
    text = """name: two
tables:
  a: {rows: 5, columns: [{name: x, type: id}]}
  b:
    rows: 5
    columns:
      - {name: y, type: expression, expression: x}
training: {task: text, text: "{{ x }}"}
"""
    problems = problems_of(text)
    assert [problem.line for problem in problems] == [7, 8]
    assert problems[0].path == ("tables", "b", "columns", 0, "expression")


def test_a_dropped_column_cannot_be_trained_on(problems_of: Callable[[str], list[Problem]]) -> None:
    text = "name: a\nrows: 1\ncolumns:\n  - {name: x, type: id}\n  - {name: y, type: id, drop: true}\n"
    problems = problems_of(text + 'training: {task: text, text: "{{ y }}"}\n')
    assert [problem.line for problem in problems] == [6]


def test_a_scenario_without_a_row_is_a_warning(problems_of: Callable[[str], list[Problem]]) -> None:
    problems = problems_of(BASE + "scenarios: [{name: s, share: 0.001, set: {kind: a}}]\n")
    assert [problem.level for problem in problems] == ["warning"]


def test_a_sound_spec_has_no_problems(tmp_path: Path, sample_specs: Path) -> None:
    for path in sample_specs.glob("*.yaml"):
        assert check_file(path).problems == []
    assert check_text(BASE, tmp_path).plan is not None


def test_a_file_that_is_not_there_suggests_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "fraud.yaml").write_text(BASE)
    with pytest.raises(UsageError, match=r"fruad.yaml. Did you mean “fraud.yaml”"):
        check_file(tmp_path / "fruad.yaml")


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: Köln".encode("latin-1"))
    (tmp_path / "huge.yaml").write_bytes(b"#" * 10_000_000)
    for path, words in [("latin.yaml", "not UTF-8"), ("huge.yaml", "too large"), (".", "a folder"), ("a\0b", "null")]:
        with pytest.raises(UsageError, match=words):
            read_spec_text(tmp_path / path)
