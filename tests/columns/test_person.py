"""`person`: fields that agree, in a struct or in columns of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.columns.conftest import compile_column
from workbench.columns.column_type import Maker
from workbench.columns.faker_compiler.row_calls import load_generator
from workbench.columns.streams import Draws
from workbench.columns.values import Values

Make = Callable[..., Values]
LOCALES = ["en_US", "de_DE", "fr_FR", "ja_JP", "es_ES", "ru_RU"]


@pytest.mark.parametrize("locale", LOCALES)
def test_the_fields_of_a_person_agree(make: Make, locale: str) -> None:
    provider = load_generator(locale).provider("faker.providers.person")
    for person in make(f"{{name: x, type: person, locale: {locale}}}", 500).to_list():
        assert person["first_name"] in getattr(provider, f"first_names_{person['sex']}")
        assert person["first_name"] in person["name"]
        assert person["last_name"] in person["name"]
        assert person["city"] in person["address"]
        assert person["email"] == f"{person['user_name']}@{person['email'].split('@')[1]}".lower()
        assert re.fullmatch(r"[^@\s]+@example\.(org|com|net)", person["email"])


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "fr_FR", "es_ES"])
def test_an_address_holds_the_street_and_postcode(make: Make, locale: str) -> None:
    for person in make(f"{{name: x, type: person, locale: {locale}}}", 200).to_list():
        assert person["street_address"] in person["address"]
        assert person["postcode"] in person["address"]


def test_a_user_name_is_made_of_the_name(make: Make) -> None:
    for person in make("{name: x, type: person, fields: [first_name, last_name, user_name]}", 500).to_list():
        first, last = person["first_name"].lower(), person["last_name"].lower()
        assert re.fullmatch(rf"{last}{first}|{first}{last}|{first}\d\d|[a-z]{last}", person["user_name"])


def test_japanese_user_names_spell_the_name(make: Make) -> None:
    provider = load_generator("ja_JP").provider("faker.providers.person")
    first = {kanji: latin.lower() for kanji, _, latin in provider.first_name_pairs}  # type: ignore[union-attr]
    last = {kanji: latin.lower() for kanji, _, latin in provider.last_name_pairs}  # type: ignore[union-attr]
    line = "{name: x, type: person, locale: ja_JP, fields: [first_name, last_name, user_name]}"
    for person in make(line, 300).to_list():
        user = person["user_name"]
        assert first[person["first_name"]] in user or last[person["last_name"]] in user


@settings(max_examples=30, deadline=None)
@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)) | st.just(date(2024, 2, 29)), st.integers(0, 120))
def test_the_age_at_as_of_follows_from_the_birth_date(as_of: date, min_age: int) -> None:
    line = f"{{name: x, type: person, fields: [age, birth_date], as_of: {as_of}, min_age: {min_age}, max_age: 120}}"
    values = compile_column(line).values(Draws(1, "table", "column", np.arange(200)), {})
    for person in values.to_list():
        born = person["birth_date"].date()
        birthday = (as_of.month, as_of.day)
        # who was born on 29 February is as old on the 28th of a common year as on the 29th
        had_birthday = (born.month, born.day) <= birthday or (
            birthday == (2, 28) and (born.month, born.day) == (2, 29) and not _is_leap(as_of.year)
        )
        assert as_of.year - born.year - (not had_birthday) == person["age"]
        assert min_age <= person["age"] <= 120


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def test_columns_of_one_person_agree_without_naming_each_other(make: Make) -> None:
    together = make("{name: x, type: person, locale: de_DE}", 50).to_list()
    for field in ("name", "email", "age", "address"):
        alone = make(f"{{name: {field}, type: person, locale: de_DE, field: {field}}}", 50).to_list()
        assert alone == [person[field] for person in together]


def test_another_person_of_the_row_is_somebody_else(make: Make) -> None:
    names = make("{name: x, type: person, field: name}", 200).to_list()
    assert make("{name: x, type: person, field: name, person: doctor}", 200).to_list() != names


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 200), st.integers(1, 30))
def test_any_range_of_rows_gets_the_same_persons(start: int, rows: int) -> None:
    maker = compile_column("{name: x, type: person, locale: es_ES, missing: 0.2}")
    part = maker.values(Draws(3, "t", "c", np.arange(start, start + rows)), {}).to_list()
    assert part == maker.values(Draws(3, "t", "c", np.arange(230)), {}).to_list()[start : start + rows]


def test_missing_makes_nulls_in_one_column_only(make: Make) -> None:
    line = "{name: x, type: person, field: email"
    whole, holed = make(line + "}", 4000).to_list(), make(line + ", missing: 0.25}", 4000).to_list()
    assert 0.22 < holed.count(None) / 4000 < 0.28
    assert all(value is None or value == other for value, other in zip(holed, whole, strict=True))


def test_a_maker_tells_what_it_gives(compile_line: Callable[..., Maker]) -> None:
    assert compile_line("{name: x, type: person, fields: [name, age]}").members == {"name": "string", "age": "int64"}
    assert compile_line("{name: x, type: person, field: birth_date}").kind == "timestamp"
    assert compile_line("{name: x, type: person, field: sex}").options == ("female", "male")
    assert compile_line("{name: x, type: person, field: age, max_age: 30}").bounds == (18.0, 30.0)


def test_a_field_that_the_locale_lacks_is_left_out_of_the_whole(compile_line: Callable[..., Maker]) -> None:
    members = compile_line("{name: x, type: person, locale: en_PH}").members
    assert members is not None
    assert "phone" not in members


@pytest.mark.parametrize(("line", "message"), [
    ("{name: x, type: person, field: name, fields: [name]}", "either field"),
    ("{name: x, type: person, fields: []}", "at least one"),
    ("{name: x, type: person, fields: [name, name]}", "only once"),
    ("{name: x, type: person, min_age: 50, max_age: 40}", "is above"),
    ("{name: x, type: person, as_of: 0999-01-01}", "after the year 1000"),
    ("{name: x, type: person, locale: xx_XX}", "no locale"),
    ("{name: x, type: person, locale: en_PH, field: phone}", "no phone"),
    ("{name: x, type: person, field: shoe_size}", "first_name"),
])  # fmt: skip
def test_what_cannot_work_is_refused(compile_line: Callable[..., Maker], line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_line(line)
