"""`workbench quality`: check a dataset as a run, print every check beside the real holdout's figure."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from workbench.cli.commands import Commands
from workbench.cli.output import (
    Column,
    end_progress,
    format_seconds,
    print_json,
    print_line,
    print_table,
    say,
    show_progress,
)
from workbench.errors import DONE, FAILED, STOPPED_BY_GATE, UsageError


def add_commands(commands: Commands) -> None:
    """Add `quality`."""
    parser = commands.add_parser(
        "quality", help="check a dataset: fidelity, usefulness, privacy, fairness, repetition, content"
    )
    parser.add_argument("dataset", nargs="?", metavar="DATASET", help="name, name@version or folder")
    parser.add_argument("--real", metavar="FILE", help="compare with this csv, jsonl or parquet file")
    parser.add_argument("--holdout", metavar="FILE", help="real rows that nothing was learned from, beside --real")
    parser.add_argument("--html", metavar="FILE", help="put the page here too (it lies beside the dataset anyway)")
    parser.add_argument("--verbose", action="store_true", help="print the figures of every column and check")
    parser.add_argument("--fresh", action="store_true", help="ask every check anew")
    parser.add_argument("--self-test", action="store_true", help="plant defects and show which check trips on each")
    parser.add_argument("--defect", action="append", default=[], metavar="NAME", help="with --self-test: only this one")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="with --self-test: another draw (default: 0)")
    parser.set_defaults(handler=check_quality)


def check_quality(args: argparse.Namespace) -> int:
    """Run the checks and print them. Exit 3 where one failed, 0 otherwise: a warning stops nothing."""
    from workbench.cli.quality_report import print_report
    from workbench.cli.waiting import finish_run
    from workbench.datasets.store import open_dataset
    from workbench.runs.submit import submit_run

    if args.self_test:
        return _test_checks(args)
    if not args.dataset:
        raise UsageError("`quality` needs a dataset.", "Give its name or folder; `workbench inspect` lists them.")
    if args.holdout and not args.real:
        raise UsageError("--holdout is the holdout of --real.", "Give the rows that were learned from with --real.")
    dataset = open_dataset(args.dataset, args.workspace)
    arguments: dict[str, Any] = {"dataset": str(dataset.folder), "fresh": args.fresh}
    for name in ("real", "holdout"):
        if getattr(args, name):
            arguments[name] = str(_find_file(getattr(args, name), name))
    run_id = submit_run(args.workspace, "quality", arguments, title=dataset.reference)
    report = finish_run(args, run_id).result or {}
    if args.html:
        _copy_page(Path(report["page"]), Path(args.html).expanduser())
    if args.json:
        print_json({"run": run_id, **report})
    else:
        print_report(report, verbose=args.verbose)
    return STOPPED_BY_GATE if report.get("verdict") == "fail" else DONE


def _test_checks(args: argparse.Namespace) -> int:
    """Plant each defect and print what trips. Exit 1 where one is missed, or an unrelated check trips."""
    from workbench.quality.selftest.running import CLEAN, Outcome, run_self_test

    def tell(outcome: Outcome) -> None:
        what = f"clean {outcome.scene}" if outcome.defect == CLEAN else outcome.defect
        show_progress(f"{'as it should be' if outcome.passed else 'NOT AS IT SHOULD BE'}: {what}")

    try:
        tested = run_self_test(args.seed, args.defect or None, on_defect=tell)
    finally:
        end_progress()
    if args.json:
        print_json(tested.as_json())
        return DONE if tested.passed else FAILED
    print_table(
        [Column("planted", fixed=True), Column("must trip"), Column("tripped"), Column("", fixed=True)],
        [
            [
                f"nothing ({outcome.scene})" if outcome.defect == CLEAN else outcome.defect,
                ", ".join(outcome.expected) or "nothing",
                ", ".join(name for name, _ in outcome.tripped) or "nothing",
                "✓" if outcome.passed else "✗",
            ]
            for outcome in tested.outcomes
        ],
    )
    print_line()
    for outcome in tested.outcomes:
        name = f"clean {outcome.scene}" if outcome.defect == CLEAN else outcome.defect
        for check in outcome.missed:
            print_line(f"{name}: {check} should have tripped. {outcome.description}")
        for check in outcome.unrelated:
            print_line(f"{name}: {check} tripped without a reason.")
    caught, seconds = sum(outcome.passed for outcome in tested.outcomes), format_seconds(tested.seconds)
    say(f"{caught} of {len(tested.outcomes)} as they should be, in {seconds} (seed {tested.seed}).")
    return DONE if tested.passed else FAILED


def _find_file(name: str, option: str) -> Path:
    path = Path(name).expanduser().absolute()
    if not path.is_file():
        raise UsageError(f"There is no file {name}.", f"Give a csv, jsonl or parquet file with --{option}.")
    return path


def _copy_page(page: Path, target: Path) -> None:
    from workbench.files import explain_os_error

    try:
        shutil.copyfile(page, target)
    except OSError as error:
        raise explain_os_error(error, target) from error
    say(f"The page is at {target}.")
