"""The user's cache folder: models that were fetched or converted, each made whole or not at all.

A folder of weights is filled under a temporary name and renamed when it is complete, so a crash leaves nothing that
could be taken for a model. A lock keeps a second process from doing the same work; where a file system knows no
locks, both work and the first to finish wins.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.files import explain_os_error, make_folder, write_json

VARIABLE = "WORKBENCH_CACHE"
_REMEMBERED_BYTES = 1 << 20
"""Files from this size have their digest remembered: to read a small one again costs less than to look it up."""


def find_cache() -> Path:
    """WORKBENCH_CACHE, else `workbench` in XDG_CACHE_HOME, else ~/.cache/workbench. Nothing is made by asking."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "workbench"


def make_once(target: Path, fill: Callable[[Path], None]) -> Path:
    """Make the folder `target` unless it is there: `fill` gets an empty folder, which is renamed when it is full.

    Any number of processes may ask at once. Raises `WorkbenchError` where the disk is full or may not be written, and
    what `fill` raises; nothing is left of an attempt that failed.
    """
    if target.is_dir():
        return target
    temporary: Path | None = None
    try:
        make_folder(target.parent)
        with _lock(target.parent / f".{target.name}.lock") as locked:
            if target.is_dir():
                return target
            if locked:  # whoever left these was killed: it would hold the lock otherwise
                for leftover in target.parent.glob(f".{target.name}.*.part"):
                    shutil.rmtree(leftover, ignore_errors=True)
            temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part"))
            fill(temporary)
            _flush(temporary)
            _rename(temporary, target)
            return target
    except OSError as error:
        raise WorkbenchError(
            explain_os_error(error, target).cause, f"Free space there, or name another folder by {VARIABLE}."
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def hash_file(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal. Of a large file it is remembered until its size, time or inode changes."""
    status = path.stat()
    stamp = [status.st_size, status.st_mtime_ns, status.st_ino]
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
    memory = find_cache() / "digests" / f"{name}.json"
    if status.st_size >= _REMEMBERED_BYTES:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            remembered = json.loads(memory.read_text("utf-8"))
            if remembered["stamp"] == stamp:
                return str(remembered["sha256"])
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if status.st_size >= _REMEMBERED_BYTES:
        with contextlib.suppress(WorkbenchError):  # a cache that cannot be written costs time, nothing else
            write_json(memory, {"stamp": stamp, "sha256": digest})
    return digest


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[bool]:
    """Wait for the lock and hold it; False where the file system has none. The file stays: see `runs.lock`."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            locked = True
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL):
                raise
            locked = False
        yield locked
    finally:
        os.close(handle)


def _flush(folder: Path) -> None:
    """Bring all files to the disk, lest a power cut leave a renamed folder with empty ones."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _rename(temporary: Path, target: Path) -> None:
    try:
        temporary.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise  # else another process was first, with the same content
