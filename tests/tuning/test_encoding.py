"""Which tokens are learned: the answers with the token that ends them, and nothing else."""

from copy import deepcopy
from typing import Any

import pytest

from workbench.datasets.training_rows import TrainingRow
from workbench.errors import UsageError
from workbench.tuning.encoding import EncodedRow, encode_rows

TALK = (
    ("system", "Be short."),
    ("user", "2 + 2?"),
    ("assistant", "4"),
    ("user", "And 5?"),
    ("assistant", "9, I think"),
)
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def decode_learned(tokenizer: Any, row: EncodedRow) -> list[str]:
    """The learned stretches of a row as text."""
    stretches: list[list[int]] = []
    for place, (token, on) in enumerate(zip(row.ids, row.learned, strict=True)):
        if on and place and row.learned[place - 1]:
            stretches[-1].append(token)
        elif on:
            stretches.append([token])
    return [tokenizer.decode(stretch) for stretch in stretches]


def test_of_a_prompt_and_completion_the_completion_and_its_end_are_learned(tokenizer: Any) -> None:
    encoded = encode_rows(tokenizer, [TrainingRow(prompt="size 12:", completion=" big")], 64)
    assert decode_learned(tokenizer, encoded.rows[0]) == [" big<|end|>"]
    assert tokenizer.decode(encoded.rows[0].ids) == "<|start|>size 12: big<|end|>"


def test_of_a_chat_every_answer_and_its_end_are_learned(tokenizer: Any) -> None:
    encoded = encode_rows(tokenizer, [TrainingRow(messages=TALK)], 64)
    assert decode_learned(tokenizer, encoded.rows[0]) == ["4<|end|>", "9, I think<|end|>"]
    assert encoded.rows[0].ids == tokenizer.apply_chat_template(
        [{"role": role, "content": content} for role, content in TALK], return_dict=False
    )


def test_of_a_text_all_is_learned(tokenizer: Any) -> None:
    encoded = encode_rows(tokenizer, [TrainingRow(text="all of it")], 64)
    assert decode_learned(tokenizer, encoded.rows[0]) == ["<|start|>all of it<|end|>"]
    assert encoded.rows[0].learned_tokens == len(encoded.rows[0].ids) - 1


def test_a_template_without_marks_gives_the_answers_too(tokenizer: Any) -> None:
    unmarked = deepcopy(tokenizer)
    unmarked.chat_template = CHATML
    encoded = encode_rows(unmarked, [TrainingRow(messages=TALK)], 256)
    assert decode_learned(tokenizer, encoded.rows[0]) == ["4<|im_end|>\n", "9, I think<|im_end|>\n"]


def test_a_model_without_a_chat_template_is_refused_for_chats(tokenizer: Any) -> None:
    bare = deepcopy(tokenizer)
    bare.chat_template = None
    with pytest.raises(UsageError, match="no chat template"):
        encode_rows(bare, [TrainingRow(messages=TALK)], 64)
    refusing = deepcopy(tokenizer)
    refusing.chat_template = "{{ raise_exception('only two turns') }}{% generation %}{% endgeneration %}"
    with pytest.raises(UsageError, match="only two turns"):
        encode_rows(refusing, [TrainingRow(messages=TALK)], 64)


def test_what_is_too_long_loses_its_end_and_is_counted(tokenizer: Any) -> None:
    rows = [
        TrainingRow(prompt="short", completion=" yes"),
        TrainingRow(prompt="a", completion=" 1 2 3 4 5 6 7 8 9"),
        TrainingRow(prompt="1 2 3 4 5 6 7 8 9 0 1", completion=" never seen"),
    ]
    encoded = encode_rows(tokenizer, rows, 10)
    assert encoded.kept == [0, 1]
    assert (encoded.truncated, encoded.without_answer) == (1, 1)
    assert [len(row.ids) for row in encoded.rows] == [len(encoded.rows[0].ids), 10]
