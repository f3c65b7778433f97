"""The command `new`: a spec to start from, be it short, a sample, after real data, or from another tool."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.commands import Commands
from workbench.cli.output import print_json, print_line, print_table, say
from workbench.errors import DONE, UsageError
from workbench.files import check_name, clean_text, write_atomic

if TYPE_CHECKING:
    from workbench.importing.draft import Draft


def add_commands(commands: Commands) -> None:
    """Add `new`."""
    new = commands.add_parser("new", help="write a spec to start from")
    new.add_argument("name", metavar="NAME", help="name of the dataset, and of the file specs/NAME.yaml")
    origin = new.add_mutually_exclusive_group()
    origin.add_argument("--like", metavar="SAMPLE", help="copy a sample spec; `workbench new --list x` shows them")
    origin.add_argument(
        "--from-data", nargs="+", metavar="FILE", help="infer it from csv, tsv, jsonl or parquet; each file is a table"
    )
    origin.add_argument("--from-datadesigner", metavar="FILE", help="convert a DataDesigner config, YAML or JSON")
    origin.add_argument("--from-sdv", metavar="FILE", help="convert SDV metadata, JSON")
    new.add_argument("--table", metavar="TABLE", help="with --from-data and one file: name of the table")
    new.add_argument(
        "--rows", type=int, metavar="N", help="rows to generate (default: as many as the data has, or 1000)"
    )
    new.add_argument(
        "--writer", metavar="MODEL", help="model of its text columns, or `offline` (default: the best found here)"
    )
    new.add_argument("--list", action="store_true", help="list the sample specs and write nothing")
    new.set_defaults(handler=write_new_spec)


def write_new_spec(args: argparse.Namespace) -> int:
    """Write specs/NAME.yaml; an existing file is never overwritten. What was guessed or left out is told on stderr."""
    samples = find_samples()
    if args.list:
        print_table(["sample", "what it is"], [(name, _read_description(path)) for name, path in samples.items()])
        return DONE
    name = check_name(args.name.removesuffix(".yaml"), "spec")
    target = args.workspace.specs / f"{name}.yaml"
    if target.exists():
        raise UsageError(f"{target} exists already.", "Choose another name, or open it with `workbench SPEC`.")
    text, notes = _import_spec(args, name, target) if _is_import(args) else _copy_spec(args, name, samples)
    write_atomic(target, text)
    if args.json:
        print_json({"spec": str(target), "notes": [clean_text(note) for note in notes]})
    else:
        print_line(str(target))
        for note in notes:
            say(note)
        say(f"Next: `workbench {target}` to edit it, or `workbench preview {target}`.")
    return DONE


def find_samples() -> dict[str, Path]:
    """Sample specs by name: those beside the packages in a checkout."""
    folder = Path(__file__).resolve().parents[2] / "sample_specs"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _is_import(args: argparse.Namespace) -> bool:
    imported = bool(args.from_data or args.from_datadesigner or args.from_sdv)
    if args.table is not None and not args.from_data:
        raise UsageError("--table names the table of --from-data.", "Add --from-data FILE, or leave --table out.")
    if args.writer is not None and imported:
        raise UsageError(
            "--writer belongs to a spec that is copied.", "Write the model into the spec, under “models”, instead."
        )
    if args.rows is not None and not imported:
        raise UsageError("--rows belongs to an imported spec.", "Write rows: into the spec instead.")
    return imported


def _copy_spec(args: argparse.Namespace, name: str, samples: dict[str, Path]) -> tuple[str, list[str]]:
    """A sample or the starter under the new name, its texts written by the best model that is here."""
    like: str | None = args.like
    if like and like not in samples:
        from workbench.spec.problems import suggest

        raise UsageError(f"There is no sample spec “{clean_text(like)}”.", suggest(like, samples))
    text = samples[like].read_text("utf-8") if like else STARTER
    lines = [f"name: {name}" if line.startswith("name:") else line for line in text.splitlines()]
    text = "\n".join(lines) + "\n"
    if _OFFLINE_WRITER.search(text) is None:
        if args.writer is not None:
            raise UsageError(f"The sample “{like}” has no writer.", "Leave --writer out.")
        return text, []
    model, note = _choose_writer(args.writer)
    if model is None:
        return text, [note] if note else []
    from workbench.importing.writing import write_value

    entry = write_value({"provider": "transformers", "model": model})
    return _OFFLINE_WRITER.sub(lambda found: f"{found[1]}{entry}", text), [note]


def _choose_writer(wanted: str | None) -> tuple[str | None, str]:
    """The name or path of the model for texts, None for the offline writer, and what to tell the user of it."""
    from workbench.models.choosing import find_best_writer
    from workbench.models.faults import UnusableModel
    from workbench.models.finding import find_model
    from workbench.models.inventory import find_kind

    if wanted == "offline":
        return None, ""
    if wanted is None:
        best = find_best_writer()
        if best is None:
            return None, (
                "No language model is on this machine: texts are made from templates. "
                "`workbench models get smollm2-135m-instruct` brings a small one."
            )
        return best.name, f"Texts are written by {best.name}, {best.reason}; --writer chooses another."
    try:
        found = find_model(wanted)
        kind = find_kind(found)
    except UnusableModel as fault:
        raise UsageError(fault.cause, fault.solution) from fault
    if kind != "writer":
        raise UsageError(f"The model {found.name} writes no texts.", "`workbench models` says what each is for.")
    is_path = found.origin in ("folder", "file") and Path(wanted).expanduser().exists()
    return (str(found.path) if is_path else wanted), f"Texts are written by {found.name}."


def _import_spec(args: argparse.Namespace, name: str, target: Path) -> tuple[str, list[str]]:
    """The text of the spec and what the user should know of it, problems that are left included."""
    from workbench.generation.check import check_text
    from workbench.importing.settling import settle_draft

    _check_spec_name(name)
    if args.rows is not None and not 1 <= args.rows <= 10_000_000_000:
        raise UsageError(f"A table cannot have {args.rows} rows.", "Give --rows from 1 to 10,000,000,000.")
    draft = _make_draft(args, name, target.parent)
    text = settle_draft(draft, lambda text: check_text(text, target.parent).problems)
    return text, draft.notes


def _make_draft(args: argparse.Namespace, name: str, folder: Path) -> Draft:
    if args.from_data:
        from workbench.importing.from_data import infer_spec

        paths = [Path(file).expanduser() for file in args.from_data]
        if args.table is not None:
            _check_table_name(args.table)
        return infer_spec(name, paths, folder, table=args.table, rows=args.rows)
    from workbench.importing.datadesigner import convert_config
    from workbench.importing.reading import read_plain
    from workbench.importing.sdv import convert_metadata

    if args.from_datadesigner:
        return convert_config(name, read_plain(Path(args.from_datadesigner).expanduser()), args.rows)
    return convert_metadata(name, read_plain(Path(args.from_sdv).expanduser()), args.rows)


def _check_spec_name(name: str) -> None:
    """The name inside a spec has no points and at most 63 characters, unlike that of its file."""
    if "." in name or len(name) > 63:
        raise UsageError(
            f"“{clean_text(name)}” cannot be the name of a dataset.", "Use at most 63 characters and no “.”."
        )


def _check_table_name(name: str) -> None:
    from workbench.importing.naming import make_name

    if make_name(name) != name:
        raise UsageError(
            f"“{clean_text(name)}” cannot be the name of a table.",
            "Use letters, digits and “_”, starting with a letter.",
        )


def _read_description(path: Path) -> str:
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("description:"):
            return line.removeprefix("description:").strip().strip("\"'")
    return ""


_OFFLINE_WRITER = re.compile(r"^(  writer: )\{provider: offline\}$", re.MULTILINE)
"""How the starter and the samples name the model of their texts. It is what `new` exchanges; a coder stays as it is."""

STARTER = """\
# A dataset spec. `workbench check` finds mistakes, `workbench preview` shows the first rows.
version: 1
name: example
description: Support tickets with a few urgent outages
seed: 7
models:
  writer: {provider: offline}
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
  - {name: reply, type: llm_text, model: writer, max_chars: 300, skip: {when: not urgent},
     prompt: "Answer a customer of our support desk in two sentences. The customer writes: {{ ticket }}"}
scenarios:
  - {name: outage, share: 0.02, set: {urgent: true, problem: is down for the whole office}}
"""
