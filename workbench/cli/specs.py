"""Commands on a spec: `new` (in its own module) writes one, `check` finds its problems, `preview` shows its rows."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from workbench.cli.commands import Commands
from workbench.cli.output import end_progress, print_json, print_line, print_rows, say, show_progress
from workbench.errors import DONE, INTERRUPTED, WRONG_USAGE, StopRequested, UsageError

if TYPE_CHECKING:
    from workbench.generation.check import SoundSpec


def add_commands(commands: Commands) -> None:
    """Add `new`, `check` and `preview`."""
    check = commands.add_parser("check", help="find the problems of a spec, with line and column")
    check.add_argument("spec", nargs="?", metavar="SPEC")
    check.add_argument("--schema", action="store_true", help="print the JSON Schema of specs for an editor")
    check.add_argument("--plan", action="store_true", help="print the order in which columns are made")
    check.set_defaults(handler=check_spec)
    preview = commands.add_parser("preview", help="show the first rows, the same that generate will make")
    preview.add_argument("spec", metavar="SPEC")
    preview.add_argument("-n", "--rows", type=int, default=10, metavar="N", help="rows per table (default: 10)")
    preview.add_argument("--table", metavar="NAME", help="only this table")
    preview.add_argument("--no-models", action="store_true", help="ask no model; show only answers that are stored")
    preview.add_argument("--check", action="store_true", help="check the quality of the first 500 rows too")
    preview.set_defaults(handler=preview_spec)


def check_spec(args: argparse.Namespace) -> int:
    """Exit 0 where the spec has no error, 2 where it has; warnings do not count."""
    from workbench.generation.check import check_file

    if args.schema:
        from workbench.spec.loading import spec_json_schema
        from workbench.synthesizers.registry import spec_types

        print_json(spec_json_schema(spec_types()))
        return DONE
    if not args.spec:
        raise UsageError("`check` needs a spec.", "Give its path: `workbench check SPEC`.")
    checked = check_file(Path(args.spec))
    errors = [problem for problem in checked.problems if problem.level == "error"]
    if args.json:
        result: dict[str, Any] = {"problems": [problem.as_json() for problem in checked.problems]}
        if args.plan and checked.plan is not None:
            result["plan"] = checked.plan.as_json()
        print_json(result)
    else:
        print_problems(args.spec, [problem.as_json() for problem in checked.problems])
        if args.plan and checked.plan is not None:
            for line in checked.plan.describe():
                print_line(line)
        if not checked.problems:
            say(f"{args.spec}: no problems.")
    return WRONG_USAGE if errors else DONE


def preview_spec(args: argparse.Namespace) -> int:
    """Print rows of every table; exit 2 and the problems where the spec has errors."""
    from workbench.generation.check import read_spec_text
    from workbench.generation.costing import describe_estimates, read_estimates

    if not 1 <= args.rows <= 100_000:
        raise UsageError(f"Cannot preview {args.rows} rows.", "Ask for 1 to 100,000; `generate` makes more.")
    path = Path(args.spec)
    result, stopped = _make_rows(args, read_spec_text(path), path.parent)
    failed = any(problem["level"] == "error" for problem in result["problems"])
    if args.check and not failed and not stopped:
        from workbench.engines.live_quality import check_first_rows

        result["quality"] = check_first_rows(read_spec_text(path), path.parent, args.workspace)
    if args.json:
        print_json(result)
    else:
        print_problems(args.spec, result["problems"])
        for name, rows in result["tables"].items():
            if rows:
                print_rows(list(rows[0]), [[_show(value) for value in row.values()] for row in rows], name)
        for line in _describe_missing(result):
            say(line)
        for line in describe_estimates(read_estimates(result["estimate"])):
            say(f"The whole dataset: {line}")
        if "quality" in result:
            _print_checks(result["quality"])
    if stopped:
        say("Interrupted: the answers so far are kept, and the next preview goes on after them.")
        return INTERRUPTED
    return WRONG_USAGE if failed else DONE


def _print_checks(quality: dict[str, Any]) -> None:
    rows = ", ".join(f"{count:,} rows of {table}" for table, count in quality["rows"].items())
    print_line(f"\nQuality of the first {rows or 'rows'}: {quality['verdict']}")
    for check in quality["checks"]:
        if check["verdict"] != "pass":
            print_line(f"{check['verdict']}: {check['name']} of {check['table']}: {check['detail']}")
    for note in quality["notes"]:
        say(f"Not looked at: {note}")


def _make_rows(args: argparse.Namespace, text: str, folder: Path) -> tuple[dict[str, Any], bool]:
    """The preview, and whether it was interrupted: then it shows what is stored."""
    from workbench.generation.live_preview import LiveModels, preview_stored

    models = LiveModels()
    stopping = threading.Event()
    try:
        if not args.no_models:
            with _catching_interrupts(stopping):
                return models.preview(
                    text,
                    folder,
                    args.workspace,
                    rows=args.rows,
                    table=args.table,
                    emit=CallProgress().tell,
                    should_stop=stopping.is_set,
                ), False
    except StopRequested:
        pass
    finally:
        end_progress()
        models.release()
    return preview_stored(text, folder, args.workspace, args.rows, args.table), not args.no_models


class CallProgress:
    """One line on a terminal while models are asked: who, and what was used so far."""

    def __init__(self) -> None:
        self._who = ""
        self._used = ""

    def tell(self, event: dict[str, Any]) -> None:
        """Show an event of `LiveModels.preview`."""
        if "state" in event:
            what = "Loading" if event["state"] == "loading" else "Asking"
            self._who = f"{what} {event['model']} for {event['table']}.{event['column']}"
        elif "calls" in event:
            tokens = event["input_tokens"] + event["output_tokens"]
            self._used = f" · {event['calls']:,} calls · {tokens:,} tokens · ${event['cost_usd']:.4f}"
        else:
            return
        show_progress(f"{self._who}{self._used} · Ctrl+C cancels")


@contextmanager
def _catching_interrupts(stopping: threading.Event) -> Iterator[None]:
    """Let the first Ctrl+C within it set `stopping`; the second one interrupts at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _describe_missing(result: dict[str, Any]) -> Iterator[str]:
    """What is not in the rows, and why."""
    for table, columns in result["pending"].items():
        names = ", ".join(f"{table}.{column}" for column in columns)
        yield f"{names}: rows without a stored answer are empty, since no model was asked."
    causes = Counter((each["table"], each["column"], each["cause"]) for each in result["failed"])
    for (table, column, cause), count in causes.items():
        yield f"{table}.{column}: {count:,} {'rows have' if count > 1 else 'row has'} no answer: {cause}."


def check_for_run(path: str, done: str) -> SoundSpec:
    """The spec in a file, sound enough for a run. Prints its problems and raises UsageError where one is an error."""
    from workbench.generation.check import SoundSpec, check_file

    checked = check_file(Path(path))
    if checked.spec is None or checked.errors:
        print_problems(path, [problem.as_json() for problem in checked.problems])
        raise UsageError(f"{path} has problems, so nothing was {done}.", "Correct the lines named above.")
    return SoundSpec(checked.text, checked.spec, checked.plan)


def print_problems(path: str, problems: list[dict[str, Any]]) -> None:
    """One line per problem, as compilers write them: file:line:column: level: message hint."""
    for problem in problems:
        place = f"{path}:{problem['line']}:{problem['column']}: {problem['level']}: "
        say(place + " ".join(filter(None, (problem["message"], problem["hint"]))))


def _show(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
