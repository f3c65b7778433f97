"""Locks that say who is alive: held by `flock` for the whole life of a process, released by the kernel at its death.

The lock is the open file, never the file's existence or the pid written in it, so a stale file locks nothing. The
identity inside is for messages and for signals. Lock files are never deleted: that would let two processes hold
“the” lock on two files of one name.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from workbench.errors import WorkbenchError
from workbench.files import explain_os_error
from workbench.runs.process import ProcessIdentity, identify_self

RETRY_SECONDS = 0.02


class FileLock:
    """An exclusive lock on `path`. Children made by fork do not keep it: see `close_in_children`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def acquire(self, wait: float = 0.0) -> bool:
        """Take the lock, trying again for `wait` seconds; False if another process holds it.

        A probe by `is_held` takes the lock for an instant, so whoever concludes from a refusal should wait a little.
        """
        deadline = time.monotonic() + wait
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise explain_os_error(error, self.path) from error
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(handle)
                    return False
                time.sleep(RETRY_SECONDS)
            except OSError as error:
                os.close(handle)
                raise _explain_no_locks(error, self.path) from error
            else:
                self._handle = handle
                return True

    def is_current(self) -> bool:
        """Whether the lock held is that of the file now under `path`: the folder may have been deleted or replaced."""
        if self._handle is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._handle), os.stat(self.path))  # noqa: PTH116
        except OSError:
            return False

    def record_holder(self) -> None:
        """Write this process's identity into the lock file, for messages and signals."""
        if self._handle is None:
            raise ValueError(f"{self.path} is not held")
        text = json.dumps(asdict(identify_self())) + "\n"
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, text.encode(), 0)

    def close_in_children(self) -> None:
        """Make forked children drop the lock, so that an orphan of a dead run does not keep it looking alive."""
        # Closing a child's copy leaves the lock with the parent; `flock(LOCK_UN)` would give it up for both.
        os.register_at_fork(after_in_child=self.release)

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock on `path`. A missing file is no lock."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise explain_os_error(error, path) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        raise _explain_no_locks(error, path) from error
    finally:
        os.close(handle)
    return False


def read_holder(path: Path) -> ProcessIdentity | None:
    """Who wrote itself into the lock file last, alive or not; None if nobody did."""
    try:
        return ProcessIdentity.from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None


def _explain_no_locks(error: OSError, path: Path) -> WorkbenchError:
    if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL):
        return WorkbenchError(
            f"The file system of {path} has no locks.", "Choose a --workspace on a local disk or a newer NFS mount."
        )
    return explain_os_error(error, path)
