"""Templates over rows: what a training example says, and which mistakes in them are refused with the column's name."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.datasets.training_rows import find_columns, label_values, render, render_choices
from workbench.errors import UsageError
from workbench.spec.model import TrainingConfig

FRAME = pd.DataFrame({"size": [1.5, 20.0], "kind": ["cat", "cow"], "tame": [True, False]})


def configure(**fields: Any) -> TrainingConfig:
    return TrainingConfig.model_validate({"task": "prompt_completion", "completion": " {{ kind }}", **fields})


def test_a_prompt_and_its_completion_are_rendered_from_the_columns_of_a_row() -> None:
    rows = render(configure(prompt="size {{ '%.0f' % size }} tame {{ tame }}:", label="kind"), FRAME)
    assert [(row.prompt, row.completion, row.label) for row in rows] == [
        ("size 2 tame True:", " cat", "cat"),
        ("size 20 tame False:", " cow", "cow"),
    ]


def test_a_chat_keeps_its_turns_in_order_and_a_text_is_one_piece() -> None:
    turns = [{"role": "user", "content": "How big?"}, {"role": "assistant", "content": "{{ size }}"}]
    chat = render(TrainingConfig.model_validate({"task": "chat", "messages": turns}), FRAME)
    assert chat[0].messages == (("user", "How big?"), ("assistant", "1.5"))
    assert chat[0].answer == "1.5"
    text = render(TrainingConfig(task="text", text="a {{ kind }}"), FRAME)
    assert [row.text for row in text] == ["a cat", "a cow"]


def test_a_missing_column_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as caught:
        render(configure(prompt="{{ sizes }}"), FRAME)
    assert caught.value.cause == "training.prompt names the column “sizes”, which the rows do not have."
    assert caught.value.solution == "Did you mean “size”?"
    with pytest.raises(UsageError, match="“kinds”"):
        render(configure(prompt="{{ size }}", label="kinds"), FRAME)


def test_a_question_that_holds_the_answer_is_refused() -> None:
    with pytest.raises(UsageError, match="the question would hold the answer"):
        render(configure(prompt="{{ size }} {{ kind }}", label="kind"), FRAME)
    with pytest.raises(UsageError, match="does not state the label"):
        render(configure(prompt="{{ size }}", label="tame"), FRAME)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ size", "not a valid template"),
        ("{{ kind.__class__.__mro__ }}", "fails on a row"),
        ("{{ 1 / (size - 1.5) }}", "fails on a row: float division by zero"),
        ("{{ kind.wings }}", "has no attribute 'wings'"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_refused_with_its_place(template: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        render(configure(prompt=template), FRAME)
    assert caught.value.cause.startswith("training.prompt")
    assert reason in caught.value.cause


def test_every_mark_of_a_missing_value_is_none() -> None:
    frame = pd.DataFrame({"size": [float("nan"), pd.NA, pd.NaT, None], "kind": "cat"}, dtype=object)
    rows = render(configure(prompt="{{ 'unknown' if size is none else size }}"), frame)
    assert {row.prompt for row in rows} == {"unknown"}


def test_the_values_of_a_label_are_listed_by_frequency_and_must_be_two_to_sixty_four() -> None:
    training = configure(prompt="?", label="kind")
    assert label_values(training, pd.DataFrame({"kind": ["a", "b", "b", None]})) == ["b", "a"]
    with pytest.raises(UsageError, match="only the value “a”"):
        label_values(training, pd.DataFrame({"kind": ["a", "a"]}))
    with pytest.raises(UsageError, match="100 different values"):
        label_values(training, pd.DataFrame({"kind": range(100)}))
    with pytest.raises(UsageError, match="“kind”"):
        label_values(training, pd.DataFrame({"kin": ["a"]}))


def test_choices_say_each_value_in_the_place_of_the_true_one() -> None:
    training = configure(prompt="{{ size }}", completion=" a {{ 'tame ' if tame else '' }}{{ kind }}", label="kind")
    choices = render_choices(training, FRAME, ["cow", "cat"])
    assert [[row.answer for row in row_choices] for row_choices in choices] == [
        [" a tame cow", " a tame cat"],
        [" a cow", " a cat"],
    ]
    assert {row.prompt for row in choices[0]} == {"1.5"}
    assert find_columns(training) == {"size", "tame", "kind"}


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_text_comes_through_a_template_unchanged(texts: list[str]) -> None:
    frame = pd.DataFrame({"said": texts, "kind": "x"}, dtype=object)
    assert [row.prompt for row in render(configure(prompt="{{ said }}"), frame)] == texts
