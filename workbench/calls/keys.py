"""The key of an answer: a hash over all that decides it, so that the same question is never paid for twice.

A row whose answer could not be used is asked again with another seed, which gives it another key.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from workbench.providers.requests import Request

_SCHEME = 1  # raised when the same question would be asked in other words
_STEP = 0x9E3779B97F4A7C15  # odd, so that no two tries of a row share a seed
_BITS = 0xFFFFFFFFFFFFFFFF

AnyRequest = TypeVar("AnyRequest", bound=Request)


def hash_identity(identity: Mapping[str, Any], revision: str) -> str:
    """What stands for a model in the key of its answers: a SHA-256 (hex) of its deciding fields and revision."""
    return _hash({"scheme": _SCHEME, "model": identity, "revision": revision})


def hash_request(model: str, request: Request) -> str:
    """The key (SHA-256, hex) of the answer to `request` by the model of `hash_identity`."""
    fields = {
        field.name: _make_plain(value)
        for field in dataclasses.fields(request)
        if (value := getattr(request, field.name)) != field.default
    }
    return _hash({"by": model, "kind": type(request).__name__, "request": fields})


def renew_request(request: AnyRequest, attempt: int) -> AnyRequest | None:
    """The request with the seed of its `attempt`, counted from 0; None where no seed could change the answer."""
    if attempt == 0:
        return request
    seed = getattr(request, "seed", None)
    if seed is None:
        return None
    changes: Any = {"seed": (seed + attempt * _STEP) & _BITS}
    return dataclasses.replace(request, **changes)


def _make_plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, tuple):
        return [_make_plain(each) for each in value]
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value


def _hash(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
