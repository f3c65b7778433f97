"""Folders that `workbench export` writes: the data, the files a trainer starts from, and `export.json` saying of what.

A folder is written beside its place and renamed, so that it is whole or not there. One that holds anything else than an
earlier export, unchanged, is never replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.datasets.exporting import list_parts, name_table_file, need_training, write_layout, write_tables
from workbench.datasets.exports.target import DEFAULT_MODEL, ExportRequest, ExportTarget, find_targets
from workbench.datasets.gates import describe_gate
from workbench.datasets.manifest import find_damage, hash_file
from workbench.datasets.store import Dataset
from workbench.errors import UsageError, WorkbenchError
from workbench.files import clean_text, explain_os_error, make_folder, write_atomic
from workbench.spec.model import Spec
from workbench.spec.problems import suggest

RECORD = "export.json"
_DATA = "data"


@dataclass(frozen=True, slots=True)
class Bundle:
    """`rows` maps files of data to their rows, `files` are all files; paths are relative to `folder`."""

    folder: Path
    files: list[str]
    rows: dict[str, int]
    left_out: int


def write_bundle(
    dataset: Dataset,
    spec: Spec,
    out: Path,
    *,
    to: str | None = None,
    form: str | None = None,
    layout: str | None = None,
    model: str | None = None,
) -> Bundle:
    """Export a dataset to the folder `out`, for the target `to` or as plain files of a format and layout.

    Raises UsageError for what cannot be asked for and for an `out` that holds other files, WorkbenchError where the
    rows cannot be read or the folder cannot be written.
    """
    import pyarrow

    target = None if to is None else _find_target(to)
    form = _choose_format(target, form, layout)
    layout = layout if target is None or (target.tables and layout is None) else _choose_layout(target, spec, layout)
    _check_place(out)
    stage = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        make_folder(stage)
        rows, left_out = _write_data(dataset, spec, stage, target, form, layout)
        if target is not None:
            request = _make_request(dataset, spec, target, form, layout, model or DEFAULT_MODEL)
            for name, text in target.write(request).items():
                write_atomic(stage / name, text)
        files = sorted(path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file())
        write_atomic(stage / RECORD, _describe(dataset, stage, to, layout, files, rows))
        if out.exists():
            shutil.rmtree(out)
        stage.rename(out)
    except OSError as error:
        raise explain_os_error(error, out) from error
    except pyarrow.ArrowException as error:
        reason = find_damage(dataset.folder, dataset.manifest, thorough=True) or clean_text(str(error))
        raise WorkbenchError(f"{dataset.reference} is damaged: {reason}.", "Generate it again.") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return Bundle(out, sorted([*files, RECORD]), rows, left_out)


def _find_target(name: str) -> ExportTarget:
    targets = find_targets()
    target = targets.get(name)
    if target is None:
        raise UsageError(f"Nothing to export to is called “{clean_text(name)}”.", suggest(name, targets.names()))
    return target


def _choose_format(target: ExportTarget | None, form: str | None, layout: str | None) -> str:
    if layout in ("messages", "sharegpt") and form == "csv":
        raise UsageError(f"csv cannot hold the nested layout {layout}.", "Use jsonl, parquet or arrow.")
    if target is None:
        return form or ("parquet" if layout is None else "jsonl")
    if form is not None and form not in target.formats:
        raise UsageError(f"The config for {target.name} cannot read {form}.", f"Use {', '.join(target.formats)}.")
    return form or target.formats[0]


def _choose_layout(target: ExportTarget, spec: Spec, layout: str | None) -> str:
    training = need_training(spec, f"An export for {target.name}")
    able = target.list_layouts(training)
    if layout is None:
        return able[0]
    if layout not in able:
        raise UsageError(
            f"{target.name} has no use for the layout {layout} of the task {training.task}.",
            f"Use {', '.join(able)}, or leave --layout out.",
        )
    return layout


def _write_data(
    dataset: Dataset, spec: Spec, stage: Path, target: ExportTarget | None, form: str, layout: str | None
) -> tuple[dict[str, int], int]:
    """(rows by file, rows left out). For a trainer the examples are in `data/`, one file a split."""
    folder, manifest = dataset.folder, dataset.manifest
    if target is None and layout is None:
        return write_tables(folder, manifest, form, stage).rows, 0
    if target is None and layout is not None:
        written = write_layout(folder, manifest, spec, layout, form, stage)
        return written.rows, written.left_out
    rows: dict[str, int] = {}
    left_out = 0
    if target is not None and target.tables:
        tables = write_tables(folder, manifest, form, make_folder(stage / _DATA))
        rows |= {f"{_DATA}/{name}": count for name, count in tables.rows.items()}
    if layout is not None:
        place = _examples_folder(target)
        examples = write_layout(folder, manifest, spec, layout, form, make_folder(stage / place), prefix="")
        rows |= {f"{place}/{name}": count for name, count in examples.rows.items()}
        left_out = examples.left_out
    return rows, left_out


def _examples_folder(target: ExportTarget | None) -> str:
    return "training" if target is not None and target.tables else _DATA


def _make_request(
    dataset: Dataset, spec: Spec, target: ExportTarget, form: str, layout: str | None, model: str
) -> ExportRequest:
    folder, manifest = dataset.folder, dataset.manifest
    tables = {
        table: {
            split: f"{_DATA}/{name_table_file(manifest, table, split, form)}"
            for split in list_parts(folder, manifest, table)
        }
        for table in (manifest.tables if target.tables else ())
    }
    files = {}
    if layout is not None and spec.training is not None:
        table = spec.training.table or next(iter(spec.tables))
        files = {split: f"{_examples_folder(target)}/{split}.{form}" for split in list_parts(folder, manifest, table)}
    return ExportRequest(manifest, model, layout, form, spec.training, files, tables)


def _describe(
    dataset: Dataset, stage: Path, to: str | None, layout: str | None, files: list[str], rows: dict[str, int]
) -> str:
    """`export.json`: what this is a copy of, with the SHA-256 of each file."""
    manifest = dataset.manifest
    record: dict[str, Any] = {
        "dataset": manifest.reference,
        "synthetic": True,
        "fingerprint": manifest.fingerprint,
        "spec_sha256": hashlib.sha256(manifest.spec.encode()).hexdigest(),
        "seed": manifest.seed,
        "quality": describe_gate(dataset.folder),
        "to": to,
        "layout": layout,
        "files": {
            name: {"sha256": hash_file(stage / name), **({"rows": rows[name]} if name in rows else {})}
            for name in files
        },
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _check_place(out: Path) -> None:
    """Raise UsageError unless `out` is free, empty, or an earlier export that nobody has changed."""
    shown = clean_text(str(out))
    another = "Give another folder with --out."
    try:
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return
        if not out.is_dir():
            raise UsageError(f"{shown} is a file.", another)
        if out.is_symlink() or not _is_unchanged_export(out):
            raise UsageError(f"{shown} holds other files than an earlier export.", another)
    except OSError as error:
        raise explain_os_error(error, out) from error


def _is_unchanged_export(folder: Path) -> bool:
    try:
        known = json.loads((folder / RECORD).read_text("utf-8"))["files"]
        present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
        return present <= {*known, RECORD} and all(
            hash_file(folder / name) == known[name]["sha256"] for name in present - {RECORD}
        )
    except (ValueError, LookupError, TypeError, FileNotFoundError):
        return False
