"""Waiting for a run from a command: progress on stderr, the run's own error as this command's error.

Interrupting the wait never touches the run: it goes on, and the message says how to find it again.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from workbench.cli.output import end_progress, say, show_progress
from workbench.errors import FAILED, GateError, UsageError, WorkbenchError

if TYPE_CHECKING:
    from workbench.runs.folder import RunState


def finish_run(args: argparse.Namespace, run_id: str) -> RunState:
    """Wait until the run ends. Returns its state if it is done, else raises its error with its exit code."""
    from workbench.runs.submit import wait_for_run

    say(f"Run {run_id} has started in the background; Ctrl+C leaves it running.")
    stages: set[str] = set()

    def show(state: RunState) -> None:
        share = f" {100 * state.step // state.steps}% {state.step:,}/{state.steps:,}" if state.steps else ""
        if sys.stderr.isatty():
            show_progress(f"{state.id}  {state.state}  {state.stage}{share}")
        elif state.stage and state.stage not in stages:
            stages.add(state.stage)
            say(f"{state.id}  {state.state}  {state.stage}")

    try:
        state = wait_for_run(args.workspace, run_id, on_change=show)
    except KeyboardInterrupt:
        end_progress()
        say(f"The run goes on: `workbench logs -f {run_id}`, `workbench stop {run_id}`.")
        raise
    end_progress()
    if state.state == "done":
        return state
    raise explain_end(state)


def explain_end(state: RunState) -> WorkbenchError:
    """The error of a run that did not end well, with the exit code it had where it ran."""
    if state.error:
        kind = {2: UsageError, 3: GateError}.get(int(state.error.get("code", FAILED)), WorkbenchError)
        return kind(str(state.error.get("cause", "")), str(state.error.get("solution", "")))
    return WorkbenchError(
        f"Run {state.id} is {state.state}.", f"`workbench resume {state.id}` goes on from its last checkpoint."
    )
