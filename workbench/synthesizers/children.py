"""Child tables: rows in no order that belong to a parent, learned given its columns, their number too."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.errors import UsageError
from workbench.synthesizers.fitting import fit_table
from workbench.synthesizers.joining import join_parents
from workbench.synthesizers.lengths import draw_lengths, fit_lengths
from workbench.synthesizers.nearest import choose_nearest
from workbench.synthesizers.profile import read_table
from workbench.synthesizers.synthesizer import Conditions, FitContext, Made

if TYPE_CHECKING:
    import pandas as pd

    from workbench.spec.model import SynthesizerConfig
    from workbench.synthesizers.fitted import FittedTable


@dataclass(frozen=True, slots=True, eq=False)
class FittedChildren:
    """`lengths` makes the number of children from the parent's columns, `rows` a child's columns from them."""

    lengths: FittedTable
    rows: FittedTable

    def draw_lengths(
        self, parents: NDArray[np.int64], given: Conditions, names: tuple[object, ...]
    ) -> NDArray[np.int64]:
        """How many children each of the parents numbered `parents` (rising) has, shape (parents,).

        `given` holds a value for each parent.
        """
        return draw_lengths(self.lengths, parents, given, names)

    def draw_rows(self, rows: NDArray[np.int64], given: Conditions, names: tuple[object, ...]) -> Made:
        """The children numbered `rows` (rising) of the whole table; `given` holds a value for each of them.

        Values that children of no real parent had are kept too: the other columns are drawn given the nearest known.
        """
        made = self.rows.draw_rows(rows, choose_nearest(self.rows.profile, given), names)
        return {**made, **{name: values for name, values in given.items() if name in made}}


def fit_children(
    children: pd.DataFrame,
    child_key: str,
    parents: pd.DataFrame,
    parent_key: str,
    config: SynthesizerConfig,
    context: FitContext,
) -> FittedChildren:
    """Learn the rows of `children` given those columns of their parents that `config.given` names, and their number.

    A name in `given` means the parents' column where they have one, else the children's own, which their number cannot
    depend on. Children whose parent is not among `parents` are left out; parents without children count as such.
    Raises UsageError for a table that cannot be learned, and where differential privacy is asked for: it would be
    promised for a row, not for a parent with all its rows.
    """
    started = time.monotonic()
    refuse_privacy(config)
    family = join_parents(children, child_key, parents, parent_key, config.given)
    wanted = config.columns if config.columns is not None else [str(name) for name in family.children.columns]
    chosen = [name for name in dict.fromkeys([*config.given, *wanted]) if name != child_key]
    rows = fit_table(read_table(family.children, chosen), config, context)
    if family.left_out:
        note = f"{family.left_out:,} rows whose “{child_key}” is no “{parent_key}” of a parent were left out."
        rows = replace(rows, report=replace(rows.report, notes=[*rows.report.notes, note]))
    lengths = fit_parent_lengths(parents, config.given, family.counts, config.source, context)
    rows = replace(rows, report=replace(rows.report, seconds=round(time.monotonic() - started, 3)))
    return FittedChildren(lengths, rows)


def fit_parent_lengths(
    parents: pd.DataFrame, given: Sequence[str], counts: NDArray[np.int64], source: str, context: FitContext
) -> FittedTable:
    """Learn `counts`, shape (parents,), from those of the columns `given` that the parents have."""
    own = [name for name in given if name in parents.columns]
    return fit_lengths(read_table(parents, own) if own else None, counts, source, sub_context(context, "length"))


def sub_context(context: FitContext, part: str) -> FitContext:
    """The context of a part of a fit: a folder and figures of its own, and no rows of the whole to validate on."""
    folder = None if context.checkpoints is None else context.checkpoints / part
    return replace(context, checkpoints=folder, figures={}, validation=None)


def refuse_privacy(config: SynthesizerConfig) -> None:
    """Raise UsageError where rows that belong together are to be learned privately."""
    if config.differential_privacy is not None:
        raise UsageError(
            "Rows that belong to a parent or an entity cannot be learned with differential privacy: it would protect "
            "one row, not all rows of a person.",
            "Take differential_privacy out, or learn one row for each person with another type.",
        )
