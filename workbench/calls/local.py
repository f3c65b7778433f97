"""Asking a model in this process: whole batches, each answer stored as it gets ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from workbench.calls.asking import Asking, Job
from workbench.calls.spending import bound_cost
from workbench.errors import StopRequested, WorkbenchError
from workbench.files import clean_text
from workbench.providers.provider import CallError, LocalProvider
from workbench.providers.requests import Answer, TextRequest


def ask_local(asking: Asking[Any], provider: LocalProvider) -> None:
    """Answer all open rows. Raises StopRequested, GateError and WorkbenchError as `ask` does."""
    session = asking.session
    store = None if asking.model.type.free else session.store
    waiting = []
    jobs = list(asking.open.values())
    while jobs:
        again: list[Job] = []
        try:
            _check_budget(asking, jobs[0])
            for job, answer in _answer(asking, provider, jobs):
                if isinstance(answer, CallError):
                    if answer.kind == "fatal":
                        raise answer
                    asking.fail_by(job, answer)
                    continue
                cost = asking.price(answer)
                if store is not None:
                    waiting.append(store.put(asking.keep(job, answer, cost)))
                session.budget.settle(0.0, cost or 0.0)
                if not asking.take(job, answer, cost, reused=False):
                    again.append(job)
                session.on_progress()
                _check_budget(asking, job)
        except CallError as error:
            raise explain_fatal(asking, error) from error
        finally:
            for future in waiting:
                future.result()
            waiting.clear()
        if session.should_stop():
            raise StopRequested
        jobs = again


def explain_fatal(asking: Asking[Any], error: CallError) -> WorkbenchError:
    """Why the model cannot be asked at all, for the user."""
    told = clean_text(asking.session.redact(error.message)).rstrip(".")
    return WorkbenchError(
        f"The model “{asking.model.name}” cannot be used: {told}.",
        error.solution or "Correct it under “models:”. All answers so far are kept.",
    )


def _check_budget(asking: Asking[Any], job: Job) -> None:
    """Raise GateError where a call like that of `job` may go beyond the budget."""
    price = asking.model.price
    most = 0.0 if price is None else bound_cost(price.rates, asking.model.config, job.request)
    if asking.open and asking.session.budget.try_reserve(most):
        asking.session.budget.settle(most, 0.0)


def _answer(asking: Asking[Any], provider: LocalProvider, jobs: list[Job]) -> Iterator[tuple[Job, Answer | CallError]]:
    """Row by row where somebody watches the texts grow, else all at once."""
    session = asking.session
    on_text = session.on_text
    if on_text is None:
        requests = [asking.find_request(job) for job in jobs]
        for position, answer in provider.answer(requests, session.should_stop):
            yield jobs[position], answer
        return
    for job in jobs:
        request = asking.find_request(job)
        if not isinstance(request, TextRequest):
            for _, answer in provider.answer([request], session.should_stop):
                yield job, answer
            continue
        try:
            streamed = provider.stream(request, _tell(asking, job, on_text), session.should_stop)
        except CallError as error:
            if error.kind == "fatal":
                raise
            yield job, error
            continue
        if streamed is None:
            raise StopRequested
        yield job, streamed


def _tell(asking: Asking[Any], job: Job, on_text: Callable[..., None]) -> Callable[[str], None]:
    return lambda text: on_text(asking.place, job.row, text)
