"""What the rows of a block were made from: which answers their values are, and which real rows were used for them.

A session has a trail while a block that is to be recorded is made, and none otherwise. Rows that are drawn again, to
keep a rule, overwrite what was noted of them: the last draw is the one that stays.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.calls.failures import Place


class Written(NamedTuple):
    """The answer that a value is. `prompt` is the key of its request, a SHA-256 (hex) over model, prompt, parameters
    and seed, the latter being that of its try; `attempt` counts tries from 0; `model` is a name of the spec."""

    prompt: str
    attempt: int
    model: str

    def add(self, other: Written) -> Written:
        """Both together, for a value that several answers are parts of: the digest is that of the two digests."""
        prompt = hashlib.sha256(f"{self.prompt}{other.prompt}".encode()).hexdigest()
        models = dict.fromkeys([*self.model.split(", "), other.model])
        return Written(prompt, max(self.attempt, other.attempt), ", ".join(models))


@dataclass(frozen=True, slots=True, eq=False)
class SeedRows:
    """Numbers of rows of a source, counted from 0 in the whole of it; shape of `numbers` (rows, real rows of each)."""

    source: str
    rows: NDArray[np.int64]
    numbers: NDArray[np.int64]


@dataclass(slots=True)
class Trail:
    """`answers` of each column by row number, `seeds` of each column in the order in which they were drawn."""

    answers: dict[Place, dict[int, Written]] = field(default_factory=dict)
    seeds: dict[Place, list[SeedRows]] = field(default_factory=dict)

    def note_answer(self, place: Place, row: int, written: Written, part: int = 0) -> None:
        """The value of a row is this answer, or has it as its `part`, of which the first is 0."""
        answers = self.answers.setdefault(place, {})
        before = answers.get(row) if part else None
        answers[row] = written if before is None else before.add(written)

    def share_answers(self, place: Place, rows: NDArray[np.int64], heads: NDArray[np.int64]) -> None:
        """The value of each of `rows` is a part of the answer that was noted for the row at its place in `heads`.

        The same holds for the real rows that were noted last, which are those of the heads, rising.
        """
        answers = self.answers.get(place, {})
        for row, head in zip(rows.tolist(), heads.tolist(), strict=True):
            if row != head and head in answers:
                answers[row] = answers[head]
        if len(rows) and place in self.seeds:
            last = self.seeds[place][-1]
            self.seeds[place][-1] = SeedRows(last.source, rows, last.numbers[np.searchsorted(last.rows, heads)])

    def note_seeds(self, place: Place, source: str, rows: NDArray[np.int64], numbers: NDArray[np.int64]) -> None:
        """The values of `rows` were made from these rows of a source."""
        self.seeds.setdefault(place, []).append(SeedRows(source, rows, numbers.reshape(len(rows), -1)))
