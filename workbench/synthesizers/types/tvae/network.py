"""The networks of TVAE: encoder, decoder, and a prior that depends on what a row is told.

The prior is learned too (Sohn et al., 2015), as which points are likely depends on the told columns: a rare class has
its own region rather than a corner of everyone's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from workbench.synthesizers.neural.encoding import TableEncoder
from workbench.synthesizers.neural.onepass import RowMaker
from workbench.synthesizers.neural.places import ModePlaces

LEAST_SPREAD, MOST_SPREAD = -5.0, 0.0
"""Bounds of the logarithm of the spread of a number around its place."""


class Decoder(RowMaker):
    """Noise to a point of the prior, and that to a row. Places are normal around a mean, with a spread by mode."""

    def __init__(self, encoder: TableEncoder, embedding: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.embedding = embedding
        self.scalars = encoder.scalars
        self.noise_width = embedding + encoder.scalars
        self.places = ModePlaces(encoder)
        self.codes = encoder.codes
        told = encoder.width + len(encoder.names)
        self.prior = stack_layers(told, widths[:1], 2 * embedding)
        self.layers = stack_layers(embedding + told, widths, encoder.codes + self.places.count)
        self.spread = nn.Parameter(torch.full((self.places.count,), -2.0))

    def forward(self, noise: Tensor, inputs: Tensor) -> Tensor:
        mean, spread = self.find_prior(inputs)
        point = mean + torch.exp(0.5 * spread) * noise[:, : self.embedding]
        return torch.cat([self.decode(point, inputs), noise[:, self.embedding :]], 1)

    def find_prior(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the prior, both (rows, embedding)."""
        mean, spread = self.prior(inputs).chunk(2, 1)
        return mean, spread.clamp(-6.0, 6.0)

    def decode(self, point: Tensor, inputs: Tensor) -> Tensor:
        """Logits of all codes, then the means of places from -1 to 1, of the row at a point (rows, embedding)."""
        raw: Tensor = self.layers(torch.cat([point, inputs], 1))
        return torch.cat([raw[:, : self.codes], torch.tanh(raw[:, self.codes :])], 1)

    def place(self, raw: Tensor, codes: Tensor) -> Tensor:
        means = self.places.choose(raw[:, self.codes : self.codes + self.places.count], codes)
        spread = torch.exp(self.find_spread(codes)) * self.places.find_inside(codes)
        return (means + spread * raw[:, raw.shape[1] - self.scalars :]).clamp(-1.0, 1.0)

    def find_spread(self, codes: Tensor) -> Tensor:
        """The logarithm of the spread of each number (rows, scalars) in the mode it is in."""
        spread = self.spread.clamp(LEAST_SPREAD, MOST_SPREAD).expand(len(codes), -1)
        return self.places.choose(spread, codes)


class Encoder(nn.Module):
    """A row and what it is told to the mean and the logarithm of the variance of its point. `steps` counts its own."""

    steps: Tensor

    def __init__(self, encoder: TableEncoder, embedding: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = stack_layers(2 * encoder.width + len(encoder.names), widths, 2 * embedding)
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, rows: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Both (rows, embedding), of encoded rows (rows, width)."""
        mean, spread = self.layers(torch.cat([rows, inputs], 1)).chunk(2, 1)
        return mean, spread.clamp(-10.0, 6.0)


def stack_layers(width: int, hidden: Sequence[int], out: int) -> nn.Sequential:
    """A perceptron with rectifiers between its layers."""
    layers: list[nn.Module] = []
    for after in hidden:
        layers += [nn.Linear(width, after), nn.ReLU()]
        width = after
    return nn.Sequential(*layers, nn.Linear(width, out))


def build_decoder(encoder: TableEncoder, settings: Mapping[str, Any]) -> Decoder:
    """The decoder by the fields of its config that it depends on."""
    return Decoder(encoder, settings["embedding_dim"], settings["decompress_dims"])
