"""SDV's metadata (JSON) as a spec of ours: of one table or several, in the formats SINGLE_TABLE_V1, V1 and V2.

V1 says what a column is and nothing of its values, so ranges and categories are placeholders then, marked as such; V2
brings ranges, categories and decimals.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from workbench.errors import UsageError
from workbench.files import clean_text
from workbench.importing.draft import Draft, DraftItem, DraftTable
from workbench.importing.known_types import choose_fields, offer_item
from workbench.importing.naming import make_names

ROWS = 1_000

_GUESS = "a placeholder: SDV's metadata holds no"
_MOST_VALUES = 200
_METHODS = {
    "ipv4_address": "ipv4", "ipv6_address": "ipv6", "mac_address": "mac_address", "user_agent_string": "user_agent",
    "state": "administrative_unit", "state_abbr": "state_abbr", "country_name": "country", "company_name": "company",
    "swift11": "swift11", "phone": "phone_number", "credit_card": "credit_card_number", "name": "name",
    "street": "street_address", "zipcode": "postcode", "job_title": "job", "vin": "vin", "license": "license_plate",
}  # fmt: skip
"""Where SDV's word for personal data is not the Faker method's."""


def convert_metadata(name: str, content: Any, rows: int | None = None) -> Draft:
    """The draft of a spec called `name` for the parsed metadata. Raises UsageError where it is no such metadata."""
    tables = _read_tables(content)
    relationships = [each for each in content.get("relationships") or [] if isinstance(each, dict)]
    draft = Draft(name, "Converted from SDV metadata", [], single=len(tables) == 1 and "columns" in content)
    draft.comments = ["Converted from SDV metadata. What could not be converted stands as a comment in its place."]
    table_names = make_names(list(tables), "table")
    columns = {title: make_names([str(each) for each in tables[title]["columns"]]) for title in tables}
    failed: list[str] = []
    for title, metadata in tables.items():
        table = DraftTable(table_names[title], rows=rows or ROWS)
        keys = {str(each.get("child_foreign_key")) for each in relationships if each.get("child_table_name") == title}
        _convert_table(metadata, table, columns[title], keys, failed)
        draft.tables.append(table)
    for relationship in relationships:
        _convert_relationship(relationship, draft, table_names, columns)
    _order_parents_first(draft)
    for table in draft.tables:
        if not any(not item.disabled for item in table.columns):
            table.columns.append(DraftItem({"name": "row_id", "type": "id"}, ["a table needs a column of its own"]))
    if failed:
        count = f"{len(failed)} column{'s' * (len(failed) > 1)} could not be converted: "
        draft.notes.insert(0, f"{count}{', '.join(clean_text(each) for each in failed)}.")
    guessed = [
        f"{table.name}.{item.fields['name']}" for table in draft.tables for item in table.columns
        if any(comment.startswith(_GUESS) for comment in item.comments)
    ]  # fmt: skip
    if guessed:
        draft.notes.append(f"SDV's metadata does not say what values these have, so give them: {', '.join(guessed)}.")
    return draft


def _read_tables(content: Any) -> dict[str, dict[str, Any]]:
    tables = None
    if isinstance(content, dict):
        tables = content.get("tables") if "tables" in content else {"table": content}
    if not isinstance(tables, dict) or not tables:
        tables = {"": None}
    for table in tables.values():
        columns = table.get("columns") if isinstance(table, dict) else None
        if not isinstance(columns, dict) or not all(isinstance(each, dict) for each in columns.values()):
            raise UsageError(
                "This is no SDV metadata: there is no table with “columns”.",
                "Give the JSON file that SDV writes with metadata.save_to_json.",
            )
    return {str(title): table for title, table in tables.items()}


def _convert_table(
    metadata: Mapping[str, Any], table: DraftTable, names: Mapping[str, str], keys: set[str], failed: list[str]
) -> None:
    primary = metadata.get("primary_key")
    if isinstance(primary, str) and primary in names:
        table.primary_key = names[primary]
    elif primary:
        table.comments.append(f"not converted: primary_key: {primary}")
    for title, column in metadata["columns"].items():
        if title in keys and title != primary:
            continue
        fields, comments = _convert_column(names[title], column, key=title == primary)
        if names[title] != title:
            comments.insert(0, f"“{title[:80]}” in SDV")
        if fields is None:
            original = {"name": names[title], **column}
            table.columns.append(DraftItem(original, [*comments, "not converted: there is no such type here"], True))
            failed.append(title)
            continue
        item, fault = offer_item(fields, comments)
        table.columns.append(item)
        if fault is not None:
            failed.append(title)
    alternate = [
        names[each] for each in metadata.get("alternate_keys") or [] if isinstance(each, str) and each in names
    ]
    for each in alternate:
        unique = {"type": "unique", "columns": [each]}
        table.constraints.append(DraftItem(unique, disabled=table.find(each) is None))
    for word in ("sequence_key", "sequence_index", "column_relationships"):
        if metadata.get(word):
            table.comments.append(f"not converted: {word}: {metadata[word]}")


def _convert_column(name: str, column: Mapping[str, Any], *, key: bool) -> tuple[dict[str, Any] | None, list[str]]:
    """The fields, None where there is no counterpart, and comments."""
    kind = str(column.get("sdtype", ""))
    comments: list[str] = []
    fields: dict[str, Any] | None = {"name": name}
    if key:
        fields = _convert_key(name, column)
    elif kind == "numerical":
        fields = _convert_numbers(name, column, comments)
    elif kind in ("categorical", "ordinal"):
        fields = _convert_categories(name, column, comments)
    elif kind == "boolean":
        comments.append(f"{_GUESS} shares")
        fields = {"name": name, "type": "bernoulli", "p": 0.5}
    elif kind == "datetime":
        fields = _convert_dates(name, column, comments)
    elif kind == "id":
        fields = _convert_pattern(name, column)
    else:
        method = _METHODS.get(kind, kind)
        found = {"name": name, "type": "faker", "method": method}
        item, fault = offer_item(found, [])
        fields = None if fault is not None else item.fields
        if column.get("pii", True):
            comments.append(f"personal data: {kind}")
    if column.get("range_is_nullable"):
        comments.append("it has missing values; say how many with missing: 0.05")
    return fields, comments


def _convert_key(name: str, column: Mapping[str, Any]) -> dict[str, Any]:
    """A primary key must be unique by construction: a running number within the text of the regex, where it has one."""
    match = re.fullmatch(r"([A-Za-z_ -]*)(?:\\d|\[0-9\])(?:\{(\d+)\}|\+|\*)?", str(column.get("regex_format") or ""))
    if match is None:
        return {"name": name, "type": "id"}
    width = f":0{match[2]}d" if match[2] and 1 < int(match[2]) < 16 else ""
    return (
        {"name": name, "type": "id", "pattern": f"{match[1]}{{n{width}}}"}
        if match[1] or width
        else {"name": name, "type": "id"}
    )


def _convert_pattern(name: str, column: Mapping[str, Any]) -> dict[str, Any]:
    regex = column.get("regex_format")
    if not regex:
        return {"name": name, "type": "id"}
    return choose_fields(name, {"type": "text_pattern", "pattern": regex}, {"type": "text_pattern", "regex": regex})


def _convert_numbers(name: str, column: Mapping[str, Any], comments: list[str]) -> dict[str, Any]:
    low, high = column.get("range_min"), column.get("range_max")
    decimals = column.get("decimal_places")
    whole = str(column.get("computer_representation", "")).startswith(("Int", "UInt")) or decimals == 0
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        comments.append(f"{_GUESS} range")
        low, high = 0, 100
    if whole and float(low) == int(low) and float(high) == int(high):
        return {"name": name, "type": "uniform_int", "low": int(low), "high": int(high)}
    digits = {"decimals": decimals} if isinstance(decimals, int) and 0 <= decimals <= 12 else {}
    return {"name": name, "type": "uniform", "low": low, "high": high, **digits}


def _convert_categories(name: str, column: Mapping[str, Any], comments: list[str]) -> dict[str, Any]:
    values = column.get("range_values") or column.get("order")
    if isinstance(values, list) and values and set(map(type, values)) == {bool} and len(values) == 2:
        comments.append(f"{_GUESS} shares")
        return {"name": name, "type": "bernoulli", "p": 0.5}
    if not isinstance(values, list) or not values:
        comments.append(f"{_GUESS} categories")
        values = ["a", "b", "c"]
    elif len(values) > _MOST_VALUES:
        comments.append(f"{len(values) - _MOST_VALUES} more values are left out")
        values = values[:_MOST_VALUES]
    return {"name": name, "type": "category", "values": values}


def _convert_dates(name: str, column: Mapping[str, Any], comments: list[str]) -> dict[str, Any]:
    form = column.get("datetime_format")
    ends: list[datetime.datetime] = []
    for word in ("range_min", "range_max"):
        try:
            text = str(column[word])
            ends.append(datetime.datetime.strptime(text, str(form)) if form else datetime.datetime.fromisoformat(text))
        except (KeyError, ValueError):
            break
    if len(ends) < 2:
        comments.append(f"{_GUESS} range")
        ends = [datetime.datetime(2025, 1, 1), datetime.datetime(2025, 12, 31)]
    days = bool(form) and not re.search(r"%[HIMSfcX]", str(form))
    if form and form not in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S"):
        comments.append(f"written as {form} there")
    start, end = (each.date() if each.time() == datetime.time() and each.tzinfo is None else each for each in ends)
    return {"name": name, "type": "datetime", "start": start, "end": end} | ({"unit": "D"} if days else {})


def _convert_relationship(
    relationship: Mapping[str, Any], draft: Draft, tables: Mapping[str, str], columns: Mapping[str, Mapping[str, str]]
) -> None:
    """A foreign key; the first one of a table also says how many rows each parent has."""
    parent, child = str(relationship.get("parent_table_name")), str(relationship.get("child_table_name"))
    column = relationship.get("child_foreign_key")
    by_name = {table.name: table for table in draft.tables}
    if parent not in tables or child not in tables or not isinstance(column, str) or column not in columns[child]:
        draft.ending.append(f"not converted: relationship {dict(relationship)}")
        draft.notes.append(
            f"The relationship of “{clean_text(child)}” to “{clean_text(parent)}” could not be converted."
        )
        return
    table = by_name[tables[child]]
    fields: dict[str, Any] = {"column": columns[child][column], "table": tables[parent]}
    comments = []
    if not table.foreign_keys and parent != child:
        fields["per_parent"] = {"type": "poisson", "mean": 3}
        comments.append(f"{_GUESS} number of rows per parent")
        table.rows = None
    table.foreign_keys.append(DraftItem(fields, comments))


def _order_parents_first(draft: Draft) -> None:
    done: set[str] = set()
    ordered: list[DraftTable] = []
    left = list(draft.tables)
    while left:
        ready = next((t for t in left if all(item.fields["table"] in done for item in t.foreign_keys)), left[0])
        ordered.append(ready)
        done.add(ready.name)
        left.remove(ready)
    draft.tables = ordered
