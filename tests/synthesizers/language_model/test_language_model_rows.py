"""The small language model end to end: rows that are valid, that keep shares and conditions, and that come again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import StopRequested, UsageError
from workbench.progress import Quiet
from workbench.synthesizers import FittedTable, fit, load


def make_table(rows: int, seed: int = 0) -> pd.DataFrame:
    """Columns of every kind that hang together, one of them with a rare level."""
    generator = np.random.default_rng(seed)
    size = generator.normal(0, 1, rows)
    group = np.array(["a", "b", "c"])[np.clip(np.digitize(size + generator.normal(0, 0.4, rows), [-0.7, 0.9]), 0, 2)]
    return pd.DataFrame(
        {
            "size": size.round(3),
            "price": np.exp(size + generator.normal(0, 0.5, rows)),
            "group": group,
            "age": (40 + 10 * size).round().astype(int),
            "score": np.where(generator.random(rows) < 0.1, np.nan, (20 + 3 * size).round(1)),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(generator.integers(0, 900, rows), unit="D"),
            "member": generator.random(rows) < 1 / (1 + np.exp(-2 * size)),
            "fraud": generator.permutation(np.arange(rows) < round(0.02 * rows)),
        }
    )


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return make_table(1_000)


@pytest.fixture(scope="module")
def fitted(real: pd.DataFrame) -> FittedTable:
    return fit(real, "language_model", epochs=20, batch_size=128, device="cpu")


def test_every_row_is_valid(real: pd.DataFrame, fitted: FittedTable) -> None:
    made = fitted.sample(2_000)
    assert made.dtypes.equals(real.dtypes)
    for name in ("size", "price", "age", "score", "day"):
        assert made[name].dropna().between(real[name].min(), real[name].max()).all()
    assert set(made["group"]) == {"a", "b", "c"}
    assert made.drop(columns="score").notna().all().all()
    assert (made["size"].round(3) == made["size"]).all()
    assert (made["day"].dt.normalize() == made["day"]).all()


def test_shares_and_relations_are_kept(real: pd.DataFrame, fitted: FittedTable) -> None:
    made = fitted.sample(20 * fitted.chunk_rows)
    assert made["fraud"].mean() == pytest.approx(real["fraud"].mean(), rel=0.05)
    assert made["score"].isna().mean() == pytest.approx(real["score"].isna().mean(), rel=0.1)
    for name in ("group", "member"):
        shares = made[name].value_counts(normalize=True)
        assert (shares / real[name].value_counts(normalize=True) - 1).abs().max() < 0.1
    assert made["size"].corr(made["age"]) > 0.6
    assert made["size"].mean() == pytest.approx(real["size"].mean(), abs=0.1)
    assert made.groupby("group")["size"].mean().is_monotonic_increasing
    assert fitted.report.fidelity["score"] > 0.8


def test_the_label_keeps_its_share_in_every_chunk(real: pd.DataFrame, fitted: FittedTable) -> None:
    size = fitted.chunk_rows
    made = fitted.sample(4 * size)["fraud"].to_numpy().reshape(4, size)
    assert np.abs(made.sum(axis=1) - real["fraud"].mean() * size).max() <= 1


def test_conditions_are_kept_word_for_word_and_the_rest_follows_them(fitted: FittedTable) -> None:
    made = fitted.sample(1_000, conditions={"size": 1.5, "score": None})
    assert (made["size"] == 1.5).all()
    assert made["score"].isna().all()
    assert made["age"].mean() > 48
    assert made["member"].mean() > 0.75
    low = fitted.sample(1_000, conditions={"member": False, "group": "a"})
    assert low["size"].mean() < -0.5


def test_any_columns_may_be_given_even_all(real: pd.DataFrame, fitted: FittedTable) -> None:
    rows = real.iloc[:40].reset_index(drop=True)
    assert fitted.sample(40, conditions=rows).equals(rows)
    generator = np.random.default_rng(3)
    for _ in range(4):
        names = [name for name in real.columns if generator.random() < 0.5]
        made = fitted.sample(40, conditions=rows[names])
        assert made[names].equals(rows[names])
        assert made.drop(columns="score").notna().all().all()


def test_the_same_seed_gives_the_same_rows_however_many(fitted: FittedTable) -> None:
    made = fitted.sample(700, seed=5)
    assert fitted.sample(700, seed=5).equals(made)
    assert fitted.sample(600, seed=5).equals(made.iloc[:600])
    assert not fitted.sample(700, seed=6).equals(made)


def test_a_stored_model_makes_the_same_rows(fitted: FittedTable, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    assert load(tmp_path / "model").sample(100).equals(fitted.sample(100))


class Watcher(Quiet):
    """Stops the fit after `most` steps and keeps its losses."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.done = 0
        self.losses: list[float] = []

    def step(self, done: int, total: int) -> None:
        self.done = done

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        if "validation_loss" in values:
            self.losses.append(values["validation_loss"])

    def should_stop(self) -> bool:
        return self.done >= self.most


def test_a_fit_that_was_stopped_ends_as_one_that_never_was(tmp_path: Path) -> None:
    table = make_table(300, seed=1)
    settings: dict[str, Any] = {"epochs": 6, "batch_size": 64, "hidden_size": 16, "layers": 1, "device": "cpu"}
    whole = Watcher(10**9)
    straight = fit(table, "language_model", progress=whole, **settings)
    watcher = Watcher(9)
    with pytest.raises(StopRequested):
        fit(table, "language_model", progress=watcher, checkpoints=tmp_path, **settings)
    assert watcher.done == 9
    resumed = fit(table, "language_model", checkpoints=tmp_path, **settings)
    assert resumed.sample(50).equals(straight.sample(50))
    assert whole.losses[-1] < whole.losses[0]


def test_columns_that_are_always_given_come_first(tmp_path: Path) -> None:
    fitted = fit(make_table(300), "language_model", epochs=1, hidden_size=16, given=["group"], device="cpu")
    assert fitted.report.figures["first_column"] == "group"
    assert (fitted.sample(20, conditions={"group": "b"})["group"] == "b").all()


def test_a_category_of_many_levels_is_written_by_its_digits() -> None:
    generator = np.random.default_rng(0)
    texts = [f"code-{number}" for number in range(3_000)]
    frame = pd.DataFrame({"code": generator.choice(texts, 6_000), "side": generator.choice(["l", "r"], 6_000)})
    fitted = fit(frame, "language_model", epochs=1, hidden_size=16, layers=1, device="cpu")
    made = fitted.sample(1_000)
    assert set(made["code"]) <= set(texts)
    assert made["code"].nunique() > 500


def test_a_table_of_too_many_columns_is_refused() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2_100)), columns=[f"c{at}" for at in range(2_100)])
    with pytest.raises(UsageError, match=r"at most 2,048 tokens.*Name fewer “columns”"):
        fit(frame, "language_model", device="cpu")


def test_a_private_fit_states_what_it_spent_and_keeps_the_label() -> None:
    pytest.importorskip("opacus")
    table = make_table(400)
    fitted = fit(
        table,
        "language_model",
        epochs=2,
        hidden_size=16,
        layers=1,
        device="cpu",
        differential_privacy={"max_epsilon": 5.0, "delta": 1e-4, "values": {"group": ["a", "b", "c"]}},
    )
    assert fitted.report.epsilon is not None
    assert 0 < fitted.report.epsilon <= 5.0
    assert fitted.report.fidelity == {}
    made = fitted.sample(500)
    assert set(made["group"]) <= {"a", "b", "c"}
    share = fitted.report.shares["fraud"]["rarest"]
    assert share["made"] == pytest.approx(share["real"], abs=0.005)


def test_a_private_fit_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("opacus")
    settings: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 64,
        "hidden_size": 16,
        "layers": 1,
        "device": "cpu",
        "differential_privacy": {"max_epsilon": 5.0, "delta": 1e-4},
    }
    with pytest.raises(StopRequested):
        fit(make_table(300), "language_model", progress=Watcher(7), checkpoints=tmp_path, **settings)
    fitted = fit(make_table(300), "language_model", checkpoints=tmp_path, **settings)
    assert fitted.report.figures["steps"] == 15
    assert "15 steps of DP-SGD" in fitted.report.accounting
    assert fitted.report.epsilon is not None
    assert fitted.report.epsilon <= 5.0


def test_a_model_that_is_not_here_is_refused() -> None:
    with pytest.raises(UsageError, match="There is no model “nothing-of-the-kind”"):
        fit(make_table(50), "language_model", model="nothing-of-the-kind")


def test_the_type_is_known_without_torch() -> None:
    code = (
        "import sys, workbench.synthesizers.types.language_model; "
        "assert not {'torch', 'transformers', 'peft', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
