"""Conditions hold word by word for any columns, in whatever a user has, and are refused where they cannot hold."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.synthesizers.real_frames import ROW_TYPES, fit_mixed, make_mixed_frame
from workbench.errors import UsageError
from workbench.synthesizers import FittedTable

MIXED = make_mixed_frame()


@pytest.fixture(params=ROW_TYPES)
def fitted(request: pytest.FixtureRequest) -> FittedTable:
    """A tiny fit of each type to MIXED."""
    return fit_mixed(request.param)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=st.sets(st.sampled_from(list(MIXED.columns)), min_size=1), start=st.integers(0, 350))
def test_real_rows_as_conditions_stand_word_by_word_in_any_columns(
    fitted: FittedTable, names: set[str], start: int
) -> None:
    chosen = [name for name in MIXED if name in names]
    conditions = MIXED[chosen].iloc[start : start + 40].reset_index(drop=True)

    made = fitted.sample(40, conditions)

    pd.testing.assert_frame_equal(made[chosen], conditions, check_dtype=False)
    assert list(made) == list(MIXED)


def test_one_value_holds_for_all_rows_and_null_is_a_value(fitted: FittedTable) -> None:
    made = fitted.sample(30, {"country": None, "is_fraud": True, "amount": 50})

    assert made["country"].isna().all()
    assert made["is_fraud"].all()
    assert (made["amount"] == 50).all()


def test_a_value_between_the_real_ones_is_kept_as_it_is(fitted: FittedTable) -> None:
    made = fitted.sample(10, {"amount": 12.34567, "day": datetime.datetime(2024, 5, 6, 7, 8)})

    assert (made["amount"] == 12.34567).all()
    assert (made["day"] == pd.Timestamp("2024-05-06 07:08")).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("doors", 3.0),
        ("doors", np.int8(3)),
        ("visits", Decimal(40)),
        ("amount", Decimal("20.5")),
        ("amount", 20),
        ("is_fraud", 1),
        ("is_fraud", np.True_),
        ("day", datetime.date(2024, 5, 6)),
        ("day", np.datetime64("2024-05-06")),
        ("day", pd.Timestamp("2024-05-06 02:00", tz="Europe/Berlin")),
        ("balance", pd.NA),
        ("balance", float("nan")),
        ("seen", pd.NaT),
        ("plan", pd.Categorical(["gold"] * 4)),
        ("country", np.array("DE")),
        ("country", ("DE", None, "FR", "ES")),
    ],
)
def test_values_are_taken_as_users_have_them(name: str, value: Any) -> None:
    made = fit_mixed().sample(4, {name: value})[name]

    if name == "day":
        assert (made == pd.Timestamp("2024-05-06")).all()
    elif isinstance(value, tuple | pd.Categorical):
        assert [None if pd.isna(each) else each for each in made] == list(value)
    else:
        assert made.isna().all() if name in ("balance", "seen") else (made == value).all()


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"amuont": 1}, "“amount”"),
        ({"amount": -5}, "lies outside"),
        ({"amount": float("inf")}, "lies outside"),
        ({"amount": 10**400}, "too large"),
        ({"amount": "12"}, "not of the kind"),
        ({"amount": None}, "never null"),
        ({"amount": [1.0, 2.0]}, "2 values for 4 rows"),
        ({"amount": [[1], [2], [3], [4]]}, "not of the kind"),
        ({"amount": b"1"}, "not of the kind"),
        ({"country": "PL"}, "which has DE"),
        ({"country": 5}, "not of the kind"),
        ({"doors": 4}, "which has 3, 5, 2"),
        ({"doors": 2.5}, "not of the kind"),
        ({"doors": True}, "not of the kind"),
        ({"doors": 2**70}, "too large"),
        ({"is_fraud": 2}, "not of the kind"),
        ({"is_fraud": [1, 0, 5, True]}, "not of the kind"),
        ({"day": datetime.date(1999, 1, 1)}, "go from 2024-01-0"),
        ({"day": "2024-01-01"}, "dates and times"),
        ({"currency": "USD"}, "which has EUR"),
        ({"note": "hello"}, "no value in any row"),
        ({"code": None}, "never null"),
        ({"opted_in": "yes"}, "true and false"),
        (["amount"], "no set of conditions"),
    ],
)
def test_conditions_that_cannot_hold_are_refused_with_a_reason(conditions: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        fit_mixed().sample(4, conditions)

    assert words in str(caught.value)
    assert caught.value.solution


def test_a_frame_of_conditions_with_two_columns_of_one_name_is_refused() -> None:
    frame = pd.DataFrame([[1.0, 2.0]] * 4, columns=["amount", "amount"])

    with pytest.raises(UsageError, match="Two columns"):
        fit_mixed().sample(4, frame)


@pytest.mark.parametrize("rows", [-1, 1.5, "10", None])
def test_what_is_no_number_of_rows_is_refused(rows: Any) -> None:
    with pytest.raises(UsageError, match="no number of rows"):
        fit_mixed().sample(rows)


def test_no_rows_are_a_frame_without_rows() -> None:
    made = fit_mixed().sample(0, {"country": "DE"})

    assert len(made) == 0
    assert list(made) == list(MIXED)
    assert made["amount"].dtype == "float64"
