"""Encoded rows as tensors: one-hots straight from codes, activations segment by segment, and codes drawn from logits.

Imports torch: only what fits or draws imports this module. A plain loop over segments is faster on a CPU than padded or
scattered softmaxes at the batch sizes used here, as each segment is one fused call over a thousand rows.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.synthesizers.neural.encoding import EncodedRows, TableEncoder


class RowTensors:
    """Encoded rows on a device, of which `make` gives a batch. Compact: 4 bytes for each code and number."""

    def __init__(self, encoder: TableEncoder, rows: EncodedRows, device: torch.device) -> None:
        self._codes = torch.as_tensor(rows.codes, device=device)
        self._numbers = torch.as_tensor(rows.numbers, device=device)
        self._offsets = torch.as_tensor(encoder.offsets, device=device)
        self._width, self._scalars = encoder.width, encoder.scalars

    def make(self, index: Tensor | slice) -> Tensor:
        """The rows of these numbers, shape (rows, width): scalars, then one-hots."""
        codes = self._codes[index].long() + self._offsets
        made = torch.zeros(len(codes), self._width, device=codes.device)
        made[:, : self._scalars] = self._numbers[index]
        return made.scatter_(1, codes, 1.0)

    def codes(self, index: Tensor | slice) -> Tensor:
        """The codes of these rows, shape (rows, segments), int64."""
        return self._codes[index].long()


def make_inputs(rows: Tensor, told: Tensor, column_of: Tensor) -> tuple[Tensor, Tensor]:
    """What a network is told of `rows` (rows, width) where `told` (rows, columns) is true: values with zeros elsewhere
    beside the mask, shape (rows, width + columns); and the mask spread over the width, shape (rows, width).
    """
    spread = told.to(rows.dtype)[:, column_of]
    return torch.cat([rows * spread, told.to(rows.dtype)], 1), spread


def apply_softmax(logits: Tensor, sizes: list[int]) -> Tensor:
    """Softmax within each segment; `logits` (rows, codes) and the result have the same shape."""
    return torch.cat([torch.softmax(part, 1) for part in torch.split(logits, sizes, 1)], 1)


def measure_shares(logits: Tensor, biases: NDArray[np.float64], sizes: list[int]) -> NDArray[np.float64]:
    """The share that each code has among rows with these logits when `biases` are added, shape (codes,)."""
    with torch.inference_mode():
        shifted = logits + torch.as_tensor(biases, dtype=logits.dtype, device=logits.device)
        means = [torch.softmax(part, 1).double().mean(0) for part in torch.split(shifted, sizes, 1)]
        return np.asarray(torch.cat(means).cpu().numpy(), np.float64)


def draw_codes(logits: Tensor, biases: NDArray[np.float64], uniforms: NDArray[np.float64], sizes: list[int]) -> Tensor:
    """A code of each segment by the probabilities of `logits + biases`: `uniforms` (rows, segments) in [0, 1)."""
    with torch.inference_mode():
        shifted = logits + torch.as_tensor(biases, dtype=logits.dtype, device=logits.device)
        thresholds = torch.as_tensor(uniforms, device=logits.device)
        codes = []
        for number, part in enumerate(torch.split(shifted, sizes, 1)):
            ends = torch.softmax(part.double(), 1).cumsum(1)
            places = (thresholds[:, number : number + 1] * ends[:, -1:] >= ends).sum(1)
            codes.append(places.clamp_(max=sizes[number] - 1))
        return torch.stack(codes, 1)
