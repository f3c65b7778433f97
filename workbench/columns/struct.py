"""`struct`: several columns of the row as one nested value, such as an address.

{name: address, type: struct, fields: [street, city]}
{name: address, type: struct, fields: {town: city, street: street}}
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.spec.model import ColumnConfig, Name


class StructConfig(ColumnConfig):
    """Several columns of the row as one nested value."""

    type: Literal["struct"]
    fields: list[Name] | dict[Name, Name] = Field(
        description="The columns to hold; as a mapping, the name of each inside to its column"
    )

    @field_validator("fields")
    @classmethod
    def validate_fields(cls, fields: list[str] | dict[str, str]) -> list[str] | dict[str, str]:
        if not fields:
            raise ValueError("it needs at least one column")
        if isinstance(fields, list) and len(set(fields)) < len(fields):
            raise ValueError("a column stands in it twice")
        return fields

    @property
    def columns(self) -> dict[str, str]:
        """Name inside the value to column."""
        return dict(self.fields) if isinstance(self.fields, dict) else {name: name for name in self.fields}

    def references(self) -> frozenset[str]:
        return frozenset(self.columns.values())


def make(config: StructConfig, context: TableContext) -> Maker:
    """One mapping a row; a null column is null inside it."""
    columns = config.columns
    members = {}
    for name, column in columns.items():
        members[name] = context.makers[column].kind
        if members[name] == "struct":
            raise ValueError(f"“{column}” is nested itself, and nesting goes one level deep")

    def values(draws: Draws, inputs: Row) -> Values:
        lists = [inputs[column].to_list() for column in columns.values()]
        data = np.empty(len(draws), object)
        data[:] = [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]
        return Values(data)

    return Maker("struct", values, members=members)


register(StructConfig, make, group="derived", example="{name: address, type: struct, fields: [street, city]}")
