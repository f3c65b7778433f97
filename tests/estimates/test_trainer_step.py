"""The estimate held against the product's own training loop: transformers' Trainer as `workbench.tuning` runs it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from workbench.estimates.extrapolation import find_peak
from workbench.estimates.measuring import count_bytes, find_highest_sum
from workbench.estimates.step import StepSettings, record_step
from workbench.progress import Quiet
from workbench.tuning.applying import apply_method
from workbench.tuning.encoding import EncodedRow
from workbench.tuning.loading import load_model
from workbench.tuning.methods import find_method, parse_settings
from workbench.tuning.models import BASE_MODEL, resolve_model
from workbench.tuning.training import train

ROWS, TOKENS, ANSWER = 16, 61, 5


class Watching(Quiet):
    """Profiles the memory of the third step, which training tells of as it tells its progress."""

    def __init__(self) -> None:
        self.profiler = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
        self.metric_names: set[str] = set()

    def step(self, done: int, total: int) -> None:
        if done == 2:
            self.profiler.start()
        elif done == 3:
            self.profiler.stop()

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        self.metric_names |= set(values)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("name", ["full", "lora"])
def test_the_peak_inside_trainer_is_the_simulated_one(name: str, checkpointing: bool, tmp_path: Path) -> None:
    method = find_method(name)
    settings = parse_settings(name, {"batch_size": ROWS, "max_steps": 3, "checkpointing": checkpointing})
    loaded = load_model(resolve_model(BASE_MODEL), method, settings)
    model: Any = apply_method(method, loaded, settings)
    row = EncodedRow(list(range(3, 3 + TOKENS)), [False] * (TOKENS - ANSWER) + [True] * ANSWER)
    watching = Watching()
    train(loaded, model, [row] * (4 * ROWS), settings, 1e-4, tmp_path, watching, measure=lambda: 0.0)

    trained = [p for p in model.parameters() if p.requires_grad]
    states = sum(2 * p.nbytes + 4 for p in trained)
    resident = count_bytes([*model.parameters(), *model.buffers()]) + states
    true = resident + find_highest_sum(watching.profiler)
    step = StepSettings(ROWS, TOKENS, ANSWER, checkpointing, dtype="float32", kernels="cpu")
    recording, _ = record_step(loaded.model.config, lambda fresh: method.apply(fresh, settings), step)
    assert sum(find_peak(recording).live) == pytest.approx(true, rel=0.001)
    assert "loss" in watching.metric_names
    assert torch.is_grad_enabled()
