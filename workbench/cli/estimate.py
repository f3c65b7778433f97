"""`workbench estimate`: what each method would cost in memory, time and money, before anything is downloaded or run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.commands import Commands
from workbench.cli.output import Column, format_bytes, print_json, print_line, print_table, say
from workbench.errors import DONE, UsageError

if TYPE_CHECKING:
    from workbench.tuning.lengths import RowSample

SAMPLE_ROWS = 400
"""Rows made from a spec to learn how long its rows are."""

_PARTS = {
    "weights": "weights", "gradients": "grads", "optimizer": "optimizer", "activations": "activ.", "logits": "logits",
    "temporary": "temp.",
}  # fmt: skip


def add_commands(commands: Commands) -> None:
    """Add `estimate`."""
    parser = commands.add_parser(
        "estimate", help="show memory, time and money of tuning methods before any of it is spent"
    )
    parser.add_argument(
        "data", nargs="?", metavar="DATASET|SPEC", help="rows to train on: their number and lengths are then its own"
    )
    parser.add_argument(
        "--model",
        default="workbench-base",
        metavar="M",
        help="folder with a config.json, a known shape, or workbench-base",
    )
    parser.add_argument(
        "--method", default="all", metavar="NAMES", help="all, or names with commas; lora:rank=64 is a row of its own"
    )
    parser.add_argument("--gpu", metavar="NAME", help="for instance H100, or cpu (default: this machine)")
    parser.add_argument("--batch-size", type=int, metavar="N", help="rows in one forward pass")
    parser.add_argument(
        "--seq-len", type=int, metavar="N", help="tokens of a row; with a dataset, the most it may have"
    )
    parser.add_argument("--checkpointing", action=argparse.BooleanOptionalAction, help="recompute activations")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, for instance rank=16"
    )
    parser.add_argument(
        "--train-on", choices=("synthetic", "real"), default="synthetic", help="which rows of a dataset"
    )
    parser.add_argument("--rate", type=float, metavar="USD", help="price of an hour (default: the catalogue's range)")
    parser.set_defaults(handler=show_estimate)


def show_estimate(args: argparse.Namespace) -> int:
    """Print the table, or the object of DESIGN section 5."""
    from workbench.tuning.estimating import estimate_methods, parse_request

    sample = _read_sample(args)
    request = parse_request(
        {
            "model": args.model,
            "methods": "all" if args.method == "all" else tuple(split_methods(args.method)),
            "gpu": args.gpu,
            "dataset": None if sample is not None else args.data,
            "workspace": str(args.workspace.root),
            "train_on": args.train_on,
            "batch_size": args.batch_size,
            "sequence_length": args.seq_len,
            "checkpointing": args.checkpointing,
            "settings": dict(_split_setting(text) for text in args.set),
            "rate": args.rate,
        }
    )
    answer = estimate_methods(request, sample)
    if args.json:
        print_json(answer)
    else:
        print_line(f"{answer['model']} on {answer['device_title']}, {format_bytes(answer['device_bytes'])}")
        print_line()
        print_estimate(answer)
    return DONE


def print_estimate(estimate: dict[str, Any]) -> None:
    """Two tables, a row per method: what it costs, and what the memory at the peak is made of; then the assumptions."""
    known = [row for row in estimate["rows"] if row["peak_bytes"] is not None]
    if known:
        print_table(
            [
                Column("method"),
                Column("fits", fixed=True),
                *(Column(title, "right", fixed=True) for title in ("trains", "peak", "step", "total", "cost")),
            ],
            [_lay_out(row) for row in known],
        )
        print_line()
        print_table(
            [Column("at the peak"), *(Column(title, "right", fixed=True) for title in _PARTS.values())],
            [[row["method"], *(format_bytes(row["components"].get(part, 0)) for part in _PARTS)] for row in known],
        )
        print_line()
        print_line(_describe_evidence(known))
    for sentence in _list_assumptions(estimate["rows"]):
        say(f"- {sentence}")


def split_methods(text: str) -> list[str]:
    """`full,lora:rank=64,dropout=0.1` as items: a piece that is a setting belongs to the method before it."""
    items: list[str] = []
    for piece in text.split(","):
        if items and "=" in piece and ":" not in piece:
            items[-1] += f",{piece}"
        elif piece.strip():
            items.append(piece.strip())
    return items


def _lay_out(row: dict[str, Any]) -> list[str]:
    return [
        row["method"],
        {"fits": "yes", "tight": "tight", "no": "no"}[row["verdict"]],
        _format_count(row["trainable_parameters"]),
        format_bytes(row["peak_bytes"]),
        _format_duration(row["step_seconds_range"]),
        _format_duration(row["total_seconds_range"]),
        _format_cost(row["cost_usd_range"]),
    ]


def _describe_evidence(rows: list[dict[str, Any]]) -> str:
    """Where memory, time and money come from."""
    kinds = sorted({row["evidence"] for row in rows})
    memory = kinds[0] if len(kinds) == 1 else ", ".join(f"{row['method']} {row['evidence']}" for row in rows)
    return f"Memory: {memory}. Time and cost: {rows[0]['time_evidence']}, shown as a range."


def _format_duration(seconds: Sequence[float] | None) -> str:
    """Both ends in the unit that suits the upper one: `0.42–0.84 s`, `7–14 min`."""
    if seconds is None:
        return "–"
    unit, size = next(
        ((unit, size) for unit, size in (("h", 3600.0), ("min", 60.0), ("s", 1.0)) if seconds[1] >= 2 * size),
        ("ms", 1e-3),
    )
    return f"{_format_figure(seconds[0] / size)}–{_format_figure(seconds[1] / size)} {unit}"


def _format_cost(dollars: Sequence[float] | None) -> str:
    if dollars is None:
        return "–"
    if dollars[1] < 0.01:
        return "<$0.01"
    low, high = (f"{value:,.0f}" if value >= 99.5 else f"{value:.2f}" for value in dollars)
    return f"${low}–{high}"


def _format_figure(value: float) -> str:
    """Two figures, more only before the point."""
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.995 else f"{value:.2f}"


def _format_count(count: float) -> str:
    for unit in ("", "K", "M"):
        if count < 1000:
            return f"{count:.3g}{unit}"
        count /= 1000
    return f"{count:.3g}B"


def _list_assumptions(rows: list[dict[str, Any]]) -> list[str]:
    """Each once; those that do not hold for all rows say for which they do."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for sentence in row["assumptions"]:
            said.setdefault(sentence, []).append(row["method"])
    return [text if len(names) == len(rows) else f"{', '.join(names)}: {text}" for text, names in said.items()]


def _read_sample(args: argparse.Namespace) -> RowSample | None:
    """The first rows of a spec, where one was given in place of a dataset."""
    if args.data is None or Path(args.data).suffix not in (".yaml", ".yml"):
        return None
    import pandas as pd

    from workbench.datasets.training_rows import render
    from workbench.generation.check import check_file
    from workbench.generation.preview import preview_table
    from workbench.tuning.lengths import RowSample

    checked = check_file(Path(args.data))
    if checked.spec is None or checked.plan is None:
        raise UsageError(f"{args.data} has problems.", f"See `workbench check {args.data}`.")
    training = checked.spec.training
    if training is None:
        raise UsageError(
            f"{args.data} does not say how a row becomes a training example.",
            "Add a “training:” block, or name no spec.",
        )
    tables = checked.plan.tables
    if training.table is None and len(tables) != 1:
        raise UsageError(
            f"{args.data} has several tables: {', '.join(tables)}.", "Name the one to train on in the training block."
        )
    table = training.table or next(iter(tables))
    return RowSample(
        render(training, pd.DataFrame(preview_table(checked.plan, table, SAMPLE_ROWS))), tables[table].rows
    )


def _split_setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise UsageError(f"--set {text} is no setting.", "Write --set NAME=VALUE, for instance --set rank=16.")
    return name, value
