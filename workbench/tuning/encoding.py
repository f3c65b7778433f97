"""Training rows into token ids, each marked as to be learned or not: the answer and the token that ends it are.

The question is read, never learned. What does not fit is cut off at its end and counted; a row that has no token left
to learn from is left out and counted, since it would add nothing and look like progress.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.datasets.training_rows import TrainingRow
from workbench.errors import UsageError
from workbench.files import clean_text


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """`learned[i]` says whether token `ids[i]` is predicted and counted in the loss. Both have the same length."""

    ids: list[int]
    learned: list[bool]

    @property
    def learned_tokens(self) -> int:
        """How many tokens count in the loss. The first of a row is predicted from nothing and never does."""
        return sum(self.learned[1:])


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """`rows` to train on; `kept[i]` is the place of `rows[i]` among those given. `truncated` of them lost their end."""

    rows: list[EncodedRow]
    kept: list[int]
    truncated: int
    without_answer: int


def encode_rows(tokenizer: Any, rows: Sequence[TrainingRow], max_length: int) -> EncodedRows:
    """Encode `rows` with a transformers tokenizer, at most `max_length` tokens each.

    Raises `UsageError` where the rows are chats and the tokenizer has no chat template, or one that cannot be used.
    """
    whole = _encode(tokenizer, rows)
    cut = [EncodedRow(row.ids[:max_length], row.learned[:max_length]) for row in whole]
    kept = [place for place, row in enumerate(cut) if row.learned_tokens]
    truncated = sum(len(whole[place].ids) > max_length for place in kept)
    return EncodedRows([cut[place] for place in kept], kept, truncated, len(rows) - len(kept))


def _encode(tokenizer: Any, rows: Sequence[TrainingRow]) -> list[EncodedRow]:
    if not rows:
        return []
    if rows[0].messages is not None:
        return _encode_chats(tokenizer, rows)
    if rows[0].text is not None:
        texts = tokenizer([row.text for row in rows])["input_ids"]
        return [_end(tokenizer, list(ids), [True] * len(ids)) for ids in texts]
    # In two parts, so that the line between question and answer is a line between tokens too, whatever the answer.
    prompts = tokenizer([row.prompt for row in rows])["input_ids"]
    answers = tokenizer([row.completion for row in rows], add_special_tokens=False)["input_ids"]
    return [
        _end(tokenizer, [*prompt, *answer], [False] * len(prompt) + [True] * len(answer))
        for prompt, answer in zip(map(_without_end(tokenizer), prompts), answers, strict=True)
    ]


def _without_end(tokenizer: Any) -> Any:
    """Some tokenizers end every text with the end token, which must not stand between question and answer."""
    end = tokenizer.eos_token_id
    return lambda ids: ids[:-1] if end is not None and ids and ids[-1] == end else ids


def _end(tokenizer: Any, ids: list[int], learned: list[bool]) -> EncodedRow:
    end = tokenizer.eos_token_id
    if end is not None and (not ids or ids[-1] != end):
        return EncodedRow([*ids, end], [*learned, True])
    return EncodedRow(ids, learned)


def _encode_chats(tokenizer: Any, rows: Sequence[TrainingRow]) -> list[EncodedRow]:
    if not tokenizer.chat_template:
        raise UsageError(
            "The model has no chat template, and the spec's task is chat.",
            "Choose a model with one, or use the task prompt_completion.",
        )
    chats = [[{"role": role, "content": content} for role, content in row.messages or ()] for row in rows]
    marked = re.search(r"\{%-?\s*generation", str(tokenizer.chat_template)) is not None
    try:
        return _encode_marked(tokenizer, chats) if marked else [_encode_unmarked(tokenizer, chat) for chat in chats]
    except UsageError:
        raise
    except Exception as error:  # a model's template is a program of its own and may raise anything
        raise UsageError(
            f"The model's chat template fails on a row: {clean_text(str(error)) or type(error).__name__}.",
            "Check the roles and their order in training.messages.",
        ) from error


def _encode_marked(tokenizer: Any, chats: list[list[dict[str, str]]]) -> list[EncodedRow]:
    """The template itself marks what the assistant says, with {% generation %}."""
    encoded = tokenizer.apply_chat_template(chats, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
    pairs: Iterable[tuple[list[int], list[int]]] = zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
    return [EncodedRow(list(ids), [bool(mark) for mark in marks]) for ids, marks in pairs]


def _encode_unmarked(tokenizer: Any, chat: list[dict[str, str]]) -> EncodedRow:
    """Each answer is what the template adds to the conversation up to it, once the assistant was asked to speak."""
    text = str(tokenizer.apply_chat_template(chat, tokenize=False))
    spans = []
    for place, message in enumerate(chat):
        if message["role"] == "assistant":
            before = str(tokenizer.apply_chat_template(chat[:place], tokenize=False, add_generation_prompt=True))
            after = str(tokenizer.apply_chat_template(chat[: place + 1], tokenize=False))
            if not (after.startswith(before) and text.startswith(after.rstrip())):
                raise UsageError(
                    "The model's chat template rewrites earlier turns, so its answers cannot be found.",
                    "Use one question and one answer, or the task prompt_completion.",
                )
            spans.append((len(before), len(after)))
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    learned = [any(first < end and last > start for start, end in spans) for first, last in encoded["offset_mapping"]]
    return EncodedRow(list(encoded["input_ids"]), learned)
