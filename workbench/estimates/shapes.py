"""Shapes of well-known model families: the numbers of their public config.json that decide memory and time.

So `estimate --model llama-3.1-8b` needs no download. Names, sizes and counts are shipped, nothing that was learned.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "shapes.json"


def list_shapes() -> list[str]:
    """Names of the shipped shapes."""
    return list(_read_shapes())


def find_shape(name: str) -> dict[str, Any] | None:
    """The config of the family of that name or hub id, letter case left aside; None if it is not shipped."""
    wanted = name.lower()
    for known, shape in _read_shapes().items():
        if wanted in (known, shape["hub_id"].lower()):
            return copy.deepcopy(dict(shape["config"]))
    return None


@cache
def _read_shapes() -> dict[str, dict[str, Any]]:
    shapes: dict[str, dict[str, Any]] = json.loads(_FILE.read_text("utf-8"))["shapes"]
    return shapes
