"""Which columns of a spec hold primary keys of other tables, whether the table or the column says so."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.spec.model import Spec


@dataclass(frozen=True, slots=True)
class Link:
    """`column` holds primary keys of `table`. With `per_parent`, rows are made for each row of that table."""

    column: str
    table: str
    per_parent: bool


def list_links(spec: Spec, table: str) -> list[Link]:
    """The links of a table to tables that exist."""
    keys = [key for key, _ in spec.tables[table].find_keys().values()]
    return [Link(key.column, key.table, key.per_parent is not None) for key in keys if key.table in spec.tables]


def find_followed(spec: Spec) -> dict[str, Link]:
    """For each table whose rows belong to rows of another one, the link to it; followed up, it never circles.

    That is the first link with `per_parent`, else the first to another table: rows that refer to one row of that table
    then stay together.
    """
    chosen: dict[str, Link] = {}
    for name in spec.tables:
        links = sorted(list_links(spec, name), key=lambda link: not link.per_parent)
        for link in links:
            above = link.table
            while above in chosen and above != name:
                above = chosen[above].table
            if above != name:
                chosen[name] = link
                break
    return chosen
