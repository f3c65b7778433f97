"""Whole private fits: epsilon within the budget, and nothing of a single row in what is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("opacus")

from workbench.errors import StopRequested, UsageError
from workbench.progress import Quiet
from workbench.synthesizers import fit

ROWS = 1_500
EXTREME = 917_342.61
RARE = "Lighthouse keeper of Skerryvore"

QUICK: dict[str, dict[str, Any]] = {
    "gaussian_copula": {},
    "ctgan": {"epochs": 1},
    "tvae": {"epochs": 1},
    "diffusion": {"steps": 5},
    "language_model": {"epochs": 1, "hidden_size": 16, "layers": 1},
}

STARTS_ANEW = {"ctgan", "tvae", "diffusion"}
"""Types whose private fits keep no checkpoint: one that was stopped has released nothing but its view."""


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    source = np.random.default_rng(4)
    made = pd.DataFrame(
        {
            "income": np.round(source.lognormal(8, 0.5, ROWS), 2),
            "job": source.choice(["nurse", "teacher", "cook"], ROWS, p=[0.5, 0.3, 0.2]),
            "member": source.random(ROWS) < 0.1,
            "name": [f"Person {number}" for number in range(ROWS)],
            "score": np.where(source.random(ROWS) < 0.3, np.nan, source.integers(1, 6, ROWS)),
        }
    )
    made.loc[3, "income"] = EXTREME
    made.loc[5, "job"] = RARE
    return made


@pytest.mark.parametrize("type", QUICK)
def test_a_private_fit_spends_no_more_than_its_budget_and_stores_nothing_of_one_row(
    type: str, frame: pd.DataFrame, tmp_path: Path
) -> None:
    privacy = {"max_epsilon": 3.0, "delta": 1e-5}
    fitted = fit(frame, type, differential_privacy=privacy, device="cpu", **QUICK[type])
    report = fitted.report
    assert report.epsilon is not None
    assert 2.0 < report.epsilon <= 3.0
    assert report.delta == 1e-5
    assert "Opacus" in report.accounting
    assert report.fidelity == {}
    assert report.validation_rows == 0
    fitted.save(tmp_path)
    stored = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    for secret in (RARE, "Person ", "917342"):
        assert secret.encode() not in stored
    numbers = [EXTREME, np.float32(EXTREME)]
    assert all(np.array(number).tobytes() not in stored for number in numbers)
    made = fitted.sample(400)
    assert set(made["job"]) <= {"nurse", "teacher", "cook"}
    assert made["income"].max() < EXTREME
    assert not set(made["name"]) & set(frame["name"])
    assert set(json.loads((tmp_path / "model.json").read_text())["identifiers"]) == {"name"}


class _StopAt(Quiet):
    """Asks to stop once so many steps are done."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.told: list[str] = []

    def step(self, done: int, total: int) -> None:
        self.steps -= 1

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        self.told.extend(values)

    def should_stop(self) -> bool:
        return self.steps <= 0


@pytest.mark.parametrize("type", [name for name in QUICK if name != "gaussian_copula"])
def test_a_private_fit_that_goes_on_spends_once_and_tells_no_loss(
    type: str, frame: pd.DataFrame, tmp_path: Path
) -> None:
    settings = {**QUICK[type], "differential_privacy": {"max_epsilon": 3.0}, "device": "cpu", "checkpoints": tmp_path}
    first = _StopAt(2)
    with pytest.raises(StopRequested):
        fit(frame, type, progress=first, **settings)
    second = _StopAt(10_000)
    fitted = fit(frame, type, progress=second, **settings)
    assert fitted.report.epsilon is not None
    assert 2.0 < fitted.report.epsilon <= 3.0
    steps = fitted.report.figures["steps"]
    assert f"{steps:,} steps of DP-SGD" in fitted.report.accounting
    taken = 10_000 - second.steps
    assert taken == (steps if type in STARTS_ANEW else steps - 2)
    assert not [name for name in (*first.told, *second.told) if "loss" in name]


def test_two_private_fits_of_one_seed_differ(frame: pd.DataFrame) -> None:
    made = [fit(frame, seed=1, differential_privacy={"max_epsilon": 3.0}).sample(50, seed=2) for _ in range(2)]
    assert not made[0].equals(made[1])


def test_a_private_label_whose_values_are_unknown_is_no_label(frame: pd.DataFrame) -> None:
    frame = frame.assign(score=frame["score"] * 100)
    fitted = fit(frame, label="score", differential_privacy={"max_epsilon": 3.0})
    assert fitted.profile.columns["score"].levels is None
    assert fitted.report.epsilon is not None


def test_private_rows_of_an_entity_are_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="cannot be learned with differential privacy"):
        fit(frame, "sequence", entity="name", order_by="income", differential_privacy={"max_epsilon": 3.0})
