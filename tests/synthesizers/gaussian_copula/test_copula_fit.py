"""What the copula makes of a table: shares, atoms, joint nulls, classes, order of levels, and tables at the edge."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from copula_frames import make_payments

from workbench.errors import UsageError
from workbench.synthesizers import FittedTable, fit, load


@pytest.fixture(scope="module")
def payments() -> pd.DataFrame:
    """The real table."""
    return make_payments()


@pytest.fixture(scope="module")
def fitted(payments: pd.DataFrame) -> FittedTable:
    """A copula of `payments`."""
    return fit(payments, "gaussian_copula", label="is_fraud")


@pytest.fixture(scope="module")
def made(fitted: FittedTable) -> pd.DataFrame:
    """Rows of it."""
    return fitted.sample(12_288)


def test_the_rare_class_has_its_share_in_every_chunk(payments: pd.DataFrame, made: pd.DataFrame) -> None:
    chunks = made.is_fraud.to_numpy().reshape(-1, 1024).sum(axis=1)
    assert np.abs(chunks - payments.is_fraud.mean() * 1024).max() <= 1


def test_every_level_has_its_share_within_a_tenth(payments: pd.DataFrame, made: pd.DataFrame) -> None:
    for name in ("shop", "rating"):
        real = payments[name].value_counts(normalize=True)
        shares = made[name].value_counts(normalize=True)
        assert (shares.reindex(real.index, fill_value=0) / real - 1).abs().max() < 0.1


def test_nulls_keep_their_shares_and_come_together(payments: pd.DataFrame, made: pd.DataFrame) -> None:
    for frame in (payments, made):
        frame["both"] = frame.score.isna() & frame.rating.isna()
    for name in ("score", "rating"):
        assert made[name].isna().mean() == pytest.approx(payments[name].isna().mean(), rel=0.05)
    assert made.both.mean() == pytest.approx(payments.both.mean(), rel=0.1)
    for frame in (payments, made):
        del frame["both"]


def test_zeros_keep_their_share_and_numbers_their_decimals(payments: pd.DataFrame, made: pd.DataFrame) -> None:
    assert (made.fee == 0).mean() == pytest.approx((payments.fee == 0).mean(), rel=0.03)
    assert (made.amount == made.amount.round(2)).all()
    assert made.amount.between(payments.amount.min(), payments.amount.max()).all()
    assert (made.day == made.day.dt.normalize()).all()


def test_a_class_keeps_its_own_distributions(payments: pd.DataFrame, made: pd.DataFrame) -> None:
    for name in ("amount", "balance"):
        real = payments.groupby("is_fraud")[name].median()
        drawn = made.groupby("is_fraud")[name].median()
        assert drawn[True] == pytest.approx(real[True], rel=0.35)
        assert drawn[False] == pytest.approx(real[False], rel=0.1, abs=5)


def test_ranks_correlate_as_in_the_real_table(payments: pd.DataFrame, made: pd.DataFrame) -> None:
    names = ["amount", "balance", "fee", "score"]
    real, drawn = payments[names].corr("spearman"), made[names].corr("spearman")
    assert (real - drawn).abs().to_numpy().max() < 0.05


def test_a_category_in_no_order_keeps_what_it_says_of_numbers(payments: pd.DataFrame, made: pd.DataFrame) -> None:
    real, drawn = payments.groupby("shop").balance.mean(), made.groupby("shop").balance.mean()
    assert np.corrcoef(real, drawn)[0, 1] > 0.98
    assert (real - drawn).abs().max() < 0.3 * payments.balance.std()


def test_the_model_is_the_same_after_storing(fitted: FittedTable, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    again = load(tmp_path)
    fixed = {"shop": "a", "fee": 0.0}
    pd.testing.assert_frame_equal(again.sample(1_500), fitted.sample(1_500))
    pd.testing.assert_frame_equal(again.sample(300, fixed), fitted.sample(300, fixed))


def test_the_report_names_families_and_strata(fitted: FittedTable) -> None:
    figures = fitted.report.figures
    assert figures["strata"] == "is_fraud"
    assert figures["marginals"]["shop"] == "levels"
    assert figures["components"] >= 2
    assert 0 < figures["mean_correlation"] <= figures["largest_correlation"] <= 1


def test_a_stratum_is_chosen_that_changes_the_others() -> None:
    generator = np.random.default_rng(0)
    group = generator.choice(["x", "y", "z"], 600)
    shift = pd.Series(group).map({"x": 0, "y": 3, "z": -2}).to_numpy()
    frame = pd.DataFrame(
        {
            "a": generator.normal(shift),
            "b": generator.normal(-shift),
            "group": group,
            "coin": generator.random(600) < 0.5,
        }
    )
    assert fit(frame, "gaussian_copula").report.figures["strata"] == "group"
    assert fit(frame, "gaussian_copula", strata="coin").report.figures["strata"] == "coin"
    assert fit(frame, "gaussian_copula", strata="none").report.figures["strata"] is None


def test_clusters_are_found_where_one_normal_does_not_fit() -> None:
    generator = np.random.default_rng(0)
    angle = generator.uniform(0, 2 * np.pi, 3_000)
    ring = pd.DataFrame({"x": np.cos(angle), "y": np.sin(angle)}) + generator.normal(0, 0.05, (3_000, 2))
    fitted = fit(ring, "gaussian_copula")
    assert fitted.report.figures["components"] > 2
    one = fit(ring, "gaussian_copula", components=1)
    far = [(np.abs(np.hypot(made.x, made.y) - 1) > 0.2).mean() for made in (fitted.sample(3_000), one.sample(3_000))]
    assert far[0] < 0.5 * far[1]


def test_each_way_of_learning_a_marginal_is_used(payments: pd.DataFrame) -> None:
    ways = {"balance": "parametric", "amount": "empirical", "score": "kernel"}
    found = fit(payments, "gaussian_copula", marginals=ways).report.figures["marginals"]
    assert found["balance"] in ("normal", "beta")
    assert found["amount"] == "empirical"
    assert found["score"] == "kernel"


def test_settings_that_name_no_fitting_column_are_refused(payments: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="no column “amonut”"):
        fit(payments, "gaussian_copula", marginals={"amonut": "kernel"})
    with pytest.raises(UsageError, match="no column “shopp”"):
        fit(payments, "gaussian_copula", strata="shopp")
    with pytest.raises(UsageError, match="too many"):
        fit(payments, "gaussian_copula", strata="amount")


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"only": ["a", "b", "b", "b"]}),
        pd.DataFrame({"only": [1.5, 2.5, None, 8.0]}),
        pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}),
        pd.DataFrame({"a": np.arange(300.0), "b": np.arange(300.0), "c": -np.arange(300.0)}),
        pd.DataFrame({"a": [None, None, 3.0, 4.0] * 30, "b": [True, None, None, False] * 30}),
    ],
    ids=["one category", "one number", "two rows", "same columns", "nulls"],
)
def test_small_and_degenerate_tables_are_learned(frame: pd.DataFrame) -> None:
    made = fit(frame, "gaussian_copula").sample(200)
    assert list(made.columns) == list(frame.columns)
    for name in frame:
        assert set(made[name].dropna()) <= set(frame[name].dropna()) or frame[name].nunique() > 2
        assert not made[name].isna().any() or frame[name].isna().any()


def test_a_category_of_many_levels_and_many_rows_takes_seconds() -> None:
    generator = np.random.default_rng(0)
    codes = np.concatenate([np.arange(20_000), np.minimum(generator.geometric(0.001, 80_000), 19_999)])
    frame = pd.DataFrame({"merchant": np.char.add("m", codes.astype(str)), "amount": generator.exponential(5, 100_000)})
    started = time.process_time()
    fitted = fit(frame, "gaussian_copula")
    made = fitted.sample(20_000)
    assert time.process_time() - started < 15
    assert made.merchant.isin(frame.merchant).all()
    assert (made.merchant == "m1").mean() == pytest.approx((frame.merchant == "m1").mean(), abs=0.002)


def test_a_class_of_five_rows_keeps_its_share_and_its_place() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"x": generator.normal(0, 1, 3_000), "y": generator.normal(0, 1, 3_000), "rare": False})
    frame.loc[:4, "rare"] = True
    frame.loc[:4, "x"] = [2.0, 2.4, 2.2, 1.9, 2.3]
    made = fit(frame, "gaussian_copula", label="rare").sample(30_720)
    assert made.rare.mean() == pytest.approx(frame.rare.mean(), rel=0.1)
    assert made.x[made.rare].median() == pytest.approx(2.1, abs=0.4)
    assert made.x[~made.rare].median() == pytest.approx(0.0, abs=0.1)


def test_nulls_of_the_label_are_a_stratum_of_their_own() -> None:
    generator = np.random.default_rng(0)
    group = generator.choice(["a", "b", None], 1_500, p=[0.7, 0.2, 0.1])
    shift = np.where(group == "a", 0, np.where(group == "b", 4, -4))
    fitted = fit(pd.DataFrame({"group": group, "x": generator.normal(shift)}), "gaussian_copula", label="group")
    assert fitted.sample(500, {"group": None}).x.mean() == pytest.approx(-4, abs=0.3)
    assert fitted.sample(500, {"x": -4.5}).group.isna().mean() > 0.95
