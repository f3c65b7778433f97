"""`new --from-data`, one column at a time: types, shares, bounds, and what must not be told."""

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.importing.naming import make_names
from workbench.importing.numbers import find_bounds, find_decimals, fit_numbers
from workbench.importing.patterns import find_form, find_running_number
from workbench.importing.personal import find_personal, is_card_number, is_iban


@pytest.mark.parametrize(
    ("draw", "kind"),
    [
        (lambda r: r.normal(50, 8, 4000), "normal"),
        (lambda r: r.lognormal(3, 0.8, 4000), "lognormal"),
        (lambda r: r.exponential(4, 4000), "exponential"),
        (lambda r: r.uniform(-3, 12, 4000), "uniform"),
        (lambda r: r.poisson(6, 4000).astype(float), "poisson"),
        (lambda r: r.integers(1, 100, 4000).astype(float), "uniform_int"),
    ],
    ids=["normal", "lognormal", "exponential", "uniform", "poisson", "uniform_int"],
)
def test_numbers_get_the_distribution_they_were_drawn_from(draw: Any, kind: str, random: np.random.Generator) -> None:
    fit = fit_numbers(draw(random))
    assert fit.fields["type"] == kind
    assert not fit.bad


def test_parameters_and_decimals_are_those_of_the_column(random: np.random.Generator) -> None:
    fields = fit_numbers(np.round(random.normal(37.2, 0.6, 5000), 1)).fields
    assert fields["decimals"] == 1
    assert fields["mean"] == pytest.approx(37.2, abs=0.05)
    assert fields["stddev"] == pytest.approx(0.6, abs=0.03)


def test_a_mixture_that_no_distribution_describes_is_called_a_bad_fit(infer: Any, random: np.random.Generator) -> None:
    values = np.concatenate([random.normal(0, 1, 500), random.normal(1000, 1, 500)])
    inferred = infer({"x": values})
    assert "no distribution known here fits well" in inferred.comment("x")
    assert inferred.check() == []


@pytest.mark.parametrize("kind", ["normal", "lognormal", "integers"])
def test_bounds_are_rounded_percentiles_and_not_the_least_and_the_greatest_value(
    kind: str, random: np.random.Generator
) -> None:
    drawn = {"normal": random.normal(100, 15, 3000), "lognormal": random.lognormal(2, 1, 3000)}
    numbers = drawn.get(kind, random.poisson(40, 3000).astype(float))
    numbers[0] = numbers.max() * 50
    low, high = find_bounds(numbers, find_decimals(numbers))
    assert low <= np.percentile(numbers, 0.5)
    assert np.percentile(numbers, 99.5) <= high < numbers.max()
    assert {low, high}.isdisjoint(numbers[[0]])


def test_bounds_of_equal_numbers_do_not_give_the_number_away() -> None:
    low, high = find_bounds(np.full(100, 4711.0), 0)
    assert low < 4711 < high


@pytest.mark.parametrize(
    ("numbers", "decimals"), [([1.0, 2.0], 0), ([0.1, 0.25], 2), ([1 / 3, 0.5], None), ([1e30], None)]
)
def test_decimals_are_found(numbers: list[float], decimals: int | None) -> None:
    assert find_decimals(np.array(numbers)) == decimals


def test_few_texts_become_a_category_with_measured_shares(infer: Any) -> None:
    inferred = infer({"ward": ["a"] * 600 + ["b"] * 300 + ["c"] * 100})
    column = inferred.column("ward")
    assert column["type"] == "category"
    assert column["values"]["a"] == pytest.approx(0.6, abs=0.05)
    assert list(column["values"]) == ["a", "b", "c"]


def test_a_value_of_fewer_than_5_rows_appears_nowhere_in_the_spec(infer: Any) -> None:
    inferred = infer({"ward": ["common"] * 100 + ["usual"] * 50 + ["Ebola-Patient-Zero"] * 3})
    assert "Ebola" not in inferred.text
    assert "in fewer than 5 rows" in inferred.comment("ward")
    assert set(inferred.column("ward")["values"]) == {"common", "usual"}


def test_a_long_tail_is_put_together_as_other(infer: Any) -> None:
    tail = [f"rare {number}" for number in range(300)]
    inferred = infer({"diagnosis": ["flu"] * 500 + ["cold"] * 400 + tail})
    values = inferred.column("diagnosis")["values"]
    assert set(values) == {"flu", "cold", "other"}
    assert values["other"] == pytest.approx(0.25, abs=0.04)
    assert "rare" not in inferred.text.replace("rare values", "")


def test_few_whole_numbers_become_a_category_of_numbers(infer: Any) -> None:
    inferred = infer({"stars": [1] * 300 + [3] * 20 + [5] * 700})
    assert set(inferred.column("stars")["values"]) == {1, 3, 5}
    assert set(inferred.preview()["stars"]) <= {1, 3, 5}


@pytest.mark.parametrize(
    "values",
    [[True, False, True, True], ["True", "FALSE", "true", "tRuE"]],
    ids=["booleans", "mixed case"],
)
def test_true_and_false_become_bernoulli(values: list[Any], infer: Any) -> None:
    column = infer({"flag": values * 50}).column("flag")
    assert column["type"] == "bernoulli"
    assert column["p"] == pytest.approx(0.75, abs=0.08)


def test_missing_values_get_their_share(infer: Any, random: np.random.Generator) -> None:
    numbers = np.where(random.uniform(size=2000) < 0.1, np.nan, random.normal(size=2000))
    texts = [None if each < 0.2 else "yes" for each in random.uniform(size=2000)]
    inferred = infer({"x": numbers, "t": texts})
    assert inferred.column("x")["missing"] == pytest.approx(0.1, abs=0.02)
    assert inferred.column("t")["missing"] == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda moment: moment, ""),
        (lambda moment: moment.strftime("%Y-%m-%d"), ""),
        (lambda moment: moment.strftime("%d.%m.%Y"), "day.month.year"),
        (lambda moment: moment.strftime("%m/%d/%Y"), "month/day/year"),
    ],
    ids=["moments", "iso", "german", "american"],
)
def test_dates_become_datetime_with_start_and_end_rounded_outward(write: Any, words: str, infer: Any) -> None:
    moments = pd.date_range("2024-03-05", "2025-11-20", freq="D")
    inferred = infer({"seen": [write(moment) for moment in moments]})
    column = inferred.column("seen")
    assert column == {
        "name": "seen", "type": "datetime", "start": datetime.date(2024, 3, 1), "end": datetime.date(2025,
        12, 1), "unit": "D",
    }  # fmt: skip
    assert words in inferred.comment("seen") if words else inferred.comment("seen") == ""


def test_the_unit_of_moments_is_found(infer: Any) -> None:
    moments = pd.date_range("2026-01-01", periods=500, freq="17min")
    assert infer({"at": moments}).column("at")["unit"] == "m"


def test_running_ids_keep_their_form_and_not_their_numbers(infer: Any) -> None:
    inferred = infer({"patient_id": [f"P{number:06d}" for number in range(5000, 5200)], "row": range(1, 201)})
    assert inferred.column("patient_id") == {"name": "patient_id", "type": "id", "pattern": "P{n:06d}"}
    assert inferred.column("row") == {"name": "row", "type": "id"}
    assert inferred.data["primary_key"] == "patient_id"


@pytest.mark.parametrize(
    ("texts", "regex"),
    [
        (["AB-123", "CD-45", "EF-9"] * 5, r"[A-Z]{2}\-[0-9]{1,3}"),
        ([f"ICD {a}{b}.{c}" for a in "ABC" for b in (10, 27) for c in (1, 5)], r"ICD\ [A-Z][0-9]{2}\.[0-9]"),
        ([f"{number:08x}" for number in range(0x1ABCDEF0, 0x1ABCDEF0 + 40)], "[0-9a-f]{8}"),
        (["hello", "world", "other"] * 5, None),
        (["A sentence 1 of many words", "and 2 another one here"] * 5, None),
        (["Ä1", "Ö2"] * 9, None),
        (["AB-1"] * 3, None),
    ],
)
def test_the_form_of_codes_is_found(texts: list[str], regex: str | None) -> None:
    form = find_form(texts)
    assert (form and form.regex) == regex


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        ([f"C{n:05d}" for n in range(9)], "C{n:05d}"),
        ([f"{{x}}{n}" for n in range(8, 20)], "{{x}}{n}"),
        (["a1", "b2", "a3", "a4", "a5"], None),
        (["a1", "a2"], None),
    ],
)
def test_running_numbers_within_a_text_are_found(texts: list[str], pattern: str | None) -> None:
    assert find_running_number(texts) == pattern


@pytest.mark.parametrize(
    ("name", "values", "method"),
    [
        ("contact", ["anna@example.org", "b.c@d-e.com"], "email"),
        ("Vorname", ["Änne", "Björn"], "first_name"),
        ("lastName", ["Meyer", "Smith"], "last_name"),
        ("patient_name", ["Anna Meyer", "Tom Smith"], "name"),
        ("name", ["Anna Meyer", "Tom B. Smith"], "name"),
        ("phone_number", ["0171 1234567", "030-99887766"], "phone_number"),
        ("callback", ["+49 171 1234567", "(030) 99887766"], "phone_number"),
        ("Home Address", ["Main Street 5", "Elm Road 77"], "street_address"),
        ("account", ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"], "iban"),
        ("paid_with", ["4111 1111 1111 1111", "5500005555555559"], "credit_card_number"),
        ("host", ["10.0.0.1", "192.168.77.4"], "ipv4"),
        ("ssn", ["123-45-6789", "987-65-4321"], "ssn"),
        ("national", ["123-45-6789", "987-65-4321"], "ssn"),
    ],
)
def test_personal_data_is_found_by_name_or_by_value(name: str, values: list[str], method: str) -> None:
    found = find_personal(name, values)
    assert found is not None
    assert found.method == method


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("name", ["router", "modem"]),
        ("product_name", ["Blue Chair", "Red Table"]),
        ("phone", ["smart", "landline"]),
        ("email", ["yes", "no"]),
        ("amount", ["1234567", "7654321"]),
        ("seen", ["2026-01-01", "2026-02-02"]),
        ("version", ["1.2.3", "1.2.4"]),
        ("time", ["12:30:05", "09:10:11"]),
        ("order", ["4111111111111112", "4111111111111113"]),
    ],
)
def test_harmless_columns_are_not_taken_for_personal_data(name: str, values: list[str]) -> None:
    assert find_personal(name, values) is None


def test_checksums_tell_real_numbers_from_any_digits() -> None:
    assert is_card_number("4111-1111-1111-1111")
    assert not is_card_number("4111111111111112")
    assert is_iban("de89 3704 0044 0532 0130 00")
    assert not is_iban("DE89370400440532013001")


def test_personal_data_is_replaced_and_named_in_a_comment_and_a_note(infer: Any) -> None:
    inferred = infer({"e_mail": [f"person{number}@secret-clinic.org" for number in range(200)]})
    assert inferred.column("e_mail") == {"name": "e_mail", "type": "faker", "method": "email"}
    assert inferred.comment("e_mail") == "# likely personal data: e-mail address"
    assert inferred.notes == ["data.e_mail: likely personal data: e-mail address, replaced by invented values."]
    assert "secret-clinic" not in inferred.text


def test_a_date_of_birth_stays_a_date_and_is_flagged(infer: Any) -> None:
    inferred = infer({"date_of_birth": pd.date_range("1950-01-01", periods=300, freq="40D")})
    assert inferred.column("date_of_birth")["type"] == "datetime"
    assert "likely personal data: date of birth" in inferred.comment("date_of_birth")


def test_free_text_is_replaced(infer: Any) -> None:
    notes = [f"The patient number {number} came with pain in the left knee since {number} days" for number in range(99)]
    inferred = infer({"note": notes})
    assert inferred.column("note")["method"] == "sentence"
    assert "knee" not in inferred.text


def test_names_become_valid_and_stay_different() -> None:
    titles = ["mean radius", "mean-radius", "mean_radius", "2024", "", "年龄", "Größe", "x" * 100, "x" * 101]
    names = list(make_names(titles).values())
    assert len(set(names)) == len(titles)
    assert names[2] == "mean_radius"
    assert names[6] == "Grosse"
    assert all(name.isidentifier() and name.isascii() and name[0].isalpha() and len(name) <= 63 for name in names)


def test_the_original_name_stands_in_a_comment(infer: Any) -> None:
    inferred = infer({"mean radius (mm)": np.linspace(1, 9, 60)})
    assert inferred.column("mean_radius_mm")["type"] == "uniform"
    assert inferred.comment("mean_radius_mm") == "# “mean radius (mm)” in the file"


def test_a_gamma_or_lognormal_table_reproduces_its_quantiles(infer: Any, random: np.random.Generator) -> None:
    real = random.gamma(2.5, 3.0, 3000)
    made = infer({"x": real}).preview(3000)["x"]
    assert stats.ks_2samp(real, made).statistic < 0.06
