"""Commands on a spec: `new` (in its own module) writes one, `check` finds its problems, `preview` shows its rows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from workbench.cli.commands import Commands
from workbench.cli.output import print_json, print_line, print_rows, say
from workbench.errors import DONE, WRONG_USAGE, UsageError


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
    preview.set_defaults(handler=preview_spec)


def check_spec(args: argparse.Namespace) -> int:
    """Exit 0 where the spec has no error, 2 where it has; warnings do not count."""
    from workbench.generation.check import check_file

    if args.schema:
        from workbench.columns.registry import column_types
        from workbench.spec.loading import spec_json_schema

        print_json(spec_json_schema(column_types()))
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
    from workbench.generation.preview import preview_text

    if not 1 <= args.rows <= 100_000:
        raise UsageError(f"Cannot preview {args.rows} rows.", "Ask for 1 to 100,000; `generate` makes more.")
    path = Path(args.spec)
    result = preview_text(read_spec_text(path), path.parent, rows=args.rows, table=args.table)
    failed = any(problem["level"] == "error" for problem in result["problems"])
    if args.json:
        print_json(result)
        return WRONG_USAGE if failed else DONE
    print_problems(args.spec, result["problems"])
    for name, rows in result["tables"].items():
        if rows:
            print_rows(list(rows[0]), [[_show(value) for value in row.values()] for row in rows], name)
    return WRONG_USAGE if failed else DONE


def print_problems(path: str, problems: list[dict[str, Any]]) -> None:
    """One line per problem, as compilers write them: file:line:column: level: message hint."""
    for problem in problems:
        place = f"{path}:{problem['line']}:{problem['column']}: {problem['level']}: "
        say(place + " ".join(filter(None, (problem["message"], problem["hint"]))))


def _show(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
