"""`synthesized`: a column that the table's synthesizer makes, together with its others.

{name: amount, type: synthesized}

Every column that the synthesizer learns is there without being listed. Listing one gives it a place among the others,
or takes it out of the dataset by `drop: true`.
"""

from __future__ import annotations

from typing import Literal

from workbench.columns.column_type import Maker, TableContext, register
from workbench.spec.model import ColumnConfig


class SynthesizedColumnConfig(ColumnConfig):
    """A column of real data, made anew by the synthesizer of its table."""

    type: Literal["synthesized"]


def make(config: SynthesizedColumnConfig, context: TableContext) -> Maker:
    """The planner knows the synthesizer and gives the maker."""
    return context.make_synthesized(config)


register(SynthesizedColumnConfig, make, group="references", example="{name: amount, type: synthesized}")
