"""`new --from-data`, whole tables: keys between them, what ties columns, and files that are as nasty as they come."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.packaged import load_packaged
from workbench.errors import UsageError
from workbench.importing.from_data import infer_spec
from workbench.spec.loading import load_spec
from workbench.synthesizers.registry import spec_types


def make_shop(random: np.random.Generator) -> dict[str, pd.DataFrame]:
    cards = pd.DataFrame({"card_id": [f"C{n:05d}" for n in range(200)], "country": ["DE", "FR"] * 100})
    owners = np.repeat(cards["card_id"].to_numpy(), random.poisson(4, 200))
    amounts = np.round(random.lognormal(3, 1, len(owners)), 2)
    payments = pd.DataFrame({"payment_id": range(1, len(owners) + 1), "card_id": owners, "amount": amounts})
    return {"payments": payments, "cards": cards}


@pytest.mark.parametrize("name", ["breast_cancer", "wine"])
def test_a_packaged_table_gives_a_spec_that_checks_and_previews_like_the_table(name: str, infer: Any) -> None:
    real = load_packaged(name)[1]
    inferred = infer({"data": real})
    assert inferred.check() == []
    made = inferred.preview(300)
    assert list(made.columns) == list(real.columns)
    numbers = real.select_dtypes("number")
    assert (made[numbers.columns].mean() - numbers.mean()).abs().div(numbers.std()).max() < 0.5


def test_two_tables_are_joined_by_a_foreign_key_with_measured_children(infer: Any, random: np.random.Generator) -> None:
    inferred = infer(make_shop(random))
    loaded = load_spec(inferred.text, spec_types())
    assert loaded.problems == []
    assert loaded.spec is not None
    assert list(loaded.spec.tables) == ["cards", "payments"]
    key = inferred.table("payments")["foreign_keys"][0]
    assert (key["column"], key["table"], key["per_parent"]["type"]) == ("card_id", "cards", "poisson")
    assert key["per_parent"]["mean"] == pytest.approx(4, abs=0.5)
    assert "card_id" not in [each["name"] for each in inferred.table("payments")["columns"]]
    assert inferred.table("cards")["primary_key"] == "card_id"


def test_an_id_of_something_that_fits_one_table_alone_refers_to_it(infer: Any, random: np.random.Generator) -> None:
    people = pd.DataFrame({"id": range(1, 301), "city": random.choice(["Rome", "Bonn"], 300)})
    orders = pd.DataFrame({"customer_id": random.integers(1, 301, 900), "amount": random.integers(1, 301, 900)})
    inferred = infer({"people": people, "orders": orders})
    assert [key["column"] for key in inferred.table("orders")["foreign_keys"]] == ["customer_id"]


def test_small_whole_numbers_are_no_foreign_key_by_inclusion_alone(infer: Any) -> None:
    frames = {"people": {"id": range(1, 201), "age": [30, 40] * 100}, "visits": {"minutes": list(range(1, 101)) * 2}}
    inferred = infer({name: pd.DataFrame(frame) for name, frame in frames.items()})
    assert "foreign_keys" not in inferred.text


def test_an_inequality_that_holds_in_every_row_becomes_a_constraint(infer: Any, random: np.random.Generator) -> None:
    low = random.normal(80, 10, 500).round(1)
    inferred = infer({"diastolic": low, "systolic": (low + random.exponential(12, 500)).round(1)})
    assert inferred.data["constraints"] == [{"type": "inequality", "low": "diastolic", "high": "systolic"}]
    made = inferred.preview(200)
    assert (made["diastolic"] <= made["systolic"]).all()


def test_codes_and_their_words_become_fixed_combinations_with_the_measured_shares(
    infer: Any, random: np.random.Generator
) -> None:
    words = {"A": "admitted", "B": "blocked", "C": "closed"}
    codes = random.choice(list(words), 1000, p=[0.7, 0.2, 0.1])
    inferred = infer({"code": codes, "word": [words[code] for code in codes], "x": random.normal(size=1000)})
    assert inferred.data["constraints"][0]["type"] == "fixed_combinations"
    made = inferred.preview(1000)
    assert set(zip(made["code"], made["word"], strict=True)) == set(words.items())
    assert (made["code"] == "A").mean() == pytest.approx(0.7, abs=0.06)


def test_a_category_that_depends_on_another_is_drawn_given_it(infer: Any, random: np.random.Generator) -> None:
    cities = {"DE": ["Berlin", "Bonn"], "FR": ["Paris", "Lyon"]}
    countries = random.choice(list(cities), 1000)
    towns = [cities[country][number] for country, number in zip(countries, random.integers(0, 2, 1000), strict=True)]
    inferred = infer({"country": countries, "town": towns, "x": random.normal(size=1000)})
    made = inferred.preview(300)
    assert all(town in cities[country] for country, town in zip(made["country"], made["town"], strict=True))


def test_nasty_values_give_a_spec_that_checks_and_previews(infer: Any) -> None:
    count = 60
    inferred = infer({
        "yaml: #{[": [": #{[", "- x", "{{ a }}"] * 20, "emoji 🙂": ["🙂", "\x1b[31mred", "a\x00b"] * 20,
        "long": ["x" * 10_000] * count, "empty": [None] * count, "same": [7] * count,
        "huge": [10**18 + n for n in range(count)],
        "inf": [np.inf, -np.inf, np.nan, 1.5] * 15, "yes": ["Yes", "YES", "no"] * 20, "lists": [[1, 2]] * count,
    })  # fmt: skip
    assert inferred.check() == []
    assert len(inferred.preview(30)) == 30
    assert "\x1b" not in inferred.text


def test_a_table_of_one_row_tells_nothing_of_it(infer: Any) -> None:
    inferred = infer({"who": ["Somebody Special"], "salary": [123_457], "note": ["secret"]})
    assert inferred.check() == []
    assert all(each not in inferred.text for each in ("Special", "123457", "secret"))


def test_the_same_file_gives_the_same_spec(infer: Any, random: np.random.Generator) -> None:
    frames = make_shop(random)
    assert infer(frames).text == infer(frames).text


def test_a_file_given_twice_and_a_table_name_for_two_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x\n1\n")
    with pytest.raises(UsageError, match="given twice"):
        infer_spec("a", [path, path], tmp_path)
    with pytest.raises(UsageError, match="several files"):
        infer_spec("a", [path, tmp_path / "b.csv"], tmp_path, table="t")
