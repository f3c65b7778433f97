"""Commands on models: `methods` lists the ways of tuning, `tune` starts one as a run, `compare` shows outcomes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workbench.cli.commands import Commands
from workbench.cli.output import Column, format_seconds, print_json, print_line, print_table, say
from workbench.cli.waiting import announce_run
from workbench.cli.waiving import add_waivers, pass_gate
from workbench.errors import DONE, UsageError

if TYPE_CHECKING:
    from workbench.experiments.comparison import Outcome


def add_commands(commands: Commands) -> None:
    """Add `methods`, `tune` and `compare`."""
    methods = commands.add_parser("methods", help="list the ways of tuning, with defaults and advice")
    methods.set_defaults(handler=list_methods)
    tune = commands.add_parser("tune", help="tune a model on a dataset in the background, scored on held-out rows")
    tune.add_argument("dataset", metavar="DATASET", help="name, name@version or folder")
    tune.add_argument("--model", default="workbench-base", metavar="M", help="local folder, hub id, or workbench-base")
    tune.add_argument("--method", default="lora", metavar="NAME", help="see `workbench methods` (default: lora)")
    tune.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, for instance rank=16")
    tune.add_argument(
        "--train-on",
        choices=("synthetic", "real"),
        default="synthetic",
        help="the dataset's rows, or the real rows of its source that were not held out (default: synthetic)",
    )
    tune.add_argument("--after", action="append", default=[], metavar="RUN", help="wait for this run to be done")
    tune.add_argument("--follow", action="store_true", help="wait for the end and print the outcome")
    add_waivers(tune)
    tune.set_defaults(handler=start_tuning)
    compare = commands.add_parser("compare", help="set tuning runs side by side: settings that differ, scores, time")
    compare.add_argument(
        "runs", nargs="*", metavar="RUN", help="ids or unique beginnings; none compares all that are done"
    )
    compare.set_defaults(handler=compare_runs)


def list_methods(args: argparse.Namespace) -> int:
    """Print every method of the registry."""
    from workbench.tuning.methods import describe_methods

    described = describe_methods()
    if args.json:
        print_json(described)
        return DONE
    rows = []
    for method in described["methods"]:
        marks = [_mark(method[key]) for key in ("checkpointing", "four_bit", "mergeable")]
        rows.append([method["name"], method["group"], *marks, method["advice"]])
    print_table([Column("method", fixed=True), "group", "checkpointing", "4-bit", "mergeable", "advice"], rows)
    return DONE


def start_tuning(args: argparse.Namespace) -> int:
    """Refuse what can be refused now (dataset, gate, model, method, settings), then queue the run."""
    from workbench.cli.waiting import finish_run
    from workbench.datasets.store import open_dataset
    from workbench.experiments.comparison import read_outcome
    from workbench.runs.submit import submit_run
    from workbench.tuning.methods import parse_settings
    from workbench.tuning.models import resolve_model

    dataset = open_dataset(args.dataset, args.workspace)
    settings = read_settings(args.set)
    parse_settings(args.method, settings)
    resolve_model(args.model, say)
    pass_gate(args, dataset.folder)
    arguments = {
        "dataset": str(dataset.folder),
        "model": args.model,
        "method": args.method,
        "settings": settings,
        "train_on": args.train_on,
    }
    title = f"{args.method} · {dataset.reference} · {args.train_on}"
    run_id = submit_run(args.workspace, "tune", arguments, title=title, after=tuple(args.after))
    if not args.follow:
        return announce_run(args, run_id)
    state = finish_run(args, run_id)
    if args.json:
        print_json({"run": run_id, **(state.result or {})})
    else:
        print_outcomes([read_outcome(run_id, arguments, state.result or {})])
    return DONE


def read_settings(pairs: Iterable[str]) -> dict[str, str]:
    """`["rank=16"]` as `{"rank": "16"}`; the method turns the texts into values."""
    settings = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise UsageError(f"“{pair}” is not a setting.", "Write --set NAME=VALUE, for instance --set rank=16.")
        settings[name.strip()] = value.strip()
    return settings


def compare_runs(args: argparse.Namespace) -> int:
    """Print what differs between tuning runs and what came of it."""
    from workbench.experiments.comparison import find_differences, summarise

    outcomes = collect_outcomes(args)
    if not outcomes:
        raise UsageError("No finished tuning run to compare.", "`workbench tune DATASET --method lora` starts one.")
    differences = find_differences(outcomes)
    if args.json:
        print_json({"runs": [asdict(outcome) for outcome in outcomes], "differences": differences})
        return DONE
    print_outcomes(outcomes)
    if differences:
        print_line()
        numbers = [Column(str(number), "right") for number in range(1, len(outcomes) + 1)]
        print_table(["setting", *numbers], [[name, *differences[name]] for name in differences])
        print_line()
    for sentence in summarise(outcomes):
        print_line(sentence)
    return DONE


def collect_outcomes(args: argparse.Namespace) -> list[Outcome]:
    """Outcomes of the runs named, or of all finished tuning runs of the workspace, oldest first."""
    from workbench.experiments.comparison import read_outcome
    from workbench.runs.folder import RunFolder, find_run, list_runs

    if args.runs:
        folders = [find_run(args.workspace, name) for name in args.runs]
    else:
        states = reversed(list_runs(args.workspace))
        folders = [RunFolder(args.workspace.runs / state.id) for state in states if state.kind == "tune"]
    outcomes = []
    for folder in folders:
        state = folder.read_state()
        if state.kind != "tune" or state.state != "done" or state.result is None:
            if args.runs:
                raise UsageError(
                    f"Run {state.id} is a {state.kind} run that is {state.state}.", "Compare tuning runs that are done."
                )
            continue
        outcomes.append(read_outcome(state.id, folder.request.arguments, state.result))
    return outcomes


def print_outcomes(outcomes: Iterable[Outcome]) -> None:
    """The table of held-out scores: what was tuned how on which rows, before and after."""
    rows = [
        [
            number,
            outcome.dataset,
            outcome.train_on,
            outcome.method,
            f"{outcome.train_rows:,}",
            f"{outcome.before.loss:.3f} → {outcome.after.loss:.3f}",
            f"{_share(outcome.before.balanced_accuracy)} → {_share(outcome.after.balanced_accuracy)}",
            format_seconds(outcome.train_seconds),
        ]
        for number, outcome in enumerate(outcomes, 1)
    ]
    print_table(
        [
            Column("", "right", fixed=True),
            Column("dataset"),
            Column("tuned on", fixed=True),
            Column("method", fixed=True),
            Column("rows", "right"),
            Column("loss", "right", fixed=True),
            Column("balanced acc.", "right", fixed=True),
            Column("time", "right", fixed=True),
        ],
        rows,
    )


def _mark(value: Any) -> str:
    return "yes" if value else "no"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}%"
