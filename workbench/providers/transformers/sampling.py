"""Choosing the next token of many rows at once, each by its own seed, whatever rows stand beside it.

A row's chance is one uniform number per token, all of them drawn beforehand from Philox (Salmon, Moraes, Dror, Shaw:
Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011) under the row's seed. The token is found by inverting the
cumulated probabilities, so token n of a row depends on its seed, on n and on its own scores alone. Scores of a row can
differ in their last bits with the number of rows beside it, for libraries sum in another order then: in float32 this
almost never moves a draw, in 16 bits it often does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Philox
from numpy.typing import NDArray
from torch import Tensor

_PURPOSE = 0x746F6B656E73  # the second half of the key: other uses of a row's seed draw other numbers
_NUCLEUS = 1024
"""So many likeliest tokens nearly always hold the share `top_p`; finding them is cheaper than sorting them all."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How probabilities are shaped. A temperature of 0 takes the likeliest token."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int | None = None
    min_p: float | None = None


def draw_uniforms(seed: int, count: int) -> NDArray[np.float64]:
    """`count` numbers strictly between 0 and 1, in steps of 2**-52, the same for the same seed of 64 bits."""
    key = np.array([seed & 0xFFFFFFFFFFFFFFFF, _PURPOSE], np.uint64)
    words = Philox(key=key).random_raw(count)
    uniforms: NDArray[np.float64] = ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    return uniforms


def choose_tokens(scores: Tensor, uniforms: Tensor, sampling: Sampling, *, exact: bool = False) -> Tensor:
    """The next token of each row, shape (rows,), from scores of shape (rows, words) and one uniform number per row.

    Scores of minus infinity are never chosen. The order of the filters is that of transformers: temperature, top_k,
    top_p, min_p. `exact` avoids waiting for the device, at the price of sorting all words for `top_p`; the tokens are
    the same.
    """
    if sampling.temperature == 0:
        return scores.argmax(dim=-1)
    scores = scores / sampling.temperature
    if sampling.top_k is None and sampling.top_p == 1:
        return _invert(_drop_unlikely(scores.softmax(dim=-1), sampling.min_p), uniforms)
    words = scores.shape[-1]
    if sampling.top_k is not None:
        kept, tokens = scores.topk(min(sampling.top_k, words), dim=-1)
        kept = kept.softmax(dim=-1)
    else:
        total = scores.logsumexp(dim=-1, keepdim=True)
        kept, tokens = scores.topk(words if exact else min(_NUCLEUS, words), dim=-1)
        kept = (kept - total).exp()
        if not exact and kept.shape[-1] < words and bool((kept.sum(dim=-1) < sampling.top_p).any()):
            kept, tokens = scores.sort(dim=-1, descending=True)
            kept = (kept - total).exp()
    before = kept.cumsum(dim=-1) - kept
    kept = kept.masked_fill(before >= sampling.top_p, 0)
    place = _invert(_drop_unlikely(kept, sampling.min_p), uniforms)
    return tokens.gather(-1, place[:, None])[:, 0]


def _drop_unlikely(probabilities: Tensor, min_p: float | None) -> Tensor:
    if min_p is None:
        return probabilities
    least = probabilities.amax(dim=-1, keepdim=True) * min_p
    return probabilities.masked_fill(probabilities < least, 0)


def _invert(weights: Tensor, uniforms: Tensor) -> Tensor:
    """The first place where the cumulated weights reach a row's share of their sum; its own weight is never zero."""
    precise = torch.float32 if weights.device.type == "mps" else torch.float64
    cumulated = weights.cumsum(dim=-1, dtype=precise)
    targets = cumulated[:, -1] * uniforms.to(precise)
    return torch.searchsorted(cumulated, targets[:, None])[:, 0]
