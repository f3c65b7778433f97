"""The command `export`: a dataset as files of another format or layout, or as a folder that a trainer starts on."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.cli.commands import Commands
from workbench.cli.output import print_json, print_line, say
from workbench.cli.waiving import add_waivers, pass_gate
from workbench.errors import DONE, UsageError


def add_commands(commands: Commands) -> None:
    """Add `export`."""
    export = commands.add_parser("export", help="write a dataset for a trainer, or in another format or layout")
    export.add_argument("dataset", metavar="DATASET", help="name, name@version or folder")
    export.add_argument("--to", metavar="TRAINER", help="write its config too, for instance: axolotl")
    export.add_argument("--format", metavar="F", help="file format (default: the trainer's)")
    export.add_argument("--layout", metavar="L", help="training examples in this layout (default: the trainer's)")
    export.add_argument("--out", metavar="DIR", help="folder to write (default: NAME-TRAINER or NAME-LAYOUT-FORMAT)")
    export.add_argument("--model", metavar="M", help="base model in the trainer's config (default: a small open one)")
    add_waivers(export)
    export.set_defaults(handler=export_dataset)


def export_dataset(args: argparse.Namespace) -> int:
    """Write the folder and print its path; files and rows are told on stderr."""
    from workbench.datasets.bundles import write_bundle
    from workbench.datasets.formats import list_formats
    from workbench.datasets.layouts import LAYOUTS
    from workbench.datasets.store import open_dataset
    from workbench.spec.loading import load_spec
    from workbench.synthesizers.registry import spec_types

    _check_word(args.format, list_formats(), "format")
    _check_word(args.layout, list(LAYOUTS), "layout")
    if args.to is None and args.format is None and args.layout is None:
        raise UsageError("Nothing says what to export to.", "Give --to, --format or --layout; `--help` lists them.")
    if args.model is not None and args.to is None:
        raise UsageError("--model is for the config of a trainer.", "Give --to as well.")
    dataset = open_dataset(args.dataset, args.workspace)
    pass_gate(args, dataset.folder)
    dataset = open_dataset(dataset.folder, args.workspace)  # with what was waived
    loaded = load_spec(dataset.spec_text, spec_types())
    if loaded.spec is None:
        raise UsageError(
            f"The spec stored in {dataset.reference} cannot be read: {loaded.problems[0].message}",
            "It was made by another version of the program or by a plug-in that is missing; generate it again.",
        )
    what = args.to or "-".join(filter(None, (args.layout, args.format)))
    out = Path(args.out).expanduser() if args.out else Path(f"{dataset.manifest.name}-{what}")
    bundle = write_bundle(
        dataset, loaded.spec, out.absolute(), to=args.to, form=args.format, layout=args.layout, model=args.model
    )
    if args.json:
        print_json({"folder": str(bundle.folder), "files": bundle.files, "rows": bundle.rows})
    else:
        print_line(str(bundle.folder))
        for name in bundle.files:
            say(f"  {name}" + (f": {bundle.rows[name]:,} rows" if name in bundle.rows else ""))
    if bundle.left_out:
        say(f"{bundle.left_out:,} rows without a value of the label are left out.")
    return DONE


def _check_word(word: str | None, known: list[str], what: str) -> None:
    if word is not None and word not in known:
        from workbench.files import clean_text
        from workbench.spec.problems import suggest

        raise UsageError(f"There is no {what} “{clean_text(word)}”.", suggest(word, known))
