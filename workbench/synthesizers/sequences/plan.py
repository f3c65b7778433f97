"""What a sequence model knows beside its parts: which column plays which part, and how time and numbers go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from workbench.synthesizers.sequences.timing import Timing

SPECIAL = "sequence: "
START, SPAN, POSITION, ELAPSED, GAP, LAST_GAP = (
    SPECIAL + word for word in ("start", "span", "position", "elapsed", "gap", "previous gap")
)
"""Columns of the parts that no real table has. Times are in units of the grain (`Timing`), positions count from 0."""

FIRST, MEAN, PREVIOUS, GONE = "first: ", "mean: ", "previous: ", "previous missing: "
"""What stands before a column's name for its value in the first record, its mean over all records so far, its value in
the one before, and whether that is null."""

STEP, CHANGE = "step: ", "changed to: "
"""What stands before a column's name for the difference to the last number, and for a text that is not the last."""

PartName = Literal["length", "first", "span", "gap", "next", "names"]


@dataclass(frozen=True, slots=True)
class SequencePlan:
    """`given` come from outside, once for an entity; `fixed` are these and those that never change within one.
    `varying` are learned from record to record; `steps` are those of them whose difference to the last value that
    was there is learned, each with the value to start from where there is none. Of `states` it is learned whether
    they change, and to what. `usual` are the means of the varying numbers, or of their steps, over all entities.
    `names` are varying identifiers, which are made anew for each record. `longest` is the longest real length.
    """

    entity: str
    order_by: str
    given: tuple[str, ...]
    fixed: tuple[str, ...]
    varying: tuple[str, ...]
    names: tuple[str, ...]
    steps: Mapping[str, float]
    states: tuple[str, ...]
    usual: Mapping[str, float]
    timing: Timing
    longest: int
