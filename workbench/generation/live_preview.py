"""The first rows with their models asked, while somebody watches: texts as they grow, weights kept for the next time.

Answers go to the workspace's store as those of a run do, so the run, the fast preview and the next live preview have
them for nothing. Weights stay in memory until they are released.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.calls.failures import Place
from workbench.calls.session import Model, ModelPool, Session
from workbench.calls.store import ResponseStore
from workbench.errors import StopRequested
from workbench.generation.asking import use_store
from workbench.generation.check import check_text
from workbench.generation.preview import preview_checked, preview_text
from workbench.providers.provider import LocalProvider, Provider
from workbench.providers.requests import Request
from workbench.secrets import Redactor
from workbench.workspace import Workspace

Event = dict[str, Any]
Emit = Callable[[Event], None]

RUN = "preview"
"""The name under which answers of previews are stored."""

CELL_SECONDS = 0.05
"""Between two texts of a cell: what grows faster is told with the next."""

_USAGE_SECONDS = 0.25


class LiveModels:
    """The models of one process, for one thread at a time."""

    def __init__(self) -> None:
        self._pool = ModelPool()
        self._asked: dict[int, bool] = {}
        """Whether a model has answered yet, by the id of its provider, for those that were asked."""

    def preview(
        self,
        text: str,
        folder: Path,
        workspace: Workspace,
        *,
        rows: int = 10,
        table: str | None = None,
        emit: Emit = lambda event: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        """What `preview_text` returns, with all models asked that have no stored answer.

        `emit` is told, from any thread, texts as {"table", "column", "row", "text"}, the last of a cell being whole;
        who is being asked as {"model", "table", "column", "state"} with the state `loading` or `asking`; and what was
        used so far as {"calls", "reused", "input_tokens", "output_tokens", "cost_usd"}.
        Raises StopRequested at the next token once `should_stop` says so. Answers that were whole by then are kept.
        """
        started = time.perf_counter()
        session = Session(
            live=True,
            run=RUN,
            pool=self._pool,
            should_stop=should_stop,
            drain_seconds=1.0,
            redact=Redactor(os.environ).redact,
            fitted=workspace.synthesizers,
        )
        watch = _Watch(session, emit, should_stop, self._asked)
        try:
            checked = check_text(text, folder, session)
            use_store(session, workspace)
            if checked.plan is not None:
                self._release_all_but([model.provider for model in session.models.values()])
            if checked.spec is not None:
                session.budget.max_cost_usd = checked.spec.budget.max_cost_usd
                session.budget.max_hours = checked.spec.budget.max_hours
            shown = preview_checked(checked, session, rows, table)
            return {**shown, "seconds": time.perf_counter() - started}
        finally:
            watch.finish()
            if session.store is not None:
                session.store.close()

    def release(self) -> int:
        """Free weights and close connections; the number of models that were in memory."""
        opened = self._pool.providers()
        for provider in opened:
            if isinstance(provider, LocalProvider):
                provider.release()
        if not all(isinstance(provider, LocalProvider) for provider in opened):
            from workbench.calls.loop import start
            from workbench.calls.remote import close_all

            start(close_all(opened)).result()
        freed = sum(isinstance(provider, LocalProvider) and id(provider) in self._asked for provider in opened)
        self._pool = ModelPool()
        self._asked.clear()
        gc.collect()
        return freed

    def _release_all_but(self, used: list[Provider]) -> None:
        """Free the weights of models that the spec no longer has: each edit of a setting makes another model."""
        for provider in self._pool.providers():
            if isinstance(provider, LocalProvider) and id(provider) in self._asked and provider not in used:
                provider.release()
                del self._asked[id(provider)]


def preview_stored(
    text: str, folder: Path, workspace: Workspace | None, rows: int = 10, table: str | None = None
) -> dict[str, Any]:
    """What `preview_text` returns, with the answers that the workspace has stored; no model is asked."""
    with open_stored(workspace) as session:
        return preview_text(text, folder, rows, table, session)


@contextmanager
def open_stored(workspace: Workspace | None) -> Iterator[Session]:
    """A session that asks no model, on the store of the workspace if it has one. It makes no file."""
    session = Session(pending="null", fitted=None if workspace is None else workspace.synthesizers)
    if workspace is not None and workspace.responses.exists():
        session.store = ResponseStore(workspace.responses)
    try:
        yield session
    finally:
        if session.store is not None:
            session.store.close()


class _Watch:
    """Turns what a session tells into events, few enough for a screen."""

    def __init__(self, session: Session, emit: Emit, should_stop: Callable[[], bool], known: dict[int, bool]) -> None:
        """Listen to `session`; `known` says of providers that were asked whether they have answered yet."""
        session.on_progress = self.note_progress
        session.on_text = self.note_text
        session.on_request = self.note_request
        self._session = session
        self._emit = emit
        self._should_stop = should_stop
        self._known = known
        self._asked: Model | None = None
        self._asked_at: Place | None = None
        self._guard = threading.Lock()
        self._grown: dict[tuple[Place, int], str] = {}
        self._told: dict[tuple[Place, int], float] = {}
        self._usage: Event = {}
        self._usage_told = 0.0

    def note_request(self, model: Model, place: Place, rows: Sequence[int], requests: Sequence[Request]) -> None:
        """A model is about to be asked."""
        if model.type.free:
            return
        self._asked, self._asked_at = model, place
        answered = self._known.setdefault(id(model.provider), False)
        self._tell_state("asking" if answered or not isinstance(model.provider, LocalProvider) else "loading")

    def note_text(self, place: Place, row: int, text: str) -> None:
        """A text has grown. Stops whoever writes it where the preview is to stop."""
        if self._should_stop():
            raise StopRequested
        self._note_answer()
        with self._guard:
            self._grown[place, row] = text
            self._tell_grown(time.monotonic() - CELL_SECONDS)

    def note_progress(self) -> None:
        """An answer came, or time has passed."""
        if any(usage.calls for usage in self._session.usage.values()):
            self._note_answer()
        now = time.monotonic()
        with self._guard:
            self._tell_grown(now - CELL_SECONDS)
            if now - self._usage_told > _USAGE_SECONDS:
                self._usage_told = now
                self._tell_usage()

    def finish(self) -> None:
        """Tell what is still to be told."""
        with self._guard:
            if not self._should_stop():
                self._tell_grown(time.monotonic())
            self._tell_usage()

    def _note_answer(self) -> None:
        """The model that was asked last answers, so it is loaded."""
        if self._asked is not None and not self._known[id(self._asked.provider)]:
            self._known[id(self._asked.provider)] = True
            if isinstance(self._asked.provider, LocalProvider):
                self._tell_state("asking")

    def _tell_state(self, state: str) -> None:
        assert self._asked is not None
        assert self._asked_at is not None
        place = self._asked_at
        self._emit({"model": self._asked.name, "table": place.table, "column": place.column, "state": state})

    def _tell_grown(self, before: float) -> None:
        """Tell the texts that have grown of cells of which nothing was told since `before`."""
        due = [cell for cell in self._grown if self._told.get(cell, float("-inf")) <= before]
        for place, row in due:
            self._told[place, row] = time.monotonic()
            text = self._grown.pop((place, row))
            self._emit({"table": place.table, "column": place.column, "row": row, "text": text})

    def _tell_usage(self) -> None:
        used = list(self._session.usage.values())
        usage: Event = {
            "calls": sum(each.calls for each in used),
            "reused": sum(each.reused for each in used),
            "input_tokens": sum(each.input_tokens for each in used),
            "output_tokens": sum(each.output_tokens for each in used),
            "cost_usd": round(sum(each.paid_usd for each in used), 6),
        }
        if usage != self._usage and used:
            self._usage = usage
            self._emit(usage)
