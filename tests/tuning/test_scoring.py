"""Scores: the shared prompt changes nothing, and the loss is the mean over the learned tokens of all rows."""

from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from workbench.datasets.training_rows import TrainingRow
from workbench.tuning.encoding import encode_rows
from workbench.tuning.methods import find_method, parse_settings
from workbench.tuning.scoring import build_question, measure_accuracy, measure_loss, score_answers

PROMPTS = ["one", "a longer prompt of several tokens 123", "two words"]
ANSWERS = [" yes", " not at all", " 12", ""]


def read_whole(model: Any, ids: list[int], start: int) -> float:
    """Log-probability of `ids[start:]` by one plain forward pass over the whole row."""
    with torch.no_grad():
        chances = model(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)
    return sum(float(chances[place - 1, ids[place]]) for place in range(start, len(ids)))


@pytest.mark.parametrize("method", ["full", "lora"])
def test_answers_to_a_shared_prompt_score_as_if_each_was_read_alone(
    tiny_model: str, tokenizer: Any, method: str
) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    model = find_method(method).apply(model, parse_settings(method, {})).eval()
    questions, wanted = [], []
    for prompt in PROMPTS:
        rows = [TrainingRow(prompt=prompt, completion=answer) for answer in ANSWERS]
        question = build_question(encode_rows(tokenizer, rows, 64).rows, truth=0)
        questions.append(question)
        wanted.append(
            [read_whole(model, question.prompt + answer, len(question.prompt)) for answer in question.answers]
        )
    for scores, alone in zip(score_answers(model, questions, tokenizer.pad_token_id), wanted, strict=True):
        assert scores.tolist() == pytest.approx(alone, abs=1e-4)


def test_what_all_answers_begin_with_belongs_to_the_prompt(tokenizer: Any) -> None:
    rows = [TrainingRow(prompt="wine:", completion=f" class {number}") for number in (1, 2, 21)]
    question = build_question(encode_rows(tokenizer, rows, 64).rows, truth=None)
    assert tokenizer.decode(question.prompt).startswith("<|start|>wine: class")
    assert [tokenizer.decode(answer) for answer in question.answers[:1]] == ["1<|end|>"]


def test_the_loss_is_the_mean_over_all_learned_tokens(tiny_model: str, tokenizer: Any) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    rows = encode_rows(tokenizer, [TrainingRow(prompt=p, completion=a) for p in PROMPTS for a in ANSWERS[:3]], 64).rows
    total = sum(-read_whole(model, row.ids, row.learned.index(True)) for row in rows)
    tokens = sum(row.learned_tokens for row in rows)
    assert measure_loss(model, rows, tokenizer.pad_token_id) == pytest.approx(total / tokens, abs=1e-5)


def test_balanced_accuracy_is_the_mean_recall_and_an_unknown_truth_counts_as_wrong(
    tiny_model: str, tokenizer: Any
) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    rows = [TrainingRow(prompt="same", completion=answer) for answer in (" a", " b")]
    encoded = encode_rows(tokenizer, rows, 64).rows
    preferred = int(score_answers(model, [build_question(encoded, 0)], 0)[0].argmax())
    truths: list[int | None] = [preferred, preferred, preferred, 1 - preferred]
    questions = [build_question(encoded, truth) for truth in truths]
    assert measure_accuracy(model, questions, 0) == (0.75, 0.5)
    assert measure_accuracy(model, [*questions, build_question(encoded, None)], 0) == (0.6, pytest.approx(1 / 3))
