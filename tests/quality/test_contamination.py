"""Passages of evaluation texts are found in the rows that hold them, and phrases that all writers use are not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.quality.notes import draw_notes, load_table, make_evidence
from tests.quality.test_diversity import write_texts
from tests.quality.test_duplicates_of_texts import replace_rows
from workbench.quality.check import Finding
from workbench.quality.checks.contamination import check_contamination
from workbench.quality.text.evaluation import WordRuns, find_passages, read_evaluation
from workbench.spec.quality import EvaluationConfig

TRAINING = 'training: {task: prompt_completion, prompt: "write", completion: "{{ note }}"}\n'
QUESTIONS = [
    "If a train leaves Turku at seven and another one leaves Porto at noon, which of the two arrives first in Basel?",
    "A farmer has seventeen sheep, all but nine run away, and then he buys two more: how many does he have now?",
    "Name the largest moon of Saturn, please.",
    "Define the word entropy in one line for a child",
    "Yes.",
]


def check(
    notes: list[str], path: Path | str | None = None, gate: str = "", *real: list[str], training: str = ""
) -> list[Finding]:
    written = f"evaluation: [{{path: {path}}}]" if path else ""
    quality = ", ".join(filter(None, [gate, written]))
    spec = load_table(more=f"{training}quality: {{{quality}}}")
    return check_contamination(make_evidence(pd.DataFrame({"note": notes}), *real, spec=spec))


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """A file of JSON lines, as evaluation sets come."""
    path = tmp_path / "eval.jsonl"
    path.write_text("\n".join(json.dumps({"question": question, "answer": 4}) for question in QUESTIONS))
    return path


def test_a_passage_of_a_test_question_is_found_whatever_its_case(questions: Path) -> None:
    leaked = [
        "I wonder: if a TRAIN leaves Turku at seven and another one leaves Porto at noon, which is faster?",
        "name the largest moon of saturn  please",
        "They define the word Entropy in one line for a book.",
    ]
    notes = replace_rows(draw_notes(300, 1), leaked)
    (finding,) = check(notes, questions)
    assert (finding.verdict, list(finding.examples)) == ("warn", [0, 100, 200])
    assert "3 of its 5 texts" in finding.detail
    (finding,) = check(notes, questions, "max_contamination: 0")
    assert (finding.verdict, finding.gated) == ("fail", True)
    (finding,) = check(notes, questions, "max_contamination: 0.01")
    assert (finding.verdict, finding.value) == ("pass", 0.01)


def test_other_texts_hold_no_passage(questions: Path) -> None:
    (finding,) = check([*draw_notes(300, 1), "Yes.", "Name the largest moon of Jupiter, please."], questions)
    assert (finding.verdict, finding.value) == ("pass", 0)


def test_a_file_that_cannot_be_read_is_not_passed(questions: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", "../outside.csv", tmp_path):
        (finding,) = check(draw_notes(50, 1), path, "max_contamination: 0")
        assert (finding.verdict, finding.gated) == ("not assessed", True)
        assert finding.detail
    (finding,) = check(draw_notes(50, 1), None, "max_contamination: 0")
    assert (finding.verdict, finding.gated) == ("not assessed", True)
    assert check(draw_notes(50, 1)) == []


def test_files_are_read_as_lines_or_by_columns(questions: Path, tmp_path: Path) -> None:
    lines = tmp_path / "eval.txt"
    lines.write_text("\n\n".join(QUESTIONS))
    assert read_evaluation(EvaluationConfig(path="eval.txt", columns=None), tmp_path) == QUESTIONS
    assert read_evaluation(EvaluationConfig(path=str(questions), columns=["question"]), Path()) == QUESTIONS


def test_holdout_texts_in_training_data_are_a_finding_and_common_phrases_are_none() -> None:
    common = "what I want to say is that we have been waiting here for two hours and more: "
    parts = [write_texts(300, seed, words=20) for seed in (1, 2, 3)]
    notes, train, holdout = [
        [common + text if row % 9 == 0 else text for row, text in enumerate(part)] for part in parts
    ]
    (finding,) = check(notes, None, "", train, holdout, training=TRAINING)
    assert (finding.verdict, finding.value) == ("pass", finding.reference)
    (finding,) = check(replace_rows(notes, holdout[1:76]), None, "", train, holdout, training=TRAINING)
    assert finding.verdict == "warn"
    assert check(replace_rows(notes, holdout[1:76]), None, "", train, holdout) == []


def test_what_means_the_same_is_counted_where_an_embedder_is_there(questions: Path) -> None:
    spec = load_table(more=f"quality: {{evaluation: [{{path: {questions}}}]}}")
    evidence = make_evidence(pd.DataFrame({"note": draw_notes(40, 1)}), spec=spec)
    (finding,) = check_contamination(
        replace(evidence, embed=lambda texts: np.ones((len(texts), 4), np.float32) / np.float32(2))
    )
    assert "40 of at most" in finding.detail


def test_runs_of_eight_words_tell_code() -> None:
    code = "def add(a, b): total = a + b; print(total); return total"
    own, items = WordRuns([code + "\nadd(1, 2)", "def f(x): return x"]), WordRuns([code + " # one two three four"])
    assert find_passages(own, items, code=True).texts.tolist() == [0]
    assert find_passages(own, items).texts.tolist() == []
