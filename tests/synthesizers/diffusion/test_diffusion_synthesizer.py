"""The fitted diffusion as its user has it: conditions, shares, nulls, bounds, seeds, files, resume and privacy."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.errors import StopRequested, UsageError
from workbench.progress import Quiet
from workbench.synthesizers import FittedTable, fit, load

torch.set_num_threads(1)

SMALL = {"steps": 60, "hidden_dim": 32, "batch_size": 128, "sampling_steps": 8}


def make_table(rows: int = 600) -> pd.DataFrame:
    """Numbers and categories that depend on each other, with nulls, moments, levels and a rare class of 2.5 %."""
    chance = np.random.default_rng(3)
    rare = np.arange(rows) % 40 == 0
    amount = np.round(np.exp(chance.normal(3, 0.5, rows)) * np.where(rare, 20, 1), 2)
    plan = np.where(amount > 25, "gold", "basic").astype(object)
    plan[chance.random(rows) < 0.1] = None
    score = chance.normal(0, 1, rows) + np.where(plan == "gold", 2.0, -2.0)
    score[chance.random(rows) < 0.2] = np.nan
    days = chance.integers(0, 700, rows)
    start = np.datetime64("2023-01-01", "us")
    return pd.DataFrame(
        {
            "is_fraud": rare,
            "amount": amount,
            "plan": plan,
            "score": score,
            "visits": chance.poisson(2, rows).clip(0, 6),
            "day": start + days.astype("timedelta64[D]"),
        }
    )


@pytest.fixture(scope="module")
def fitted() -> FittedTable:
    return fit(make_table(), "diffusion", label="is_fraud", **SMALL)


@pytest.fixture(scope="module")
def learned() -> FittedTable:
    return fit(make_table(), "diffusion", label="is_fraud", **{**SMALL, "steps": 250, "learning_rate": 5e-3})


def test_made_rows_have_the_types_bounds_levels_and_decimals_of_the_real_ones(fitted: FittedTable) -> None:
    real, made = make_table(), fitted.sample(3_000, seed=1)

    assert list(made.columns) == list(real.columns)
    assert made["amount"].between(real["amount"].min(), real["amount"].max()).all()
    assert np.array_equal(made["amount"], made["amount"].round(2))
    assert set(made["plan"].dropna()) <= {"gold", "basic"}
    assert set(made["visits"]) <= set(real["visits"])
    assert made["day"].between(real["day"].min(), real["day"].max()).all()
    assert (made["day"] == made["day"].dt.normalize()).all()


def test_the_share_of_a_rare_class_is_met_within_a_row_of_each_chunk(fitted: FittedTable) -> None:
    made = fitted.sample(4 * 1024, seed=5)

    real = make_table()["is_fraud"]
    share = fitted.profile.columns["is_fraud"].shares.min()
    assert share == pytest.approx(real.mean(), rel=1e-9)
    for start in range(0, len(made), 1024):
        assert abs(made["is_fraud"][start : start + 1024].sum() - 1024 * share) < 1


def test_shares_of_other_levels_and_of_nulls_are_kept(fitted: FittedTable) -> None:
    real, made = make_table(), fitted.sample(8 * 1024, seed=2)

    assert (made["plan"] == "gold").mean() == pytest.approx((real["plan"] == "gold").mean(), rel=0.1)
    assert made["plan"].isna().mean() == pytest.approx(real["plan"].isna().mean(), rel=0.2)
    assert made["score"].isna().mean() == pytest.approx(real["score"].isna().mean(), rel=0.2)


def test_quantiles_of_numbers_are_those_of_the_real_ones(fitted: FittedTable) -> None:
    real, made = make_table(), fitted.sample(4 * 1024, seed=2)

    for name in ("amount", "score"):
        for share in (0.1, 0.5, 0.9):
            spread = real[name].quantile(0.95) - real[name].quantile(0.05)
            assert abs(made[name].quantile(share) - real[name].quantile(share)) < 0.1 * spread


def test_numbers_are_drawn_given_a_category(learned: FittedTable) -> None:
    gold, basic = learned.sample(1024, {"plan": "gold"}), learned.sample(1024, {"plan": "basic"})

    assert (gold["amount"] > 25).mean() > (basic["amount"] > 25).mean() + 0.4


def test_categories_are_drawn_given_a_number(learned: FittedTable) -> None:
    low, high = learned.sample(1024, {"score": -3.0}), learned.sample(1024, {"score": 3.0})

    assert (high["plan"] == "gold").mean() > (low["plan"] == "gold").mean() + 0.3


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    conditions=st.fixed_dictionaries(
        {},
        optional={
            "is_fraud": st.booleans(),
            "amount": st.sampled_from([20.01, 25.5, 8.33]),
            "plan": st.sampled_from(["gold", "basic", None]),
            "score": st.sampled_from([0.123456789, None, -1.5]),
            "visits": st.sampled_from([0, 3]),
            "day": st.sampled_from([datetime.datetime(2023, 5, 6)]),
        },
    )
)
def test_any_conditions_stand_in_the_result_as_they_are(fitted: FittedTable, conditions: dict[str, object]) -> None:
    made = fitted.sample(50, conditions)

    for name, value in conditions.items():
        assert made[name].isna().all() if value is None else (made[name] == value).all()


def test_conditions_may_differ_from_row_to_row(fitted: FittedTable) -> None:
    wanted = pd.DataFrame({"plan": ["gold", None, "basic"] * 20, "amount": np.linspace(10, 30, 60)})

    made = fitted.sample(60, wanted)

    assert (
        made["plan"].where(made["plan"].notna(), None).tolist()
        == wanted["plan"].where(wanted["plan"].notna(), None).tolist()
    )
    assert made["amount"].tolist() == wanted["amount"].tolist()


def test_a_row_depends_on_the_seed_and_its_number_alone(fitted: FittedTable) -> None:
    torch.manual_seed(1)
    few = fitted.sample(10, seed=9)
    torch.manual_seed(2)
    many = fitted.sample(2_000, seed=9)

    pd.testing.assert_frame_equal(few, many.head(10))
    assert not few.equals(fitted.sample(10, seed=8))


def test_a_saved_model_makes_the_same_rows(fitted: FittedTable, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")

    pd.testing.assert_frame_equal(load(tmp_path / "model").sample(100, seed=4), fitted.sample(100, seed=4))


class StopAt(Quiet):
    """Asks to stop after so many steps."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.done = 0

    def step(self, done: int, total: int) -> None:
        self.done = done

    def should_stop(self) -> bool:
        return self.done >= self.last


def test_a_fit_that_was_stopped_goes_on_to_the_same_model(tmp_path: Path) -> None:
    few = {**SMALL, "steps": 30}
    with pytest.raises(StopRequested):
        fit(make_table(300), "diffusion", progress=StopAt(13), checkpoints=tmp_path, **few)

    resumed = fit(make_table(300), "diffusion", checkpoints=tmp_path, **few)

    whole = fit(make_table(300), "diffusion", **few)
    pd.testing.assert_frame_equal(resumed.sample(50), whole.sample(50))


@pytest.mark.parametrize("columns", [["amount", "score"], ["is_fraud", "plan"], ["score"], ["visits"]])
def test_tables_of_numbers_alone_or_categories_alone_are_learned(columns: list[str]) -> None:
    model = fit(make_table(150)[columns], "diffusion", **{**SMALL, "steps": 5})

    assert len(model.sample(20)) == 20


def test_a_table_of_two_rows_is_learned() -> None:
    model = fit(pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]}), "diffusion", **{**SMALL, "steps": 3})

    assert set(model.sample(30)["b"]) <= {"x", "y"}


def test_an_unknown_level_is_refused_as_a_condition(fitted: FittedTable) -> None:
    with pytest.raises(UsageError, match="cannot hold"):
        fitted.sample(5, {"plan": "silver"})


def test_a_private_fit_spends_its_budget_and_no_more() -> None:
    pytest.importorskip("opacus")
    privacy = {"max_epsilon": 3.0, "delta": 1e-5, "values": {"plan": ["gold", "basic"]}}

    model = fit(make_table(400), "diffusion", differential_privacy=privacy, **{**SMALL, "steps": 12})

    assert model.report.epsilon is not None
    assert 2.5 < model.report.epsilon <= 3.0
    assert "DP-SGD" in model.report.accounting
    made = model.sample(500, {"plan": "gold"})
    assert (made["plan"] == "gold").all()
    assert made["amount"].between(model.profile.columns["amount"].low, model.profile.columns["amount"].high).all()
