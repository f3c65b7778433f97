"""Rows that are made once for each value of a column: the same but for what the value decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import workbench.generation.run as generation
from workbench.calls.session import Session
from workbench.datasets.manifest import Manifest, read_manifest
from workbench.generation.check import check_text
from workbench.generation.costing import estimate_calls
from workbench.spec.problems import Problem

Recorder = Callable[..., Any]

SPEC = """name: letters
seed: 3
rows: 40
columns:
  - {name: sex, type: category, values: [female, male, other]}
  - {name: age, type: uniform_int, low: 20, high: 60}
  - {name: who, type: template, template: "{{ sex }} of {{ age }}"}
  - {name: note, type: llm_text, prompt: "Assess the loan of a {{ who }}.", max_chars: 80}
  - {name: mark, type: llm_text, prompt: "Greet somebody.", max_chars: 80}
scenarios: [{name: quiet, share: 0.1, set: {note: nothing}}]
constraints: [{type: range, column: age, high: 50}]
"""
ENTRY = "counterfactuals: [{column: note, swap: sex, rows: 20}]\n"


def make(recorder: Recorder, entry: str = ENTRY, spec: str = SPEC) -> tuple[Path, Manifest]:
    folder = Path(generation.run({"spec": spec + entry, "folder": "/", "workers": 1}, recorder())["dataset"])
    return folder, read_manifest(folder)


def read_texts(folder: Path, name: str = "letters-0") -> dict[int, dict[str, str | None]]:
    texts: dict[int, dict[str, str | None]] = defaultdict(dict)
    for row in pq.read_table(folder / "counterfactuals" / f"{name}.parquet").to_pylist():
        texts[row["row"]][row["value"]] = row["text"]
    return texts


def test_a_row_with_its_own_value_has_the_text_of_the_dataset(recorder: Recorder) -> None:
    folder, manifest = make(recorder)
    texts = read_texts(folder)
    rows = pq.read_table(folder / "data" / "letters-00000.parquet").to_pylist()
    quiet = {number for number, row in enumerate(rows[:20]) if row["note"] == "nothing"}
    assert set(texts) == set(range(20)) - quiet
    assert all(set(values) == {"female", "male", "other"} for values in texts.values())
    for number, values in texts.items():
        assert values[rows[number]["sex"]] == rows[number]["note"]
    assert len({tuple(values.values()) for values in texts.values()}) > 10
    (record,) = manifest.counterfactuals
    assert (record.table, record.column, record.swap) == ("letters", "note", "sex")
    assert record.rows == 3 * len(texts)


def test_asking_for_them_makes_no_other_rows_and_they_are_added_to_a_dataset_that_is_there(recorder: Recorder) -> None:
    folder, plain = make(recorder, "")
    assert not (folder / "counterfactuals").exists()
    data = (folder / "data" / "letters-00000.parquet").read_bytes()
    again, with_texts = make(recorder)
    assert again == folder
    assert with_texts.fingerprint == plain.fingerprint
    assert (folder / "data" / "letters-00000.parquet").read_bytes() == data
    before = read_texts(folder)
    (folder / "counterfactuals" / "letters-0.parquet").unlink()
    make(recorder)
    assert read_texts(folder) == before
    make(recorder, ENTRY.replace("rows: 20", "rows: 5"))
    assert read_texts(folder) == {row: texts for row, texts in before.items() if row < 5}
    assert make(recorder, "")[1].counterfactuals == []
    assert not (folder / "counterfactuals").exists()


def test_values_may_be_chosen_and_a_table_may_have_several(recorder: Recorder) -> None:
    entry = """counterfactuals:
  - {column: note, swap: sex, values: [male, female], rows: 3}
  - {column: note, swap: age, values: [21, 49]}
"""
    folder, manifest = make(recorder, entry)
    assert [record.path for record in manifest.counterfactuals] == [
        "counterfactuals/letters-0.parquet",
        "counterfactuals/letters-1.parquet",
    ]
    assert all(set(values) == {"male", "female"} for values in read_texts(folder).values())
    assert all(set(values) == {"21", "49"} for values in read_texts(folder, "letters-1").values())


def test_rows_that_the_table_leaves_out_are_left_out_here_too(recorder: Recorder) -> None:
    spec = SPEC.replace("{type: range, column: age, high: 50}", "{type: range, column: nr, low: 10}")
    spec = spec.replace("columns:\n", "columns:\n  - {name: nr, type: id}\n")
    folder, _ = make(recorder, spec=spec)
    assert min(read_texts(folder)) >= 9  # row 9 has the first number that is high enough


@pytest.mark.parametrize(
    ("entry", "message", "hint"),
    [
        ("{column: nota, swap: sex}", "no column “nota”", "Did you mean “note”?"),
        ("{column: note, swap: height}", "no column “height”", "Known: age"),
        ("{column: age, swap: sex}", "“age” is no text that a model writes", "note"),
        ("{column: mark, swap: sex}", "“mark” does not depend on “sex”", "{{ sex }}"),
        ("{column: note, swap: age}", "not known which values “age” can have", "values:"),
        ("{column: note, swap: sex, values: [male, femal]}", "never has the value “femal”", "“female”"),
        ("{column: note, swap: sex, values: [1, 2]}", "“1” is not of the kind", ""),
        ("{column: note, swap: note}", "cannot be the one that is compared", ""),
    ],
)
def test_what_cannot_be_exchanged_is_a_problem_with_its_place(
    problems_of: Callable[[str], list[Problem]], entry: str, message: str, hint: str
) -> None:
    problems = problems_of(SPEC + f"counterfactuals: [{entry}]\n")
    assert problems
    assert message in problems[0].message
    assert hint in problems[0].hint
    assert problems[0].line == 12
    assert problems[0].level == "error"


def test_their_calls_are_in_the_estimate_without_those_of_the_rows_own_values() -> None:
    spec = """name: paid
rows: 1000
models: {writer: {provider: openai, model: m, base_url: "https://models.invalid/v1", price: {per_call: 1}}}
columns:
  - {name: sex, type: category, values: [female, male]}
  - {name: note, type: llm_text, model: writer, prompt: "Assess a {{ sex }}."}
counterfactuals: [{column: note, swap: sex, rows: 40}]
"""
    session = Session(pending="null")
    checked = check_text(spec, Path(), session)
    assert checked.plan is not None
    rows, compared = estimate_calls(checked.plan, session)
    assert (rows.column, rows.calls) == ("paid.note", 1000)
    assert (compared.column, compared.calls) == ("paid.note (counterfactuals)", 40)
    assert compared.cost_usd == pytest.approx(40)
