"""Fitting CTGAN: what a step is, how long to train, and the model that comes of it.

Differences to Xu et al. (2019), each for speed or for conditions on any columns: the discriminator is shown the told
values in made rows too, so that it judges the rest given them; one pass of the generator serves its own step and the
discriminator's; and rows are made with a running mean of the generator's weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.columns.streams import derive_key
from workbench.synthesizers.labels import choose_label
from workbench.synthesizers.neural.averaging import RunningMean
from workbench.synthesizers.neural.encoding import EncodedRows, TableEncoder, fit_encoder
from workbench.synthesizers.neural.onepass import OnePassSynthesizer, RowMaker, calibrate
from workbench.synthesizers.neural.onepass_task import OnePassTask
from workbench.synthesizers.neural.tensors import make_inputs
from workbench.synthesizers.neural.training import (
    TrainingPlan,
    build_seeded,
    choose_device,
    identify_fit,
    seed_noise,
    space_scores,
    train,
)
from workbench.synthesizers.privacy.stand_in import make_stand_in
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import FitContext
from workbench.synthesizers.types.ctgan import CtganConfig
from workbench.synthesizers.types.ctgan.network import (
    Discriminator,
    Generator,
    build_generator,
    penalize_gradient,
)

STEPS = 2_500
"""Steps that are taken where no epochs are asked for."""

BETAS = (0.5, 0.9)
"""Of Adam, both optimizers, as in Xu et al. (2019)."""


class Ctgan(OnePassSynthesizer):
    """A fitted CTGAN."""

    type = "ctgan"

    @classmethod
    def build(cls, encoder: TableEncoder, settings: Mapping[str, Any]) -> RowMaker:
        return build_generator(encoder, settings)


class CtganTask(OnePassTask[Generator]):
    """What a step of CTGAN is, for the training loop."""

    def __init__(
        self,
        encoder: TableEncoder,
        rows: EncodedRows,
        table: RealTable,
        label: str | None,
        config: CtganConfig,
        batch: int,
        seed: int,
        device: torch.device,
    ) -> None:
        super().__init__(encoder, rows, table, label, batch, device)
        self._config = config
        width = encoder.width + len(encoder.names)

        def build() -> tuple[Generator, Discriminator]:
            generator = build_generator(encoder, config.model_dump())
            return generator, Discriminator(width, config.pac, config.discriminator_dim)

        generator, discriminator = build_seeded(build, seed)
        self._generator, self._discriminator = generator.to(device), discriminator.to(device)
        self._mean = RunningMean(self._generator)
        self.modules: dict[str, nn.Module] = {
            "generator": self._generator, "discriminator": self._discriminator, "average": self._mean.module
        }  # fmt: skip
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.Adam(
                self._generator.parameters(), lr=config.generator_lr, betas=BETAS, weight_decay=1e-6
            ),
            "discriminator": torch.optim.Adam(
                self._discriminator.parameters(), lr=config.discriminator_lr, betas=BETAS
            ),
        }

    def step(self, generator: np.random.Generator) -> Mapping[str, Tensor]:
        chance = seed_noise(generator, self._device)
        loss = torch.zeros(())
        for last in reversed(range(self._config.discriminator_steps)):
            index, real, told, spread, raw, made = self._make(generator, chance, gradients=last == 0)
            loss = self._step_discriminator(real, made.detach(), told, chance)
        scores = self._discriminator(torch.cat([made, told], 1))
        condition = self._measure_condition(raw, index, told, spread, real)
        total = condition - scores.mean()
        self._descend("generator", total)
        self._mean.update(self._generator)
        return {"generator_loss": total.detach(), "discriminator_loss": loss, "condition_loss": condition.detach()}

    def _make(
        self, generator: np.random.Generator, chance: torch.Generator, *, gradients: bool
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Real rows, and rows made given the told part of each, which stands in them as it is."""
        chosen, masks = self._sampler.sample(generator, self._batch)
        index = torch.as_tensor(chosen, device=self._device)
        real = self._tensors.make(index)
        mask = torch.as_tensor(masks, device=self._device)
        inputs, spread = make_inputs(real, mask, self._column_of)
        noise = torch.randn((len(real), self._generator.noise_width), generator=chance, device=self._device)
        with torch.set_grad_enabled(gradients):
            raw = self._generator(noise, inputs)
            made = torch.lerp(self._generator.soften(raw, self._sizes, chance), real, spread)
        return index, real, mask.to(real.dtype), spread, raw, made

    def _step_discriminator(self, real: Tensor, made: Tensor, told: Tensor, chance: torch.Generator) -> Tensor:
        seen, doubted = torch.cat([real, told], 1), torch.cat([made, told], 1)
        loss: Tensor = self._discriminator(doubted).mean() - self._discriminator(seen).mean()
        total = loss
        if self._config.gradient_penalty:
            penalty = penalize_gradient(self._discriminator, seen, doubted, chance)
            total = loss + self._config.gradient_penalty * penalty
        self._descend("discriminator", total)
        return loss.detach()

    def _measure_condition(self, raw: Tensor, index: Tensor, told: Tensor, spread: Tensor, real: Tensor) -> Tensor:
        """The generator's loss on what it was told: cross-entropy of codes, squares of scalars, a mean over rows."""
        codes = self._tensors.codes(index)
        scalars = self._encoder.scalars
        wrong = (spread[:, :scalars] * (self._generator.place(raw, codes) - real[:, :scalars]).square()).sum(1)
        for segment, part in enumerate(torch.split(raw[:, : self._encoder.codes], self._sizes, 1)):
            column = self._column_of[scalars + int(self._encoder.starts[segment])]
            wrong = wrong + told[:, column] * functional.cross_entropy(part, codes[:, segment], reduction="none")
        mean: Tensor = (wrong / told.sum(1).clamp(min=1.0)).mean()
        return mean

    def _descend(self, name: str, loss: Tensor) -> None:
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        trained = [weight for group in optimizer.param_groups for weight in group["params"]]
        loss.backward(inputs=trained)  # type: ignore[no-untyped-call]
        optimizer.step()


def fit_ctgan(table: RealTable, config: CtganConfig, context: FitContext) -> Ctgan:
    """Learn a table. Raises StopRequested, the checkpoint written, when asked to stop."""
    chance = np.random.Generator(np.random.Philox(key=derive_key(context.seed, "encoder")))
    accountant = context.accountant
    known = table
    if accountant is not None:
        from workbench.synthesizers.types.ctgan import private

        known, config = make_stand_in(table, accountant, chance), private.shrink(config)
    encoder = fit_encoder(known, "modes", chance)
    rows = encoder.encode(known)
    label = choose_label(table.profile, config.label)
    batch = _choose_batch(config, table.rows)
    per_epoch = max(1, table.rows // batch)
    steps = STEPS if config.epochs is None else config.epochs * per_epoch
    shared: dict[str, Any] = {
        "encoder": encoder, "rows": rows, "table": known, "label": label, "config": config, "batch": batch,
        "seed": context.seed, "device": choose_device(context.device),
    }  # fmt: skip
    task: CtganTask
    if accountant is None:
        task = CtganTask(**shared)
    else:
        steps = private.STEPS if config.epochs is None else steps
        task = private.PrivateCtganTask(encoder.encode(table), steps, accountant, **shared)
        context = replace(context, checkpoints=None)
    plan = TrainingPlan(steps, per_epoch, space_scores(steps), config.patience, decay=True)
    train(task, plan, context, identify_fit(config, context, rows))
    average = task.modules["average"].cpu()
    assert isinstance(average, Generator)
    calibration = calibrate(encoder, average, label, known, chance)
    settings = {"embedding_dim": config.embedding_dim, "generator_dim": list(config.generator_dim)}
    return Ctgan(encoder, average, settings, calibration, label)


def _choose_batch(config: CtganConfig, rows: int) -> int:
    """A whole number of packs, at most half the table: small tables get several steps an epoch."""
    wanted = min(config.batch_size, max(rows // 2, config.pac))
    return max(1, wanted // config.pac) * config.pac
