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
    """The links of a table to tables that exist, those of `foreign_keys` first, without a column named twice."""
    config = spec.tables[table]
    found = [Link(key.column, key.table, key.per_parent is not None) for key in config.foreign_keys]
    for column in config.columns:
        if column.type == "foreign_key":
            fields = column.model_dump()
            found.append(Link(column.name, str(fields.get("table")), fields.get("per_parent") is not None))
    by_column: dict[str, Link] = {}
    for link in found:
        known = by_column.get(link.column)
        if link.table in spec.tables and (known is None or (link.per_parent and not known.per_parent)):
            by_column[link.column] = link
    return list(by_column.values())


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
