"""A diffusion learned with differential privacy: noisy quantiles for the scores, DP-SGD for the networks.

Each row is looked at under several noises and masks in a step, and their mean gradient is clipped: that costs time,
but no privacy (Dockhorn et al., “Differentially Private Diffusion Models”, 2023, arXiv:2210.09929). The moving average
of the weights and the calibration to noisy shares and quantiles are made of what was released, and cost nothing.

A private training keeps no checkpoint: one that is stopped has released nothing, and starts anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from workbench.synthesizers.neural.encoding import TableEncoder
from workbench.synthesizers.neural.numbers import GRID, Scores
from workbench.synthesizers.privacy.accounting import PrivacyAccountant
from workbench.synthesizers.privacy.stand_in import release_quantiles
from workbench.synthesizers.privacy.training import PrivateTraining
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import Made
from workbench.synthesizers.types.diffusion.layout import Layout
from workbench.synthesizers.types.diffusion.learning import (
    ExampleMaker,
    Examples,
    draw_told,
    find_losses,
)
from workbench.synthesizers.types.diffusion.network import Denoiser
from workbench.synthesizers.types.diffusion.settings import Settings

VIEWS = 8
"""Noises and masks that a row is looked at under in one step."""

GRADIENT_FLOATS = 32_000_000
"""Numbers of the gradients of single rows that are held at one time: 128 MiB."""


def learn_private_scores(encoder: TableEncoder, table: RealTable, accountant: PrivacyAccountant) -> TableEncoder:
    """The encoder with normal scores by noisy quantiles, one release for all numbers of `table`, the private view."""
    quantiles = release_quantiles(table, accountant, np.linspace(0.0, 1.0, GRID + 1))
    columns = tuple(
        replace(column, scores=Scores(quantiles[column.name], 0.5 / GRID)) if column.name in quantiles else column
        for column in encoder.columns
    )
    return TableEncoder(encoder.profile, columns, encoder.sizes, encoder.shares)


class PrivateDiffusionTask:
    """What the shared loop trains where the fit is private. Without losses, which would tell of single rows."""

    def __init__(
        self,
        network: Denoiser,
        average: AveragedModel,
        examples: ExampleMaker,
        settings: Settings,
        accountant: PrivacyAccountant,
    ) -> None:
        self.network = network
        self.layout = examples.layout
        self.average = average
        self.modules: Mapping[str, nn.Module] = {"network": network, "average": average}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {}
        self.kept = ("average",)
        self._examples = examples
        self._learning_rate = settings.learning_rate
        self._training = PrivateTraining(
            _Losses(network, self.layout),
            settings.learning_rate,
            rows=examples.count,
            batch_rows=settings.batch_size,
            steps=settings.steps,
            accountant=accountant,
            max_grad_norm=settings.max_grad_norm,
            weight_decay=settings.weight_decay,
        )
        trained = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
        self._part = max(1, GRADIENT_FLOATS // trained)

    def step(self, generator: Generator) -> Mapping[str, Tensor]:
        """One private step; nothing is told of its losses. The learning rate falls along half a cosine."""
        training = self._training
        part = training.steps_done / training.steps
        training.set_learning_rate(self._learning_rate * 0.5 * (1.0 + float(np.cos(np.pi * part))))
        index = training.sample_batch()
        chunks = [index[start : start + self._part] for start in range(0, len(index), self._part)]
        self.network.train()
        for chunk in chunks[:-1]:
            training.accumulate(self._find_losses(chunk))
        training.step(self._find_losses(chunks[-1]) if chunks else None)
        self.average.update_parameters(self.network)
        return {}

    def make_rows(self, generator: Generator, count: int) -> Made:
        """Not asked for: a private fit has no rows to compare with."""
        raise RuntimeError("a private fit has no live quality")

    def _find_losses(self, index: NDArray[np.int64]) -> Tensor:
        # Times are spread over the views of each row alone: what is added to one row must not hang on the others.
        generator = self._training.generator
        repeated = np.repeat(index, VIEWS)
        told = draw_told(generator, len(repeated), self.layout)
        batch = self._examples.make(repeated, told, generator, spread=VIEWS)
        found: Tensor = self._training.module(_fold(batch, len(index)))
        return found


class _Losses(nn.Module):
    """The losses of rows (rows,), each the mean over its views, as Opacus wants them: by the forward of one module."""

    def __init__(self, network: Denoiser, layout: Layout) -> None:
        super().__init__()
        self.network = network
        self.layout = layout

    def forward(self, batch: Examples) -> Tensor:
        entropy, error = find_losses(self.network, self.layout, batch)
        return (entropy + error).mean(1)


def _fold(batch: Examples, rows: int) -> Examples:
    """The views of a row beside each other: tensors of shape (rows, views, …)."""
    folded = {
        field.name: getattr(batch, field.name).reshape(rows, -1, *getattr(batch, field.name).shape[1:])
        for field in fields(batch)
    }
    return Examples(**folded)
