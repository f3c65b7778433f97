"""`faker`: Faker's values, one stream per row, and nothing that changes with the date."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workbench.columns.column_type import Maker
from workbench.columns.faker_compiler.row_calls import RowRandom
from workbench.columns.values import Values

Make = Callable[..., Values]


def test_values_come_from_the_locale(make: Make) -> None:
    names = make("{name: x, type: faker, method: state, locale: de_DE}", 60).to_list()
    assert {"Bayern", "Hessen"} & set(names)


@pytest.mark.parametrize(("method", "kind"), [
    ("name", "string"), ("pyint", "int64"), ("latitude", "double"), ("boolean", "bool"), ("pylist", "string"),
])  # fmt: skip
def test_the_type_follows_from_what_the_method_gives(make: Make, method: str, kind: str) -> None:
    values = make(f"{{name: x, type: faker, method: {method}}}", 5)
    expected = {"string": str, "int64": int, "double": float, "bool": bool}[kind]
    assert all(type(value) is expected for value in values.to_list())


def test_arguments_reach_the_method(make: Make) -> None:
    values = make("{name: x, type: faker, method: random_element, args: {elements: [a, b]}}", 50).to_list()
    assert set(values) == {"a", "b"}


def test_two_columns_of_one_locale_do_not_disturb_each_other(compile_line: Callable[..., Maker], make: Make) -> None:
    line = "{name: x, type: faker, method: name}"
    before = make(line, 20).to_list()
    make("{name: y, type: faker, method: sentence}", 20)
    assert make(line, 20).to_list() == before


def test_dates_may_be_drawn_between_fixed_ends(make: Make) -> None:
    line = "{name: x, type: faker, method: date_between, args: {start_date: 2020-01-01, end_date: 2020-12-31}}"
    assert all(moment.year == 2020 for moment in make(line, 20).to_list())


@pytest.mark.parametrize(("line", "message"), [
    ("{name: x, type: faker, method: nme}", "Did you mean “name”"),
    ("{name: x, type: faker, method: seed_instance}", "no method"),
    ("{name: x, type: faker, method: add_provider}", "no method"),
    ("{name: x, type: faker, method: name, locale: xx_XX}", "no locale"),
    ("{name: x, type: faker, method: name, args: {nb: 3}}", "no argument “nb”"),
    ("{name: x, type: faker, method: pyint, args: {min_value: 9, max_value: 1}}", "does not work"),
    ("{name: x, type: faker, method: date_of_birth}", "depends on today"),
    ("{name: x, type: faker, method: profile}", "depends on today"),
    ("{name: x, type: faker, method: date_between}", "depends on today"),
    ("{name: x, type: faker, method: text, args: {max_nb_chars: 1000000000}}", "at most 10,000"),
])  # fmt: skip
def test_what_faker_cannot_do_or_repeat_is_refused(compile_line: Callable[..., Maker], line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_line(line)


def test_the_random_of_a_row_is_even_and_bounded() -> None:
    source = RowRandom()
    source.state = 5
    numbers = [source.random() for _ in range(4000)]
    assert min(numbers) >= 0
    assert max(numbers) < 1
    assert abs(sum(numbers) / 4000 - 0.5) < 0.03
    assert {source.randrange(3) for _ in range(100)} == {0, 1, 2}
    assert source.getrandbits(130) < 2**130
    assert source.getrandbits(0) == 0
