"""Asking a model for the rows of a column: stored answers first, the others by a batch or by many calls at once.

Each row has a few tries: an answer that the column cannot use is asked for again with another seed. Every answer is
stored and paid for, also one that was not used, so that a second run goes the same way for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from workbench.calls.failures import FAULTS, Failure, Place, Rejected
from workbench.calls.keys import hash_request, renew_request
from workbench.calls.session import Model, NotAsked, Session
from workbench.calls.spending import compute_cost
from workbench.calls.store import StoredAnswer
from workbench.files import clean_text
from workbench.providers.provider import CallError, LocalProvider
from workbench.providers.requests import Answer, Request

T = TypeVar("T")
Accept = Callable[[Answer], T]
"""Turns an answer into the row's value, or raises Rejected."""
Note = Callable[[int, str, int], None]
"""Told of each row that has a value: its number, the key of the answer used, and which try that was, from 0."""

_LONGEST_MESSAGE = 300


@dataclass(slots=True, eq=False)
class Job:
    """The request of one row. `attempt` counts its tries from 0, `faults` the calls of this try that went wrong."""

    position: int
    row: int
    request: Request
    first_key: str
    key: str
    attempt: int = 0
    faults: int = 0


@dataclass
class Asking(Generic[T]):
    """The rows of one column that a model is asked for, and what has come back."""

    session: Session
    model: Model
    place: Place
    accepts: Sequence[Accept[T]]
    tries: int
    results: list[T | None]
    open: dict[int, Job] = field(default_factory=dict)
    """Jobs without a result, by position."""
    counts: bool = True
    note: Note | None = None

    def price(self, answer: Answer) -> float | None:
        """What a call cost, in US dollars, None where that is not known."""
        return None if self.model.price is None else compute_cost(self.model.price.rates, answer)

    def take(self, job: Job, answer: Answer, cost: float | None, *, reused: bool) -> bool:
        """Use an answer. False where the row needs another try, for which the job has been renewed."""
        return self.settle(job, answer, cost, self.judge(job, answer), reused=reused)

    def judge(self, job: Job, answer: Answer) -> T | Rejected:
        """What the column makes of an answer. It may take a while, as where it runs code, and changes nothing."""
        try:
            return self.accepts[job.position](answer)
        except Rejected as rejected:
            return rejected

    def settle(self, job: Job, answer: Answer, cost: float | None, judged: T | Rejected, *, reused: bool) -> bool:
        """Use an answer that was judged; see `take`."""
        if self.counts:
            self.session.find_usage(self.model).add(answer, cost, reused=reused)
        if isinstance(judged, Rejected):
            return self.retry(job, judged)
        self._end(job)
        self.results[job.position] = judged
        if self.note is not None:
            self.note(job.row, job.key, job.attempt)
        self.session.failed.pop(job.first_key, None)
        self.session.find_lost(self.place).discard(job.row)
        return True

    def retry(self, job: Job, rejected: Rejected) -> bool:
        """Renew the job; True where no try is left, and the row has failed."""
        attempt = job.attempt + 1
        renewed = renew_request(job.request, attempt) if attempt <= self.tries else None
        if renewed is None:
            self.fail(job, rejected.cause, rejected.told)
            return True
        job.attempt, job.faults = attempt, 0
        job.key = hash_request(self.model.key, renewed)
        self.session.find_usage(self.model).retried += 1
        return False

    def find_request(self, job: Job) -> Request:
        """The job's request with the seed of its present try."""
        return renew_request(job.request, job.attempt) or job.request

    def fail(self, job: Job, cause: str, told: str) -> None:
        """The row has no answer, and this is why."""
        message = clean_text(self.session.redact(told))[:_LONGEST_MESSAGE]
        attempts = job.attempt + max(job.faults, 1)
        failure = Failure(self.place.table, self.place.column, job.row, cause, attempts, message, job.first_key)
        self.session.note_failure(self.model, failure)
        self.session.find_lost(self.place).add(job.row)
        self._end(job)

    def fail_by(self, job: Job, error: CallError) -> None:
        """The row has no answer because its call went wrong."""
        job.faults += 1
        self.fail(job, FAULTS[error.kind], error.message)

    def keep(self, job: Job, answer: Answer, cost: float | None) -> StoredAnswer:
        """The answer as it is stored."""
        return StoredAnswer(job.key, self.session.run, self.model.name, answer, cost)

    def _end(self, job: Job) -> None:
        self.open.pop(job.position, None)
        self.session.answered += 1


def ask(
    session: Session,
    model: Model,
    place: Place,
    rows: Sequence[int],
    requests: Sequence[Request],
    accepts: Sequence[Accept[T]],
    tries: int,
    *,
    counts: bool = True,
    note: Note | None = None,
) -> list[T | None]:
    """The value of each row, None for a row that failed or waits. `tries` more are made for answers that are rejected.

    `counts` is False where the same rows were asked for before; `note` is told which answers were used.
    Raises NotAsked in a session that is not live and refuses to wait, StopRequested once answers under way are kept,
    GateError at the end of the budget, and WorkbenchError where the model cannot be used at all.
    """
    if session.on_request is not None and counts:
        session.on_request(model, place, rows, requests)
    nothing: list[Any] = [None] * len(requests)
    asking: Asking[Any] = Asking(session, model, place, accepts, tries, nothing, counts=counts, note=note)
    for position, (row, request) in enumerate(zip(rows, requests, strict=True)):
        key = hash_request(model.key, request)
        known = session.failed.get(key)
        if known is not None:
            session.find_lost(place).add(row)
        else:
            asking.open[position] = Job(position, row, request, key, key)
    if not model.type.free:
        _take_stored(asking)
        if asking.open and not session.live:
            if session.pending == "refuse":
                raise NotAsked(f"The model “{model.name}” was not asked for “{place.column}”.", "Generate the dataset.")
            session.waiting.add(place)
            return asking.results
    if asking.open:
        if isinstance(model.provider, LocalProvider):
            from workbench.calls.local import ask_local

            ask_local(asking, model.provider)
        else:
            from workbench.calls.remote import ask_remote

            ask_remote(asking)
    return asking.results


def _take_stored(asking: Asking[Any]) -> None:
    """Use the answers that are in the store; a row whose answers were all rejected has failed again."""
    session = asking.session
    if session.store is None:
        return
    looking = list(asking.open.values())
    run = session.run if session.fresh else None
    while looking:
        found = session.store.find([job.key for job in looking], run)
        following = []
        for job in looking:
            stored = found.get(job.key)
            if stored is not None and not asking.take(job, stored.answer, stored.cost, reused=True):
                following.append(job)
        looking = following
    session.on_progress()
