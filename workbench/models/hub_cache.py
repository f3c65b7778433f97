"""The hub's cache on this machine, read by its layout on disk.

`models--<owner>--<name>/` holds `refs/<branch or tag>` with a commit, and `snapshots/<commit>/` with the files. The
hub's own library is not asked: to import it takes longer than to read the cache, and it reads its settings only once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A model in the cache; `revision` is the commit."""

    name: str
    path: Path
    revision: str


def find_hub_cache() -> Path:
    """The folder that the hub's library would use, by the same variables."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if chosen := os.environ.get(variable):
            return _expand(chosen)
    if chosen := os.environ.get("HF_HOME"):
        return _expand(chosen) / "hub"
    return _expand(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface" / "hub"


def find_snapshot(name: str, revision: str | None = None) -> Snapshot | None:
    """The snapshot of a hub id: of a branch, a tag or a commit (`main` if none is given), None if it is not there."""
    if not HUB_ID.fullmatch(name):
        return None
    folder = find_hub_cache() / f"models--{name.replace('/', '--')}"
    commit = _find_commit(folder, revision)
    if commit is None or not (folder / "snapshots" / commit).is_dir():
        return None
    return Snapshot(name, folder / "snapshots" / commit, commit)


def list_snapshots() -> Iterator[Snapshot]:
    """The models in the cache by name, each at `main` or at the only commit there is."""
    try:
        folders = sorted(find_hub_cache().glob("models--*--*"))
    except OSError:
        return
    for folder in folders:
        name = "/".join(folder.name.removeprefix("models--").split("--", 1))
        snapshot = find_snapshot(name)
        if snapshot is not None:
            yield snapshot


def _find_commit(folder: Path, revision: str | None) -> str | None:
    if revision is not None and _COMMIT.fullmatch(revision):
        return revision
    wanted = revision or "main"
    reference = folder / "refs" / wanted
    if ".." not in Path(wanted).parts and not wanted.startswith("/"):
        try:
            commit = reference.read_text("utf-8").strip()
        except (OSError, ValueError):
            commit = ""
        if _COMMIT.fullmatch(commit):
            return commit
    if revision is not None:
        return None
    try:
        commits = [path.name for path in (folder / "snapshots").iterdir() if _COMMIT.fullmatch(path.name)]
    except OSError:
        return None
    return commits[0] if len(commits) == 1 else None


def _expand(folder: str) -> Path:
    return Path(os.path.expandvars(folder)).expanduser().absolute()
