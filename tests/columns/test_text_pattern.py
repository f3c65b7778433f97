"""Text patterns: what is read, what is refused, how the texts are spread, and that unique ones are."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from workbench.columns.column_type import Maker, TableContext
from workbench.columns.streams import Draws
from workbench.columns.text_pattern import TextPatternConfig, make
from workbench.columns.text_pattern_language.drawing import LIMIT, count_numbered, draw_texts
from workbench.columns.text_pattern_language.parsing import parse_pattern
from workbench.columns.text_pattern_language.uniqueness import is_unambiguous

PATTERNS = [
    r"[A-Z]{2}-\d{4}",
    r"^(EU|US|)[0-9A-F]{3,5}$",
    r"a?b*c+(de|f(g|h){2})?",
    r".\w\s\D\W\S",
    r"[^a-z0-9]{3}",
    r"[]a\]\-x-]",
    r"(?:x|yy){0,3}\.\\\/\{\}",
    r"(ab|c\d){2,4}",
    r"Zürich-[ä-ü]{2}",
    r"|a",
    r"(){3}a{0}",
]


def draw(pattern: str, rows: int | tuple[int, int], seed: int = 1) -> list[str]:
    start, stop = rows if isinstance(rows, tuple) else (0, rows)
    return draw_texts(parse_pattern(pattern), Draws(seed, "t", "c", np.arange(start, stop)))


def make_unique(pattern: str, rows: int, seed: int = 1, table_rows: int | None = None) -> list[str]:
    config = TextPatternConfig(name="x", type="text_pattern", pattern=pattern, unique=True)
    maker = make(config, TableContext(rows=table_rows or rows))
    assert maker.unique
    texts: list[str] = maker.values(Draws(seed, "t", "c", np.arange(rows)), {}).data.tolist()
    return texts


@pytest.mark.parametrize("pattern", [pattern for pattern in PATTERNS if not pattern.startswith("[]")])
def test_texts_match_their_pattern_as_python_reads_it(pattern: str) -> None:
    assert all(re.fullmatch(pattern, text) for text in draw(pattern, 500))


def test_dots_and_negated_classes_give_visible_ascii_and_s_gives_a_blank() -> None:
    assert set("".join(draw(r"..\D[^b]", 3_000))) <= set(map(chr, range(33, 127)))
    assert set(draw(r".", 3_000)) == set(map(chr, range(33, 127)))
    assert set(draw(r"\s", 20)) == {" "}


def test_a_class_takes_ranges_escapes_and_a_dash_at_its_end() -> None:
    assert set(draw(r"[a-c\d\]-]", 2_000)) == set("abc0123456789]-")


def test_star_and_plus_end_at_eight() -> None:
    assert {len(text) for text in draw("a*", 2_000)} == set(range(9))
    assert {len(text) for text in draw("a+", 2_000)} == set(range(1, 9))


def test_characters_branches_and_lengths_are_uniform() -> None:
    plates = draw(r"[A-Z]\d", 20_000)
    assert stats.chisquare(np.unique([text[0] for text in plates], return_counts=True)[1]).pvalue > 1e-3
    assert stats.chisquare(np.unique([text[1] for text in plates], return_counts=True)[1]).pvalue > 1e-3
    branches = draw("one|two|three|[x-z]", 20_000)
    counts = [sum(text in group for text in branches) for group in (["one"], ["two"], ["three"], ["x", "y", "z"])]
    assert stats.chisquare(counts).pvalue > 1e-3
    lengths = np.bincount([len(text) for text in draw("[ab]{2,6}", 20_000)])[2:]
    assert stats.chisquare(lengths).pvalue > 1e-3


def test_repeated_parts_are_drawn_apart() -> None:
    pairs = draw("[ab]{2}", 20_000)
    assert stats.chisquare(np.unique(pairs, return_counts=True)[1]).pvalue > 1e-3
    assert len(set(pairs)) == 4


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PATTERNS[1:5]), st.integers(0, 400), st.integers(0, 60), st.booleans())
def test_any_range_of_rows_made_alone_is_that_part_of_the_whole(
    pattern: str, start: int, count: int, unique: bool
) -> None:
    node = parse_pattern(pattern)
    size = count_numbered(node)
    rows = np.arange(460)
    numbers = rows * 7919 % size if unique else None
    whole = draw_texts(node, Draws(1, "t", "c", rows), numbers)
    part = slice(start, start + count)
    alone = draw_texts(node, Draws(1, "t", "c", rows[part]), None if numbers is None else numbers[part])
    assert alone == whole[part]


def test_a_column_made_in_parts_equals_the_whole_and_keeps_its_nulls() -> None:
    config = TextPatternConfig(name="x", type="text_pattern", pattern="(a|b)[0-9]{2,5}", unique=True, missing=0.25)
    maker = make(config, TableContext(rows=5_000))
    whole = maker.values(Draws(3, "t", "c", np.arange(5_000)), {})
    part = maker.values(Draws(3, "t", "c", np.arange(1_200, 1_700)), {})
    assert part.to_list() == whole.to_list()[1_200:1_700]
    assert abs(whole.count_nulls() / 5_000 - 0.25) < 0.03
    assert not maker.unique


def test_long_texts_are_made_in_steps_without_a_seam() -> None:
    pattern = "[a-z]{1000}"
    whole = draw(pattern, 4_100)
    assert draw(pattern, (3_990, 4_010)) == whole[3_990:4_010]
    assert {len(text) for text in whole} == {1_000}


@pytest.mark.parametrize("pattern", [
    r"\d{3}", "(a|b|cc)[xy]", "[a-c]{0,4}", "[a-c]{1,3}-[a-c]{1,3}", "x?y", "(ab|ac)\\d", "[a-z]{1}(-\\d)?", "a+-?\\d",
])  # fmt: skip
def test_unique_texts_use_up_the_whole_language(pattern: str) -> None:
    size = parse_pattern(pattern).count
    texts = make_unique(pattern, size)
    assert len(set(texts)) == size
    assert all(re.fullmatch(pattern, text) for text in texts)
    assert texts != make_unique(pattern, size, seed=2)


@pytest.mark.parametrize("pattern", [r"\d{4}", "[a-z]{40}"])
def test_texts_stay_unique_where_a_rule_draws_some_rows_again(pattern: str) -> None:
    config = TextPatternConfig(name="x", type="text_pattern", pattern=pattern, unique=True)
    maker = make(config, TableContext(rows=5_000))
    texts = maker.values(Draws(1, "t", "c", np.arange(5_000)), {}).data
    again = np.arange(0, 5_000, 7)
    texts[again] = maker.values(Draws(1, "t", "c", again, attempt=1), {}).data
    assert len(set(texts.tolist())) == 5_000


def test_more_rows_than_texts_are_refused_with_both_numbers() -> None:
    config = TextPatternConfig(name="x", type="text_pattern", pattern=r"\d{4}", unique=True)
    with pytest.raises(ValueError, match="gives 10,000 different texts, and the table has 10,001 rows"):
        make(config, TableContext(rows=10_001))


@pytest.mark.parametrize("pattern", [
    "[a-z]{20}", "([a-z]{3}-){7}", "[a-z]{1,200}", "(A[a-z]{20}|B\\d{30}|C)x", "[a-z]{40}(x|y)(-[0-9A-F]{50})?",
])  # fmt: skip
def test_a_language_too_large_to_number_is_unique_and_leaves_no_place_at_its_first_value(pattern: str) -> None:
    node = parse_pattern(pattern)
    assert node.count > LIMIT
    assert 2**31 < count_numbered(node) <= LIMIT
    texts = make_unique(pattern, 20_000)
    assert len(set(texts)) == 20_000
    assert all(re.fullmatch(pattern, text) for text in texts)
    letters = [{text[place] for text in texts} for place in range(min(map(len, texts)))]
    assert sum(len(seen) > 1 for seen in letters) >= len(letters) * 2 // 3


@pytest.mark.parametrize("pattern", [
    "(a|a)", "a?a?", "[a-b]|b", r"\d{1,2}\d{1,2}", "(a|ab)(b|bc)", "(a?){3}", "(){0,2}", "(ab?){2}", "(|a?)",
    "[a-z]{1,2}[a-z]?", "(a{1,2}){1,2}", "x*(xy)?",
])  # fmt: skip
def test_patterns_that_may_give_a_text_twice_are_refused_where_unique_is_asked(pattern: str) -> None:
    with pytest.raises(ValidationError, match="cannot be proved to give different texts"):
        TextPatternConfig(name="x", type="text_pattern", pattern=pattern, unique=True)
    assert TextPatternConfig(name="x", type="text_pattern", pattern=pattern).pattern == pattern


_PIECES = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "[bc]", "-", ""]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["?", "{2}", "{0,2}", "{1,2}"])).map(lambda both: f"({both[0]}){both[1]}"),
    ),
    max_leaves=7,
)


@settings(max_examples=300, deadline=None)
@given(_PIECES)
def test_what_is_proved_unambiguous_gives_as_many_texts_as_numbers(pattern: str) -> None:
    node = parse_pattern(pattern)
    if is_unambiguous(node) and node.count <= 3_000:
        numbers = np.arange(node.count)
        texts = draw_texts(node, Draws(1, "t", "c", numbers), numbers)
        assert len(set(texts)) == node.count
        assert all(re.fullmatch(pattern, text) for text in texts)


REFUSED = {
    "a(b": "at character 2 of the pattern: this “(” has no “)”",
    "ab)": "at character 3 of the pattern: the “)” closes no group",
    "[ab": "at character 1 of the pattern: this “[” has no “]”",
    "x[]": "at character 2 of the pattern: no character is left in this class",
    "x[z-a]": "at character 3 of the pattern: the range z-a runs backwards",
    r"[\d-z]": "at character 2 of the pattern: a range needs one character at each end",
    "[ -\U00030000]": "a range may hold at most 30,000 characters",
    "*a": "at character 1 of the pattern: there is nothing before “*” to repeat",
    "a|+": "at character 3 of the pattern: there is nothing before “+” to repeat",
    "a++": "at character 3 of the pattern: a repetition cannot follow another one directly",
    "a+?": "at character 3 of the pattern: a repetition cannot follow",
    "a{2,}": "at character 2 of the pattern: give how often as {3} or {2,5}",
    "a{x}": "at character 2 of the pattern: give how often",
    "a{3": "at character 2 of the pattern: give how often",
    "a{3,2}": "at character 2 of the pattern: {3,2} runs backwards",
    "a{1000000}": "at character 2 of the pattern: nothing can be repeated more than 1,000 times",
    "(a{500}){3}": "at character 1 of the pattern: the texts could have more than 1,000 characters",
    "((){900}){900}": "takes more than 4,000 steps",
    "a{600}b{600}": "at character 1 of the pattern: the texts could have more than 1,000 characters",
    "a^": "at character 2 of the pattern: “^” may only stand at the start",
    "a$b": "at character 2 of the pattern: “$” may only stand at the end",
    r"a\b": "at character 2 of the pattern: “\\b” is not supported, as it stands for a place",
    r"(a)\1": "at character 4 of the pattern: references back to a group are not supported",
    r"\p": "at character 1 of the pattern: this escape is not known",
    "a\\": "at character 2 of the pattern: a “\\” at the end stands for nothing",
    "(?=a)": "at character 1 of the pattern: look-ahead is not supported",
    "(?!a)": "look-ahead is not supported",
    "(?<=a)": "look-behind or a named group is not supported",
    "(?P<n>a)": "a named group is not supported",
    "(?i)a": "a group with flags is not supported",
    "a]": "at character 2 of the pattern: “]” closes nothing",
    "a\tb": "at character 2 of the pattern: a control character cannot stand in a pattern",
    "(" * 21 + ")" * 21: "at character 21 of the pattern: groups are nested deeper than 20",
    "": "at least 1 character",
    "a" * 1001: "at most 1000 characters",
}


@pytest.mark.parametrize(("pattern", "message"), REFUSED.items(), ids=[repr(key[:12]) for key in REFUSED])
def test_what_is_not_understood_is_refused_with_its_place(pattern: str, message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        TextPatternConfig(name="x", type="text_pattern", pattern=pattern)


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from("ab019-^$.|()[]{},?*+\\dwsDWS:=!<P "), max_size=25))
def test_any_text_is_a_pattern_or_refused_in_words(pattern: str) -> None:
    try:
        node = parse_pattern(pattern)
    except ValueError as error:
        message = str(error)
    else:
        message = ""
        assert len(draw_texts(node, Draws(1, "t", "c", np.arange(3)))) == 3
        assert node.lengths[1] <= 1_000
    assert not message or message.startswith("at character ")


def test_the_column_comes_from_a_line_of_a_spec(compile_line: Callable[..., Maker]) -> None:
    maker = compile_line(r"{name: plate, type: text_pattern, pattern: '[A-Z]{2}-\d{4}'}")
    plates = maker.values(Draws(1, "t", "c", np.arange(5)), {}).to_list()
    assert all(re.fullmatch(r"[A-Z]{2}-\d{4}", plate) for plate in plates)
    assert maker.kind == "string"
