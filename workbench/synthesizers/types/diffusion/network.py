"""The networks of the diffusion synthesizer: one that uncovers categories, one that takes noise from numbers.

Both are multilayer perceptrons, as in TabDDPM (Kotelnikov et al., 2023): a table's row is a short vector without an
order that convolutions could use, and perceptrons are cheap on CPUs and have gradients per row that are easy to clip.
They share nothing, since the first sees no noise and the second always knows all categories.

What stays the same while a row is made is added up once before the first layer's activation (`begin_…`), and what
changes is added to it: so a step costs the hidden layers alone, however wide the table is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

FREQUENCIES = 16
"""Sines, and as many cosines, that time is written as."""


class Denoiser(nn.Module):
    """Both networks for a table of `numbers` numbers and of segments with `sizes` codes each, `width` in sum.

    One that the table has no columns for is not there. All shapes may have further axes after the rows.

    A row's codes are one-hots side by side, a segment that is hidden is all zeros. `values` (rows, numbers) are clean
    numbers, 0 where hidden, and `shown` of the same shape is 1 where they are not.
    """

    def __init__(self, numbers: int, sizes: Sequence[int], hidden_dim: int, layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        width = sum(sizes)
        self.codes = _Perceptron(width + 2 * numbers, 0, width, hidden_dim, layers, dropout)
        self.numbers = _Perceptron(width + 2 * numbers, numbers + 2 * FREQUENCIES, numbers, hidden_dim, layers, dropout)

    def begin_uncovering(self, onehot: Tensor, values: Tensor, shown: Tensor) -> Tensor:
        """What is known of rows before any further code is uncovered, shape (rows, hidden_dim)."""
        return _there(self.codes).begin(torch.cat([onehot, values, shown], -1))

    def show_codes(self, known: Tensor, places: Tensor) -> Tensor:
        """The same, knowing for each row one more code by its place (rows,) among all codes."""
        return known + _there(self.codes).enter.weight.T[places]

    def consider(self, known: Tensor) -> Tensor:
        """What the network makes of what is known of the codes, for `weigh`, shape (rows, hidden_dim)."""
        found: Tensor = _there(self.codes).blocks(functional.silu(known))
        return found

    def weigh(self, considered: Tensor, part: slice | None = None) -> Tensor:
        """The logits of all codes, or of a part of them, shape (rows, codes)."""
        return _there(self.codes).leave(considered, part)

    def begin_denoising(self, onehot: Tensor, values: Tensor, shown: Tensor) -> Tensor:
        """What is known of rows whose codes are all there, shape (rows, hidden_dim)."""
        return _there(self.numbers).begin(torch.cat([onehot, values, shown], -1))

    def denoise(self, known: Tensor, noisy: Tensor, time: Tensor) -> Tensor:
        """The velocity of each number, shape (rows, numbers), at `time` (rows,) from 0 (clean) to 1 (noise).

        `noisy` (rows, numbers) is 0 where a number is null or given.
        """
        network = _there(self.numbers)
        changing = network.change(torch.cat([noisy, embed_time(time)], -1))
        return network.leave(network.blocks(functional.silu(known + changing)))


class _Perceptron(nn.Module):
    """A first layer for what stays and what changes, residual layers, and a last layer of which parts can be asked."""

    def __init__(self, fixed: int, changing: int, outputs: int, hidden_dim: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.enter = nn.Linear(fixed, hidden_dim)
        self.change = nn.Linear(changing, hidden_dim, bias=False) if changing else nn.Identity()
        self.blocks = nn.Sequential(*(_Block(hidden_dim, dropout) for _ in range(layers)))
        self.last = nn.Linear(hidden_dim, outputs)
        # From zero, the first answers are even chances and the mean velocity instead of the noise of first weights.
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def begin(self, fixed: Tensor) -> Tensor:
        found: Tensor = self.enter(fixed)
        return found

    def leave(self, hidden: Tensor, part: slice | None = None) -> Tensor:
        if part is None:
            found: Tensor = self.last(hidden)
            return found
        return functional.linear(hidden, self.last.weight[part], self.last.bias[part])


class _Block(nn.Module):
    """A residual layer: it trains more steadily than a plain stack, at the same cost."""

    def __init__(self, hidden_dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden_dim)
        self.linear = nn.Linear(hidden_dim, hidden_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        changed: Tensor = hidden + self.dropout(functional.silu(self.linear(self.norm(hidden))))
        return changed


def _there(network: _Perceptron | None) -> _Perceptron:
    if network is None:
        raise RuntimeError("the table has no such columns")
    return network


def embed_time(time: Tensor) -> Tensor:
    """Sines and cosines of `time` (rows,), from half a turn to 32 of them, shape (rows, 2 * FREQUENCIES)."""
    rates = math.pi * torch.exp2(torch.linspace(0, 6, FREQUENCIES, device=time.device, dtype=time.dtype))
    angles = time[..., None] * rates
    return torch.cat([angles.sin(), angles.cos()], -1)
