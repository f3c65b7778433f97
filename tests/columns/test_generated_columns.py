"""Columns that a model makes: the same for any block of rows, skipped where asked, null where there is nothing."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from workbench.columns.column_type import Maker
from workbench.columns.streams import Draws
from workbench.columns.values import Values, make_text_array

LINES = [
    '{name: a, type: llm_text, prompt: "Write a review of a chair."}',
    '{name: a, type: llm_code, language: sql, prompt: "count per group"}',
    '{name: a, type: image, prompt: "a red star", width: 32, height: 32}',
    '{name: a, type: audio, text: "Hello."}',
]


@pytest.mark.parametrize("line", LINES)
def test_a_block_made_alone_has_the_values_of_the_whole(make: Callable[..., Values], line: str) -> None:
    assert make(line, (13, 21)).to_list() == make(line, 30).to_list()[13:21]


@pytest.mark.parametrize("line", LINES[2:])
def test_files_made_alone_are_those_of_the_whole(compile_line: Callable[..., Maker], line: str) -> None:
    maker = compile_line(line)
    assert maker.files is not None
    whole = maker.files(Draws(1, "table", "column", np.arange(9)), {})
    assert maker.files(Draws(1, "table", "column", np.arange(4, 7)), {}) == whole[4:7]
    assert len(set(whole)) == 9


@pytest.mark.parametrize("line", LINES)
def test_skipped_rows_are_null_and_the_others_keep_their_values(make: Callable[..., Values], line: str) -> None:
    flags = [False, True, False, True]
    skipping = make(line[:-1] + ", skip: {when: flag}}", flag=flags).to_list()
    assert skipping == [None if flag else value for flag, value in zip(flags, make(line, 4).to_list(), strict=True)]


def test_a_skipped_text_gets_the_value_asked_for(make: Callable[..., Values]) -> None:
    line = '{name: a, type: llm_text, prompt: "x", skip: {when: "n < 2", value: none}}'
    assert make(line, n=[1]).to_list() == ["none"]


def test_media_are_named_by_row_and_null_without_a_prompt(make: Callable[..., Values]) -> None:
    values = make('{name: a, type: image, prompt: "{{ word }}"}', word=["star", "", None, "sun"])
    assert values.to_list() == [
        "media/table/column/000000000.png", None, None, "media/table/column/000000003.png",
    ]  # fmt: skip


def test_nulls_have_no_file(compile_line: Callable[..., Maker]) -> None:
    maker = compile_line(
        '{name: a, type: audio, text: "{{ word }}"}', {"word": Maker("string", lambda draws, row: row["word"])}
    )
    assert maker.files is not None
    words = Values(make_text_array(["yes", " ", "no"]))
    files = maker.files(Draws(1, "table", "column", np.arange(3)), {"word": words})
    assert [content is None for content in files] == [False, True, False]


def test_the_file_of_a_row_that_was_drawn_again_is_that_of_its_last_draw(compile_line: Callable[..., Maker]) -> None:
    maker = compile_line('{name: a, type: image, prompt: "a red star", width: 32, height: 32}')
    assert maker.files is not None
    draws = Draws(1, "table", "column", np.arange(4))
    first = maker.files(draws, {})
    maker.values(draws, {})
    maker.values(replace(draws.select(np.array([2])), attempt=1), {})
    again = maker.files(draws, {})
    assert [old == new for old, new in zip(first, again, strict=True)] == [True, True, False, True]


def test_lengths_are_kept_and_code_is_never_cut(make: Callable[..., Values]) -> None:
    texts = make('{name: a, type: llm_text, prompt: "foxes", min_chars: 50, max_chars: 90}', 200).to_list()
    assert all(50 <= len(text) <= 90 for text in texts)
    assert make('{name: a, type: llm_code, prompt: "fibonacci", max_chars: 40}', 5).to_list() == [None] * 5


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{name: a, type: llm_text, prompt: x, model: writer}", "there is no model “writer”"),
        ("{name: a, type: llm_code, prompt: x, language: pyton}", "Did you mean “python”"),
        ("{name: a, type: audio, text: x, voice: lowe}", "Did you mean “low”"),
        ("{name: a, type: llm_text, prompt: x, skip: {when: 1 + 1}}", "must be true or false"),
        ("{name: a, type: llm_text, prompt: x, min_chars: 9, max_chars: 3}", "is above max_chars"),
        ("{name: a, type: image, prompt: x, skip: {when: true, value: y}}", "a skipped row has no file"),
        ('{name: a, type: image, prompt: "{{ x"}', "prompt"),
    ],
)
def test_what_cannot_work_is_refused_before_a_row_is_made(
    compile_line: Callable[..., Maker], line: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        compile_line(line)
