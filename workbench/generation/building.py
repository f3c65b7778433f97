"""The folder in which a dataset is built: blocks are committed to it one by one, and it is published by one rename.

A block is committed by renaming its finished Parquet file into `data/` and then appending its record to
`blocks.jsonl`. Whatever kills the process leaves records of whole files and at most one file without a record, which
is written again to the same bytes. A folder of another spec, or of other library versions, is not continued.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workbench.calls.failures import Failure
from workbench.datasets.manifest import (
    COUNTERFACTUALS,
    DATA,
    MANIFEST,
    PROVENANCE,
    Manifest,
    find_damage,
    hash_file,
    read_manifest,
)
from workbench.errors import WorkbenchError
from workbench.files import append_json_line, explain_os_error, make_folder, read_json_lines, write_atomic
from workbench.generation.packing import PackedBlock
from workbench.generation.parity import Tally

LOG = "blocks.jsonl"


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A committed block. `path` is relative to the folder; what follows `sha256` counts its rows (see `Block`).

    `provenance` has path, bytes and sha256 of the file that says where the rows come from, if there is one.
    """

    table: str
    number: int
    path: str
    rows: int
    bytes: int
    sha256: str
    rejected: dict[str, int]
    scenarios: dict[str, int]
    nulls: dict[str, int]
    balance: list[list[int]]
    parity: list[Tally]
    failures: list[dict[str, Any]] = field(default_factory=list)
    redrawn: dict[str, int] = field(default_factory=dict)
    provenance: dict[str, Any] | None = None

    @property
    def files(self) -> list[tuple[str, int, str]]:
        """Path, bytes and SHA-256 of the files that hold a row for each row of the block."""
        told = self.provenance
        own = [(self.path, self.bytes, self.sha256)]
        return own if told is None else [*own, (told["path"], told["bytes"], told["sha256"])]


class BuildFolder:
    """A dataset that is being built. `committed` maps (table, number) to the blocks that are there."""

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        """Open `folder`, or make it. What it holds is kept if it was begun with the same `identity`."""
        self.folder = folder
        self.committed: dict[tuple[str, int], BlockRecord] = {}
        header = {"identity": dict(identity)}
        lines = list(read_json_lines(folder / LOG))
        if lines[:1] == [header]:
            self._load(lines[1:])
        elif folder.exists():
            remove_folder(folder)
        make_folder(folder)
        make_folder(folder / DATA)
        # Written anew, since appending to a torn last line would spoil the next record too.
        records = [header, *(asdict(record) for record in self.committed.values())]
        write_atomic(folder / LOG, "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in records))

    def commit(self, block: PackedBlock) -> BlockRecord:
        """Write a block as `data/<table>-<number>.parquet` with its other files, and record it.

        Raises WorkbenchError where it cannot be written.
        """
        job = block.job
        path = f"{DATA}/{job.table}-{job.number:05d}.parquet"
        for name, content in block.files.items():
            target = self.folder / name
            make_folder(target.parent)
            write_atomic(target, content)
        provenance = None
        if block.provenance is not None:
            provenance = self._write(f"{PROVENANCE}/{job.table}-{job.number:05d}.parquet", block.provenance)
        write_atomic(self.folder / path, block.content)
        record = BlockRecord(
            job.table,
            job.number,
            path,
            block.rows,
            len(block.content),
            hashlib.sha256(block.content).hexdigest(),
            block.rejected,
            block.scenarios,
            block.nulls,
            block.balance,
            block.parity,
            [asdict(failure) for failure in block.failures],
            block.redrawn,
            provenance,
        )
        append_json_line(self.folder / LOG, asdict(record))
        self.committed[job.table, job.number] = record
        return record

    def list_failures(self) -> list[Failure]:
        """The rows of committed blocks that got no answer, each once, by table, column and row."""
        found = {each["key"]: Failure(**each) for record in self.committed.values() for each in record.failures}
        return sorted(found.values(), key=lambda failure: (failure.table, failure.column, failure.row))

    def publish(self, manifest: Manifest, target: Path) -> None:
        """Add the manifest, and rename the folder to `target`. Raises WorkbenchError if that cannot be done."""
        write_atomic(self.folder / MANIFEST, manifest.as_text())
        try:
            for record in self.committed.values():
                if record.provenance is not None:
                    _sync(self.folder / record.provenance["path"])
            (self.folder / LOG).unlink(missing_ok=True)
            _sync_folder(self.folder / DATA)
            _sync_folder(self.folder / PROVENANCE)
            _sync_folder(self.folder)
            replace_folder(self.folder, target)
        except OSError as error:
            raise explain_os_error(error, target) from error

    def _load(self, lines: Iterable[Any]) -> None:
        for line in lines:
            try:
                record = BlockRecord(**line)
                if all(self._is_whole(*file) for file in record.files):
                    self.committed[record.table, record.number] = record
            except (TypeError, KeyError, OSError):
                continue
        for place in (".", DATA, PROVENANCE, COUNTERFACTUALS):
            for path in (self.folder / place).glob(".*.tmp"):
                path.unlink(missing_ok=True)

    def _is_whole(self, name: str, size: int, sha256: str) -> bool:
        path = self.folder / name
        return path.stat().st_size == size and hash_file(path) == sha256

    def _write(self, name: str, content: bytes) -> dict[str, Any]:
        """Write a file that is brought to the disk when all are there: one that is lost has its block made again."""
        path = self.folder / name
        make_folder(path.parent)
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise explain_os_error(error, path) from error
        return {"path": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def read_published(folder: Path, fingerprint: str) -> Manifest | None:
    """The manifest of a whole dataset with that fingerprint in `folder`, else None."""
    try:
        manifest = read_manifest(folder)
    except WorkbenchError:
        return None
    whole = manifest.fingerprint == fingerprint and find_damage(folder, manifest) is None
    return manifest if whole else None


def replace_folder(source: Path, target: Path) -> None:
    """Rename `source` to `target`; a folder that is there is moved aside first and then removed."""
    make_folder(target.parent)
    try:
        source.rename(target)
    except OSError:
        if not target.exists():
            raise
        aside = target.with_name(f".old-{target.name}-{os.getpid()}")
        target.rename(aside)
        source.rename(target)
        remove_folder(aside)
    _sync_folder(target.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder that this package made, with all that is in it. Raises WorkbenchError if that fails."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise explain_os_error(error, folder) from error


def _sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a loss of power, where the file system can."""
    with contextlib.suppress(OSError):
        _sync(folder)


def _sync(path: Path) -> None:
    """Bring a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
