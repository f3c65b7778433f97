"""`category`: shares, conditions on another column, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from workbench.columns.column_type import Maker
from workbench.columns.values import Values

Make = Callable[..., Values]


def share_of(values: Values, value: object) -> float:
    plain = values.to_list()
    return sum(one == value for one in plain) / len(plain)


def test_values_of_a_list_are_equally_likely(make: Make) -> None:
    counts = Counter(make("{name: x, type: category, values: [a, b, c, d]}").to_list())
    assert all(abs(counts[value] / 20_000 - 0.25) < 0.02 for value in "abcd")


@pytest.mark.parametrize("line", [
    "{name: x, type: category, values: {DE: 0.5, FR: 0.3, IT: 0.2, never: 0}}",
    "{name: x, type: category, values: {DE: 5, FR: 3, IT: 2}}",
    "{name: x, type: category, values: [DE, FR, IT], weights: [5, 3, 2]}",
])  # fmt: skip
def test_shares_may_be_a_mapping_or_weights_of_any_sum(make: Make, line: str) -> None:
    values = make(line)
    assert abs(share_of(values, "DE") - 0.5) < 0.02
    assert abs(share_of(values, "FR") - 0.3) < 0.02
    assert abs(share_of(values, "IT") - 0.2) < 0.02


@pytest.mark.parametrize(("values", "kind"), [
    ("[1, 2]", "int64"), ("[1, 2.5]", "double"), ("[true, false]", "bool"), ("[a, '1']", "string"),
])  # fmt: skip
def test_the_values_decide_the_type(compile_line: Callable[..., Maker], values: str, kind: str) -> None:
    assert compile_line(f"{{name: x, type: category, values: {values}}}").kind == kind


def test_given_another_column_each_value_has_its_own_shares(make: Make) -> None:
    line = "{name: x, type: category, given: c, values: {DE: [Berlin, Bonn], FR: {Paris: 3, Lyon: 1}}}"
    values = make(line, c=["DE"] * 8_000 + ["FR"] * 8_000).to_list()
    assert set(values[:8_000]) == {"Berlin", "Bonn"}
    assert abs(values[8_000:].count("Paris") / 8_000 - 0.75) < 0.03


def test_given_true_or_false_or_numbers_are_keys_too(make: Make) -> None:
    line = "{name: x, type: category, given: c, values: {true: [yes_], false: [no_]}}"
    assert make(line, c=[True, False]).to_list() == ["yes_", "no_"]
    line = "{name: x, type: category, given: c, values: {1: [one], 2: [two]}}"
    assert make(line, c=[2, 1]).to_list() == ["two", "one"]


def test_a_given_value_without_an_entry_and_null_give_null(make: Make) -> None:
    line = "{name: x, type: category, given: c, values: {DE: [Berlin]}}"
    assert make(line, c=["DE", "ES", None]).to_list() == ["Berlin", None, None]


def test_a_value_that_another_category_can_take_must_have_an_entry(compile_line: Callable[..., Maker]) -> None:
    country = compile_line("{name: c, type: category, values: [DE, ES]}")
    with pytest.raises(ValueError, match="“ES” of “c” has no entry"):
        compile_line("{name: x, type: category, given: c, values: {DE: [Berlin]}}", {"c": country})


def test_keys_of_another_kind_than_the_column_are_refused(compile_line: Callable[..., Maker]) -> None:
    code = compile_line("{name: c, type: category, values: ['1', '2']}")
    with pytest.raises(ValueError, match="holds texts, and the key “1”"):
        compile_line("{name: x, type: category, given: c, values: {1: [a], 2: [b]}}", {"c": code})


@pytest.mark.parametrize("line", [
    "{name: x, type: category, values: []}",
    "{name: x, type: category, values: {}}",
    "{name: x, type: category, values: [a, a]}",
    "{name: x, type: category, values: [a, null]}",
    "{name: x, type: category, values: [a, 1]}",
    "{name: x, type: category, values: [true, 1]}",
    "{name: x, type: category, values: [[a]]}",
    "{name: x, type: category, values: {a: -1, b: 2}}",
    "{name: x, type: category, values: {a: 0}}",
    "{name: x, type: category, values: {a: true}}",
    "{name: x, type: category, values: {a: much}}",
    "{name: x, type: category, values: [a, b], weights: [1]}",
    "{name: x, type: category, values: {a: 1}, weights: [1]}",
    "{name: x, type: category, values: [123456789012345678901234567890]}",
    "{name: x, type: category, given: c, values: [a]}",
    "{name: x, type: category, given: c, values: {DE: Berlin}}",
    "{name: x, type: category, values: text}",
])  # fmt: skip
def test_values_that_make_no_sense_are_refused(compile_line: Callable[..., Maker], line: str) -> None:
    with pytest.raises(ValidationError):
        compile_line(line)
