"""CTGAN as a user has it: fitted, sampled given anything, stopped and resumed, saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from workbench.errors import StopRequested, UsageError
from workbench.progress import Quiet
from workbench.synthesizers import FittedTable, fit, load

NETWORK = {"generator_dim": (32, 32), "discriminator_dim": (32, 32), "embedding_dim": 8, "label": "late"}


@pytest.fixture(autouse=True, scope="module")
def use_one_thread() -> None:
    torch.set_num_threads(1)


class Watch(Quiet):
    """Keeps what it is told, and asks to stop after so many steps."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.done = 0
        self.values: dict[str, float] = {}

    def step(self, done: int, total: int) -> None:
        self.done = done

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        self.values.update(values)

    def should_stop(self) -> bool:
        return self.stop_after is not None and self.done >= self.stop_after


def make_frame(rows: int = 1_500) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    late = generator.random(rows) < 0.03
    kind = np.where(late, "sea", generator.choice(["road", "rail", "air"], rows, p=[0.7, 0.25, 0.05]))
    weight = np.round(np.exp(generator.normal(2, 0.6, rows) + np.where(kind == "air", -1.5, 0.0)), 1)
    price = np.round(3 + 2 * weight + generator.normal(0, 1, rows), 2)
    price[generator.random(rows) < 0.1] = np.nan
    parcels = generator.poisson(2, rows)
    return pd.DataFrame({"late": late, "kind": kind, "weight": weight, "price": price, "parcels": parcels})


@pytest.fixture(scope="module")
def fitted() -> FittedTable:
    torch.set_num_threads(1)
    return fit(make_frame(), "ctgan", epochs=60, batch_size=250, **NETWORK)


def test_rows_keep_types_bounds_decimals_and_nulls(fitted: FittedTable) -> None:
    real, made = make_frame(), fitted.sample(3_000)
    assert made.dtypes.astype(str).tolist() == real.convert_dtypes().dtypes.astype(str).tolist() or list(made) == list(
        real
    )
    assert set(made["kind"]) <= set(real["kind"])
    assert made["weight"].between(real["weight"].min(), real["weight"].max()).all()
    assert np.allclose(made["weight"].astype(float) * 10, (made["weight"].astype(float) * 10).round())
    assert abs(made["price"].isna().mean() - 0.1) < 0.03
    assert not made["weight"].isna().any()


def test_the_rare_class_of_the_label_keeps_its_share_exactly(fitted: FittedTable) -> None:
    share = make_frame()["late"].mean()
    assert abs(fitted.sample(4_096)["late"].astype(bool).mean() - share) * 4_096 <= 4


def test_shares_of_other_categories_are_within_ten_percent(fitted: FittedTable) -> None:
    real = make_frame()["kind"].value_counts(normalize=True)
    made = fitted.sample(20_480)["kind"].value_counts(normalize=True)
    assert (made / real - 1).abs().max() < 0.1


def test_the_network_learns_what_goes_with_the_rare_class(fitted: FittedTable) -> None:
    made = fitted.sample(2_000, conditions={"late": True})
    assert made["late"].all()
    assert (made["kind"] == "sea").mean() > 0.2
    assert (fitted.sample(2_000, conditions={"late": False})["kind"] == "sea").mean() < 0.1


def test_conditions_on_numbers_and_nulls_are_kept_word_by_word(fitted: FittedTable) -> None:
    given = [12.5, None, 20.25, 31.0]
    made = fitted.sample(4, conditions={"price": given, "kind": "road"})
    assert [None if pd.isna(value) else float(value) for value in made["price"]] == given
    assert (made["kind"] == "road").all()


def test_the_same_seed_gives_the_same_rows_and_more_rows_begin_alike(fitted: FittedTable) -> None:
    first, again = fitted.sample(1_500, seed=3), fitted.sample(1_500, seed=3)
    assert first.equals(again)
    assert fitted.sample(100, seed=3).equals(first.head(100))
    assert not fitted.sample(1_500, seed=4).equals(first)


def test_a_saved_model_makes_the_same_rows(fitted: FittedTable, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    assert load(tmp_path / "model").sample(500).equals(fitted.sample(500))


@pytest.mark.parametrize("type", ["ctgan", "tvae"])
def test_a_fit_that_was_stopped_and_resumed_ends_as_one_that_never_was(type: str, tmp_path: Path) -> None:
    settings = {"epochs": 4, "batch_size": 100, "label": "late", "embedding_dim": 4}
    whole = fit(make_frame(500), type, seed=5, **settings)
    for stop in (3, 8):
        with pytest.raises(StopRequested):
            fit(make_frame(500), type, seed=5, checkpoints=tmp_path, progress=Watch(stop), **settings)
    resumed = fit(make_frame(500), type, seed=5, checkpoints=tmp_path, **settings)
    assert whole.synthesizer is not None
    assert resumed.synthesizer is not None
    before, after = whole.synthesizer.get_state()[1], resumed.synthesizer.get_state()[1]
    assert all(np.array_equal(array, after[name], equal_nan=True) for name, array in before.items())
    assert resumed.sample(300).equals(whole.sample(300))


def test_a_checkpoint_of_another_table_is_not_gone_on_from(tmp_path: Path) -> None:
    settings = {"epochs": 2, "batch_size": 100, "checkpoints": tmp_path, **NETWORK}
    fit(make_frame(300), "ctgan", **settings)
    watch = Watch()
    fit(make_frame(400), "ctgan", progress=watch, **settings)
    assert watch.done > 0


def test_progress_tells_losses_epochs_and_live_quality() -> None:
    watch = Watch()
    made = fit(make_frame(400), "ctgan", epochs=3, batch_size=100, progress=watch, **NETWORK)
    assert {"generator_loss", "discriminator_loss", "epoch", "fidelity"} <= set(watch.values)
    assert made.report.figures["steps"] == watch.done


def test_tables_of_numbers_alone_or_of_categories_alone_can_be_learned() -> None:
    frame = make_frame(300)
    for columns in (["weight"], ["kind", "late"], ["weight", "price"]):
        made = fit(
            frame[columns], "ctgan", epochs=1, batch_size=100, generator_dim=(8,), discriminator_dim=(8,)
        ).sample(50)
        assert list(made) == columns
        assert len(made) == 50


def test_a_pack_larger_than_a_batch_is_refused_with_a_reason() -> None:
    with pytest.raises(UsageError, match="batch_size must be at least pac"):
        fit(make_frame(100), "ctgan", batch_size=5, pac=10)
