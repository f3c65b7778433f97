"""What a value is written as, by the small model and by a pretrained one: every path that may be taken is valid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import UsageError
from workbench.synthesizers.labels import choose_label
from workbench.synthesizers.profile import ColumnProfile, decode_numbers, find_numbers, read_table
from workbench.synthesizers.types.language_model.calibration import choose, choose_evenly, fit_offsets, spread_uniforms
from workbench.synthesizers.types.language_model.layout import lay_out
from workbench.synthesizers.types.language_model.spelling import LevelSpelling, Tokens, make_spellings
from workbench.synthesizers.types.language_model.texts import END, TextForm, choose_form
from workbench.synthesizers.types.language_model.vocabulary import find_leaves, grow_tree, read_leaves


class ByteTokenizer:
    """A tokenizer whose tokens are bytes."""

    bos_token_id = 256

    def __call__(self, text: str | list[str], **_: Any) -> dict[str, Any]:
        if isinstance(text, str):
            return {"input_ids": list(text.encode())}
        return {"input_ids": [list(each.encode()) for each in text]}


class BlindTokenizer(ByteTokenizer):
    """One to which all characters are the same."""

    def __call__(self, text: str | list[str], **_: Any) -> dict[str, Any]:
        return {"input_ids": [7] if isinstance(text, str) else [[7] for _ in text]}


def walk(form: TextForm, generator: np.random.Generator) -> str:
    text = ""
    while True:
        marks = form.follow(text)
        mark = marks[generator.integers(len(marks))]
        if mark == END:
            return text
        text += mark
        assert len(text) < form.longest


numbers = st.floats(-1e12, 1e12, allow_nan=False).filter(lambda number: number == 0 or abs(number) > 1e-9)


@settings(max_examples=60, deadline=None)
@given(numbers, numbers, st.sampled_from([None, 0, 1, 2, 5]), st.integers(0, 2**32))
def test_every_number_that_can_be_written_lies_within_the_bounds(
    first: float, second: float, decimals: int | None, seed: int
) -> None:
    low, high = sorted((first, second))
    if decimals is not None:
        low, high = round(low, decimals), round(high, decimals)
    if low == high:
        return
    profile = ColumnProfile("a", "double", "number", low=low, high=high, decimals=decimals)
    form = choose_form(profile)
    generator = np.random.default_rng(seed)
    found = form.read([walk(form, generator) for _ in range(20)])
    # Bounds that are finer than the digits that are written are met by the nearest number that can be.
    slack = (high - low) * 1e-5
    assert ((found >= low - slack) & (found <= high + slack)).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(-(10**8), 10**8), st.integers(1, 10**8), st.integers(0, 2**32))
def test_every_whole_number_can_be_written_and_read_back(low: int, span: int, seed: int) -> None:
    profile = ColumnProfile("a", "int64", "number", low=low, high=low + span)
    form = choose_form(profile)
    generator = np.random.default_rng(seed)
    values = decode_numbers(profile, np.append(generator.uniform(low, low + span, 20), [low, low + span]))
    texts = form.write(values)
    assert form.read(texts).tolist() == values.data.tolist()
    for text in texts:
        for at, mark in enumerate(text + END):
            assert mark in form.follow(text[:at])


moments = st.datetimes(min_value=pd.Timestamp("1700-01-01"), max_value=pd.Timestamp("2261-01-01"))
steps = st.sampled_from([86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1])


@settings(max_examples=60, deadline=None)
@given(moments, moments, steps, st.integers(0, 2**32))
def test_every_moment_that_can_be_written_is_one_of_the_calendar(first: Any, second: Any, step: int, seed: int) -> None:
    ends = sorted(int(pd.Timestamp(moment).value // 1000) // step * step for moment in (first, second))
    profile = ColumnProfile("a", "timestamp", "number", low=ends[0], high=ends[1], step=step)
    form = choose_form(profile)
    generator = np.random.default_rng(seed)
    found = form.read([walk(form, generator) for _ in range(20)])
    assert ((found >= ends[0]) & (found <= ends[1])).all()
    values = decode_numbers(profile, np.append(generator.uniform(*ends, 20), ends))
    assert form.read(form.write(values)).tolist() == find_numbers(values).tolist()


levels = st.lists(st.text(max_size=8), min_size=2, max_size=40, unique=True)


@settings(max_examples=60, deadline=None)
@given(levels, st.booleans())
def test_every_text_is_spelled_and_read_back_whatever_it_holds(texts: list[str], nulls: bool) -> None:
    texts = [text for text in texts if text.encode("utf-8", "ignore").decode() == text]
    frame = pd.DataFrame({"text": [*texts, *texts, *([None] if nulls else [])] * 2, "number": 1})
    table = read_table(frame)
    profile = table.profile.columns["text"]
    if profile.role != "category":
        return
    spelling = LevelSpelling(profile, Tokens(ByteTokenizer()))
    values = table.columns["text"]
    states = []
    for path in spelling.spell(values):
        state = spelling.start
        for at, token in enumerate(path):
            choice = np.flatnonzero(spelling.follow(state) == token)
            assert len(choice) == 1
            after = spelling.advance(state, int(choice[0]))
            assert (after is None) == (at == len(path) - 1)
            state = state if after is None else after
        states.append(state)
    assert spelling.read(states).to_list() == values.to_list()
    assert spelling.find_shares(spelling.start).sum() == pytest.approx(1)


def test_a_vocabulary_without_digits_is_refused() -> None:
    with pytest.raises(UsageError, match="no tokens of its own for digits"):
        Tokens(BlindTokenizer())


def test_levels_that_a_tokenizer_writes_alike_are_told_apart() -> None:
    class SmallLetters(ByteTokenizer):
        def __call__(self, text: str | list[str], **_: Any) -> dict[str, Any]:
            return super().__call__(text.lower() if isinstance(text, str) else [each.lower() for each in text])

    table = read_table(pd.DataFrame({"text": ["a", "A"] * 4}))
    spelling = LevelSpelling(table.profile.columns["text"], Tokens(SmallLetters()))
    assert len({tuple(path) for path in spelling.spell(table.columns["text"])}) == 2


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["wide", "whole", "piled", "nulls", "moments"]))
def test_a_tree_reads_back_what_it_spells(seed: int, shape: str) -> None:
    generator = np.random.default_rng(seed)
    rows = 1500
    wide = generator.lognormal(0, 2, rows)
    column: Any = {
        "wide": wide,
        "whole": generator.integers(0, 100, rows),
        "piled": np.where(generator.random(rows) < 0.8, 0.0, wide),
        "nulls": np.where(generator.random(rows) < 0.3, np.nan, wide.round(1)),
        "moments": pd.Timestamp("2020-01-01") + pd.to_timedelta(generator.integers(0, 900, rows), unit="D"),
    }[shape]
    table = read_table(pd.DataFrame({"a": column}))
    profile, values = table.profile.columns["a"], table.columns["a"]
    tree = grow_tree(profile, values)
    leaves = find_leaves(tree, profile, values)
    digits, allowed = tree.spell(leaves)
    assert (digits < allowed).all()
    nodes = np.zeros(rows, np.int64)
    for level in range(tree.depth):
        nodes = tree.starts[level][nodes] + digits[:, level]
    assert (nodes == leaves).all()
    assert tree.masses.sum() == pytest.approx(1)
    read = read_leaves(tree, profile, leaves, generator.random(rows))
    assert read.count_nulls() == values.count_nulls()
    again = find_leaves(tree, profile, read)
    assert (again == leaves).mean() > 0.9
    if shape == "whole":
        assert (read.data == values.data).all()


def test_fifty_thousand_levels_take_three_digits_of_a_small_alphabet() -> None:
    texts = [f"SKU-{number:05d}" for number in range(50_000)]
    table = read_table(pd.DataFrame({"sku": texts * 2}))
    profile = table.profile.columns["sku"]
    tree = grow_tree(profile, table.columns["sku"])
    assert tree.depth == 3
    assert max(int(counts.max()) for counts in tree.counts) <= 64
    leaves = find_leaves(tree, profile, table.columns["sku"])
    assert read_leaves(tree, profile, leaves, np.zeros(len(leaves))).data.tolist() == texts * 2


def test_a_private_tree_knows_bounds_and_nothing_of_the_values() -> None:
    profile = ColumnProfile("a", "double", "number", low=0.0, high=10.0, decimals=1)
    tree = grow_tree(profile, None)
    assert not tree.counted
    assert tree.knots is not None
    assert (tree.knots.min(), tree.knots.max()) == (0.0, 10.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 12))
def test_offsets_give_each_choice_its_share_on_average(seed: int, choices: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.normal(0, 2, (500, choices))
    shares = generator.dirichlet(np.ones(choices)) + 1e-4
    shares /= shares.sum()
    chances = np.exp(scores + fit_offsets(scores, shares))
    mean = (chances / chances.sum(axis=1, keepdims=True)).mean(axis=0)
    assert mean == pytest.approx(shares, rel=0.01)


def test_choices_fall_as_evenly_as_their_chances_and_each_row_keeps_its_own() -> None:
    generator = np.random.default_rng(0)
    scores = generator.normal(0, 1.5, (400, 8)) - np.linspace(0, 5, 8)
    chances = np.exp(scores)
    chances /= chances.sum(axis=1, keepdims=True)
    drawn = np.zeros_like(chances)
    for _ in range(600):
        chosen = choose_evenly(scores, generator.random(400), generator.random(8))
        drawn[np.arange(400), chosen] += 1
        rare = np.bincount(chosen, minlength=8)[-1]
        assert abs(rare - chances[:, -1].sum()) <= 2
    error = (drawn / 600 - chances) / np.sqrt(chances * (1 - chances) / 600 + 1e-6)
    assert np.abs(error).mean() < 0.9


def test_closed_choices_are_never_taken() -> None:
    generator = np.random.default_rng(1)
    scores = np.where(np.arange(6) < 3, generator.normal(size=(50, 6)), -np.inf)
    uniforms = spread_uniforms(generator, 50, 1)[:, 0]
    assert choose(scores, np.append(uniforms[:-1], 1 - 1e-17)).max() < 3
    assert choose_evenly(scores, uniforms, generator.random(6)).max() < 3


def test_the_label_is_the_category_with_the_rarest_level_and_is_written_first() -> None:
    frame = pd.DataFrame({"a": ["x", "y"] * 50, "b": [True] * 98 + [False] * 2, "c": range(100)})
    table = read_table(frame)
    assert choose_label(table.profile, None) == "b"
    assert lay_out(table, [], None, private=False).natural == ("b", "a", "c")
    assert lay_out(table, ["c"], "a", private=False).natural == ("c", "a", "b")


def test_half_of_the_rows_begin_with_any_columns_and_digits_of_a_column_stay_together() -> None:
    generator = np.random.default_rng(2)
    frame = pd.DataFrame({name: generator.normal(size=400) for name in "abcd"})
    layout = lay_out(read_table(frame), [], None, private=False)
    orders = layout.draw_orders(generator, 1000)
    assert (orders[:, 1::2] - orders[:, ::2] == 1).all()
    natural = (orders == np.arange(8)).all(axis=1).mean()
    assert 0.5 < natural < 0.7
    assert set(orders[:, 0].tolist()) == {0, 2, 4, 6}


def test_numbers_of_few_values_are_spelled_as_levels() -> None:
    frame = pd.DataFrame({"grade": [1, 2, 3, 4, 5] * 40, "size": np.linspace(0, 1, 200)})
    spellings = make_spellings(read_table(frame).profile, Tokens(ByteTokenizer()))
    grade = spellings["grade"]
    assert isinstance(grade, LevelSpelling)
    assert bytes(grade.get_path(0)) == b" 1,"
