"""The copula under differential privacy: the budget is kept, noise falls with it, and little data still learns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from copula_frames import make_payments

from workbench.synthesizers import fit
from workbench.synthesizers.profile import ColumnProfile
from workbench.synthesizers.types.gaussian_copula.binning import make_edges, smooth_counts

pytest.importorskip("opacus")

PUBLIC = {
    "bounds": {"amount": [0.0, 2000.0], "balance": [-500.0, 600.0], "fee": [0.0, 60.0], "score": [-6.0, 6.0]},
    "values": {"shop": list("abcdef"), "rating": [1.0, 2.0, 3.0, 4.0, 5.0]},
}


def test_the_budget_is_spent_and_not_exceeded_and_the_table_is_learned() -> None:
    real = make_payments(12_000).drop(columns="day")
    privacy = {"max_epsilon": 4.0, "delta": 1e-6, **PUBLIC}
    fitted = fit(real, "gaussian_copula", label="is_fraud", differential_privacy=privacy)
    assert fitted.report.epsilon is not None
    assert 3.5 < fitted.report.epsilon <= 4.0
    made = fitted.sample(10_240)
    assert made.is_fraud.mean() == pytest.approx(real.is_fraud.mean(), rel=0.4)
    names = ["amount", "balance", "score"]
    assert (made[names].corr("spearman") - real[names].corr("spearman")).abs().to_numpy().max() < 0.25
    for name in names:
        assert made[name].median() == pytest.approx(real[name].median(), abs=0.25 * real[name].std())
    assert np.corrcoef(real.groupby("shop").balance.mean(), made.groupby("shop").balance.mean())[0, 1] > 0.9
    fixed = fitted.sample(50, {"shop": "a", "amount": 12.5, "is_fraud": True})
    assert (fixed.amount == 12.5).all()


def test_little_data_and_a_small_budget_learn_something_valid() -> None:
    real = make_payments(200)[["amount", "shop", "is_fraud"]]
    privacy = {
        "max_epsilon": 0.5,
        "delta": 1e-5,
        "bounds": {"amount": [0.0, 1000.0]},
        "values": {"shop": list("abcdef")},
    }
    made = fit(real, "gaussian_copula", differential_privacy=privacy).sample(500)
    assert made.amount.between(0, 1000).all()
    assert set(made.shop) <= set("abcdef")


def test_one_number_alone_is_learned_privately() -> None:
    real = pd.DataFrame({"amount": np.random.default_rng(0).exponential(20, 3_000)})
    privacy = {"max_epsilon": 1.0, "delta": 1e-6, "bounds": {"amount": [0.0, 500.0]}}
    made = fit(real, "gaussian_copula", differential_privacy=privacy).sample(3_000)
    assert made.amount.median() == pytest.approx(real.amount.median(), rel=0.2)


def test_bins_depend_on_bounds_alone_and_whole_numbers_have_one_each() -> None:
    whole = make_edges(ColumnProfile("age", "int64", "number", low=18, high=90))
    assert len(whole) == 74
    assert whole[0] == 17.5
    real = make_edges(ColumnProfile("amount", "double", "number", low=-5.0, high=1e12))
    assert (np.diff(real) > 0).all()
    assert (real[0], real[-1]) == (-5.0, 1e12)
    assert 0.0 in real


def test_empty_bins_stay_empty_and_strata_keep_their_differences() -> None:
    generator = np.random.default_rng(0)
    exact = np.zeros((2, 60))
    exact[0, 10:20], exact[1, 15:25] = 800.0, 100.0
    smooth = smooth_counts(exact + generator.normal(0, 10, exact.shape), 10.0, exact.sum(axis=1))
    shares = smooth / smooth.sum(axis=1, keepdims=True)
    assert shares[:, 30:].sum() < 0.02
    assert shares[1, 20:25].sum() > 0.4
    assert shares[0, 20:25].sum() < 0.03
