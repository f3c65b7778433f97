"""Commands on datasets: `generate` makes one as a run and waits for it, `inspect` shows what one holds."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.commands import Commands
from workbench.cli.fit import describe_fit
from workbench.cli.output import format_seconds, print_json, print_line, print_rows, print_table, say
from workbench.cli.waiting import announce_run, finish_run
from workbench.errors import DONE, UsageError

if TYPE_CHECKING:
    from workbench.datasets.manifest import Manifest
    from workbench.datasets.store import Dataset


def add_commands(commands: Commands) -> None:
    """Add `generate` and `inspect`."""
    generate = commands.add_parser("generate", help="make the dataset of a spec, as a background run")
    generate.add_argument("spec", metavar="SPEC")
    generate.add_argument("--rows", type=int, metavar="N", help="rows instead of the spec's number")
    generate.add_argument("--out", metavar="DIR", help="put the dataset here instead of in the workspace")
    generate.add_argument("--workers", type=int, metavar="N", help="processes to make rows with (default: all cores)")
    generate.add_argument("--fresh", action="store_true", help="ask models anew instead of using stored answers")
    generate.add_argument("--detach", action="store_true", help="return at once; the run goes on")
    generate.set_defaults(handler=generate_dataset)
    inspect = commands.add_parser("inspect", help="show a dataset: tables, columns, provenance, first rows")
    inspect.add_argument("dataset", nargs="?", metavar="DATASET", help="name, name@version or folder; none lists all")
    inspect.add_argument("-n", "--rows", type=int, default=5, metavar="N", help="rows to show (default: 5)")
    inspect.add_argument("--row", type=int, metavar="N", help="show one row, counted from 0, and where it comes from")
    inspect.add_argument("--table", metavar="T", help="the table of that row, needed if there are several")
    inspect.add_argument(
        "--training-content", action="store_true", help="print a draft of the summary of content used for training"
    )
    inspect.set_defaults(handler=inspect_dataset)


def generate_dataset(args: argparse.Namespace) -> int:
    """Check the spec here, so that its problems are seen at once, then queue the run and wait for it."""
    from workbench.cli.specs import check_for_run
    from workbench.runs.submit import submit_run

    path = Path(args.spec)
    checked = check_for_run(args.spec, "generated")
    if args.rows is not None and args.rows < 1:
        raise UsageError(f"Cannot generate {args.rows} rows.", "Give --rows a number from 1.")
    arguments: dict[str, Any] = {
        "spec": checked.text,
        "folder": str(path.parent.absolute()),
        "rows": args.rows,
        "out": str(Path(args.out).expanduser().absolute()) if args.out else None,
        "workers": args.workers,
        "fresh": args.fresh,
    }
    if checked.plan is not None and any(table.is_costly for table in checked.plan.tables.values()):
        for line in _estimate_models(args, checked.text, path.parent):
            say(line)
    begin = time.monotonic()
    run_id = submit_run(args.workspace, "generate", arguments, title=checked.spec.name)
    if args.detach:
        return announce_run(args, run_id)
    state = finish_run(args, run_id, stops=True)
    result = state.result or {}
    if args.json:
        print_json({"run": run_id, **result})
    else:
        print_line(str(result.get("name") or result.get("dataset")))
        total = sum(result.get("rows", {}).values())
        say(f"{total:,} rows in {format_seconds(time.monotonic() - begin)} at {result.get('dataset')}")
        if result.get("cost_usd"):
            say(f"${result['cost_usd']:.4f} paid for calls of models.")
        for reason, count in result.get("rejected", {}).items():
            say(f"{count:,} rows given up: {reason}")
        for reason, count in result.get("failed", {}).items():
            say(f"{count:,} rows without an answer: {reason}")
        for line in result.get("missed", []):
            say(f"Not as asked: {line}")
    return DONE


def _estimate_models(args: argparse.Namespace, text: str, folder: Path) -> Iterator[str]:
    """What the run will ask of models, and a warning where that is more than the spec's budget."""
    from workbench.generation.costing import describe_estimates, estimate_calls, show_cost, sum_costs
    from workbench.generation.live_preview import open_stored
    from workbench.generation.preparing import prepare_plan

    with open_stored(args.workspace) as session:
        session.fresh = args.fresh
        plan, _ = prepare_plan(text, folder, args.rows, session)
        estimates = estimate_calls(plan, session)
    yield from describe_estimates(estimates)
    cost, most = sum_costs(estimates), plan.spec.budget.max_cost_usd
    if cost is not None and most is not None and cost > most:
        yield (
            f"That is more than the budget of ${most:g}: the run stops when it is spent ({show_cost(cost)} in all). "
            "Everything made by then is kept."
        )


def inspect_dataset(args: argparse.Namespace) -> int:
    """List all datasets, or show one, a row of it, or the draft of the summary for those who train on it."""
    from workbench.datasets.promises import compare_promises
    from workbench.datasets.store import list_datasets, open_dataset

    if args.dataset is None:
        if args.row is not None or args.table is not None or args.training_content:
            raise UsageError("It is not said of which dataset.", "Name one: `workbench inspect` lists them.")
        found = list_datasets(args.workspace)
        if args.json:
            print_json({"datasets": [{"name": each.reference, "folder": str(each.folder)} for each in found]})
        elif found:
            print_table(["dataset", "folder"], [(each.reference, each.folder) for each in found])
        else:
            say("No datasets yet. `workbench generate SPEC` makes one.")
        return DONE
    dataset = open_dataset(args.dataset, args.workspace)
    manifest = dataset.manifest
    if args.row is not None:
        return _inspect_row(args, dataset)
    if args.table is not None:
        raise UsageError("--table says of which table a row is shown, and no row is named.", "Add --row N.")
    if args.training_content:
        return _print_training_content(args, manifest)
    if args.json:
        print_json(manifest.model_dump(mode="json"))
        return DONE
    print_line(f"{dataset.reference}   synthetic, seed {manifest.seed}   {dataset.folder}")
    for name in dataset.tables:
        table = manifest.tables[name]
        print_line(f"\n{name}: {table.rows:,} rows{_describe_splits(manifest, name)}")
        print_table(
            ["column", "type", "made by"], [(each.name, each.type, each.recipe["type"]) for each in table.columns]
        )
        for line, _ in compare_promises(table):
            print_line(line)
        for rule, count in table.redrawn.items():
            print_line(f"drawn again: {count:,} rows, {rule}")
        for reason, count in table.rejected.items():
            print_line(f"left out: {count:,} rows, {reason}")
        frame = dataset.read_first(name, max(args.rows, 0))
        if len(frame):
            print_line()
            print_rows([str(column) for column in frame.columns], frame.astype(str).to_numpy().tolist())
    for label, model in manifest.models.items():
        cost = "" if model.cost_usd is None else f", ${model.cost_usd:.4f}"
        print_line(f"\nmodel {label}: {model.model} by {model.provider}, {model.calls + model.reused:,} answers{cost}")
    if manifest.generation:
        alone = ", of own models alone" if manifest.own_output else ""
        print_line(f"generation {manifest.generation}: written by models that were tuned on synthetic rows{alone}")
    for place, count in manifest.failed.items():
        print_line(f"without an answer: {count:,} rows, {place}")
    for label, fit in manifest.synthesizers.items():
        print_line()
        for line in describe_fit(label, fit):
            print_line(line)
    for label, source in manifest.sources.items():
        print_line(f"\nsource {label}: {source.origin}, licence {source.licence}")
    return DONE


def _inspect_row(args: argparse.Namespace, dataset: Dataset) -> int:
    from workbench.cli.row_record import describe_record, read_record

    record = read_record(dataset, args.table, args.row)
    if args.json:
        print_json(record.as_json())
        return DONE
    for line in describe_record(record):
        print_line(line)
    return DONE


def _print_training_content(args: argparse.Namespace, manifest: Manifest) -> int:
    from workbench.datasets.training_content import write_training_content

    text = write_training_content(manifest)
    if args.json:
        print_json({"dataset": manifest.reference, "training_content": text})
    else:
        print_line(text.rstrip("\n"))
    return DONE


def _describe_splits(manifest: Manifest, table: str) -> str:
    splits = manifest.splits.get(table, {})
    return f" ({', '.join(f'{split} {rows:,}' for split, rows in splits.items())})" if splits else ""
