"""Fitted sequences as a user holds them: lengths and records of entities, from a seed, given conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from workbench.columns.streams import derive_key
from workbench.columns.values import fill_nulls, make_text_array
from workbench.errors import UsageError
from workbench.synthesizers.conditions import read_conditions
from workbench.synthesizers.fitted import FitReport, FittedTable
from workbench.synthesizers.identifiers import IdentifierShapes
from workbench.synthesizers.lengths import draw_lengths
from workbench.synthesizers.profile import TableProfile
from workbench.synthesizers.sequences.drawing import Drawing
from workbench.synthesizers.sequences.plan import PartName, SequencePlan
from workbench.synthesizers.synthesizer import Conditions, Made

if TYPE_CHECKING:
    import pandas as pd

_MOST_TRIES = 100
"""Draws of a text for an entity before a number is put behind it."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedSequences:
    """`profile` is that of a record, without the entity's column. `entities` are shapes where those are texts."""

    profile: TableProfile
    plan: SequencePlan
    parts: Mapping[PartName, FittedTable]
    entities: IdentifierShapes | None
    report: FitReport

    def sample(
        self, entities: int, conditions: Mapping[str, Any] | pd.DataFrame | None = None, seed: int = 0
    ) -> pd.DataFrame:
        """The records of `entities` new entities, one after the other, each in order of time.

        `conditions` maps columns to a value for all, or to `entities` values; all records of an entity have its own.
        Raises UsageError for a value that its column never has, and for a condition on the time.
        """
        from workbench.synthesizers.frames import make_frame

        if not isinstance(entities, int | np.integer) or entities < 0:
            raise UsageError(f"“{entities}” is no number of entities.", "Give a whole number, 0 or more.")
        if conditions is not None and self.plan.order_by in conditions:
            raise UsageError(f"“{self.plan.order_by}” orders the records and cannot be set.", "Leave it out.")
        given = read_conditions(self.profile, conditions, entities)
        numbers = np.arange(entities, dtype=np.int64)
        lengths = self.draw_lengths(numbers, given, (seed, "sample"))
        made = self.draw_records(numbers, lengths, given, (seed, "sample"))
        frame = make_frame(self.profile, made)
        frame.insert(0, self.plan.entity, np.repeat(self._name_entities(entities, seed), lengths))
        return frame

    def draw_lengths(
        self, parents: NDArray[np.int64], given: Conditions, names: tuple[object, ...]
    ) -> NDArray[np.int64]:
        """How many records each of the entities numbered `parents` (rising) has, shape (parents,).

        `given` holds a value for each of them in some columns: `plan.given`, and any others that all records are to
        have. Only columns that never change within an entity bear on its length.
        """
        return draw_lengths(self.parts["length"], parents, given, names)

    def draw_records(
        self, parents: NDArray[np.int64], lengths: NDArray[np.int64], given: Conditions, names: tuple[object, ...]
    ) -> Made:
        """All columns of the records of the entities numbered `parents` (rising), `lengths` of each.

        The rows of one entity follow another's, in order of time; each array has the shape (lengths.sum(),). `given` is
        as in `draw_lengths`. With other names, or by themselves, entities get the same records.
        """
        some = np.flatnonzero(lengths > 0)
        if not len(some):
            return {name: fill_nulls(column.kind, 0) for name, column in self.profile.columns.items()}
        held = {
            name: values.take(some)
            for name, values in given.items()
            if name in self.profile.columns and name != self.plan.order_by
        }
        return Drawing(self, parents[some], lengths[some], held, names).draw()

    def save(self, folder: Path | str) -> None:
        """Write the model to `folder`, a folder for each part. Raises WorkbenchError if it cannot be written."""
        from workbench.synthesizers.sequences.storage import save_sequences

        save_sequences(self, Path(folder))

    def _name_entities(self, count: int, seed: int) -> NDArray[Any]:
        """A value of the entity's column for each: numbers from 0, or new texts, all different."""
        if self.entities is None:
            return np.arange(count, dtype=np.int64)
        generator = Generator(Philox(key=derive_key(seed, "entities")))
        texts: dict[str, None] = {}
        for _ in range(_MOST_TRIES):
            texts |= dict.fromkeys(self.entities.draw(generator, count - len(texts)).to_list())
            if len(texts) == count:
                break
        missing = count - len(texts)
        return make_text_array([*texts, *(f"entity {number}" for number in range(missing))])
