"""`field`: one member of a column of nested values, as a column of its own: the age of a patient.

{name: age, type: field, of: patient, field: age}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from workbench.columns.answered import collect
from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.schemas import find_column
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.spec.model import ColumnConfig, Name
from workbench.spec.problems import suggest


class FieldConfig(ColumnConfig):
    """One member of a nested value, as a column of its own."""

    type: Literal["field"]
    of: Name = Field(description="The column of nested values")
    field: str = Field(description="Name of the member")

    def references(self) -> frozenset[str]:
        return frozenset({self.of})


def make(config: FieldConfig, context: TableContext) -> Maker:
    """The member with its own kind, null where the value or the member is. Raises ValueError if there is none."""
    shape = context.makers[config.of].shape
    if not isinstance(shape, Mapping):
        raise ValueError(f"“{config.of}” holds no values with named members")
    if config.field not in shape:
        raise ValueError(f"“{config.of}” has no member “{config.field}”. {suggest(config.field, shape)}".strip())
    kind, members, nested = find_column(shape[config.field])

    def values(draws: Draws, inputs: Row) -> Values:
        found = inputs[config.of].to_list()
        return collect(kind, [None if value is None else value.get(config.field) for value in found])

    return Maker(kind, values, members=members, nested=nested)


register(FieldConfig, make, group="derived", example="{name: town, type: field, of: address, field: city}")
