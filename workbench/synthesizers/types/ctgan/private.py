"""CTGAN learned with differential privacy: the discriminator by DP-SGD, the generator from the discriminator alone.

Only the discriminator looks at rows (Xie et al., “Differentially Private Generative Adversarial Network”, 2018,
arXiv:1802.06739); what the generator learns from it costs nothing. The gradients of a row and of the row that was made
given the same columns are clipped as one, since both depend on the real one. So the discriminator judges row by row
(`pac` is 1), is not held smooth by a penalty, whose second derivatives have no gradient by row, and takes the logistic
loss of Goodfellow et al. (2014) instead. In its steps the generator normalises by its running figures: those of a batch
would mix rows.

The generator's own steps are given columns of a table that stands in for the real one, and so are modes and
calibration (`privacy/stand_in.py`). A private training keeps no checkpoint: one that is stopped has released nothing
but the view, and starts anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workbench.synthesizers.neural.conditioning import draw_masks
from workbench.synthesizers.neural.encoding import EncodedRows
from workbench.synthesizers.neural.tensors import RowTensors, make_inputs
from workbench.synthesizers.neural.training import seed_noise
from workbench.synthesizers.privacy.accounting import PrivacyAccountant
from workbench.synthesizers.privacy.training import PrivateTraining
from workbench.synthesizers.types.ctgan import CtganConfig
from workbench.synthesizers.types.ctgan.learning import CtganTask

STEPS = 1_000
"""Steps that are taken where no epochs are asked for: each costs some of the budget."""

SMALL = {"discriminator_dim": (128, 128)}
"""Sizes where none are asked for: the noise grows with the root of how many weights there are, the time with them."""

GRADIENT_FLOATS = 32_000_000
"""Numbers of the gradients of single rows that are held at one time: 128 MiB."""


def shrink(config: CtganConfig) -> CtganConfig:
    """The config with smaller sizes where none were asked for."""
    return config.model_copy(update={name: size for name, size in SMALL.items() if name not in config.model_fields_set})


class PrivateCtganTask(CtganTask):
    """What a private step is. It tells no losses: they would tell of rows."""

    def __init__(self, real: EncodedRows, steps: int, accountant: PrivacyAccountant, **settings: Any) -> None:
        settings["config"] = settings["config"].model_copy(update={"pac": 1, "gradient_penalty": 0.0})
        super().__init__(**settings)
        self._real = RowTensors(self._encoder, real, self._device)
        self._training = PrivateTraining(
            self._discriminator,
            self._config.discriminator_lr,
            rows=len(real),
            batch_rows=self._batch,
            steps=steps * self._config.discriminator_steps,
            accountant=accountant,
        )
        trained = sum(weight.numel() for weight in self._discriminator.parameters())
        self._part = max(1, GRADIENT_FLOATS // trained)
        self.optimizers = {"generator": self.optimizers["generator"]}

    def step(self, generator: np.random.Generator) -> Mapping[str, Tensor]:
        training = self._training
        for _ in range(self._config.discriminator_steps):
            chosen = training.sample_batch()
            parts = [chosen[start : start + self._part] for start in range(0, len(chosen), self._part)]
            for part in parts[:-1]:
                training.accumulate(self._find_losses(part))
            training.step(self._find_losses(parts[-1]) if parts else None)
        index, given, told, spread, raw, made = self._make(
            generator, seed_noise(generator, self._device), gradients=True
        )
        training.module.disable_hooks()
        scores = self._discriminator(torch.cat([made, told], 1))
        condition = self._measure_condition(raw, index, told, spread, given)
        self._descend("generator", condition + functional.softplus(-scores).mean())
        training.module.enable_hooks()
        self._mean.update(self._generator)
        return {}

    def _find_losses(self, chosen: np.ndarray[Any, np.dtype[np.int64]]) -> Tensor:
        """The discriminator's loss on each row together with the row that is made given the same columns."""
        chance, names = self._training.generator, self._encoder.names
        label = None if self._label is None else names.index(self._label)
        real = self._real.make(torch.as_tensor(chosen, device=self._device))
        mask = torch.as_tensor(draw_masks(chance, len(chosen), len(names), label), device=self._device)
        inputs, spread = make_inputs(real, mask, self._column_of)
        noise = chance.standard_normal((len(chosen), self._generator.noise_width), np.float32)
        self._generator.eval()
        with torch.no_grad():
            raw = self._generator(torch.as_tensor(noise, device=self._device), inputs)
            soft = self._generator.soften(raw, self._sizes, seed_noise(chance, self._device))
            made = torch.lerp(soft, real, spread)
        self._generator.train()
        told = mask.to(real.dtype)
        judge = self._training.module
        seen, doubted = judge(torch.cat([real, told], 1)), judge(torch.cat([made, told], 1))
        losses: Tensor = functional.softplus(-seen) + functional.softplus(doubted)
        return losses
