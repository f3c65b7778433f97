"""The command `fit`: learn a spec's real tables as a background run, and say what came of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.commands import Commands
from workbench.cli.output import format_seconds, print_json, print_line
from workbench.cli.waiting import announce_run, finish_run
from workbench.errors import DONE, UsageError

if TYPE_CHECKING:
    from workbench.datasets.manifest import SynthesizerRecord


def add_commands(commands: Commands) -> None:
    """Add `fit`."""
    fit = commands.add_parser("fit", help="fit the synthesizers of a spec to its real data, as a background run")
    fit.add_argument("spec", metavar="SPEC")
    fit.add_argument("--table", metavar="NAME", help="only this table")
    fit.add_argument("--fresh", action="store_true", help="fit anew what has been fitted already")
    fit.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where (default: auto)")
    fit.add_argument("--detach", action="store_true", help="return at once; the run goes on")
    fit.set_defaults(handler=fit_spec)


def fit_spec(args: argparse.Namespace) -> int:
    """Check the spec here, so that its problems are seen at once, then queue the run and wait for it."""
    from workbench.cli.specs import check_for_run
    from workbench.datasets.manifest import SynthesizerRecord
    from workbench.runs.submit import submit_run

    checked = check_for_run(args.spec, "fitted")
    if all(table.synthesizer is None for table in checked.spec.tables.values()):
        raise UsageError(f"No table of {args.spec} has a synthesizer.", "Add “synthesizer:” to one.")
    arguments = {
        "spec": checked.text,
        "folder": str(Path(args.spec).parent.absolute()),
        "table": args.table,
        "fresh": args.fresh,
        "device": args.device,
    }
    run_id = submit_run(args.workspace, "fit", arguments, title=checked.spec.name)
    if args.detach:
        return announce_run(args, run_id)
    state = finish_run(args, run_id)
    result = state.result or {}
    if args.json:
        print_json({"run": run_id, **result})
        return DONE
    for table, record in result.get("models", {}).items():
        for line in describe_fit(table, SynthesizerRecord.model_validate(record)):
            print_line(line)
        print_line(f"  model: {result['folders'][table]}")
    return DONE


def describe_fit(table: str, fit: SynthesizerRecord) -> Iterator[str]:
    """A fitted model as lines to read."""
    learned = f"{fit.rows:,} rows of {fit.source}, {fit.columns} columns"
    yield f"{table}: {fit.type} fitted to {learned} in {format_seconds(fit.seconds)}"
    if fit.fidelity:
        yield f"  fidelity to {fit.validation_rows:,} rows kept apart: {fit.describe_scores()}"
    if fit.epsilon is None:
        yield "  privacy: none promised (no “differential_privacy”)"
    else:
        yield f"  privacy: epsilon {fit.epsilon:.3g} at delta {fit.delta:g} ({fit.accounting})"
    for name, level in fit.find_rarest(3):
        yield f"  rarest {name}: {level['value']}, real {level['real']:.3%}, made {level['made']:.3%}"
    for note in fit.notes:
        yield f"  {note}"
