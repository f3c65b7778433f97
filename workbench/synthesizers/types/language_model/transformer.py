"""The small model: a causal transformer that writes a row digit by digit, its columns in any order.

What a token says is the sum of its column's digits so far; to which digit of which column comes next a second vector
is added, so that names of columns cost no tokens of their own and a row may be written in any order (two positions per
token, as in σ-GPT: Pannatier, Courdier and Fleuret, 2024). A row is a set of columns, hence there are no other
positions. Each digit has a head of its own over its alphabet. Layers are those of GPT-2 (Radford et al., 2019), which
gradients per row can be computed of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

_DEVIATION = 0.02
"""Of the vectors of tokens, as in GPT-2."""

_CURVES = 8
"""Waves that an order of digits is told by."""

_GAIN = 0.64
"""Of layers. With GPT-2's own 0.02, meant for wide ones, a narrow model needs twice the steps."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a model. `widths` are the alphabets of the digits, `levels` their depths, column by column.

    `ordered` are how many of each alphabet's digits, its first ones, stand in an order, as those of numbers do.
    """

    widths: tuple[int, ...]
    levels: tuple[int, ...]
    ordered: tuple[int, ...]
    hidden: int
    layers: int
    heads: int

    @property
    def slots(self) -> int:
        """The digits of a row."""
        return len(self.widths)


@dataclass(slots=True)
class Memory:
    """Keys and values of the tokens so far, a pair per layer, each of shape (rows, heads, tokens, hidden / heads)."""

    pairs: list[tuple[Tensor, Tensor]] = field(default_factory=list)


class RowTransformer(nn.Module):
    """Digits come as (rows, slots) in the order of the table; `order` of the same shape says how they are written."""

    sums: Tensor
    offsets: Tensor

    def __init__(self, shape: Shape, generator: torch.Generator) -> None:
        super().__init__()
        self.shape = shape
        self.digits = nn.Embedding(sum(shape.widths), shape.hidden)
        self.targets = nn.Embedding(shape.slots, shape.hidden)
        self.start = nn.Embedding(1, shape.hidden)
        self.blocks = nn.ModuleList(_Block(shape.hidden, shape.heads) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.hidden)
        self.head = DigitHead(shape)
        self.register_buffer("sums", _make_sums(shape.levels), persistent=False)
        offsets = torch.tensor(shape.widths).cumsum(0) - torch.tensor(shape.widths)
        self.register_buffer("offsets", offsets, persistent=False)
        _set_weights(self, generator)

    def forward(self, digits: Tensor, order: Tensor) -> Tensor:
        """The scores of each digit given those written before it, of shape (rows, slots, widest alphabet)."""
        said = self.say(digits)
        shape = (*order.shape, said.shape[-1])
        said = said.gather(1, order[:, :-1, None].expand(-1, -1, shape[-1]))
        hidden = torch.cat([self.open(digits), said], 1) + self.targets(order)
        for block in self.blocks:
            hidden = block(hidden)
        place = torch.argsort(order, 1)
        hidden = self.norm(hidden).gather(1, place[:, :, None].expand(shape))
        return self.head(hidden)  # type: ignore[no-any-return]

    def say(self, digits: Tensor) -> Tensor:
        """The vectors of digits, each with those of its column before it: (rows, slots, hidden)."""
        vectors = self.digits(digits + self.offsets)
        return self.sums @ vectors if any(self.shape.levels) else vectors  # type: ignore[no-any-return]

    def open(self, digits: Tensor) -> Tensor:
        """The vector that each row begins with: (rows, 1, hidden)."""
        return self.start(torch.zeros((len(digits), 1), dtype=torch.int64, device=digits.device))  # type: ignore[no-any-return]

    def advance(self, said: Tensor, slots: Tensor, memory: Memory) -> Tensor:
        """Scores of the digit `slots[-1]`, of shape (rows, widest), after tokens `said` (rows, tokens, hidden).

        `slots` are the digits that come after each token; `memory` gains the tokens.
        """
        hidden = said + self.targets(slots)
        for at, block in enumerate(self.blocks):
            hidden = block.advance(hidden, memory, at)  # type: ignore[operator]
        return self.head.score(self.norm(hidden[:, -1]), int(slots[-1]))


class DigitHead(nn.Module):
    """A linear layer for each digit of a row.

    The scores of digits in an order are a smooth curve over them, a sum of cosines, beside a part for each digit alone:
    what is learned of one digit tells of those next to it, so that a few hundred rows are enough to begin with.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = max(shape.widths)
        self.weight = nn.Parameter(torch.zeros(shape.slots, shape.hidden, width))
        self.smooth = nn.Parameter(torch.zeros(shape.slots, shape.hidden, _CURVES))
        self.bias = nn.Parameter(torch.zeros(shape.slots, width))
        curves = torch.zeros(shape.slots, _CURVES, width)
        for slot, ordered in enumerate(shape.ordered):
            curves[slot, :, :ordered] = make_curves(ordered).T
        # No buffer: gradients per row are not computed of layers that have any.
        self._curves = curves

    def forward(self, hidden: Tensor) -> Tensor:
        """(rows, slots, hidden) to (rows, slots, width)."""
        weight = self.weight + self.smooth @ self._curves.to(self.weight.device)
        return torch.einsum("nsh,shw->nsw", hidden, weight) + self.bias

    def score(self, hidden: Tensor, slot: int) -> Tensor:
        """(rows, hidden) to (rows, width) for one digit."""
        weight = self.weight[slot] + self.smooth[slot] @ self._curves[slot].to(self.weight.device)
        return hidden @ weight + self.bias[slot]


def make_curves(count: int) -> Tensor:
    """Cosines over `count` places, from half a wave on: (count, _CURVES). Those finer than the places are left out."""
    places = (torch.arange(count) + 0.5) / max(count, 1)
    waves = torch.arange(1, _CURVES + 1)
    return torch.cos(torch.pi * places[:, None] * waves) * (waves < count)


class _Block(nn.Module):
    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(hidden)
        self.mix = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.before_widening = nn.LayerNorm(hidden)
        self.widen = nn.Linear(hidden, 4 * hidden)
        self.narrow = nn.Linear(4 * hidden, hidden)

    def forward(self, hidden: Tensor) -> Tensor:
        query, key, value = self._project(hidden)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self._finish(hidden, mixed)

    def advance(self, hidden: Tensor, memory: Memory, layer: int) -> Tensor:
        query, key, value = self._project(hidden)
        if layer < len(memory.pairs):
            key = torch.cat([memory.pairs[layer][0], key], 2)
            value = torch.cat([memory.pairs[layer][1], value], 2)
            memory.pairs[layer] = (key, value)
        else:
            memory.pairs.append((key, value))
        # Several tokens come at once only where none came before: then each sees those up to itself.
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=query.shape[2] > 1)
        return self._finish(hidden, mixed)

    def _project(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows, tokens, width = hidden.shape
        mixed = self.mix(self.before_attention(hidden))
        query, key, value = mixed.view(rows, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        return query, key, value

    def _finish(self, hidden: Tensor, mixed: Tensor) -> Tensor:
        hidden = hidden + self.out(mixed.transpose(1, 2).reshape(hidden.shape))
        inner = functional.gelu(self.widen(self.before_widening(hidden)), approximate="tanh")
        return hidden + self.narrow(inner)  # type: ignore[no-any-return]


def score_rows(scores: Tensor, digits: Tensor, allowed: Tensor) -> Tensor:
    """The negative log-likelihood of each row in nats, shape (rows,). Digits that cannot stand there have no share."""
    places = torch.arange(scores.shape[-1], device=scores.device)
    scores = scores.masked_fill(places >= allowed[..., None], float("-inf"))
    chosen = scores.gather(2, digits[..., None])[..., 0]
    return (torch.logsumexp(scores, 2) - chosen).sum(1)


def _make_sums(levels: Sequence[int]) -> Tensor:
    """A matrix of (slots, slots) that adds to each digit those of its column before it."""
    sums = torch.zeros(len(levels), len(levels))
    for at, level in enumerate(levels):
        sums[at, at - level : at + 1] = 1
    return sums


def _set_weights(model: RowTransformer, generator: torch.Generator) -> None:
    """Small vectors of tokens beside layers that keep the size of what passes; those that add to the stream the less,
    the more of them there are (as in GPT-2). Heads begin at nothing, so that all digits are equally likely.
    """
    for name, weight in model.named_parameters():
        if name.startswith("head.") or weight.dim() < 2:
            if not name.endswith("weight"):
                nn.init.zeros_(weight)
        elif name.startswith("blocks."):
            depth = (2 * model.shape.layers) ** 0.5 if name.split(".")[-2] in ("out", "narrow") else 1.0
            nn.init.normal_(weight, 0.0, _GAIN / weight.shape[1] ** 0.5 / depth, generator=generator)
        else:
            nn.init.normal_(weight, 0.0, _DEVIATION, generator=generator)
    with torch.no_grad():
        for offset, ordered in zip(model.offsets.tolist(), model.shape.ordered, strict=True):
            # Neighbours begin as neighbours, finer waves the weaker, with the size that other digits have.
            curves = make_curves(ordered) / torch.arange(1, _CURVES + 1)
            mixed = curves @ torch.empty(_CURVES, model.shape.hidden).normal_(0.0, 1.0, generator=generator)
            model.digits.weight[offset : offset + ordered] = mixed * _DEVIATION
