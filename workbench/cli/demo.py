"""`workbench demo`: the whole loop on two real datasets, in the background, watched in the app or narrated.

For each sample spec: generate, check quality, then tune the shipped model by two methods on the synthetic rows and on
the real ones, all scored on the same held-out real rows. Everything is queued at once, so closing the terminal stops
nothing; asked again while it runs, the demo is watched rather than started anew.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.cli.app import has_terminal, open_screens
from workbench.cli.commands import Commands
from workbench.cli.output import end_progress, format_seconds, print_json, print_line, print_table, say, show_progress
from workbench.errors import DONE, WorkbenchError
from workbench.files import write_atomic, write_json
from workbench.workspace import Workspace

SPECS = ("breast_cancer", "helpdesk")
METHODS = ("full", "lora")
MODEL = "workbench-base"
ESTIMATED = ("full", "lora", "lora:rank=64")
ENDED = ("done", "failed", "stopped", "lost")


@dataclass(frozen=True, slots=True)
class Demo:
    """Ids of the runs of one demo, by what they do."""

    generate: dict[str, str]
    quality: dict[str, str]
    tune: list[str]

    @property
    def runs(self) -> list[str]:
        """All ids in the order in which they were queued."""
        return [*self.generate.values(), *self.quality.values(), *self.tune]


def add_commands(commands: Commands) -> None:
    """Add `demo`."""
    parser = commands.add_parser("demo", help="run the whole loop on two real datasets that packages ship")
    parser.add_argument("--no-app", action="store_true", help="narrate on stderr and print tables, also in a terminal")
    parser.set_defaults(handler=run_demo)


def run_demo(args: argparse.Namespace) -> int:
    """Queue the demo's runs, or find those of a demo under way, and watch them."""
    demo = read_running_demo(args.workspace) or start_demo(args.workspace)
    if has_terminal() and not (args.no_app or args.json):
        return open_screens(args.workspace, args.workspace.specs / f"{SPECS[0]}.yaml", start="monitor")
    return narrate_demo(args, demo)


def start_demo(workspace: Workspace) -> Demo:
    """Copy the sample specs into the workspace and queue every run."""
    from workbench.cli.new import find_samples
    from workbench.runs.submit import submit_run

    samples = find_samples()
    demo = Demo({}, {}, [])
    arguments: dict[str, Any]
    for name in SPECS:
        if name not in samples:
            raise WorkbenchError("The sample specs are not installed.", "Run the demo from a checkout of the project.")
        path = workspace.specs / f"{name}.yaml"
        if not path.exists():
            write_atomic(path, samples[name].read_text("utf-8"))
        arguments = {"spec": path.read_text("utf-8"), "folder": str(path.parent), "rows": None, "out": None}
        demo.generate[name] = submit_run(workspace, "generate", arguments, title=name)
    for name in SPECS:
        dataset = {"result_of": demo.generate[name], "key": "dataset"}
        after = (demo.generate[name],)
        demo.quality[name] = submit_run(workspace, "quality", {"dataset": dataset}, title=name, after=after)
    for name in SPECS:
        dataset = {"result_of": demo.generate[name], "key": "dataset"}
        for train_on in ("synthetic", "real"):
            for method in METHODS:
                arguments = {
                    "dataset": dataset,
                    "model": MODEL,
                    "method": method,
                    "settings": {},
                    "train_on": train_on,
                }
                title = f"{method} · {name} · {train_on}"
                after = (demo.quality[name],)
                demo.tune.append(submit_run(workspace, "tune", arguments, title=title, after=after))
    write_json(workspace.root / "demo.json", {"generate": demo.generate, "quality": demo.quality, "tune": demo.tune})
    return demo


def read_running_demo(workspace: Workspace) -> Demo | None:
    """The demo recorded in the workspace if one of its runs is still queued or running."""
    from workbench.runs.folder import RunFolder
    from workbench.runs.submit import ensure_worker

    try:
        demo = Demo(**json.loads((workspace.root / "demo.json").read_text("utf-8")))
        states = [RunFolder(workspace.runs / run).read_state() for run in demo.runs]
    except (OSError, ValueError, TypeError, WorkbenchError):
        return None
    if all(state.state in ENDED for state in states):
        return None
    ensure_worker(workspace)
    return demo


def narrate_demo(args: argparse.Namespace, demo: Demo) -> int:
    """Follow the runs on stderr, then print what each stage found; exit with the first failed run's code."""
    from workbench.cli.tune import print_outcomes
    from workbench.experiments.comparison import read_outcome, summarise
    from workbench.runs.folder import RunFolder

    begin = time.monotonic()
    say(f"{len(demo.runs)} runs are queued in {args.workspace.runs}; they go on when this terminal closes.")
    results = {run: _await_run(args, run) for run in (*demo.generate.values(), *demo.quality.values())}
    estimates = {name: _estimate(results[run]["dataset"]) for name, run in demo.generate.items()}
    results |= {run: _await_run(args, run) for run in demo.tune}
    outcomes = [
        read_outcome(run, RunFolder(args.workspace.runs / run).request.arguments, results[run]) for run in demo.tune
    ]
    if args.json:
        print_json({"runs": results, "estimates": estimates, "seconds": time.monotonic() - begin})
        return DONE
    for name in SPECS:
        _print_data(name, results[demo.generate[name]], results[demo.quality[name]])
        _print_estimates(name, estimates[name])
    print_line(f"\nHeld-out scores on real rows, before and after tuning {MODEL}")
    print_outcomes(outcomes)
    print_line()
    for sentence in summarise(outcomes):
        print_line(sentence)
    print_line("One run of each shows that the loop works; it is no experiment about how good synthetic data is.")
    say(f"The whole loop took {format_seconds(time.monotonic() - begin)}.")
    return DONE


def _await_run(args: argparse.Namespace, run: str) -> dict[str, Any]:
    from workbench.cli.waiting import explain_end
    from workbench.runs.submit import wait_for_run

    state = wait_for_run(
        args.workspace,
        run,
        on_change=lambda state: show_progress(f"{state.title}  {state.stage}  {state.step}/{state.steps}"),
    )
    end_progress()
    if state.state != "done":
        raise explain_end(state)
    seconds = (state.ended or 0) - (state.started or 0)
    say(f"{state.kind:9} {state.title:36} {format_seconds(seconds)}")
    return state.result or {}


def _estimate(dataset: str) -> dict[str, Any]:
    from workbench.tuning.estimating import EstimateRequest, estimate_methods

    return estimate_methods(EstimateRequest(model=MODEL, methods=ESTIMATED, dataset=Path(dataset), gpu="cpu"))


def _print_data(name: str, generated: dict[str, Any], quality: dict[str, Any]) -> None:
    rows = sum(generated["rows"].values())
    print_line(f"\n{generated['name']}: {rows:,} synthetic rows, quality {quality['verdict']}")
    print_table(
        ["check", "value", "real holdout", "threshold", "verdict"],
        [
            [
                check["name"],
                _figure(check["value"]),
                _figure(check["reference"]),
                _figure(check["threshold"]),
                check["verdict"],
            ]
            for check in quality["checks"]
        ],
    )


def _print_estimates(name: str, estimate: dict[str, Any]) -> None:
    from workbench.cli.estimate import print_estimate

    print_line(f"\nCost of tuning {estimate['model']} on {name}, before any step")
    print_estimate(estimate)


def _figure(value: Any) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
