"""A pretrained model learns a table by DP-SGD on what is tuned of it, mostly LoRA (Yu et al., “Differentially Private
Fine-tuning of Language Models”, ICLR 2022): few weights take little noise, and the base has seen none of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.random import Generator
from torch import Tensor

from workbench.synthesizers.privacy.accounting import PrivacyAccountant
from workbench.synthesizers.privacy.training import PrivateTraining
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.types.language_model.private import PrivateAccounting, PrivateOptimizer
from workbench.synthesizers.types.language_model.sentences import Grammar, score_batch
from workbench.synthesizers.types.language_model.training import find_rate
from workbench.synthesizers.types.language_model.tuning import TuningTask, draw_order

if TYPE_CHECKING:
    from workbench.synthesizers.types.language_model import LanguageModelConfig


class PrivateTuningTask(TuningTask):
    """The task of a pretrained model with private steps. It tells no losses: they would tell of rows."""

    def __init__(
        self,
        model: Any,
        grammar: Grammar,
        table: RealTable,
        config: LanguageModelConfig,
        accountant: PrivacyAccountant,
    ) -> None:
        super().__init__(model, grammar, table, config)
        self._training = PrivateTraining(model, self._rate, self._rows, self._batch, self.plan.steps, accountant)
        self.modules = {**self.modules, "accounting": PrivateAccounting(self._training)}
        self.optimizers = {"tuned": PrivateOptimizer(self._training)}  # type: ignore[dict-item]

    def step(self, generator: Generator) -> Mapping[str, Tensor]:
        """One step on rows that are drawn by Poisson sampling, in orders that no seed tells."""
        rows = self._training.sample_batch()
        self._training.set_learning_rate(self._rate * find_rate(self._training.steps_done, self.plan.steps))
        orders = [draw_order(self._training.generator, self._grammar.natural) for _ in range(len(rows))]
        self._model.train()
        losses: Tensor | None = None
        if len(rows):
            losses, _ = score_batch(self._training.module, self._gather(self._spelled, rows, orders))
        self._training.step(losses)
        return {}
