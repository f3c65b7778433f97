"""Conditions: kept word by word, and the rest is drawn given them, as in the free rows that happen to have them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from copula_frames import make_payments
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.synthesizers import FittedTable, fit


@pytest.fixture(scope="module")
def fitted() -> FittedTable:
    """A copula of payments."""
    return fit(make_payments(), "gaussian_copula", label="is_fraud")


@pytest.fixture(scope="module")
def free(fitted: FittedTable) -> pd.DataFrame:
    """Many rows without a condition."""
    return fitted.sample(150_000, seed=9)


@pytest.mark.parametrize(
    ("fixed", "near"),
    [
        ({"shop": "a"}, lambda rows: rows.shop == "a"),
        ({"shop": "c", "rating": 4.0}, lambda rows: (rows.shop == "c") & (rows.rating == 4)),
        ({"fee": 0.0, "shop": "c"}, lambda rows: (rows.fee == 0) & (rows.shop == "c")),
        ({"balance": 80.0}, lambda rows: (rows.balance - 80).abs() < 3),
        ({"balance": 80.0, "shop": "e"}, lambda rows: ((rows.balance - 80).abs() < 6) & (rows.shop == "e")),
        ({"is_fraud": True}, lambda rows: rows.is_fraud),
        ({"score": None}, lambda rows: rows.score.isna()),
    ],
)
def test_rows_given_a_condition_are_like_the_free_rows_that_meet_it(
    fitted: FittedTable, free: pd.DataFrame, fixed: dict[str, object], near: object
) -> None:
    given_rows = fitted.sample(10_240, fixed)
    for name, value in fixed.items():
        assert given_rows[name].isna().all() if value is None else (given_rows[name] == value).all()
    like = free[near(free)]  # type: ignore[operator]
    assert len(like) > 500
    for name in ("amount", "balance", "fee", "score"):
        if name in fixed:
            continue
        spread = free[name].rank(pct=True).groupby(free[name]).mean()
        means = [np.interp(rows[name].dropna(), spread.index, spread).mean() for rows in (like, given_rows)]
        assert means[0] == pytest.approx(means[1], abs=0.035), name
    for name in ("score", "rating"):
        if name not in fixed:
            assert given_rows[name].isna().mean() == pytest.approx(like[name].isna().mean(), abs=0.03)
    if "is_fraud" not in fixed:
        assert given_rows.is_fraud.mean() == pytest.approx(like.is_fraud.mean(), abs=0.012)


@settings(max_examples=12, deadline=None)
@given(st.sets(st.sampled_from(list(make_payments(2).columns)), min_size=1), st.integers(0, 1000))
def test_any_columns_of_real_rows_can_be_conditions(names: set[str], seed: int) -> None:
    real = make_payments()
    fitted = _fit_once()
    chosen = [name for name in real.columns if name in names]
    fixed = real.sample(40, random_state=seed)[chosen].reset_index(drop=True)
    made = fitted.sample(40, fixed, seed=seed)
    pd.testing.assert_frame_equal(made[chosen], fixed, check_dtype=False)
    alone = fitted.sample(7, fixed[:7], seed=seed)
    pd.testing.assert_frame_equal(alone, made[:7])


def test_values_that_never_came_together_can_be_joined(fitted: FittedTable) -> None:
    real = make_payments()
    fixed = {"is_fraud": True, "shop": "d", "rating": 5.0, "amount": float(real.amount.max()), "score": None}
    made = fitted.sample(100, fixed)
    assert made.is_fraud.all()
    assert (made.shop == "d").all()
    assert made.balance.notna().all()


_KEPT: list[FittedTable] = []


def _fit_once() -> FittedTable:
    if not _KEPT:
        _KEPT.append(fit(make_payments(), "gaussian_copula"))
    return _KEPT[0]
