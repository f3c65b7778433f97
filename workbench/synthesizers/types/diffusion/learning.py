"""How the two networks learn: rows with part of them hidden or under noise, and what was hidden as the answer.

For each row of a batch some columns are told (`draw_told`). The first network is shown these, and the codes
that would be uncovered by some moment of drawing, and is asked for all other codes. The second is shown these and all
codes, and is asked to take the noise from the other numbers at some time. So both see every subset of columns as a
condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator, Philox
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from workbench.columns.streams import derive_key
from workbench.synthesizers.neural.encoding import EncodedRows, TableEncoder
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import Made
from workbench.synthesizers.types.diffusion.drawing import Given, draw_numbers, make_onehot, uncover_codes
from workbench.synthesizers.types.diffusion.layout import Layout
from workbench.synthesizers.types.diffusion.network import Denoiser
from workbench.synthesizers.types.diffusion.noise import add_noise
from workbench.synthesizers.types.diffusion.settings import Settings

TOLD_SHARE = 0.4
"""The share of rows of which some columns are told: conditions that a user may give."""

LABEL_SHARE = 0.4
"""The share of rows of which the label alone is told: so rows are drawn where no condition is given."""

HELD_ROWS, HELD_PART = 4_096, 1_024
"""Examples that a validation score is the mean of, and those computed together: fewer rows are taken several times."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Tensors of a batch. `codes` (rows, segments) are the answers; `hidden` of the same shape is 1 where asked for.

    `onehot_shown` and `onehot` (rows, width) are the codes that are shown and all of them; `values` and `shown` (rows,
    scalars) the numbers that are; `noisy`, `velocity` and `asked` (rows, scalars) those under noise at `time` (rows,).
    """

    codes: Tensor
    hidden: Tensor
    onehot_shown: Tensor
    onehot: Tensor
    values: Tensor
    shown: Tensor
    noisy: Tensor
    velocity: Tensor
    asked: Tensor
    time: Tensor


def find_losses(network: Denoiser, layout: Layout, batch: Examples) -> tuple[Tensor, Tensor]:
    """The cross-entropy of each row's hidden codes and the squared error of its velocities, of the shape of `time`."""
    shape = batch.time.shape
    entropy = error = batch.time.new_zeros(shape)
    if layout.segments:
        known = network.begin_uncovering(batch.onehot_shown, batch.values, batch.shown)
        logits = network.weigh(network.consider(known))
        parts = [
            functional.cross_entropy(part.flatten(0, -2), batch.codes[..., number].flatten(), reduction="none")
            for number, part in enumerate(torch.split(logits, layout.sizes.tolist(), -1))
        ]
        entropy = (torch.stack(parts, -1).view_as(batch.hidden) * batch.hidden).sum(-1)
    if layout.scalars:
        known = network.begin_denoising(batch.onehot, batch.values, batch.shown)
        found = network.denoise(known, batch.noisy, batch.time)
        error = ((found - batch.velocity).square() * batch.asked).sum(-1)
    return entropy, error


def draw_index(generator: Generator, rows: int, count: int) -> NDArray[np.int64]:
    """`count` of `rows` rows at random, all with the same chance, shape (count,).

    Rows of rare levels are not taken more often, as GANs need it: the few rows that come up again and again would be
    learned by heart, and the loss on other rows was higher with it.
    """
    return generator.integers(rows, size=count)


def draw_told(generator: Generator, count: int, layout: Layout) -> NDArray[np.bool_]:
    """Which columns are told, shape (rows, columns): none, the label alone, or any, of a row as often as none of it."""
    told = np.zeros((count, layout.columns), np.bool_)
    way = generator.random(count)
    some = generator.random((count, layout.columns)) < generator.random((count, 1))
    told[way < TOLD_SHARE] = some[way < TOLD_SHARE]
    if layout.label is not None:
        told[(way >= TOLD_SHARE) & (way < TOLD_SHARE + LABEL_SHARE), layout.label] = True
    return told


class ExampleMaker:
    """Makes batches from the rows of a table; the chance comes from the numpy generator."""

    def __init__(self, layout: Layout, encoder: TableEncoder, table: RealTable, device: torch.device) -> None:
        from scipy.special import ndtr

        self.layout = layout
        self.device = device
        rows = encoder.encode(table)
        self.rows = rows
        self.count = len(rows)
        self.present = layout.find_present(rows.codes)
        low, high = np.zeros_like(rows.numbers), np.zeros_like(rows.numbers)
        for column in encoder.columns:
            if column.scores is not None and column.scalar is not None:
                at = column.scalar
                there = self.present[:, at]
                numbers = table.numbers(column.name)[there]
                low[there, at] = ndtr(column.scores.encode(numbers, np.zeros(len(numbers))))
                high[there, at] = ndtr(column.scores.encode(numbers, np.ones(len(numbers))))
        self._low, self._span = low, high - low
        self._rank_of = np.argsort(layout.order)

    def make(
        self, index: NDArray[np.int64], told: NDArray[np.bool_], generator: Generator, spread: int | None = None
    ) -> Examples:
        """Examples of the rows `index` (rows,) of which the columns `told` (rows, columns) are given.

        The times of each `spread` rows that follow each other, all of them by default, are spread evenly.
        """
        layout = self.layout
        rows = self.rows.take(index)
        count = len(index)
        told_segments, told_scalars = told[:, layout.segment_columns], told[:, layout.scalar_columns]
        shown_codes = told_segments | self._draw_uncovered(generator, count)
        shown = told_scalars & self.present[index]
        asked = self.present[index] & ~told_scalars
        numbers = self._spread(index, generator)
        noise = generator.standard_normal(numbers.shape, np.float32)
        size = spread or count
        places = generator.permuted(np.tile(np.arange(size), (count // size, 1)), axis=1).ravel()
        time = ((places + generator.random(count)) / size).astype(np.float32)
        clean, times = self._send(numbers), self._send(time)
        noisy, velocity = add_noise(clean, self._send(noise), times)
        mask, wanted = self._send(shown), self._send(asked)
        return Examples(
            codes=self._send(rows.codes.astype(np.int64)),
            hidden=self._send(~shown_codes),
            onehot_shown=make_onehot(layout, rows.codes, shown_codes, self.device),
            onehot=make_onehot(layout, rows.codes, np.ones_like(shown_codes), self.device),
            values=clean * mask,
            shown=mask,
            noisy=noisy * wanted,
            velocity=velocity,
            asked=wanted,
            time=times,
        )

    def _draw_uncovered(self, generator: Generator, count: int) -> NDArray[np.bool_]:
        """Which segments are uncovered already, (rows, segments): of half of the rows in the order of drawing."""
        segments = self.layout.segments
        if not segments:
            return np.zeros((count, 0), np.bool_)
        uncovered = generator.integers(segments, size=(count, 1))
        ranks = np.argsort(generator.random((count, segments)), 1)
        drawing = generator.random((count, 1)) < 0.5
        found: NDArray[np.bool_] = np.where(drawing, self._rank_of, ranks) < uncovered
        return found

    def _spread(self, index: NDArray[np.int64], generator: Generator) -> NDArray[np.float32]:
        """Normal scores; a number that many rows have gets a place in its stretch at random, anew for each batch."""
        from scipy.special import ndtri

        shares = self._low[index] + self._span[index] * generator.random((len(index), self.layout.scalars), np.float32)
        numbers = np.where(self.present[index], ndtri(np.clip(shares, _LEAST_SHARE, 1 - _LEAST_SHARE)), 0.0)
        return numbers.astype(np.float32)

    def _send(self, array: NDArray[np.generic]) -> Tensor:
        plain = array.astype(np.float32) if array.dtype == np.bool_ else array
        return torch.from_numpy(plain).to(self.device)


class DiffusionTask:
    """What the shared loop trains: the network, and the moving average of its weights that rows are made with."""

    def __init__(
        self,
        network: Denoiser,
        average: AveragedModel,
        encoder: TableEncoder,
        examples: ExampleMaker,
        settings: Settings,
    ) -> None:
        self.network = network
        self.layout = examples.layout
        self.average = average
        self.optimizer = torch.optim.AdamW(
            network.parameters(), settings.learning_rate, betas=(0.9, 0.99), weight_decay=settings.weight_decay
        )
        self.modules: Mapping[str, torch.nn.Module] = {"network": network, "average": average}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"network": self.optimizer}
        self.kept = ("average",)
        self._encoder = encoder
        self._examples = examples
        self._batch_size = settings.batch_size
        self._max_grad_norm = settings.max_grad_norm
        self._sampling_steps = settings.sampling_steps
        self._held: list[Examples] | None = None

    def step(self, generator: Generator) -> Mapping[str, Tensor]:
        """One step on a batch of rows; the mean losses of a row."""
        index = draw_index(generator, self._examples.count, self._batch_size)
        told = draw_told(generator, self._batch_size, self.layout)
        batch = self._examples.make(index, told, generator)
        self.network.train()
        device = self._examples.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(int(generator.integers(2**62)))  # what is dropped follows from the numpy generator
            entropy, error = find_losses(self.network, self.layout, batch)
        loss = (entropy + error).mean()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._max_grad_norm)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        return {"loss": loss.detach(), "codes_loss": entropy.detach().mean(), "numbers_loss": error.detach().mean()}

    def measure_loss(self, validation: RealTable) -> float:
        """The mean loss of the averaged weights on rows kept apart: a bound on their likelihood but for a constant."""
        if self._held is None:
            self._held = self._hold(validation)
        network = get_averaged(self.average)
        with torch.inference_mode():
            losses = [torch.add(*find_losses(network, self.layout, batch)) for batch in self._held]
        return float(torch.cat(losses).mean())

    def make_rows(self, generator: Generator, count: int) -> Made:
        """Rows as the average makes them, not calibrated."""
        network = get_averaged(self.average)
        nothing = Given.nothing(self.layout, count)
        codes = uncover_codes(network, self.layout, generator, nothing, np.zeros(self.layout.width))
        numbers = draw_numbers(network, self.layout, generator, nothing, codes, self._sampling_steps)
        return self._encoder.decode(EncodedRows(codes, numbers), generator)

    def _hold(self, validation: RealTable) -> list[Examples]:
        """The same examples for each score, of which nothing is told: scores then differ by the weights alone."""
        maker = ExampleMaker(self.layout, self._encoder, validation, self._examples.device)
        generator = Generator(Philox(key=derive_key("diffusion", "validation")))
        index = np.tile(np.arange(validation.rows), max(1, HELD_ROWS // validation.rows))
        parts = np.array_split(index, -(-len(index) // HELD_PART))
        return [maker.make(part, np.zeros((len(part), self.layout.columns), np.bool_), generator) for part in parts]


def make_average(network: Denoiser, decay: float) -> AveragedModel:
    """The exponential moving average of a network's weights, nearer to the latest while only few steps were taken."""

    def average(mean: Tensor, latest: Tensor, seen: Tensor | int) -> Tensor:
        taken = int(seen)
        return torch.lerp(mean, latest, 1.0 - min(decay, (taken + 1.0) / (taken + 10.0)))

    averaged = AveragedModel(network, avg_fn=average)
    averaged.eval()
    return averaged


def get_averaged(average: AveragedModel) -> Denoiser:
    """The network with the averaged weights."""
    module = average.module
    assert isinstance(module, Denoiser)
    return module.eval()


_LEAST_SHARE = 1e-6
