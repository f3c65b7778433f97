"""`foreign_key`: what a row takes over from the row of another table that it belongs to.

{name: card_id, type: foreign_key, table: cards, per_parent: {type: poisson, mean: 25}}
{name: country, type: foreign_key, table: cards, column: country}

Without `column` it holds the other table's primary key, and is thereby a link of its own, as an entry under the
table's `foreign_keys` is one. With `column` it follows a link that the table has. Which row a row belongs to is
decided where tables are planned, so this module only states what is wanted.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, TableContext, register
from workbench.spec.model import ColumnConfig, ForeignKeyConfig, Name

_MOST_PER_PARENT = 1_000_000_000


class ForeignKeyColumnConfig(ColumnConfig):
    """The key, or another column, of the row of another table that this row belongs to."""

    type: Literal["foreign_key"]
    table: Name = Field(description="The other table")
    column: Name | None = Field(
        None, description="Its column to take over; its primary key if left out, which makes this column the link"
    )
    via: Name | None = Field(
        None, description="Column of this table that holds the key to follow, where several keys lead to that table"
    )
    per_parent: Annotated[int, Field(ge=0, le=_MOST_PER_PARENT)] | dict[str, Any] | None = Field(
        None,
        description="Only without column: rows of this table for each row of that one, a number or a sampler such as "
        "{type: poisson, mean: 3}; without it each row belongs to one at random",
    )

    @model_validator(mode="after")
    def validate_form(self) -> ForeignKeyColumnConfig:
        if self.column is not None and self.per_parent is not None:
            raise ValueError("per_parent belongs to the column that holds the key, so leave out column or per_parent")
        if self.column is None and self.via is not None:
            raise ValueError("via says which key leads to a column, so it needs column")
        if self.via == self.name:
            raise ValueError("via names this column itself; name the column that holds the key")
        return self

    def find_key(self) -> ForeignKeyConfig | None:
        if self.column is not None:
            return None
        return ForeignKeyConfig(column=self.name, table=self.table, per_parent=self.per_parent)


def make(config: ForeignKeyColumnConfig, context: TableContext) -> Maker:
    """The planner knows the tables and gives the maker."""
    return context.make_link(config)


register(
    ForeignKeyColumnConfig,
    make,
    group="references",
    example="{name: country, type: foreign_key, table: cards, column: country}",
)
