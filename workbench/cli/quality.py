"""`workbench quality`: check a dataset as a run, print every check beside the real holdout's figure."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from workbench.cli.commands import Commands
from workbench.cli.output import Column, print_json, print_line, print_table, say
from workbench.errors import DONE, STOPPED_BY_GATE, UsageError


def add_commands(commands: Commands) -> None:
    """Add `quality`."""
    parser = commands.add_parser("quality", help="check a dataset: is it like the real data, are its rules kept")
    parser.add_argument("dataset", metavar="DATASET", help="name, name@version or folder")
    parser.add_argument("--real", metavar="FILE", help="compare with this csv, jsonl or parquet file")
    parser.set_defaults(handler=check_quality)


def check_quality(args: argparse.Namespace) -> int:
    """Run the checks and print them. Exit 3 where one failed, 0 otherwise: a warning stops nothing."""
    from workbench.cli.waiting import finish_run
    from workbench.datasets.store import open_dataset
    from workbench.runs.submit import submit_run

    dataset = open_dataset(args.dataset, args.workspace)
    arguments: dict[str, Any] = {"dataset": str(dataset.folder)}
    if args.real:
        real = Path(args.real).expanduser().absolute()
        if not real.is_file():
            raise UsageError(f"There is no file {args.real}.", "Give a csv, jsonl or parquet file with --real.")
        arguments["real"] = str(real)
    run_id = submit_run(args.workspace, "quality", arguments, title=dataset.reference)
    report = finish_run(args, run_id).result or {}
    if args.json:
        print_json({"run": run_id, **report})
    else:
        print_report(report)
    return STOPPED_BY_GATE if report.get("verdict") == "fail" else DONE


def print_report(report: dict[str, Any]) -> None:
    """Print the checks of a report as a table, then why any of them did not pass."""
    checks: list[dict[str, Any]] = report["checks"]
    several = len({check["table"] for check in checks}) > 1
    print_table(
        [
            Column("check", fixed=True),
            Column("value", "right"),
            Column("95 %", "right"),
            Column("real holdout", "right"),
            Column("threshold", "right"),
            Column("verdict", fixed=True),
        ],
        [
            [
                f"{check['table']}: {check['name']}" if several else check["name"],
                format_figure(check["value"]),
                "–".join(format_figure(bound) for bound in check["interval"]) if check["interval"] else "",
                format_figure(check["reference"]),
                format_figure(check["threshold"]),
                check["verdict"],
            ]
            for check in checks
        ],
        f"{report['name']}: {report['verdict']}",
    )
    print_line()
    for check in checks:
        if check["verdict"] != "pass":
            print_line(f"{check['name']}: {check['question']} {check['detail']}")
    if not report["real"]:
        say("Without real data nothing can be said of likeness or copies. Give it with --real, or under “sources:”.")


def format_figure(value: float | None) -> str:
    """Three decimals, and nothing where there is no figure."""
    return "" if value is None else f"{value:.3f}"
