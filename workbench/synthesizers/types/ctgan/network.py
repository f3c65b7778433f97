"""The two networks of CTGAN, and the Gumbel-softmax between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.synthesizers.neural.encoding import TableEncoder
from workbench.synthesizers.neural.onepass import RowMaker
from workbench.synthesizers.neural.places import ModePlaces
from workbench.synthesizers.neural.tensors import apply_softmax

TEMPERATURE = 0.2
"""Of the Gumbel-softmax (Jang et al., 2017), as in Xu et al. (2019)."""

PENALTY_PARTS = 3

TOLD = 64
"""Numbers that what a row is told is brought down to."""

SLOPE = 0.2
"""Of the leaky rectifiers of the discriminator."""


class Generator(RowMaker):
    """Noise and what it is told to a row. Each hidden layer's output is set beside its input (Xu et al., 2019).

    What is told is mostly zeros, so one layer brings it down to TOLD numbers before the others, which spares much of
    the work of a wide table.
    """

    def __init__(self, encoder: TableEncoder, noise: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.noise_width = noise
        self.places = ModePlaces(encoder)
        self.codes = encoder.codes
        self.told = nn.Linear(encoder.width + len(encoder.names), TOLD)
        width = noise + TOLD
        self.layers = nn.ModuleList()
        self.norms = nn.ModuleList()
        for size in widths:
            self.layers.append(nn.Linear(width, size))
            self.norms.append(nn.BatchNorm1d(size))
            width += size
        self.last = nn.Linear(width, encoder.codes + self.places.count)

    def forward(self, noise: Tensor, inputs: Tensor) -> Tensor:
        row = torch.cat([noise, self.told(inputs)], 1)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            row = torch.cat([functional.relu(norm(layer(row))), row], 1)
        raw: Tensor = self.last(row)
        return torch.cat([raw[:, : self.codes], torch.tanh(raw[:, self.codes :])], 1)

    def place(self, raw: Tensor, codes: Tensor) -> Tensor:
        return self.places.choose(raw[:, self.codes :], codes)

    def soften(self, raw: Tensor, sizes: list[int], chance: torch.Generator) -> Tensor:
        """What `forward` gave as rows (rows, width) that gradients pass through: codes by Gumbel-softmax."""
        logits = raw[:, : self.codes]
        uniforms = torch.rand(logits.shape, generator=chance, device=logits.device).clamp_(1e-20)
        noise = -torch.log((-torch.log(uniforms)).clamp_(min=1e-20))
        soft = apply_softmax((logits + noise) / TEMPERATURE, sizes)
        return torch.cat([self.places.blend(raw[:, self.codes :], soft), soft], 1)


class Discriminator(nn.Module):
    """A score for each pack of `pac` rows with their masks: high for real ones (Lin et al., PacGAN, 2018).

    All rows of a pack go through the same layers, then the mean and the spread of what comes out are judged: rows that
    are too alike give themselves away, as in PacGAN, but each row is a lesson for the same weights. Layers over whole
    packs, as in Xu et al. (2019), learn the same anew for every place in the pack and need many times the steps.
    """

    def __init__(self, width: int, pac: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.pac = pac
        layers: list[nn.Module] = []
        for after in widths:
            layers += [nn.Linear(width, after), nn.LeakyReLU(SLOPE)]
            width = after
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(2 * width if pac > 1 else width, 1)

    def forward(self, rows: Tensor) -> Tensor:
        """Scores (rows / pac,) of rows (rows, width)."""
        seen: Tensor = self.layers(rows)
        if self.pac > 1:
            packs = seen.reshape(len(rows) // self.pac, self.pac, -1)
            mean = packs.mean(1)
            spread = ((packs - mean[:, None]).square().mean(1) + 1e-4).sqrt()
            seen = torch.cat([mean, spread], 1)
        scores: Tensor = self.last(seen)
        return scores[:, 0]


def build_generator(encoder: TableEncoder, settings: Mapping[str, Any]) -> Generator:
    """The generator by the fields of its config that it depends on."""
    return Generator(encoder, settings["embedding_dim"], settings["generator_dim"])


def penalize_gradient(discriminator: Discriminator, real: Tensor, made: Tensor, chance: torch.Generator) -> Tensor:
    """How far the discriminator's gradient is from length 1 between real and made packs (Gulrajani et al., 2017).

    Measured on one in PENALTY_PARTS packs: it is the dearest part of a step, and a mean needs no more.
    """
    packs = -(-len(real) // discriminator.pac // PENALTY_PARTS)
    real, made = real[: packs * discriminator.pac], made[: packs * discriminator.pac]
    mix = torch.rand((packs, 1), generator=chance, device=real.device)
    mix = mix.repeat_interleave(discriminator.pac, 0)
    between = (mix * real + (1 - mix) * made).requires_grad_(True)
    scores = discriminator(between)
    (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    lengths = gradient.reshape(packs, -1).norm(2, dim=1)
    penalty: Tensor = (lengths - 1).square().mean()
    return penalty
