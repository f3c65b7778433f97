"""Faker's methods compiled: values that Faker can give, as often as Faker gives them, whatever the row range."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.columns.faker_compiler.reading import read_method
from workbench.columns.faker_compiler.row_calls import call_rows, load_generator
from workbench.columns.faker_compiler.rules import LOWER, SLUG_UNICODE, fill_in, numerify, rewrite
from workbench.columns.faker_compiler.trees import Branch, Node, Pick, RowCall, count_row_calls, join, make_texts
from workbench.columns.streams import Draws

LOCALES = ["en_US", "de_DE", "fr_FR", "ja_JP", "es_ES"]
METHODS = ["name", "email", "phone_number", "address"]
ROWS = 4000


def read(locale: str, method: str, **args: Any) -> Node:
    tree = read_method(load_generator(locale), method, args)
    assert tree is not None
    return tree


def make(tree: Node, rows: int = ROWS, start: int = 0) -> list[str]:
    texts: list[str] = make_texts(tree, Draws(7, "table", "column", np.arange(start, start + rows))).tolist()
    return texts


def ask_faker(locale: str, method: str, rows: int = ROWS) -> list[str]:
    generator = load_generator(locale)
    # far apart: states that differ by SplitMix64's own step would give the same numbers, one place later
    states = np.random.default_rng(11).integers(0, 2**63, rows).tolist()
    return list(map(str, call_rows(generator, getattr(generator, method), {}, states)))


def find_shape(text: str) -> str:
    """Which kinds of signs stand where: digits, letters, or the sign itself; runs of letters are as good as one."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d", "0", text))


def compare(left: list[str], right: list[str]) -> float:
    """The p-value of a chi-square test that two samples have one distribution; rare values are counted together."""
    counts = Counter(left), Counter(right)
    table = [(counts[0][text], counts[1][text]) for text in counts[0].keys() | counts[1].keys()]
    frequent = [pair for pair in table if sum(pair) >= 20]
    rest = [pair for pair in table if 0 < sum(pair) < 20]
    if sum(map(sum, rest)) >= 20:
        frequent.append((sum(first for first, _ in rest), sum(second for _, second in rest)))
    return float(stats.chi2_contingency(frequent).pvalue) if len(frequent) > 1 else 1.0


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("method", METHODS)
def test_person_fields_are_compiled_without_asking_faker_row_by_row(locale: str, method: str) -> None:
    assert count_row_calls(read(locale, method)) == 0


@pytest.mark.parametrize("locale", [*LOCALES, "zh_CN", "pt_BR"])
@pytest.mark.parametrize("method", [*METHODS, "first_name", "city", "postcode", "street_address", "job"])
def test_values_are_as_likely_as_in_faker(locale: str, method: str) -> None:
    made, expected = make(read(locale, method)), ask_faker(locale, method)
    features: list[Callable[[str], str]] = [str, lambda t: t[:1], lambda t: t[-2:], lambda t: str(len(t)), find_shape]
    for feature in features:
        assert compare(list(map(feature, made)), list(map(feature, expected))) > 1e-6


@pytest.mark.parametrize(("locale", "method"), [
    ("en_US", "prefix"), ("en_US", "state_abbr"), ("en_US", "city_suffix"), ("de_DE", "state"), ("fr_FR", "region"),
    ("fr_FR", "department_number"), ("ja_JP", "first_name"), ("ja_JP", "chome"), ("es_ES", "street_prefix"),
    ("de_DE", "building_number"),
])  # fmt: skip
def test_a_small_set_of_values_is_the_one_that_faker_has(locale: str, method: str) -> None:
    made, expected = set(make(read(locale, method), 40_000)), set(ask_faker(locale, method, 20_000))
    if method == "building_number":  # too many to see them all: the shapes are few
        made, expected = set(map(find_shape, made)), set(map(find_shape, expected))
    assert made == expected


@pytest.mark.parametrize("sex", ["female", "male"])
def test_a_weighted_list_keeps_fakers_weights(sex: str) -> None:
    provider: Any = load_generator("en_US").provider("faker.providers.person")
    weights = dict(getattr(provider, f"first_names_{sex}"))
    frequent = sorted(weights, key=lambda name: -weights[name])[:100]
    counts = Counter(make(read("en_US", f"first_name_{sex}"), 100_000))
    total = sum(weights.values())
    expected = [100_000 * weights[name] / total for name in frequent]
    observed = [counts[name] for name in frequent]
    expected.append(100_000 - sum(expected))
    observed.append(100_000 - sum(observed))
    assert counts.keys() <= weights.keys()
    assert stats.chisquare(observed, expected).pvalue > 1e-4


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(LOCALES), st.sampled_from([*METHODS, "company", "url"]), st.integers(0, 300), st.integers(1, 40))
def test_any_range_of_rows_gets_the_same_values(locale: str, method: str, start: int, rows: int) -> None:
    tree = read(locale, method)
    assert make(tree, rows, start) == make(tree, 340)[start : start + rows]


def test_scattered_rows_get_the_same_values() -> None:
    tree = read("en_US", "address")
    rows = np.array([1, 5, 6, 90, 333])
    scattered = make_texts(tree, Draws(7, "table", "column", rows)).tolist()
    assert scattered == [make(tree, 334)[row] for row in rows]


def test_arguments_of_a_method_are_honoured() -> None:
    territories = {"PR", "GU", "VI", "AS", "MP"}
    states = set(make(read("en_US", "state_abbr", include_territories=False), 20_000))
    assert not territories & states
    assert territories <= set(make(read("en_US", "state_abbr"), 20_000))
    assert all(email.endswith("@example.edu") for email in make(read("de_DE", "email", domain="example.edu"), 50))


def test_a_value_used_twice_is_the_same_both_times() -> None:
    """The French postcode starts with its department, whose length decides how many digits follow."""
    provider: Any = load_generator("fr_FR").provider("faker.providers.address")
    departments = {"20" if number in {"2A", "2B"} else number for number, _ in provider.departments}
    for postcode in make(read("fr_FR", "postcode"), 2000):
        assert len(postcode) == 5
        assert postcode[:2] in departments or postcode[:3] in departments


@pytest.mark.parametrize("method", ["sentence", "iban", "uuid4", "ean13", "ssn", "user_agent", "pyint", "latitude"])
def test_what_is_not_understood_is_left_to_faker(method: str) -> None:
    assert read_method(load_generator("en_US"), method) is None


def test_a_method_within_a_compiled_one_may_be_left_to_faker() -> None:
    tree = read("en_US", "url")
    assert count_row_calls(tree) > 0
    assert all(re.fullmatch(r"https?://(www\.)?[\w.-]+/", url) for url in make(tree, 200))


def test_signs_are_filled_in_as_by_numerify() -> None:
    pattern = "a#%$!@"
    made = make(numerify(Pick((pattern,))), 20_000)
    assert all(re.fullmatch(r"a[0-9][1-9][2-9][0-9]?[1-9]?", text) for text in made)
    provider: Any = load_generator("en_US").provider("faker.providers.misc")
    expected = [str(provider.numerify(pattern)) for _ in range(5000)]
    assert compare([str(len(text)) for text in made], [str(len(text)) for text in expected]) > 1e-6


@given(st.lists(st.sampled_from(["Ann", "de la ", "-", "O'Neil", " x", "Ä b", "ΟΔΟΣ", "."]), min_size=1, max_size=4))
def test_a_rule_gives_the_same_for_parts_as_for_the_whole(parts: list[str]) -> None:
    picks = [Pick((part, "ok")) for part in parts]
    for rule in (LOWER, SLUG_UNICODE):
        rewritten = make(rewrite(rule, join(picks)), 60)
        assert rewritten == [rule.function(text) for text in make(join(picks), 60)]


def test_the_cases_of_a_branch_share_their_numbers() -> None:
    digits = fill_in("##", {"#": Pick(tuple("0123456789"))})
    assert Branch([digits, digits, Pick(("none",))]).slots == 1 + digits.slots


def test_a_row_call_gets_bits_of_its_own_row() -> None:
    tree = join([Pick(("a", "b")), RowCall(lambda states: [str(state % 1000) for state in states])])
    assert make(tree, 5, 10) == make(tree, 20)[10:15]
