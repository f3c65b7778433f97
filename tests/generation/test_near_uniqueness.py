"""`near_unique`: texts differ, rows are the same in any blocks and after a stop, and what is left out is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from workbench.columns.streams import Draws
from workbench.datasets.manifest import read_manifest
from workbench.datasets.store import open_dataset
from workbench.errors import StopRequested
from workbench.generation import plan as plan_module
from workbench.generation.blocks import make_block
from workbench.generation.plan import Plan
from workbench.generation.run import run as generate
from workbench.likeness.shingles import cut_shingles, measure_jaccard
from workbench.providers.provider import ProviderType
from workbench.spec.problems import Problem

PlanOf = Callable[[str], Plan]

SPEC = """
name: t
rows: 240
columns:
  - {name: row_id, type: id}
  - {name: memo, type: text_pattern, pattern: '(red|blue|green) (chair|table|lamp) is (late|broken) [a-e]{5}'}
  - {name: shout, type: template, template: "{{ memo | upper }}"}
constraints: [{type: near_unique, column: memo, max_similarity: 0.6, redraws: 3}]
"""
TEXT = "near_unique memo (at most 0.6 alike)"


def make_rows(plan: Plan, size: int) -> tuple[list[tuple[Any, ...]], int]:
    """The rows of the table made in blocks of `size`, and how many were left out by the rule."""
    seen, rows, left_out = plan.tables["t"].start_seen(), list[tuple[Any, ...]](), 0
    for start in range(0, 240, size):
        block = make_block(plan, "t", start, min(start + size, 240), seen=seen)
        rows += zip(*(values.to_list() for values in block.columns.values()), strict=True)
        left_out += block.rejected.get(TEXT, 0)
    return rows, left_out


def test_no_two_texts_are_alike_and_what_is_left_out_is_counted(plan_of: PlanOf) -> None:
    rows, left_out = make_rows(plan_of(SPEC), 240)
    sets = [cut_shingles(memo) for _, memo, _ in rows]
    assert max(measure_jaccard(one, other) for one, other in combinations(sets, 2)) <= 0.6
    assert len(rows) + left_out == 240
    assert 0 < left_out < 240
    assert all(shout == memo.upper() for _, memo, shout in rows)


def test_drawing_again_keeps_more_rows_than_leaving_out(plan_of: PlanOf) -> None:
    kept = [len(make_rows(plan_of(SPEC.replace("redraws: 3", f"redraws: {count}")), 240)[0]) for count in (0, 3)]
    assert kept[0] < kept[1]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_the_rows_are_the_same_in_blocks_of_any_size(plan_of: PlanOf, size: int) -> None:
    assert make_rows(plan_of(SPEC), size) == make_rows(plan_of(SPEC), 240)


def test_each_row_takes_the_first_attempt_that_is_near_no_earlier_row(plan_of: PlanOf) -> None:
    table = plan_of(SPEC).tables["t"]
    free = plan_of(SPEC.split("constraints")[0])
    rows, _ = make_rows(plan_of(SPEC), 240)
    maker = table.columns["memo"].maker
    draws = Draws(table.seed, "t", "memo", make_block(free, "t", 0, 240).rows)
    attempts = [maker.values(replace(draws, attempt=number), {}).to_list() for number in range(4)]
    expected: list[str] = []
    sets: list[set[str]] = []
    for row in range(240):
        for texts in attempts:
            own = cut_shingles(texts[row])
            if all(measure_jaccard(own, other) <= 0.6 for other in sets):
                expected.append(texts[row])
                sets.append(own)
                break
    assert [memo for _, memo, _ in rows] == expected


def test_model_texts_are_compared_by_meaning(plan_of: PlanOf) -> None:
    text = """
name: t
rows: 240
columns: [{name: memo, type: llm_text, prompt: "Write a customer message about a late parcel.", max_chars: 120}]
constraints: [{type: near_unique, column: memo, measure: embedding, max_similarity: 0.8, redraws: 1}]
"""
    plan = plan_of(text)
    rows = [make_rows(plan_of(text), size)[0] for size in (240, 50)]
    assert rows[0] == rows[1]
    assert 1 < len(rows[0]) < 240
    assert plan.tables["t"].uniques[0].text == "near_unique memo by meaning (at most 0.8 alike)"


def test_a_stopped_run_goes_on_to_the_same_rows(
    tmp_path: Path, recorder: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "BLOCK_ROWS", 50)
    arguments = {"spec": SPEC, "folder": str(tmp_path), "rows": None, "workers": 1}
    with pytest.raises(StopRequested):
        generate({**arguments, "out": "a"}, recorder("r1", stop_after=2))
    context = recorder("r1")
    result = generate({**arguments, "out": "a"}, context)
    other = generate({**arguments, "out": "b", "workers": 2}, recorder("r2"))
    frames = [open_dataset(each["dataset"], context.workspace).read("t") for each in (result, other)]
    assert frames[0].equals(frames[1])
    assert result["rejected"] == other["rejected"]
    assert list(result["rejected"]) == [TEXT]
    assert any("drawn again: near_unique memo" in line for _, line in context.lines)
    redrawn = [read_manifest(Path(each["dataset"])).tables["t"].redrawn for each in (result, other)]
    assert redrawn[0] == redrawn[1]
    assert redrawn[0][TEXT] > result["rejected"][TEXT]


WRONG = {
    "numbers": ("{type: near_unique, column: row_id, redraws: 0}", "holds no texts"),
    "derived": ("{type: near_unique, column: shout}", "gives the same text"),
    "tested": (
        '{type: near_unique, column: memo}, {type: expression, expression: "len(memo) > 3"}',
        "another part of the spec rests on “memo”",
    ),
    "twice": ("{type: near_unique, column: memo}, {type: near_unique, column: memo}", "has two of them"),
    "no model": ("{type: near_unique, column: memo, measure: embedding, model: nobody}", "nobody"),
    "no column": ("{type: near_unique, column: note}", "There is no column “note”"),
    "model without need": ("{type: near_unique, column: memo, model: m}", "only “measure: embedding” asks a model"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_rules_that_cannot_work_are_problems(problems_of: Callable[[str], list[Problem]], name: str) -> None:
    rule, told = WRONG[name]
    problems = problems_of(SPEC.split("constraints")[0] + f"constraints: [{rule}]\n")
    assert any(told in problem.message for problem in problems), problems


def test_a_derived_text_may_be_left_out_without_drawing_again(plan_of: PlanOf) -> None:
    text = SPEC.replace("column: memo, max_similarity: 0.6, redraws: 3", "column: shout, redraws: 0")
    rows, _ = make_rows(plan_of(text), 240)
    assert 0 < len(rows) < 240


def test_a_model_that_costs_gives_the_same_rows_and_is_asked_once(
    tmp_path: Path, recorder: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
name: t
rows: 90
columns:
  - {name: memo, type: llm_text, prompt: "Write a customer message about a late parcel.", max_chars: 60}
  - {name: meaning, type: embedding, target: memo, on_failure: drop}
constraints: [{type: near_unique, column: memo, max_similarity: 0.5}]
"""
    arguments = {"spec": text, "folder": str(tmp_path), "rows": None, "workers": 1}
    free = generate({**arguments, "out": "free"}, recorder("r0"))
    monkeypatch.setattr(ProviderType, "free", False, raising=False)
    monkeypatch.setattr(plan_module, "MODEL_BLOCK_ROWS", 20)
    with pytest.raises(StopRequested):
        generate({**arguments, "out": "paid"}, recorder("r1", stop_after=2))
    context = recorder("r1")
    paid = generate({**arguments, "out": "paid"}, context)
    frames = [open_dataset(each["dataset"], context.workspace).read("t") for each in (free, paid)]
    assert frames[0]["memo"].tolist() == frames[1]["memo"].tolist()
    assert free["rejected"] == paid["rejected"]
    assert 1 < len(frames[0]) < 90
    again = generate({**arguments, "out": "again", "fresh": False}, recorder("r2"))
    models = read_manifest(Path(again["dataset"])).models
    assert again["rows"] == paid["rows"]
    assert sum(model.calls for model in models.values()) == 0
