"""A spec in the making: plain data with comments, as the importers leave it and `writing` puts it on paper.

It is not the spec's pydantic model, since that has no comments and no columns that could not be converted, and both
must reach the reader of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class DraftItem:
    """One entry of a list of the spec: a column, a constraint. A `disabled` one is written as a comment."""

    fields: dict[str, Any]
    comments: list[str] = field(default_factory=list)
    disabled: bool = False


@dataclass(slots=True)
class DraftTable:
    """A table: `comments` stand above it. A foreign key's own column is in `foreign_keys` alone."""

    name: str
    rows: int | None = None
    primary_key: str | None = None
    foreign_keys: list[DraftItem] = field(default_factory=list)
    columns: list[DraftItem] = field(default_factory=list)
    constraints: list[DraftItem] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def find(self, name: str) -> DraftItem | None:
        """The column of that name, None if there is none or it is disabled."""
        return next((item for item in self.columns if item.fields["name"] == name and not item.disabled), None)


@dataclass(slots=True)
class Draft:
    """A whole spec. `notes` are sentences for the user that the file's comments explain; `ending` closes the file."""

    name: str
    description: str
    tables: list[DraftTable]
    seed: int = 7
    models: dict[str, DraftItem] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    ending: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    single: bool = True
    """Put the one table's keys at the top level, without its name."""
