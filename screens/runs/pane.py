"""The runs pane: every run with its state, and below (or beside) the scores of those that tuned a model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from screens.actions import make_bindings
from screens.dialogs.stop import ask_stop
from screens.format import count_noun, format_seconds, show_state
from screens.messages import ResumeWanted, RunChosen, Said, StopWanted
from screens.runs.scores import COLUMNS, Scores, lay_out_scores
from screens.theme import GREY
from screens.widgets.table import Cell, Column, RowTable
from workbench.experiments.comparison import Outcome
from workbench.runs.folder import RunState
from workbench.workspace import Workspace

EMPTY = "No runs yet. 1 shows the spec, F5 there generates a dataset; 2 picks a method, enter there tunes."
NO_SCORES = "Scores appear here when a tuning run is done."
RUN_COLUMNS = (
    Column("state", width=9),
    Column("run", most=34),
    Column("kind", most=10),
    Column("time", "right", width=9),
    Column("stage", most=16),
    Column("steps", "right", most=15),
    Column("id"),
)


class RunsPane(Vertical):
    """Shows the states it is handed."""

    # Read with the class and not by the app: a pane that is not shown yet need not delay the first frame.
    DEFAULT_CSS = Path(__file__).with_name("runs.tcss").read_text("utf-8")
    SCOPED_CSS = False
    BINDINGS: ClassVar[list[BindingType]] = make_bindings("runs")

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(id="runs")
        # Kept and not looked up: a message that comes while the app is being closed finds them, though unmounted.
        self._list = RowTable(EMPTY, id="run-list", classes="framed")
        self._table = RowTable(NO_SCORES, id="scores", classes="framed")
        self._scores = Scores(workspace)
        self._states: list[RunState] = []
        self._outcomes: list[Outcome] = []

    def compose(self) -> ComposeResult:
        """Two tables."""
        yield self._list
        yield self._table

    def on_mount(self) -> None:
        """Titles."""
        self._table.border_title = Text("Held-out scores, before → after")
        self.show_runs([])

    def show_runs(self, states: Sequence[RunState]) -> None:
        """Show these runs, newest first; the cursor stays on its run."""
        chosen = self.chosen
        self._states = list(states)
        ids = [state.id for state in states]
        cursor = ids.index(chosen.id) if chosen is not None and chosen.id in ids else None
        now = time.time()
        self._list.show(RUN_COLUMNS, [_lay_out_run(state, now) for state in states], cursor=cursor)
        active = sum(not state.has_ended for state in states)
        self._list.border_title = Text("Runs")
        self._list.border_subtitle = Text(f"{count_noun(len(states), 'run')}, {active} active" if states else "")
        self._outcomes = self._scores.read(states)
        self._table.show(COLUMNS, lay_out_scores(self._outcomes))

    @property
    def chosen(self) -> RunState | None:
        """The run under the cursor."""
        return self._states[self._list.cursor] if self._states else None

    def action_open(self) -> None:
        """Watch the run under the cursor, in the list or in the scores."""
        scores = self._table
        if scores.has_focus and self._outcomes:
            self.post_message(RunChosen(self._outcomes[scores.cursor].run))
        elif self.chosen is not None:
            self.post_message(RunChosen(self.chosen.id))

    def action_stop(self) -> None:
        """Ask, then stop the run."""
        state = self.chosen
        if state is None or state.has_ended:
            self.post_message(Said("This run is not active.", "warning"))
        else:
            self.app.push_screen(ask_stop(state.id, state.title), partial(self._stop, state.id))

    def action_resume(self) -> None:
        """Resume the run."""
        if self.chosen is not None:
            self.post_message(ResumeWanted(self.chosen.id))

    def _stop(self, run: str, answer: str | None) -> None:
        if answer == "stop":
            self.post_message(StopWanted(run))

    @on(RowTable.Moved, "#scores")
    def _note_score(self) -> None:
        count = len(self._outcomes)
        self._table.border_subtitle = Text(count_noun(count, "tuning run") if count else "")


def _lay_out_run(state: RunState, now: float) -> list[Cell]:
    share = state.step / state.steps if state.steps else None
    elapsed = None if state.started is None else (state.ended or now) - state.started
    shown = None if elapsed is None else max(0.0, elapsed if elapsed < 1 and state.has_ended else float(int(elapsed)))
    return [
        show_state(state.state, share),
        state.title or state.kind,
        state.kind,
        format_seconds(shown),
        state.stage,
        f"{state.step:,}/{state.steps:,}" if state.steps else "",
        Text(state.id, style=GREY),
    ]
