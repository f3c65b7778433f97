"""Checkpoints that a resumed run can trust: each is sealed when all of it is on disk, and only whole ones are used.

Trainer writes a checkpoint file by file. A kill in between, a full disk or a damaged file leaves a folder that looks
like one; the seal, written last, holds the size of every file and the hash of those that are quick to read.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from workbench.files import write_json

SEAL = "sealed.json"
_HASHED_BYTES = 256 * 1024**2
_PREFIX = "checkpoint-"


def seal_checkpoint(folder: Path) -> None:
    """Record what `folder` holds, as the last thing written to it."""
    write_json(folder / SEAL, _describe(folder))


def find_checkpoint(folder: Path) -> tuple[Path | None, list[str]]:
    """The newest whole checkpoint under `folder`, or None, and the names of newer ones that are not whole.

    Those are removed: Trainer would count them among the ones to keep.
    """
    damaged: list[str] = []
    found = [path for path in folder.glob(f"{_PREFIX}*") if path.name.removeprefix(_PREFIX).isdigit()]
    for path in sorted(found, key=step_of, reverse=True):
        if _is_whole(path):
            return path, damaged
        damaged.append(path.name)
        shutil.rmtree(path, ignore_errors=True)
    return None, damaged


def step_of(checkpoint: Path) -> int:
    """The optimizer step after which the checkpoint was made."""
    return int(checkpoint.name.removeprefix(_PREFIX))


def _is_whole(folder: Path) -> bool:
    try:
        sealed = json.loads((folder / SEAL).read_text("utf-8"))
        return bool(sealed == _describe(folder))
    except (OSError, ValueError):
        return False


def _describe(folder: Path) -> dict[str, list[int | str]]:
    return {
        str(path.relative_to(folder)): [path.stat().st_size, _hash(path)]
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != SEAL
    }


def _hash(path: Path) -> str:
    if path.stat().st_size > _HASHED_BYTES:
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
