"""A table's fitted model as a user holds it: rows of all its columns, from a seed, given conditions; saved and loaded.

The synthesizer itself learns numbers and categories. What needs no learning is put in here: constants, columns without
any value, and identifiers, whose texts are made anew in the shapes that the real ones have.

A row depends on the seed and on its number alone: whole chunks of rows are drawn, each from a generator of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from workbench.columns.streams import derive_key
from workbench.columns.values import Kind, Values, fill_nulls
from workbench.errors import UsageError
from workbench.synthesizers.conditions import read_conditions
from workbench.synthesizers.identifiers import IdentifierShapes
from workbench.synthesizers.profile import TableProfile, decode_codes, decode_numbers
from workbench.synthesizers.synthesizer import Conditions, Made, Synthesizer

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from workbench.synthesizers.sequences.fitted import FittedSequences

CONSTANT_CHUNK = 1024
"""Rows of a chunk where there is nothing to learn."""


@dataclass(frozen=True, slots=True)
class FitReport:
    """What a fit learned from and what came of it, ready for JSON.

    `rows` were learned from and `validation_rows` kept apart; `settings` are the synthesizer's part of the spec.
    `fidelity` holds scores from 0 to 1 against the validation rows, and as `real_rows` that of the rows learned from;
    `shares` for each category the largest error of
    the share of a level, relative to the real share: of its rarest level and of all. `epsilon` is None where nothing
    was promised. `figures` holds what the type says of its fit.
    """

    type: str
    rows: int
    validation_rows: int
    columns: int
    seconds: float
    settings: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    fidelity: dict[str, float] = field(default_factory=dict)
    shares: dict[str, dict[str, Any]] = field(default_factory=dict)
    epsilon: float | None = None
    delta: float | None = None
    accounting: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class FittedTable:
    """`profile` is that of all columns; `synthesizer` makes those it has in its own, None where nothing was learned."""

    profile: TableProfile
    synthesizer: Synthesizer | None
    identifiers: Mapping[str, IdentifierShapes]
    report: FitReport

    @property
    def chunk_rows(self) -> int:
        """Rows that are computed together."""
        return CONSTANT_CHUNK if self.synthesizer is None else self.synthesizer.chunk_rows

    def sample(
        self, rows: int, conditions: Mapping[str, Any] | pd.DataFrame | None = None, seed: int = 0
    ) -> pd.DataFrame:
        """`rows` new rows as a frame with the columns and types of the real one; the same seed gives the same rows.

        `conditions` maps columns to a value for all rows, or to `rows` values; every row has them exactly, and the
        other columns are drawn given them. Raises UsageError for a value that its column never has.
        """
        from workbench.synthesizers.frames import make_frame

        if not isinstance(rows, int | np.integer) or rows < 0:
            raise UsageError(f"“{rows}” is no number of rows.", "Give a whole number, 0 or more.")
        fixed = read_conditions(self.profile, conditions, rows)
        made = self.draw_rows(np.arange(rows, dtype=np.int64), fixed, (seed, "sample"))
        return make_frame(self.profile, made)

    def draw_rows(self, rows: NDArray[np.int64], conditions: Conditions, names: tuple[object, ...]) -> Made:
        """The rows numbered `rows` (rising) of the table that `names` stand for, such as a seed and the table's name.

        `conditions` hold a value for each of `rows`. Each row is the same in whatever company it is asked for.
        """
        size = self.chunk_rows
        parts: list[Made] = []
        chunks, starts = np.unique(rows // size, return_index=True)
        stops = [*starts[1:].tolist(), len(rows)] if len(rows) else []
        for chunk, start, stop in zip(chunks.tolist(), starts.tolist(), stops, strict=True):
            places = rows[start:stop] - chunk * size
            index = np.arange(start, stop)
            fixed = {name: _spread(values.take(index), places, size) for name, values in conditions.items()}
            made = self._draw_chunk(Generator(Philox(key=derive_key(*names, chunk))), size, fixed)
            whole = len(places) == size
            parts.append(made if whole else {name: values.take(places) for name, values in made.items()})
        return {
            name: join_values([part[name] for part in parts], column.kind)
            for name, column in self.profile.columns.items()
        }

    def save(self, folder: Path | str) -> None:
        """Write the model to `folder`, made if need be: JSON and safetensors. Raises WorkbenchError if it cannot be."""
        from workbench.synthesizers.storage import save_fitted

        save_fitted(self, folder)

    def _draw_chunk(self, generator: Generator, count: int, conditions: Conditions) -> Made:
        made: Made = {}
        if self.synthesizer is not None:
            known = self.synthesizer.profile.columns
            inner = {name: values for name, values in conditions.items() if name in known}
            made = self.synthesizer.draw(generator, count, inner)
        for name, column in self.profile.columns.items():
            if name in made:
                continue
            if name in conditions:
                made[name] = conditions[name]
            elif name in self.identifiers:
                made[name] = self.identifiers[name].draw(generator, count)
            elif column.role == "empty":
                made[name] = fill_nulls(column.kind, count)
            elif column.role == "category":
                made[name] = decode_codes(column, np.zeros(count, np.int64))
            else:
                made[name] = decode_numbers(column, np.full(count, column.low))
        return made


def load(folder: Path | str) -> FittedTable | FittedSequences:
    """The model, of a table or of sequences, that was saved to `folder`.

    Raises UsageError where there is none, WorkbenchError if it is damaged.
    """
    from workbench.synthesizers.storage import load_fitted

    return load_fitted(folder)


def join_values(parts: list[Values], kind: Kind) -> Values:
    """Values one after the other; none at all still have their kind."""
    if not parts:
        return fill_nulls(kind, 0)
    if len(parts) == 1:
        return parts[0]
    data = np.concatenate([part.data for part in parts])
    if all(part.valid is None for part in parts):
        return Values(data)
    masks = [np.ones(len(part), np.bool_) if part.valid is None else part.valid for part in parts]
    return Values(data, np.concatenate(masks))


def _spread(values: Values, places: NDArray[np.int64], size: int) -> Values:
    """Values at `places` of a chunk of `size`, the first of them everywhere else: other rows do not matter."""
    if len(places) == size:
        return values
    index = np.zeros(size, np.int64)
    index[places] = np.arange(len(places))
    return values.take(index)
