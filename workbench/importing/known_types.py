"""Asking the registry whether a column can be written: what an importer would like must be a type that exists here.

Column types come from many modules and other packages; an importer offers the ways it knows, best first, and writes
the first one that the type's own config accepts.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from workbench.columns.column_type import TableContext
from workbench.columns.registry import COLUMNS
from workbench.importing.draft import DraftItem
from workbench.providers.opening import read_config
from workbench.spec.model import ModelConfig


def find_fault(fields: dict[str, Any]) -> str | None:
    """Why the column cannot be written, None if it can. A column that refers to no other is compiled as well."""
    column_type = COLUMNS.get(str(fields.get("type")))
    if column_type is None:
        return f"there is no column type “{fields.get('type')}” here"
    try:
        config = column_type.config.model_validate(fields)
        if not config.references() and column_type.group == "samplers":
            column_type.make(config, TableContext())
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        word = ".".join(str(part) for part in details["loc"])
        reason = str(details.get("ctx", {}).get("error", details["msg"]))
        return f"“{word}”: {reason[:1].lower()}{reason[1:]}" if word else reason
    except ValueError as error:
        return str(error)
    return None


def choose_fields(name: str, *ways: dict[str, Any]) -> dict[str, Any]:
    """The first of the ways, each the fields of a column without its name, that can be written; else the last one."""
    for way in ways:
        fields = {"name": name, **way}
        if find_fault(fields) is None:
            return fields
    return {"name": name, **ways[-1]}


def offer_item(fields: dict[str, Any], comments: list[str]) -> tuple[DraftItem, str | None]:
    """The column, without the keys that its type does not know, which become comments.

    Where it cannot be written at all it is disabled, and the reason is given beside it.
    """
    column_type = COLUMNS.get(str(fields.get("type")))
    if column_type is not None:
        unknown = [key for key in fields if key not in column_type.config.model_fields]
        comments = comments + [f"left out, not known here: {key}: {fields[key]}" for key in unknown]
        fields = {key: value for key, value in fields.items() if key not in unknown}
    fault = find_fault(fields)
    if fault is None:
        return DraftItem(fields, comments), None
    return DraftItem(fields, [f"not converted: {fault}", *comments], disabled=True), fault


def find_model_fault(fields: dict[str, Any]) -> str | None:
    """Why a model of these fields cannot be used, None if its provider is known and takes them."""
    try:
        config = ModelConfig.model_validate(fields)
        read_config(config)
    except ValidationError as error:
        return str(error.errors(include_url=False)[0]["msg"])
    except ValueError as error:
        return str(error)
    return None


def find_references(fields: dict[str, Any]) -> frozenset[str]:
    """The columns that a column which can be written refers to."""
    column_type = COLUMNS.get(str(fields.get("type")))
    return frozenset() if column_type is None else column_type.config.model_validate(fields).references()
