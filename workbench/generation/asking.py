"""How a run asks models: its session on the workspace's store, its budget, and what it tells while calls are made."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from workbench.calls.loop import start
from workbench.calls.session import Session
from workbench.calls.store import ResponseStore
from workbench.datasets.manifest import FAILURES
from workbench.files import write_atomic
from workbench.generation.building import BuildFolder
from workbench.generation.plan import Plan
from workbench.progress import RunContext
from workbench.secrets import Redactor
from workbench.spec.model import BudgetConfig
from workbench.workspace import Workspace

_SECONDS = 0.5
"""Between two times that the figures of calls are told."""


@contextmanager
def open_session(context: RunContext, *, fresh: bool) -> Iterator[Session]:
    """The session of a run, without its store (`use_store`); what it opened is closed at the end."""
    session = Session(
        live=True,
        run=context.folder.name,
        fresh=fresh,
        should_stop=context.should_stop,
        redact=Redactor(os.environ).redact,
    )
    try:
        yield session
    finally:
        close_session(session)


def use_store(session: Session, workspace: Workspace) -> None:
    """Open the workspace's store for a session whose models cost something."""
    if session.store is None and any(not model.type.free for model in session.models.values()):
        session.store = ResponseStore(workspace.responses)


def close_session(session: Session) -> None:
    """Let go of what a session opened. The weights of models stay with its pool."""
    from workbench.calls.remote import close_all

    endpoints = [model.provider for model in session.models.values() if not model.type.free]
    if endpoints:
        start(close_all(endpoints)).result()
    if session.store is not None:
        session.store.close()
        session.store = None


def set_budget(session: Session, budget: BudgetConfig) -> None:
    """Hold a session to the spec's budget, of which earlier attempts of the run have spent a part."""
    session.budget.max_cost_usd = budget.max_cost_usd
    session.budget.max_hours = budget.max_hours
    if session.store is not None:
        session.budget.spent = session.store.sum_cost(session.run)


class CallWatch:
    """Tells the run's watchers how the calls of a block go, between the blocks' own steps."""

    def __init__(self, session: Session, plan: Plan, context: RunContext) -> None:
        self._session, self._plan, self._context = session, plan, context
        tables = plan.tables.values()
        self._total = sum(
            table.rows * sum(column.maker.calls for column in table.columns.values() if column.maker.costly)
            for table in tables
        )
        self._rows_per_answer = sum(table.rows for table in tables if table.is_costly) / max(self._total, 1)
        self._done = 0
        self._answered_before = 0
        self._begin = self._told = time.monotonic()
        session.on_progress = self._tell

    def begin(self, done: int) -> None:
        """A block begins after `done` rows."""
        self._done = done
        self._answered_before = self._session.answered

    def _tell(self) -> None:
        now = time.monotonic()
        if not self._total or now - self._told < _SECONDS:
            return
        self._told = now
        session, context = self._session, self._context
        within = (session.answered - self._answered_before) * self._rows_per_answer
        done = min(self._done + int(within), self._plan.rows)
        context.step(done, self._plan.rows)
        usage = list(session.usage.values())
        rate = session.answered / max(now - self._begin, 1e-9)
        context.metrics(
            {
                "calls": sum(each.calls for each in usage),
                "reused": sum(each.reused for each in usage),
                "in_flight": session.in_flight,
                "calls_per_second": round(rate, 2),
                "input_tokens": sum(each.input_tokens for each in usage),
                "output_tokens": sum(each.output_tokens for each in usage),
                "cost_usd": round(sum(each.paid_usd for each in usage), 6),
                "failed_rows": sum(sum(each.failed.values()) for each in usage),
                "eta_seconds": round(max(self._total - session.answered, 0) / max(rate, 1e-9), 1),
            },
            done,
        )

    def tell_all(self) -> None:
        """Say at the end what each model was asked and what it cost."""
        for name, usage in self._session.usage.items():
            if not usage.calls + usage.reused or not self._total:
                continue
            cost = "no price known" if usage.cost_usd is None else f"${usage.paid_usd:.4f} paid"
            self._context.log(
                f"{name}: {usage.calls:,} calls, {usage.reused:,} answers from the store, "
                f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out, {cost}"
            )


def write_failures(building: BuildFolder) -> None:
    """Write the ledger of rows without an answer, if there are any: one JSON object a line."""
    failures = building.list_failures()
    if failures:
        lines = (json.dumps(asdict(failure), ensure_ascii=False) + "\n" for failure in failures)
        write_atomic(building.folder / FAILURES, "".join(lines))
