"""`foreign_key`: the primary key of a row of another table, or another column of the row that a key leads to.

{name: card_id, type: foreign_key, table: cards, per_parent: {type: poisson, mean: 25}}
{name: country, type: foreign_key, table: cards, column: country}
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, TableContext, register
from workbench.spec.model import ColumnConfig, Name


class ForeignKeyColumnConfig(ColumnConfig):
    """The primary key of a row of another table, or another column of that row."""

    type: Literal["foreign_key"]
    table: Name = Field(description="The other table, which needs a primary key")
    column: Name | None = Field(
        None, description="A column of the other table; left out, its primary key: then this column is the foreign key"
    )
    via: Name | None = Field(
        None, description="The foreign key to follow, where several of this table lead to the other one"
    )
    per_parent: int | dict[str, Any] | None = Field(
        None,
        description="Rows for each row of the other table: a number, or a sampler such as {type: poisson, mean: 3}",
    )

    @model_validator(mode="after")
    def validate_fields(self) -> ForeignKeyColumnConfig:
        if self.column is not None and self.per_parent is not None:
            raise ValueError("per_parent belongs to the foreign key itself, a column without “column”")
        if self.column is None and self.via is not None:
            raise ValueError("via says which foreign key leads to “column”, and there is none")
        return self


def make(config: ForeignKeyColumnConfig, context: TableContext) -> Maker:
    """The engine follows the link, since only it knows the other table."""
    return context.make_link(config)


register(
    ForeignKeyColumnConfig,
    make,
    group="references",
    example="{name: country, type: foreign_key, table: cards, column: country}",
)
