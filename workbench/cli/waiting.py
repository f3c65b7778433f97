"""Waiting for a run from a command: progress on stderr, the run's own error as this command's error.

Interrupting the wait leaves a run alone, which goes on, and the message says how to find it again. The rows of a
dataset are another matter: who interrupts `generate` wants it to stop, so it is asked to, at the end of a block.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from workbench.cli.output import print_json, print_line, say
from workbench.errors import DONE, FAILED, GateError, UsageError, WorkbenchError

if TYPE_CHECKING:
    from rich.progress import Progress

    from workbench.runs.folder import RunState


def announce_run(args: argparse.Namespace, run_id: str) -> int:
    """Print the id of a run that was queued and say how to watch it."""
    if args.json:
        print_json({"run": run_id})
    else:
        print_line(run_id)
        say(f"Queued. `workbench logs -f {run_id}` follows it, and it goes on when this terminal closes.")
    return DONE


def finish_run(args: argparse.Namespace, run_id: str, *, stops: bool = False) -> RunState:
    """Wait until the run ends. Returns its state if it is done, else raises its error with its exit code.

    Ctrl+C asks the run to stop if `stops`, and waits until it has; otherwise it leaves the run alone.
    """
    from workbench.runs.submit import wait_for_run

    say(f"Run {run_id} has started in the background; Ctrl+C {'stops it' if stops else 'leaves it running'}.")
    with RunProgress() as progress:
        try:
            state = wait_for_run(args.workspace, run_id, on_change=progress.show)
        except KeyboardInterrupt:
            progress.end()
            if stops:
                _stop_and_wait(args, run_id)
            else:
                say(f"The run goes on: `workbench logs -f {run_id}`, `workbench stop {run_id}`.")
            raise KeyboardInterrupt(run_id) from None
    if state.state == "done":
        return state
    raise explain_end(state)


class RunProgress:
    """A bar with rate and time left on a terminal; elsewhere a line when a new stage begins."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._stages: set[str] = set()

    def __enter__(self) -> RunProgress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(20),
                TaskProgressColumn(),
                TextColumn("{task.fields[count]}", markup=False),
                TimeRemainingColumn(compact=True),
                console=Console(stderr=True, highlight=False),
                transient=True,
                refresh_per_second=5,
            )
            self._task = self._bar.add_task("queued", total=None, count="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def show(self, state: RunState) -> None:
        """Show where the run stands."""
        stage = state.stage or state.state
        if self._bar is not None:
            count = f"{state.step:,}/{state.steps:,}" if state.steps else ""
            if stage == "generate":
                count += _describe_rate(state.metrics)
            elif stage.startswith("fit"):
                count += _describe_fit(state.metrics)
            total = state.steps or None
            self._bar.update(self._task, description=stage, completed=state.step, total=total, count=count)
        elif stage not in self._stages:
            self._stages.add(stage)
            say(f"{state.id}  {state.state}  {state.stage}")

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _describe_rate(metrics: Mapping[str, float]) -> str:
    """How fast it goes: in calls and money where models are asked, else in rows."""
    if "calls" in metrics:
        spent = f" · ${metrics['cost_usd']:.4f}" if metrics.get("cost_usd") else ""
        return f" · {metrics.get('calls_per_second', 0.0):,.1f} calls/s{spent}"
    rate = metrics.get("rows_per_second")
    return f" {rate:,.0f} rows/s" if rate else ""


def _describe_fit(metrics: Mapping[str, float]) -> str:
    """How a fit goes: its first loss, and how like the validation rows its rows are. More would hide the time left."""
    losses = [name for name in metrics if name.endswith("loss")]
    shown = [*losses[:1], *(name for name in ("fidelity",) if name in metrics)]
    return "".join(f" · {name.replace('_', ' ')} {metrics[name]:.3g}" for name in shown)


def _stop_and_wait(args: argparse.Namespace, run_id: str) -> None:
    """Stop a run at the end of its block and say how to go on."""
    from workbench.runs.submit import stop_run, wait_for_run

    try:
        stop_run(args.workspace, run_id)
        say("Stopping at the end of the block…")
        state = wait_for_run(args.workspace, run_id)
    except KeyboardInterrupt:
        say(f"It is still stopping: `workbench show {run_id}`.")
        return
    except UsageError:  # it has ended in the meantime
        return
    if state.state == "done":
        say(f"Run {run_id} was done already: `workbench show {run_id}`.")
    else:
        say(f"Stopped after {state.step:,} of {state.steps:,} rows. `workbench resume {run_id}` goes on after them.")


def explain_end(state: RunState) -> WorkbenchError:
    """The error of a run that did not end well, with the exit code it had where it ran."""
    if state.error:
        kind = {2: UsageError, 3: GateError}.get(int(state.error.get("code", FAILED)), WorkbenchError)
        return kind(str(state.error.get("cause", "")), str(state.error.get("solution", "")))
    return WorkbenchError(
        f"Run {state.id} is {state.state}.", f"`workbench resume {state.id}` goes on from its last checkpoint."
    )
