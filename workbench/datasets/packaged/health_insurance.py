"""The RAND Health Insurance Experiment: what insured people used of medicine, year by year.

One table has a row for each person, with what was known at the start; the other a row for each year of each person,
with what happened in it, and the person's columns beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.datasets.packaged.files import read_csv
from workbench.datasets.packaged.registry import PackagedDataset

if TYPE_CHECKING:
    import pandas as pd

_PERSON = {
    "site": "site",
    "coins": "coinsurance",
    "idp": "deductible",
    "female": "sex",
    "income": "income",
    "educdec": "education",
    "disea": "chronic_diseases",
    "physlm": "physical_limitation",
    "mhi": "mental_health",
    "ghindx": "general_health",
}
_YEAR = {
    "xage": "age",
    "num": "family_size",
    "mdvis": "doctor_visits",
    "notmdvis": "other_visits",
    "totadm": "admissions",
    "outpdol": "outpatient_cost",
    "drugdol": "drug_cost",
    "inpdol": "inpatient_cost",
}
"""Name in the file -> column."""

_COSTS = ("outpatient_cost", "drug_cost", "inpatient_cost")

_HEALTH = {"hlthg": "good", "hlthf": "fair", "hlthp": "poor"}
"""Flag in the file -> what people said of their health; those with no flag said that it was excellent."""


def _load_years() -> pd.DataFrame:
    """20,190 rows, a year each: `person`, `year`, the person's columns with `health`, and what was used and paid.

    `health` is poor in 1.5 % of the rows. Costs and income are in dollars of the time
    and rounded to cents, `education` is in years of the
    family's decision maker, `mental_health` and `general_health` are indices from 0 to 100, `general_health` is missing
    where it was not asked, and `physical_limitation` is a share where it was imputed.
    """
    names = {"zper": "person", "year": "year", **_PERSON, **_YEAR}
    path = "statsmodels/datasets/randhie/src/randhie.csv"
    frame = read_csv("statsmodels", path, [*names, *_HEALTH]).rename(columns=names)
    frame["person"] = frame["person"].astype(str)
    frame["site"] = "site_" + frame["site"].astype(str)
    frame["deductible"] = frame["deductible"] == 1
    frame["sex"] = frame["sex"].map({0: "male", 1: "female"})
    frame = frame.round(dict.fromkeys(("age", "income", *_COSTS), 2))
    health = frame["sex"].where(frame["sex"].isna(), "excellent")
    for flag, level in _HEALTH.items():
        health = health.mask(frame[flag] == 1, level)
    frame["health"] = health
    return frame[["person", "year", *_PERSON.values(), "health", *_YEAR.values()]]


def _load_people() -> pd.DataFrame:
    """5,912 rows, a person each: `person`, the person's columns, `health`, and `age` in the first year."""
    years = _load_years().sort_values(["person", "year"], kind="stable")
    first = years.drop_duplicates("person").reset_index(drop=True)
    return first[["person", *_PERSON.values(), "health", "age"]]


_ORIGIN = "RAND Health Insurance Experiment, as shipped by statsmodels (BSD-3-Clause)"
_LICENCE = "Public domain"
_CITATION = (
    "Newhouse, Manning, Keeler et al., RAND Health Insurance Experiment, 1974-1982; data of Deb and Trivedi in "
    "Cameron and Trivedi (2005), Microeconometrics"
)

DATASETS = (
    PackagedDataset(
        name="health_insurance",
        summary="20,190 years of 5,912 insured people: plan, health, visits to doctors and costs; poor health is 1.5 %",
        package="statsmodels",
        origin=_ORIGIN,
        licence=_LICENCE,
        citation=_CITATION,
        load=_load_years,
    ),
    PackagedDataset(
        name="insured_people",
        summary="5,912 insured people as they were at the start: plan, age, income and health",
        package="statsmodels",
        origin=_ORIGIN,
        licence=_LICENCE,
        citation=_CITATION,
        load=_load_people,
    ),
)
