"""The identity of a dataset: a hash over all that decides its rows, and nothing else.

Name, description, gates, counterfactuals, splits, exports, training and sources that no column draws from may change
without making other rows, so they are left out, and fields at their default too, so that a field added to the spec
later leaves old fingerprints alone. The order of a mapping stays in: `values: {a: 1, b: 1}` draws other rows than
`{b: 1, a: 1}`.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from workbench.spec.model import Spec

SCHEME = 2
"""Raised when the same spec starts to give other rows."""

VERSION_DIGITS = 8


def compute_fingerprint(
    spec: Spec, sources: Mapping[str, str] | None = None, models: Mapping[str, Mapping[str, Any]] | None = None
) -> str:
    """SHA-256 (hex) over canonical JSON of the seed, the tables, the digests of sources and what decides the models.

    Of sources and models, those that columns use.
    """
    tables = {
        name: table.model_dump(exclude_defaults=True, serialize_as_any=True, exclude={"primary_key", "counterfactuals"})
        for name, table in spec.tables.items()
    }
    decisive: dict[str, Any] = {"scheme": SCHEME, "seed": spec.seed, "tables": tables}
    if models:
        decisive["models"] = {name: dict(models[name]) for name in sorted(models)}
    if sources:
        decisive["sources"] = dict(sorted(sources.items()))
    content = _make_canonical(decisive)
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), allow_nan=False).encode()).hexdigest()


def _make_canonical(value: Any) -> Any:
    """JSON that keeps apart what Python keeps apart: keys `true`, `1` and `"1"`, a date and its text, 1 and 1.0."""
    if isinstance(value, dict):
        return {"map": [[_make_canonical(key), _make_canonical(item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [_make_canonical(item) for item in value]
    if isinstance(value, datetime.date):
        return {type(value).__name__: value.isoformat()}
    if isinstance(value, float):
        return {"float": value.hex()}
    return value
