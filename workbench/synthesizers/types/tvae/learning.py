"""Fitting TVAE: what a step is, how long to train, and the model that comes of it."""

from __future__ import annotations

import math
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
from workbench.synthesizers.types.tvae import TvaeConfig
from workbench.synthesizers.types.tvae.network import Decoder, Encoder, build_decoder

STEPS = 2_000
"""Steps that are taken where no epochs are asked for."""

WARMUP_SHARE = 0.3
"""Part of the steps over which the weight of the divergence rises to 1: at full weight from the start, points would say
nothing of rows and the decoder learn to do without them (Bowman et al., 2016; Sønderby et al., 2016).
"""

WEIGHT_DECAY = 1e-5
"""Of Adam, as in Xu et al. (2019)."""


class Tvae(OnePassSynthesizer):
    """A fitted TVAE."""

    type = "tvae"

    @classmethod
    def build(cls, encoder: TableEncoder, settings: Mapping[str, Any]) -> RowMaker:
        return build_decoder(encoder, settings)


class TvaeTask(OnePassTask[Decoder]):
    """What a step of TVAE is, for the training loop."""

    def __init__(
        self,
        encoder: TableEncoder,
        rows: EncodedRows,
        table: RealTable,
        label: str | None,
        config: TvaeConfig,
        batch: int,
        seed: int,
        device: torch.device,
        warmup: int = 1,
    ) -> None:
        self._warmup = warmup
        super().__init__(encoder, rows, table, label, batch, device)
        self._config = config

        def build() -> tuple[Encoder, Decoder]:
            return (
                Encoder(encoder, config.embedding_dim, config.compress_dims),
                build_decoder(encoder, config.model_dump()),
            )

        compress, decompress = build_seeded(build, seed)
        self._encode, self._decode = compress.to(device), decompress.to(device)
        self._mean = RunningMean(self._decode)
        self.modules: dict[str, nn.Module] = {
            "encoder": self._encode, "decoder": self._decode, "average": self._mean.module
        }  # fmt: skip
        parameters = [*self._encode.parameters(), *self._decode.parameters()]
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "both": torch.optim.Adam(parameters, lr=config.learning_rate, weight_decay=WEIGHT_DECAY)
        }

    def step(self, generator: np.random.Generator) -> Mapping[str, Tensor]:
        chance = seed_noise(generator, self._device)
        chosen, masks = self._sampler.sample(generator, self._batch)
        index = torch.as_tensor(chosen, device=self._device)
        rows = self._tensors.make(index)
        inputs, spread = make_inputs(rows, torch.as_tensor(masks, device=self._device), self._column_of)
        mean, variance = self._encode(rows, inputs)
        noise = torch.randn(mean.shape, generator=chance, device=self._device)
        raw = self._decode.decode(mean + torch.exp(0.5 * variance) * noise, inputs)
        made_again = self.measure_rows(raw, rows, self._tensors.codes(index), 1.0 - spread).mean()
        distance = measure_divergence(mean, variance, *self._decode.find_prior(inputs)).mean()
        self._encode.steps += 1
        weight = (self._encode.steps / self._warmup).clamp(max=1.0)
        loss = self._config.loss_factor * made_again + weight * distance
        optimizer = self.optimizers["both"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        self._mean.update(self._decode)
        return {"loss": loss.detach(), "reconstruction_loss": made_again.detach(), "divergence": distance.detach()}

    def measure_rows(self, raw: Tensor, rows: Tensor, codes: Tensor, untold: Tensor) -> Tensor:
        """Minus the log-likelihood (rows,) of the columns that a row was not told: codes, and places within modes."""
        scalars, places = self._encoder.scalars, self._decode.places
        mean = places.choose(raw[:, self._encoder.codes :], codes)
        spread = self._decode.find_spread(codes)
        squares = ((rows[:, :scalars] - mean) * torch.exp(-spread)).square()
        normal = 0.5 * squares + spread + 0.5 * math.log(2 * math.pi)
        wrong = (normal * untold[:, :scalars] * places.find_inside(codes)).sum(1)
        for segment, part in enumerate(torch.split(raw[:, : self._encoder.codes], self._sizes, 1)):
            missing = functional.cross_entropy(part, codes[:, segment], reduction="none")
            wrong = wrong + missing * untold[:, int(self._encoder.offsets[segment])]
        return wrong


def fit_tvae(table: RealTable, config: TvaeConfig, context: FitContext) -> Tvae:
    """Learn a table. Raises StopRequested, the checkpoint written, when asked to stop."""
    chance = np.random.Generator(np.random.Philox(key=derive_key(context.seed, "encoder")))
    accountant = context.accountant
    known = table
    if accountant is not None:
        from workbench.synthesizers.types.tvae import private

        known, config = make_stand_in(table, accountant, chance), private.shrink(config)
    encoder = fit_encoder(known, "modes", chance)
    rows = encoder.encode(known)
    label = choose_label(table.profile, config.label)
    batch = min(config.batch_size, max(table.rows // 2, 2))
    per_epoch = max(1, table.rows // batch)
    steps = STEPS if config.epochs is None else config.epochs * per_epoch
    shared: dict[str, Any] = {
        "encoder": encoder, "rows": rows, "table": known, "label": label, "config": config, "batch": batch,
        "seed": context.seed, "device": choose_device(context.device),
    }  # fmt: skip
    task: TvaeTask
    if accountant is None:
        task = TvaeTask(**shared, warmup=max(1, round(steps * WARMUP_SHARE)))
    else:
        steps = private.STEPS if config.epochs is None else steps
        task = private.PrivateTvaeTask(encoder.encode(table), steps, accountant, **shared)
        context = replace(context, checkpoints=None)
    plan = TrainingPlan(steps, per_epoch, space_scores(steps), config.patience, decay=True)
    train(task, plan, context, identify_fit(config, context, rows))
    decoder = task.modules["average"].cpu()
    assert isinstance(decoder, Decoder)
    calibration = calibrate(encoder, decoder, label, known, chance)
    settings = {"embedding_dim": config.embedding_dim, "decompress_dims": list(config.decompress_dims)}
    return Tvae(encoder, decoder, settings, calibration, label)


def measure_divergence(mean: Tensor, variance: Tensor, prior_mean: Tensor, prior_variance: Tensor) -> Tensor:
    """The Kullback-Leibler divergence (rows,) of two normals; variances as logarithms, all (rows, embedding)."""
    apart = (mean - prior_mean).square() * torch.exp(-prior_variance)
    return 0.5 * (prior_variance - variance + torch.exp(variance - prior_variance) + apart - 1.0).sum(1)
