"""TVAE learned with differential privacy: DP-SGD for encoder, decoder and prior, and a stand-in for all else.

The modes of numbers and the calibration come from a table that stands in for the real one (`privacy/stand_in.py`). Rows
are taken as Poisson sampling gives them, so that rare levels are seen no more often than they are. A number's spread
within a mode is not learned: single parameters get more noise than they are worth.

A private training keeps no checkpoint: one that is stopped has released nothing but the view, and starts anew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.synthesizers.neural.conditioning import draw_masks
from workbench.synthesizers.neural.encoding import EncodedRows
from workbench.synthesizers.neural.tensors import RowTensors, make_inputs
from workbench.synthesizers.privacy.accounting import PrivacyAccountant
from workbench.synthesizers.privacy.training import PrivateTraining
from workbench.synthesizers.types.tvae import TvaeConfig
from workbench.synthesizers.types.tvae.learning import WARMUP_SHARE, TvaeTask, measure_divergence
from workbench.synthesizers.types.tvae.network import Decoder, Encoder

STEPS = 1_000
"""Steps that are taken where no epochs are asked for: each costs some of the budget."""

SMALL = {"embedding_dim": 8, "compress_dims": (128, 128), "decompress_dims": (128, 128)}
"""Sizes where none are asked for: the noise grows with the root of how many weights there are, the time with them."""

MODE_SPREAD = math.log(0.25)
"""The logarithm of the deviation within a mode, whose place goes from -1 to 1 over four deviations each way."""

GRADIENT_FLOATS = 32_000_000
"""Numbers of the gradients of single rows that are held at one time: 128 MiB."""


def shrink(config: TvaeConfig) -> TvaeConfig:
    """The config with smaller sizes where none were asked for."""
    return config.model_copy(update={name: size for name, size in SMALL.items() if name not in config.model_fields_set})


class PrivateTvaeTask(TvaeTask):
    """What a private step is. It tells no losses: they would tell of rows."""

    def __init__(self, real: EncodedRows, steps: int, accountant: PrivacyAccountant, **settings: Any) -> None:
        super().__init__(**settings)
        # Places are hardly foreseeable: weighed by the spread they have, they would fill a row's clipped gradient.
        self._decode.spread.requires_grad_(False).fill_(0.0)
        self._real = RowTensors(self._encoder, real, self._device)
        self._bound = _Bound(self, self._encode, self._decode, self._config.loss_factor)
        self._training = PrivateTraining(
            self._bound,
            self._config.learning_rate,
            rows=len(real),
            batch_rows=self._batch,
            steps=steps,
            accountant=accountant,
        )
        trained = sum(weight.numel() for weight in self._bound.parameters() if weight.requires_grad)
        self._part = max(1, GRADIENT_FLOATS // trained)
        self.optimizers = {}

    def step(self, generator: np.random.Generator) -> Mapping[str, Tensor]:
        training = self._training
        done = training.steps_done / training.steps
        training.set_learning_rate(self._config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done)))
        self._bound.weight = min(1.0, done / WARMUP_SHARE)
        chosen = training.sample_batch()
        parts = [chosen[start : start + self._part] for start in range(0, len(chosen), self._part)]
        for part in parts[:-1]:
            training.accumulate(self._find_losses(part))
        training.step(self._find_losses(parts[-1]) if parts else None)
        self._mean.update(self._decode)
        self._mean.module.spread.detach().fill_(MODE_SPREAD)
        return {}

    def _find_losses(self, chosen: np.ndarray[Any, np.dtype[np.int64]]) -> Tensor:
        generator, names = self._training.generator, self._encoder.names
        label = None if self._label is None else names.index(self._label)
        index = torch.as_tensor(chosen, device=self._device)
        rows = self._real.make(index)
        masks = torch.as_tensor(draw_masks(generator, len(chosen), len(names), label), device=self._device)
        inputs, spread = make_inputs(rows, masks, self._column_of)
        noise = generator.standard_normal((len(chosen), self._decode.embedding), np.float32)
        chance = torch.as_tensor(noise, device=self._device)
        losses: Tensor = self._training.module(rows, inputs, spread, self._real.codes(index), chance)
        return losses


class _Bound(nn.Module):
    """The loss of each row, minus the bound on its likelihood, by one forward pass, as Opacus wants it.

    `weight` is that of the divergence.
    """

    def __init__(self, task: PrivateTvaeTask, encode: Encoder, decode: Decoder, factor: float) -> None:
        super().__init__()
        self.encode, self.decode = encode, decode
        self._task = [task]
        self._factor, self.weight = factor, 1.0

    def forward(self, rows: Tensor, inputs: Tensor, spread: Tensor, codes: Tensor, noise: Tensor) -> Tensor:
        task = self._task[0]
        mean, variance = self.encode(rows, inputs)
        raw = self.decode.decode(mean + torch.exp(0.5 * variance) * noise, inputs)
        distance = measure_divergence(mean, variance, *self.decode.find_prior(inputs))
        made_again = task.measure_rows(raw, rows, codes, 1.0 - spread)
        return self._factor * made_again + self.weight * distance
