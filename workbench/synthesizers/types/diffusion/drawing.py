"""New rows from trained networks: the codes segment by segment, then all numbers by a few steps of the solver.

Uncovering one segment at a time is the exact sampler of a diffusion whose noise hides codes (Hoogeboom et al.,
Autoregressive Diffusion Models, 2022): each code is drawn knowing all before it, where diffusions that change all codes
at once draw them as if they were independent within a step. Numbers come last, all together, knowing all codes: models
trained on such rows were better than those trained on rows whose codes were uncovered while numbers lost their noise,
or whose codes were numbers under noise themselves. What a condition gives is simply there from the start.

All chance is drawn in strata over the rows of a chunk (McKay et al., 1979): the shares and quantiles of a chunk are far
nearer to the model's than those of independent draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from workbench.synthesizers.neural.conditioning import stratify
from workbench.synthesizers.neural.encoding import EncodedRows
from workbench.synthesizers.types.diffusion.layout import Layout
from workbench.synthesizers.types.diffusion.network import Denoiser
from workbench.synthesizers.types.diffusion.noise import solve

Floats = NDArray[np.float64]

MOST_TURNS = 128
"""Turns in which all codes are uncovered: tables with more columns would take long."""


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What rows are given: `rows`, and which of the encoder's columns of them count, shape (columns,)."""

    rows: EncodedRows
    columns: NDArray[np.bool_]

    @classmethod
    def nothing(cls, layout: Layout, count: int) -> Given:
        """`count` rows of which nothing is given."""
        rows = EncodedRows(np.zeros((count, layout.segments), np.int32), np.zeros((count, layout.scalars), np.float32))
        return cls(rows, np.zeros(layout.columns, np.bool_))


def uncover_codes(
    network: Denoiser,
    layout: Layout,
    generator: Generator,
    given: Given,
    biases: Floats,
    learn: Callable[[slice, Floats], Floats] | None = None,
) -> NDArray[np.int32]:
    """All codes of rows, shape (rows, segments), those that are not given drawn; `biases` (codes,) go onto the logits.

    `learn(part, logits)` finds the biases of a segment, whose place among all codes is `part`, by its logits (rows,
    codes of the segment), before it is drawn; they are put into `biases`.

    Of very many segments several are drawn in one turn, each knowing the turns before.
    """
    count = len(given.rows)
    uniforms = [stratify(generator, count) for _ in range(layout.segments)]
    codes = given.rows.codes.copy()
    shown = given.columns[layout.segment_columns]
    codes[:, ~shown] = 0
    hidden = layout.order[~shown[layout.order]]
    if not len(hidden):
        return codes
    device = next(network.parameters()).device
    with torch.inference_mode():
        onehot = make_onehot(layout, codes, np.broadcast_to(shown, codes.shape), device)
        known = network.begin_uncovering(onehot, *_show_numbers(layout, given, device))
        for turn in np.array_split(hidden, min(len(hidden), MOST_TURNS)):
            seen = network.consider(known)
            for segment in turn.tolist():
                start = int(layout.starts[segment])
                part = slice(start, start + int(layout.sizes[segment]))
                logits = network.weigh(seen, part).double().cpu().numpy()
                if learn is not None:
                    biases[part] = learn(part, logits)
                codes[:, segment] = _choose(find_chances(logits + biases[part]), uniforms[segment])
                places = torch.from_numpy(codes[:, segment].astype(np.int64) + start).to(device)
                known = network.show_codes(known, places)
    return codes


def draw_numbers(
    network: Denoiser, layout: Layout, generator: Generator, given: Given, codes: NDArray[np.int32], steps: int
) -> NDArray[np.float32]:
    """Draw all numbers that are not given, shape (rows, scalars), knowing all `codes`; 0 where null."""
    from scipy.special import ndtri

    count = len(codes)
    if not layout.scalars:
        return np.zeros((count, 0), np.float32)
    uniforms = np.stack([stratify(generator, count) for _ in range(layout.scalars)], 1)
    noise = ndtri(np.clip(uniforms, _LEAST_UNIFORM, 1 - _LEAST_UNIFORM)).astype(np.float32)
    told = given.columns[layout.scalar_columns]
    free = layout.find_present(codes) & ~told
    device = next(network.parameters()).device
    with torch.inference_mode():
        every = make_onehot(layout, codes, np.ones(codes.shape, np.bool_), device)
        known = network.begin_denoising(every, *_show_numbers(layout, given, device))
        mask = torch.from_numpy(free.astype(np.float32)).to(device)

        def find_velocity(values: Tensor, time: float) -> Tensor:
            return network.denoise(known, values * mask, values.new_full((count,), time))

        clean = solve(torch.from_numpy(noise).to(device), find_velocity, steps).cpu().numpy()
    numbers = np.where(free, clean, np.where(told, given.rows.numbers, 0.0))
    return numbers.astype(np.float32)


def make_onehot(layout: Layout, codes: NDArray[np.int32], shown: NDArray[np.bool_], device: torch.device) -> Tensor:
    """One-hots (rows, width) of `codes` (rows, segments), all zeros where not `shown` (of the same shape)."""
    onehot = torch.zeros(len(codes), layout.width, device=device)
    places = torch.from_numpy(codes + layout.starts).to(device)
    return onehot.scatter_(1, places, torch.from_numpy(shown.astype(np.float32)).to(device))


def find_chances(logits: Floats) -> Floats:
    """The chances of the codes of a segment by their logits, of the same shape (rows, codes)."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    chances: Floats = powers / powers.sum(1, keepdims=True)
    return chances


def _show_numbers(layout: Layout, given: Given, device: torch.device) -> tuple[Tensor, Tensor]:
    shown = layout.find_present(given.rows.codes) & given.columns[layout.scalar_columns]
    mask = torch.from_numpy(shown.astype(np.float32)).to(device)
    return torch.from_numpy(given.rows.numbers).to(device) * mask, mask


def _choose(chances: Floats, uniforms: Floats) -> NDArray[np.int64]:
    """For each row the code in whose part of the unit interval its uniform lies; never one without a chance."""
    ends = np.cumsum(chances, 1)
    places = (ends <= (uniforms * ends[:, -1])[:, None]).sum(1)
    last = chances.shape[1] - 1 - np.argmax(chances[:, ::-1] > 0, 1)
    chosen: NDArray[np.int64] = np.minimum(places, last)
    return chosen


_LEAST_UNIFORM = 1e-9
"""Keeps noise finite: 6 standard deviations."""
