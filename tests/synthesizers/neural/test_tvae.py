"""TVAE as a user has it: what it learns, and that conditions hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from workbench.synthesizers import FittedTable, fit


def make_frame(rows: int = 1_500) -> pd.DataFrame:
    generator = np.random.default_rng(1)
    ill = generator.random(rows) < 0.04
    age = np.clip(np.round(generator.normal(np.where(ill, 70, 45), 8)), 18, 95).astype(int)
    pressure = np.round(80 + 0.8 * age + generator.normal(0, 5, rows), 1)
    ward = np.where(ill, generator.choice(["A", "B"], rows), generator.choice(["C", "D"], rows, p=[0.8, 0.2]))
    return pd.DataFrame({"ill": ill, "age": age, "pressure": pressure, "ward": ward})


@pytest.fixture(scope="module")
def fitted() -> FittedTable:
    torch.set_num_threads(1)
    dims = {"compress_dims": (64, 64), "decompress_dims": (64, 64), "embedding_dim": 8}
    return fit(make_frame(), "tvae", epochs=100, batch_size=250, label="ill", **dims)


def test_the_rare_class_keeps_its_share_and_what_goes_with_it(fitted: FittedTable) -> None:
    real, made = make_frame(), fitted.sample(4_096)
    assert abs(made["ill"].astype(bool).mean() - real["ill"].mean()) * 4_096 <= 4
    sick = fitted.sample(2_048, conditions={"ill": True})
    assert sick["ward"].isin(["A", "B"]).mean() > 0.9
    assert abs(sick["age"].astype(float).mean() - 70) < 6


def test_numbers_depend_on_each_other_as_they_do_in_the_real_table(fitted: FittedTable) -> None:
    real, made = make_frame(), fitted.sample(4_096)
    wanted = real["age"].corr(real["pressure"])
    assert abs(made["age"].astype(float).corr(made["pressure"].astype(float)) - wanted) < 0.2


def test_a_number_given_as_a_condition_moves_the_others(fitted: FittedTable) -> None:
    low = fitted.sample(1_024, conditions={"age": 30})
    high = fitted.sample(1_024, conditions={"age": 70})
    assert (low["age"] == 30).all()
    assert high["pressure"].astype(float).mean() - low["pressure"].astype(float).mean() > 15


def test_quantiles_of_numbers_are_those_of_the_table(fitted: FittedTable) -> None:
    real, made = make_frame()["pressure"], fitted.sample(8_192)["pressure"].astype(float)
    shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    assert np.allclose(made.quantile(shares), real.quantile(shares), atol=1.5)
    assert made.between(real.min(), real.max()).all()
