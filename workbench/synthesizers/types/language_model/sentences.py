"""Rows as sentences of a pretrained model: what it learns from, and how it writes new ones within what is valid.

All rows of a chunk take a step together, each where it stands; a row that waits for others gets tokens that are masked
out, and positions are counted for each row by itself, so that no row sees another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.columns.values import Values
from workbench.synthesizers.profile import TableProfile
from workbench.synthesizers.synthesizer import Made
from workbench.synthesizers.types.language_model.calibration import choose, spread_uniforms
from workbench.synthesizers.types.language_model.spelling import (
    FormSpelling,
    LevelSpelling,
    State,
    Tokens,
    find_names,
    make_spellings,
)

Offsets = dict[str, dict[State, NDArray[np.float64]]]
"""By column and state of its spelling, for each token that may follow."""

LEFT_OUT = -100
"""The label of a token that no loss is computed of, as torch has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Grammar:
    """How rows of a table are written in the tokens of a model. `natural` is the order when nothing is given."""

    profile: TableProfile
    natural: tuple[str, ...]
    begin: Sequence[int]
    names: Mapping[str, Sequence[int]]
    spellings: Mapping[str, LevelSpelling | FormSpelling]

    @property
    def longest(self) -> int:
        """The most tokens of a row."""
        return len(self.begin) + sum(len(self.names[name]) + self.spellings[name].longest for name in self.natural)


def make_grammar(profile: TableProfile, natural: Sequence[str], tokens: Tokens) -> Grammar:
    """The grammar of a table for a tokenizer."""
    spellings = make_spellings(profile, tokens)
    return Grammar(
        profile, tuple(natural), tuple(tokens.begin or tokens.encode(" ")), find_names(spellings, tokens), spellings
    )


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Sentences padded on the right: `tokens`, `mask` and `labels` of shape (rows, tokens)."""

    tokens: Tensor
    mask: Tensor
    labels: Tensor


def make_batch(
    grammar: Grammar, spelled: Mapping[str, Sequence[Sequence[int]]], orders: Sequence[Sequence[str]]
) -> Batch:
    """Rows as a batch to learn from, each in an order of its own; names of columns are given, not learned."""
    rows: list[list[int]] = []
    labels: list[list[int]] = []
    for row, order in enumerate(orders):
        tokens = list(grammar.begin)
        wanted = [LEFT_OUT] * len(tokens)
        for name in order:
            value = spelled[name][row]
            tokens += [*grammar.names[name], *value]
            wanted += [LEFT_OUT] * len(grammar.names[name]) + list(value)
        rows.append(tokens)
        labels.append(wanted)
    longest = max(map(len, rows))
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return Batch(
        torch.tensor([row + [0] * (longest - len(row)) for row in rows]),
        mask,
        torch.tensor([row + [LEFT_OUT] * (longest - len(row)) for row in labels]),
    )


def score_batch(model: Callable[..., Any], batch: Batch) -> tuple[Tensor, Tensor]:
    """The sum of the negative log-likelihoods of each row's values in nats, and their tokens, both of shape (rows,)."""
    logits = model(input_ids=batch.tokens, attention_mask=batch.mask, use_cache=False).logits[:, :-1].float()
    wanted = batch.labels[:, 1:]
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), wanted, ignore_index=LEFT_OUT, reduction="none")
    return losses.sum(1), (wanted != LEFT_OUT).sum(1)


def write_sentences(
    model: Any,
    grammar: Grammar,
    generator: np.random.Generator,
    count: int,
    conditions: Mapping[str, Values],
    offsets: Offsets,
    temperature: float,
) -> Made:
    """`count` rows as values, those of `conditions` as they are."""
    places: dict[str, int] = {}
    total = 0
    for name in grammar.natural:
        places[name] = total
        total += grammar.spellings[name].longest
    uniforms = spread_uniforms(generator, count, total)
    given = [name for name in grammar.natural if name in conditions]
    free = [name for name in grammar.natural if name not in conditions]
    writer = _Writer(model, grammar, offsets, temperature, count)
    for name in given:
        writer.read(grammar.names[name], grammar.spellings[name].spell(conditions[name]))
    made = dict(conditions)
    for name in free:
        spelling = grammar.spellings[name]
        chances = uniforms[:, places[name] : places[name] + spelling.longest]
        if not given and name == free[0] and isinstance(spelling, LevelSpelling):
            made[name] = writer.draw_levels(name, chances[:, 0])
        else:
            made[name] = writer.write(name, chances)
    return {name: made[name] for name in grammar.profile.columns}


class _Writer:
    """Sentences that grow. Tokens that were not shown to the model yet wait in `_pending`, by row."""

    def __init__(self, model: Any, grammar: Grammar, offsets: Offsets, temperature: float, rows: int) -> None:
        self._model = model
        self._grammar = grammar
        self._offsets = offsets
        self._temperature = temperature
        self._pending = [list(grammar.begin) for _ in range(rows)]
        self._memory: Any = None
        self._mask = torch.zeros((rows, 0), dtype=torch.int64, device=model.device)

    def read(self, name: Sequence[int], values: Sequence[Sequence[int]]) -> None:
        """Take a column as it is."""
        for pending, value in zip(self._pending, values, strict=True):
            pending += [*name, *value]

    def draw_levels(self, name: str, uniforms: NDArray[np.float64]) -> Values:
        """The first column by its real shares, which the model need not be asked for."""
        spelling = self._grammar.spellings[name]
        assert isinstance(spelling, LevelSpelling)
        with np.errstate(divide="ignore"):
            scores = np.log(spelling.find_masses())
        leaves = choose(np.broadcast_to(scores, (len(uniforms), len(scores))), uniforms)
        self.read(self._grammar.names[name], [spelling.get_path(leaf) for leaf in leaves.tolist()])
        return spelling.read_leaves(leaves)

    def write(self, name: str, uniforms: NDArray[np.float64]) -> Values:
        """Write a column in every row, (rows, longest) uniform numbers for its tokens."""
        spelling = self._grammar.spellings[name]
        rows = len(self._pending)
        states: list[State] = [spelling.start] * rows
        lengths = [0] * rows
        writing = list(range(rows))
        for pending in self._pending:
            pending += self._grammar.names[name]
        while writing:
            open_rows = [row for row in writing if not self._force(spelling, states, lengths, row)]
            if open_rows:
                scores = self._look()
                for row in open_rows:
                    follow = spelling.follow(states[row])
                    chosen = self._choose(name, states[row], scores[row, follow], uniforms[row, lengths[row]])
                    self._add(spelling, states, lengths, row, chosen)
            writing = [row for row in open_rows if lengths[row] >= 0]
        return spelling.read(states)

    def _force(self, spelling: LevelSpelling | FormSpelling, states: list[State], lengths: list[int], row: int) -> bool:
        """Write what can be nothing else. True once the value is at its end."""
        while lengths[row] >= 0 and len(spelling.follow(states[row])) == 1:
            self._add(spelling, states, lengths, row, 0)
        return lengths[row] < 0

    def _add(
        self, spelling: LevelSpelling | FormSpelling, states: list[State], lengths: list[int], row: int, choice: int
    ) -> None:
        """Write one token; `lengths` is -1 from the end on."""
        self._pending[row].append(int(spelling.follow(states[row])[choice]))
        state = spelling.advance(states[row], choice)
        if state is None:
            lengths[row] = -1
        else:
            states[row] = state
            lengths[row] += 1

    def _choose(self, name: str, state: State, scores: NDArray[np.float64], uniform: float) -> int:
        scores = scores / self._temperature
        offsets = self._offsets.get(name, {}).get(state)
        if offsets is not None:
            scores = scores + offsets
        return int(choose(scores[None], np.array([uniform]))[0])

    @torch.inference_mode()
    def _look(self) -> NDArray[np.float64]:
        """Show the model what it has not seen; its scores of the next token, (rows, vocabulary)."""
        longest = max(map(len, self._pending))
        tokens = [[0] * (longest - len(pending)) + pending for pending in self._pending]
        mask = [[0] * (longest - len(pending)) + [1] * len(pending) for pending in self._pending]
        device = self._mask.device
        self._mask = torch.cat([self._mask, torch.tensor(mask, device=device)], 1)
        positions = (self._mask.cumsum(1) - 1).clamp(min=0)[:, -longest:]
        answer = self._model(
            input_ids=torch.tensor(tokens, device=device),
            attention_mask=self._mask,
            position_ids=positions,
            past_key_values=self._memory,
            use_cache=True,
            logits_to_keep=1,
        )
        self._memory = answer.past_key_values
        self._pending = [[] for _ in self._pending]
        scores: NDArray[np.float64] = answer.logits[:, -1].double().cpu().numpy()
        return scores
