"""Two JSON Schemas made one: for `allOf`, which models and grammars know less well than a plain schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def join_schemas(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What is valid under both, as far as their keywords do not clash."""
    joined = {**one, **other}
    if "properties" in one and "properties" in other:
        joined["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        joined["required"] = [*one["required"], *other["required"]]
    return joined
