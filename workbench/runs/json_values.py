"""Numbers in JSON: a diverged loss is NaN, which JSON does not have, and a run must not fail to say so.

Metrics files and states keep such numbers as the strings "nan", "inf" and "-inf", which `float` reads back. What
users and scripts get, results and `--json`, has null instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def encode_number(value: float) -> float | str:
    """`value`, as a string if it is not finite."""
    return value if math.isfinite(value) else str(value)


def decode_numbers(values: Any) -> dict[str, float]:
    """Names to numbers as `encode_number` wrote them. Raises ValueError if that is not what they are."""
    if not isinstance(values, dict):
        raise ValueError("metrics are no mapping")
    try:
        return {str(name): float(value) for name, value in values.items()}
    except TypeError as error:
        raise ValueError("a metric is no number") from error


def make_json_ready(value: Any) -> Any:
    """A copy of `value` that JSON can hold: paths as text, tuples as lists, numbers that are not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): make_json_ready(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [make_json_ready(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value
