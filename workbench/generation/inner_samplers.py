"""Samplers that stand inside another part of the spec: under a scenario's `set`, or as a foreign key's `per_parent`."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from workbench.columns.registry import COLUMNS
from workbench.spec.model import ColumnConfig
from workbench.spec.problems import Path, Problem, suggest


def read_sampler(value: dict[str, Any], column: str, spot: Path, problems: list[Problem]) -> ColumnConfig | None:
    """The sampler that the mapping `value` at `spot` describes, for a column of that name; else a problem is added."""
    kind = value.get("type")
    column_type = COLUMNS.get(kind) if isinstance(kind, str) else None
    if column_type is None:
        message = f"Unknown column type “{kind}”." if kind is not None else "This sampler has no “type”."
        problems.append(Problem(message, suggest(str(kind or ""), COLUMNS.names()), spot))
        return None
    if not {"name", "drop"}.isdisjoint(value):
        problems.append(Problem("A sampler inside another part has no name and no drop of its own.", "", spot))
        return None
    try:
        return column_type.config.model_validate({**value, "name": column})
    except ValidationError as error:
        for details in error.errors(include_url=False):
            word = str(details["loc"][-1]) if details["loc"] else ""
            path: Path = (*spot, *details["loc"])
            if details["type"] == "extra_forbidden":
                hint = suggest(word, column_type.config.model_fields)
                problems.append(Problem(f"Unknown key “{word}”.", hint, path))
            elif details["type"] == "missing":
                problems.append(Problem(f"“{word}” is missing.", f"Add “{word}:” here.", spot))
            else:
                reason = str(details.get("ctx", {}).get("error", details["msg"]))
                problems.append(Problem(f"“{word or column}” cannot be used: {reason}.", "", path))
        return None
