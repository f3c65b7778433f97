"""How well a model does on held-out rows: the loss of the true answers, and which of the label's values it prefers.

A value is preferred by the summed log-probability of all tokens of the answer that states it, the end token included.
That is the probability with which the model would say exactly this answer, so the answers' probabilities compare as
they stand; the mean per token would favour long answers whose last tokens are certain. Before tuning it favours short
answers, which is then a true statement about the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from workbench.tuning.batches import IGNORED, Collator, pad, takes_sparse_logits
from workbench.tuning.encoding import EncodedRow

_TOKENS_PER_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Score:
    """`loss` in nats per learned token; `accuracy` and `balanced_accuracy` (mean recall) from 0 to 1, or None."""

    loss: float
    accuracy: float | None = None
    balanced_accuracy: float | None = None

    def as_json(self) -> dict[str, float | None]:
        """The form of the run's result."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt, the possible answers, both as token ids, and the place of the true one, None if it is none of them."""

    prompt: list[int]
    answers: list[list[int]]
    truth: int | None


def build_question(choices: Sequence[EncodedRow], truth: int | None) -> Question:
    """The question to which `choices` are the answers. Its prompt is all that they begin with in common.

    Answers that begin alike share those tokens' probability, so leaving it out changes no comparison.
    """
    shortest = min(len(choice.ids) for choice in choices)
    ids = [choice.ids for choice in choices]
    common = next((place for place in range(shortest) if len({row[place] for row in ids}) > 1), shortest)
    start = min(common, shortest - 1)
    return Question(ids[0][:start], [row[start:] for row in ids], truth)


@torch.no_grad()
def measure_loss(
    model: Any, rows: Sequence[EncodedRow], padding: int, check: Callable[[], None] = lambda: None
) -> float:
    """Mean loss in nats over all learned tokens of `rows`. `check` is called between batches and may raise."""
    was_training = model.training
    model.eval()
    collate = Collator(padding, sparse=takes_sparse_logits(_unwrap(model)))
    total, count = 0.0, 0
    for batch_rows in _batch_by_length(rows, lambda row: len(row.ids)):
        check()
        batch = {name: value.to(model.device) for name, value in collate(batch_rows).items()}
        learned = sum(row.learned_tokens for row in batch_rows)
        total += float(model(**batch).loss) * learned
        count += learned
    model.train(was_training)
    return total / count


@torch.no_grad()
def measure_accuracy(
    model: Any, questions: Sequence[Question], padding: int, check: Callable[[], None] = lambda: None
) -> tuple[float, float]:
    """Accuracy and balanced accuracy of the preferred answers. A row whose truth is no possible answer is wrong."""
    was_training = model.training
    model.eval()
    hits: Counter[int | None] = Counter()
    rows: Counter[int | None] = Counter(question.truth for question in questions)
    size = lambda question: len(question.prompt) + sum(map(len, question.answers))  # noqa: E731
    for batch in _batch_by_length(questions, size):
        check()
        for question, scores in zip(batch, score_answers(model, batch, padding), strict=True):
            hits[question.truth] += int(scores.argmax()) == question.truth
    model.train(was_training)
    recalls = [hits[truth] / count for truth, count in rows.items()]
    return sum(hits.values()) / len(questions), sum(recalls) / len(recalls)


@torch.no_grad()
def score_answers(model: Any, questions: Sequence[Question], padding: int) -> list[torch.Tensor]:
    """Summed log-probability of each answer of each question, one float32 tensor per question.

    Each prompt is read once: its keys and values are kept and repeated for its answers, which are then read as one
    short continuation. Prompts are padded on the right, so an answer's positions start where its own prompt ends.
    """
    device = model.device
    prompts = pad([question.prompt for question in questions], padding).to(device)
    lengths = torch.tensor([len(question.prompt) for question in questions], device=device)
    mask = (torch.arange(prompts.shape[1], device=device)[None] < lengths[:, None]).long()
    ends = {"logits_to_keep": lengths[:, None] - 1} if takes_sparse_logits(_unwrap(model)) else {}
    read = model(input_ids=prompts, attention_mask=mask, use_cache=True, **ends)
    at_end = read.logits[:, 0] if ends else read.logits[torch.arange(len(questions)), lengths - 1]
    owner = torch.tensor([place for place, q in enumerate(questions) for _ in q.answers], device=device)
    answers = [answer for question in questions for answer in question.answers]
    first = torch.tensor([answer[0] for answer in answers], device=device)
    scores = at_end.float().log_softmax(-1)[owner, first]
    if max(map(len, answers)) > 1:
        scores = scores + _score_rest(model, read.past_key_values, mask, lengths, owner, answers, padding)
    return list(scores.cpu().split([len(question.answers) for question in questions]))


def _score_rest(
    model: Any,
    cache: Any,
    mask: torch.Tensor,
    lengths: torch.Tensor,
    owner: torch.Tensor,
    answers: list[list[int]],
    padding: int,
) -> torch.Tensor:
    """Log-probability of all but the first token of each answer, given the kept keys and values of the prompts."""
    cache.batch_select_indices(owner)
    inputs = pad([answer[:-1] or [padding] for answer in answers], padding).to(mask.device)
    targets = pad([answer[1:] or [IGNORED] for answer in answers], IGNORED).to(mask.device)
    seen = torch.cat([mask[owner], torch.ones_like(inputs)], dim=1)
    positions = lengths[owner, None] + torch.arange(inputs.shape[1], device=mask.device)[None]
    read = model(input_ids=inputs, attention_mask=seen, position_ids=positions, past_key_values=cache, use_cache=True)
    chances: torch.Tensor = read.logits.float().log_softmax(-1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return chances.masked_fill(targets == IGNORED, 0.0).sum(-1)


def _batch_by_length(items: Sequence[Any], size: Callable[[Any], int]) -> Iterator[list[Any]]:
    """Items of similar length together, longest first, at most about _TOKENS_PER_BATCH padded tokens at a time."""
    batch: list[Any] = []
    for item in sorted(items, key=size, reverse=True):
        if batch and (len(batch) + 1) * size(batch[0]) > _TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _unwrap(model: Any) -> Any:
    """The model below PEFT's wrapper, whose own forward hides which arguments are known."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
