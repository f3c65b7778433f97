"""runs/queue.sqlite: which runs wait and which are claimed. First in, first out within a priority.

Nothing is in it that the run folders do not say, so a lost or damaged database is put aside and filled again by a
scan. For the same reason a claim made twice is harmless: the run's lock lets one process execute it. Connections live
for one transaction each; a process that kept one open would go on writing to a file that was replaced.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from workbench.errors import UsageError, WorkbenchError
from workbench.files import make_folder
from workbench.runs.folder import RunState, iterate_runs
from workbench.runs.lock import FileLock
from workbench.workspace import Workspace

T = TypeVar("T")

VERSION = 1
BUSY_SECONDS = 20.0
# fmt: off
NETWORK_FILE_SYSTEMS = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "smb2", "smb3", "smbfs", "virtiofs",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A row: the run's id and the order it is taken in (`priority` high to low, then `queued`, seconds since 1970)."""

    id: str
    priority: int
    queued: float
    claimed: bool


class Queue:
    """The queue of a workspace. Every method is one transaction and may be called from any process."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.path = workspace.runs / "queue.sqlite"

    def add(self, state: RunState) -> None:
        """Queue the run, or queue it again."""
        self._transact(lambda connection: _insert(connection, state, replace=True))

    def claim(self, run_id: str) -> bool:
        """Mark a waiting run as taken; False if it is not waiting."""
        return self._transact(
            lambda connection: (
                connection.execute("UPDATE runs SET claimed = 1 WHERE id = ? AND claimed = 0", (run_id,)).rowcount == 1
            )
        )

    def release(self, run_id: str) -> None:
        """Let a claimed run wait again, in its old place."""
        self._transact(lambda connection: connection.execute("UPDATE runs SET claimed = 0 WHERE id = ?", (run_id,)))

    def remove(self, run_id: str) -> None:
        """Forget a run that has ended."""
        self._transact(lambda connection: connection.execute("DELETE FROM runs WHERE id = ?", (run_id,)))

    def list_all(self) -> list[QueuedRun]:
        """Waiting and claimed runs in the order in which they are taken."""
        query = "SELECT id, priority, queued, claimed FROM runs ORDER BY priority DESC, queued, id"
        rows = self._transact(lambda connection: connection.execute(query).fetchall())
        return [QueuedRun(name, priority, queued, bool(claimed)) for name, priority, queued, claimed in rows]

    def reconcile(self) -> None:
        """Add waiting and running runs that the database lacks, and forget those that ended or are gone."""
        self._transact(lambda connection: _fill(connection, self.workspace))

    def read_signature(self) -> tuple[tuple[int, int, int], ...]:
        """Changes whenever the database does; two `stat` calls, so that a worker can ask several times a second."""
        return tuple(_stat(path) for path in (self.path, self.path.with_name("queue.sqlite-wal")))

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        make_folder(self.path.parent)
        try:
            return self._attempt(work)
        except sqlite3.OperationalError as error:
            raise self._explain(error) from error
        except sqlite3.DatabaseError:
            self._put_aside()
        try:
            return self._attempt(work)
        except sqlite3.DatabaseError as error:
            raise self._explain(error) from error

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            # WAL needs memory shared by all its readers, which a network file system does not give.
            journal = "DELETE" if is_on_network(self.path) else "WAL"
            connection.execute(f"PRAGMA journal_mode = {journal}")
            connection.execute("BEGIN IMMEDIATE")
            # A database cut short can answer with rows that were never in it. Few rows make the check cheap.
            if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("the file is damaged")
            if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                connection.execute("DROP TABLE IF EXISTS runs")
                connection.execute(
                    "CREATE TABLE runs (id TEXT PRIMARY KEY, priority INTEGER NOT NULL, queued REAL NOT NULL,"
                    " claimed INTEGER NOT NULL) WITHOUT ROWID"
                )
                connection.execute(f"PRAGMA user_version = {VERSION}")
                _fill(connection, self.workspace)
            result = work(connection)
            connection.execute("COMMIT")
            return result

    def _put_aside(self) -> None:
        """Rename the damaged database. Two processes may do so at once: the second puts a fresh one aside, no harm."""
        with FileLock(self.path.with_name("queue.lock")) as lock:
            lock.acquire(wait=BUSY_SECONDS)
            with contextlib.suppress(FileNotFoundError):
                self.path.replace(self.path.with_name("queue.damaged.sqlite"))
            for suffix in ("-wal", "-shm", "-journal"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _explain(self, error: sqlite3.DatabaseError) -> WorkbenchError:
        text = str(error)
        if "locked" in text or "busy" in text:
            return WorkbenchError(f"The queue {self.path} is in use by another process.", "Try again in a moment.")
        if "readonly" in text or "unable to open" in text:
            return WorkbenchError(
                f"No permission to write {self.path}.", "Choose a --workspace you own, or change its permissions."
            )
        if "full" in text:
            return WorkbenchError(f"No disk space left to write {self.path}.", "Free space and try again.")
        return WorkbenchError(
            f"The queue {self.path} cannot be used: {text}.", "Delete it: it is filled again from the run folders."
        )


def is_on_network(path: Path, mounts: str | None = None) -> bool:
    """Whether `path` lies on a network file system, by /proc/self/mountinfo (or the text given as `mounts`)."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", errors="surrogateescape")
        except OSError:
            return False
    target = os.path.realpath(path)
    kind, longest = "", -1
    for line in mounts.splitlines():
        # man 5 proc: field 5 is the mount point with octal escapes; the type stands behind the lone hyphen.
        place, separator, rest = line.partition(" - ")
        words = place.split(" ")
        if not separator or len(words) < 5:
            continue
        point = words[4].encode("latin-1", "replace").decode("unicode_escape").rstrip("/")
        if (target == point or target.startswith(point + "/")) and len(point) >= longest:
            kind, longest = rest.split(" ")[0], len(point)
    return kind in NETWORK_FILE_SYSTEMS


def _fill(connection: sqlite3.Connection, workspace: Workspace) -> None:
    known = {name for (name,) in connection.execute("SELECT id FROM runs")}
    alive = set()
    for run in iterate_runs(workspace):
        try:
            state = run.read_stored_state()
        except UsageError:
            continue
        if state.state in ("queued", "running"):
            alive.add(state.id)
            if state.id not in known:
                _insert(connection, state)
    connection.executemany("DELETE FROM runs WHERE id = ?", [(name,) for name in known - alive])


def _insert(connection: sqlite3.Connection, state: RunState, *, replace: bool = False) -> None:
    verb = "REPLACE" if replace else "IGNORE"
    connection.execute(
        f"INSERT OR {verb} INTO runs VALUES (?, ?, ?, ?)",  # noqa: S608 (the verb is one of ours)
        (state.id, state.priority, state.queued or state.created, int(state.state == "running")),
    )


def _stat(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)
