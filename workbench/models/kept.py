"""Models that were fetched into the user's cache folder: `models/<name>/<digest>/` with the files and their record.

The record `source.json` is written with the files, before the folder gets its name, so a folder without one is no
model of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.files import NAME_PATTERN, write_json
from workbench.models.cache import find_cache
from workbench.models.hub_cache import HUB_ID

RECORD = "source.json"


@dataclass(frozen=True, slots=True)
class KeptModel:
    """`weights` is the file or folder within `folder` that is loaded. `source` says where it came from, in words."""

    name: str
    folder: Path
    weights: str
    licence: str
    source: str

    @property
    def path(self) -> Path:
        """What is loaded."""
        return self.folder / self.weights


def place(name: str) -> Path:
    """The folder of all versions of a model; the “/” of a hub id becomes “--”."""
    return find_cache() / "models" / name.replace("/", "--")


def write_record(folder: Path, name: str, weights: str, licence: str, source: str) -> None:
    """Describe a folder that is being filled."""
    model = KeptModel(name, folder, weights, licence, source)
    write_json(folder / RECORD, {key: value for key, value in asdict(model).items() if key != "folder"})


def find_kept(name: str) -> KeptModel | None:
    """The version of a model that was fetched last, None if there is none."""
    if not (re.fullmatch(NAME_PATTERN, name) or HUB_ID.fullmatch(name)):
        return None
    try:
        folders = [folder for folder in place(name).iterdir() if not folder.name.startswith(".")]
    except OSError:
        return None
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True):
        model = _read(folder)
        if model is not None:
            return model
    return None


def list_kept() -> Iterator[KeptModel]:
    """One version of each model, by name."""
    try:
        folders = sorted((find_cache() / "models").iterdir())
    except OSError:
        return
    for folder in folders:
        model = find_kept(folder.name)
        if model is not None:
            yield model


def _read(folder: Path) -> KeptModel | None:
    try:
        record = json.loads((folder / RECORD).read_text("utf-8"))
        texts = {key: record[key] for key in ("name", "weights", "licence", "source")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not all(isinstance(text, str) for text in texts.values()):
        return None
    model = KeptModel(folder=folder, **texts)
    return model if model.path.exists() else None
