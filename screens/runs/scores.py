"""Scores of tuning runs as a table: what the model got right on held-out rows before and after, run beside run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from screens.format import format_number
from screens.theme import GREEN, GREY, RED
from screens.widgets.table import Cell, Column
from workbench.errors import WorkbenchError
from workbench.experiments.comparison import Outcome, read_outcome
from workbench.runs.folder import RunFolder, RunState
from workbench.workspace import Workspace

COLUMNS = (
    Column("dataset", most=24),
    Column("method", most=12),
    Column("trained on", most=10),
    Column("held-out loss"),
    Column("balanced acc."),
    Column("rows", "right"),
    Column("evaluated on", most=22),
    Column("run"),
)


class Scores:
    """Outcomes of the runs that are done; what was read of a run is kept, since it does not change."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[tuple[str, int], Outcome | None] = {}

    def read(self, states: Sequence[RunState]) -> list[Outcome]:
        """The outcomes of all tuning runs that are done, by dataset, method and what they were trained on."""
        outcomes = []
        for state in states:
            if state.kind == "tune" and state.state == "done" and state.result is not None:
                key = (state.id, state.attempt)
                if key not in self._known:
                    self._known[key] = self._read_one(state)
                outcome = self._known[key]
                if outcome is not None:
                    outcomes.append(outcome)
        return sorted(outcomes, key=lambda outcome: (name_dataset(outcome), outcome.method, outcome.train_on))

    def _read_one(self, state: RunState) -> Outcome | None:
        try:
            request = RunFolder(self._workspace.runs / state.id).request
            return read_outcome(state.id, request.arguments, state.result or {})
        except (WorkbenchError, KeyError, TypeError, ValueError):
            return None  # a result of another version: the list of runs shows the run all the same


def name_dataset(outcome: Outcome) -> str:
    """`card_fraud@3fa91c2e` for a dataset's folder, else what the run calls it."""
    path = Path(outcome.dataset)
    return f"{path.parent.name}@{path.name}" if path.is_absolute() else outcome.dataset


def lay_out_scores(outcomes: Sequence[Outcome]) -> list[list[Cell]]:
    """One row per outcome."""
    rows: list[list[Cell]] = []
    previous = ""
    for outcome in outcomes:
        dataset = name_dataset(outcome)
        rows.append(
            [
                Text(dataset, style=GREY) if dataset == previous else dataset,
                outcome.method,
                outcome.train_on,
                _show_change(outcome.before.loss, outcome.after.loss, percent=False),
                _show_change(outcome.before.balanced_accuracy, outcome.after.balanced_accuracy, percent=True),
                f"{outcome.evaluated_rows:,}",
                outcome.evaluated_on,
                Text(outcome.run, style=GREY),
            ]
        )
        previous = dataset
    return rows


def _show_change(before: float | None, after: float | None, percent: bool) -> Text:
    """`0.52 → 0.93` in the colour of better or worse: a loss shall fall, a share shall rise."""
    if before is None or after is None:
        return Text("–", style=GREY)
    write = "{:.1%}".format if percent else format_number
    better = after > before if percent else after < before
    text = Text(f"{write(before)} → ", style=GREY)
    return text.append(write(after), style=GREY if after == before else GREEN if better else RED)
