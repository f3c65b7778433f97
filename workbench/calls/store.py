"""The response store: every answer of a model, durable before its row counts as answered, found again by its key.

One SQLite file in the workspace, shared by all runs and previews: WAL mode lets many read while one writes, and
`synchronous=FULL` makes a commit survive a loss of power. Commits cost milliseconds, so a thread of its own gathers the
answers that arrived in the meantime into one. Killing the process loses what had not been committed, and those callers
were still waiting. WAL needs a local disk: on a network file system SQLite's locks are not to be trusted.
"""

from __future__ import annotations

import contextlib
import json
import queue
import sqlite3
import struct
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.files import explain_os_error, make_folder
from workbench.providers.requests import Answer, Usage

_LAYOUT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    model TEXT NOT NULL,
    created REAL NOT NULL,
    cost REAL,
    answer TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_by_run ON answers (run);
"""
_CHUNK = 500  # keys in one query: below SQLite's limit of variables
_BUSY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer with what it cost, in US dollars; `cost` is None where no price is known. `run` asked for it."""

    key: str
    run: str
    model: str
    answer: Answer
    cost: float | None


class ResponseStore:
    """The answers in one file. Any thread may call it."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises WorkbenchError where that cannot be done."""
        self.path = path
        make_folder(path.parent)
        self._reading = threading.Lock()
        self._connection = self._connect()
        self._open: queue.SimpleQueue[tuple[StoredAnswer, Future[None]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def find(self, keys: Sequence[str], run: str | None = None) -> dict[str, StoredAnswer]:
        """The answers there are by their key; only those that `run` asked for itself where it is given."""
        found: dict[str, StoredAnswer] = {}
        condition = "" if run is None else " AND run = ?"
        with self._reading, self._explain():
            for start in range(0, len(keys), _CHUNK):
                part = keys[start : start + _CHUNK]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, run, model, cost, answer, data FROM answers WHERE key IN ({marks}){condition}"  # noqa: S608
                for row in self._connection.execute(query, [*part, *([] if run is None else [run])]):
                    found[row[0]] = StoredAnswer(row[0], row[1], row[2], _decode(row[4], row[5]), row[3])
        return found

    def put(self, answer: StoredAnswer) -> Future[None]:
        """Keep an answer; the future is done once it is on the disk, or holds the WorkbenchError that kept it off."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="response store", daemon=True)
                self._thread.start()
        future: Future[None] = Future()
        self._open.put((answer, future))
        return future

    def put_all(self, answers: Iterable[StoredAnswer]) -> None:
        """Keep answers and wait until all are on the disk. Raises WorkbenchError where they cannot be written."""
        for future in [self.put(answer) for answer in answers]:
            future.result()

    def sum_cost(self, run: str) -> float:
        """What the answers that `run` asked for have cost, in US dollars."""
        with self._reading, self._explain():
            row = self._connection.execute("SELECT TOTAL(cost) FROM answers WHERE run = ?", [run]).fetchone()
        return float(row[0])

    def count(self) -> int:
        """How many answers there are."""
        with self._reading, self._explain():
            return int(self._connection.execute("SELECT COUNT(*) FROM answers").fetchone()[0])

    def close(self) -> None:
        """Write what is waiting and close the file."""
        if self._thread is not None:
            self._open.put(None)
            self._thread.join()
            self._thread = None
        self._connection.close()

    def _connect(self) -> sqlite3.Connection:
        with self._explain():
            connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, check_same_thread=False)
            with contextlib.suppress(OSError):
                self.path.chmod(0o600)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            layout = connection.execute("PRAGMA user_version").fetchone()[0]
            if layout > _LAYOUT:
                raise WorkbenchError(
                    f"{self.path} was written by a newer version of the workbench.", "Update, or move it away."
                )
            if layout < _LAYOUT:
                connection.executescript(f"{_TABLES} PRAGMA user_version = {_LAYOUT};")
        return connection

    def _write(self) -> None:
        try:
            connection = self._connect()
        except WorkbenchError as error:
            self._refuse(error)
            return
        with contextlib.closing(connection):
            while (first := self._open.get()) is not None:
                batch = [first]
                ended = False
                while not self._open.empty():
                    following = self._open.get()
                    if following is None:
                        ended = True
                        break
                    batch.append(following)
                self._commit(connection, batch)
                if ended:
                    return

    def _commit(self, connection: sqlite3.Connection, batch: list[tuple[StoredAnswer, Future[None]]]) -> None:
        try:
            with self._explain():
                rows = [_encode(answer) for answer, _ in batch]
                with connection:
                    connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        except WorkbenchError as error:
            for _, future in batch:
                future.set_exception(error)
        else:
            for _, future in batch:
                future.set_result(None)

    def _refuse(self, error: WorkbenchError) -> None:
        while (waiting := self._open.get()) is not None:
            waiting[1].set_exception(error)

    @contextlib.contextmanager
    def _explain(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
        try:
            yield
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise WorkbenchError(
                    f"No disk space left to write {self.path}.", "Free space or choose another --workspace."
                ) from error
            raise WorkbenchError(f"{self.path} cannot be used: {error}.", "Check its disk and permissions.") from error
        except sqlite3.DatabaseError as error:
            raise WorkbenchError(
                f"{self.path} is damaged: {error}.", "Move it away: its answers will be asked for again."
            ) from error
        except OSError as error:
            raise explain_os_error(error, self.path) from error


def _encode(stored: StoredAnswer) -> tuple[str, str, str, float, float | None, str, bytes]:
    """An answer as a row. A vector is packed as 32-bit floats, which is how models compute it."""
    answer = stored.answer
    head = {
        "text": answer.text,
        "score": answer.score,
        "usage": asdict(answer.usage),
        "finish": answer.finish,
        "notes": dict(answer.notes),
        "vector": len(answer.vector),
    }
    data = struct.pack(f"<{len(answer.vector)}f", *answer.vector) if answer.vector else answer.data
    return stored.key, stored.run, stored.model, time.time(), stored.cost, json.dumps(head), data


def _decode(head: str, data: bytes) -> Answer:
    kept = json.loads(head)
    length = kept["vector"]
    vector = struct.unpack(f"<{length}f", data) if length else ()
    return Answer(
        kept["text"],
        b"" if length else data,
        vector,
        kept["score"],
        Usage(**kept["usage"]),
        kept["finish"],
        kept["notes"],
    )
