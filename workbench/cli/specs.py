"""Commands on a spec: `new` writes one to start from, `check` finds its problems, `preview` shows its first rows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from workbench.cli.commands import Commands
from workbench.cli.output import print_json, print_line, print_table, say
from workbench.errors import DONE, WRONG_USAGE, UsageError
from workbench.files import check_name, clean_text, write_atomic


def add_commands(commands: Commands) -> None:
    """Add `new`, `check` and `preview`."""
    new = commands.add_parser("new", help="write a spec to start from")
    new.add_argument("name", metavar="NAME", help="name of the dataset, and of the file specs/NAME.yaml")
    new.add_argument("--like", metavar="SAMPLE", help="copy a sample spec; `workbench new --list x` shows them")
    new.add_argument("--list", action="store_true", help="list the sample specs and write nothing")
    new.set_defaults(handler=write_new_spec)
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


def write_new_spec(args: argparse.Namespace) -> int:
    """Write specs/NAME.yaml from a short starter or a sample; an existing file is never overwritten."""
    samples = find_samples()
    if args.list:
        print_table(["sample", "what it is"], [(name, _read_description(path)) for name, path in samples.items()])
        return DONE
    name = check_name(args.name.removesuffix(".yaml"), "spec")
    target = args.workspace.specs / f"{name}.yaml"
    if target.exists():
        raise UsageError(f"{target} exists already.", "Choose another name, or open it with `workbench SPEC`.")
    if args.like and args.like not in samples:
        from workbench.spec.problems import suggest

        raise UsageError(f"There is no sample spec “{clean_text(args.like)}”.", suggest(args.like, samples))
    text = samples[args.like].read_text("utf-8") if args.like else STARTER
    lines = [f"name: {name}" if line.startswith("name:") else line for line in text.splitlines()]
    write_atomic(target, "\n".join(lines) + "\n")
    if args.json:
        print_json({"spec": str(target)})
    else:
        print_line(str(target))
        say(f"Next: `workbench {target}` to edit it, or `workbench preview {target}`.")
    return DONE


def find_samples() -> dict[str, Path]:
    """Sample specs by name: those beside the packages in a checkout."""
    folder = Path(__file__).resolve().parents[2] / "sample_specs"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


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
            print_table(list(rows[0]), [[_show(value) for value in row.values()] for row in rows], title=name)
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


def _read_description(path: Path) -> str:
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("description:"):
            return line.removeprefix("description:").strip().strip("\"'")
    return ""


STARTER = """\
# A dataset spec. `workbench check` finds mistakes, `workbench preview` shows the first rows.
version: 1
name: example
description: Support tickets with a few urgent outages
seed: 7
rows: 1000
primary_key: ticket_id
columns:
  - {name: ticket_id, type: id, pattern: "T{n:06d}"}
  - {name: product, type: category, values: {router: 0.5, modem: 0.3, switch: 0.2}}
  - {name: problem, type: category, given: product, values: {
      router: [drops the connection, has weak wireless],
      modem: [blinks amber, gets no signal],
      switch: [lost a port, runs hot]}}
  - {name: opened, type: datetime, start: 2026-01-01, end: 2026-06-30}
  - {name: hours_open, type: exponential, mean: 9, decimals: 1}
  - {name: urgent, type: bernoulli, p: 0.05}
  - {name: ticket, type: template, template: "My {{ product }} {{ problem }}."}
scenarios:
  - {name: outage, share: 0.02, set: {urgent: true, problem: is down for the whole office}}
"""
