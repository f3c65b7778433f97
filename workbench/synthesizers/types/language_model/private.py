"""The small model learns a table by DP-SGD: of each row no more can be told than the accountant allows.

Digits and their trees come from the private profile alone, and offsets are measured on rows that the model itself
wrote; only the steps look at the table. Where a training stands with its budget is part of its checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from numpy.random import Generator
from torch import Tensor, nn

from workbench.synthesizers.privacy.accounting import PrivacyAccountant
from workbench.synthesizers.privacy.training import PrivateTraining
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.types.language_model.layout import RowLayout
from workbench.synthesizers.types.language_model.training import SmallTask, find_rate
from workbench.synthesizers.types.language_model.transformer import RowTransformer

if TYPE_CHECKING:
    from workbench.synthesizers.types.language_model import LanguageModelConfig


class PrivateTask(SmallTask):
    """The task of the small model with private steps. It tells no losses: they would tell of rows."""

    def __init__(
        self,
        model: RowTransformer,
        layout: RowLayout,
        table: RealTable,
        config: LanguageModelConfig,
        accountant: PrivacyAccountant,
    ) -> None:
        super().__init__(model, layout, table, config)
        self._training = PrivateTraining(model, self._rate, len(self._rows), self._batch, self.plan.steps, accountant)
        self._forward = self._training.module
        self.modules = {"model": model, "accounting": PrivateAccounting(self._training)}
        self.optimizers = {"model": PrivateOptimizer(self._training)}  # type: ignore[dict-item]

    def step(self, generator: Generator) -> Mapping[str, Tensor]:
        """One step on rows that are drawn by Poisson sampling, in orders that no seed tells."""
        rows = self._training.sample_batch()
        self._training.set_learning_rate(self._rate * find_rate(self._training.steps_done, self.plan.steps))
        orders = self._layout.draw_orders(self._training.generator, len(rows))
        self._training.step(self._score(self._rows, rows, orders) if len(rows) else None)
        return {}


class PrivateAccounting(nn.Module):
    """What a private training spent, as a module whose state is a tensor of JSON's bytes, for checkpoints to keep."""

    def __init__(self, training: PrivateTraining) -> None:
        super().__init__()
        self._training = [training]

    def get_extra_state(self) -> Tensor:
        state = {name: value for name, value in self._training[0].get_state().items() if name != "optimizer"}
        return torch.frombuffer(bytearray(json.dumps(state).encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        training = self._training[0]
        plain = json.loads(bytes(state.cpu().numpy().tobytes()))
        training.load_state({**plain, "optimizer": training.get_state()["optimizer"]})


class PrivateOptimizer:
    """The state of the private optimizer, as checkpoints ask for it."""

    def __init__(self, training: PrivateTraining) -> None:
        self._training = training

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The settings of its parameters."""
        groups: list[dict[str, Any]] = self.state_dict()["param_groups"]
        return groups

    def state_dict(self) -> dict[str, Any]:
        """Its moments and settings."""
        state: dict[str, Any] = self._training.get_state()["optimizer"]
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from moments and settings."""
        self._training.load_state({**self._training.get_state(), "optimizer": state})
