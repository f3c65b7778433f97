"""What a dataset gets once its rows are there: splits, exports, `croissant.json` and the card, all made from the rows.

They can be made again at any time, to the same bytes, and are when the spec changes in a part that no row depends on.
New ones are written beside and put in place by a rename, so that a full disk leaves the old ones.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from workbench.datasets.card import write_card
from workbench.datasets.croissant import describe_dataset
from workbench.datasets.embedding import LOADABLE, list_media_tables
from workbench.datasets.exporting import write_layout, write_tables
from workbench.datasets.formats import Writer, open_writer
from workbench.datasets.layouts import find_layout_problem
from workbench.datasets.manifest import (
    CARD,
    CROISSANT,
    EXPORTS,
    MANIFEST,
    MEDIA,
    SPLITS,
    ExtraRecord,
    Manifest,
    hash_file,
)
from workbench.datasets.splitting import Sides, iterate_batches, split_tables
from workbench.errors import WorkbenchError
from workbench.files import clean_text, explain_os_error, make_folder, write_atomic
from workbench.spec.model import ExportConfig, Spec
from workbench.spec.problems import Problem, suggest

_STAGE = ".finishing"
_FILE_ROWS = 1_000_000
"""Rows of a split's file, at least: it ends with the batch in which it reaches them."""


def finish_dataset(folder: Path, manifest: Manifest, spec: Spec) -> Manifest:
    """Write splits, exports, `croissant.json` and the card of the rows in `folder`; those of an earlier spec go.

    Returns the manifest with `splits` and `extras`, which the caller writes. Raises WorkbenchError where a file cannot
    be read or written, UsageError where the spec asks for what it cannot give (see `find_problems`).
    """
    import pyarrow

    stage = folder / _STAGE
    try:
        _remove(stage)
        manifest = manifest.model_copy(update={"splits": _write_splits(folder, manifest, spec, stage)})
        _replace(stage / SPLITS, folder / SPLITS)
        old = {Path(record.path).parts[1] for record in manifest.extras if record.path.startswith(f"{EXPORTS}/")}
        new = _list_exports(manifest, spec)
        for name, (export, tables) in new.items():
            _write_export(folder, manifest, spec, export, make_folder(stage / EXPORTS / name), tables)
        for name in sorted(old | new.keys()):
            _replace(stage / EXPORTS / name, folder / EXPORTS / name)
        if (folder / EXPORTS).is_dir() and not any((folder / EXPORTS).iterdir()):
            (folder / EXPORTS).rmdir()
        splits = _record_files(folder, [folder / SPLITS])
        exports = _record_files(folder, [folder / EXPORTS / name for name in sorted(new)] + [folder / MEDIA])
        return _describe(folder, manifest, splits, exports)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    except pyarrow.ArrowException as error:
        raise WorkbenchError(
            f"The rows in {folder} cannot be read: {clean_text(str(error))}.", "Generate the dataset again."
        ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def describe_again(folder: Path, manifest: Manifest) -> Manifest:
    """Write `croissant.json`, the card and last the manifest again, after something was added to the latter.

    Returns the manifest as it was written. Raises WorkbenchError where a file cannot be written.
    """
    splits = [record for record in manifest.extras if record.path.startswith(f"{SPLITS}/")]
    others = [record for record in manifest.extras if record not in splits and record.path != CROISSANT]
    try:
        manifest = _describe(folder, manifest, splits, others)
        write_atomic(folder / MANIFEST, manifest.as_text())
    except OSError as error:
        raise explain_os_error(error, folder) from error
    return manifest


def find_problems(spec: Spec) -> Iterator[Problem]:
    """What `splits` and `exports` ask for and the rest of the spec cannot give."""
    seen: set[str] = set()
    for position, export in enumerate(spec.exports):
        place: tuple[str | int, ...] = ("exports", position)
        if name_export(export) in seen:
            yield Problem("This export is asked for twice.", "Remove one of the two.", place)
        seen.add(name_export(export))
        if export.layout is None:
            continue
        if spec.training is None:
            yield Problem(
                f"The layout {export.layout} needs to know how a row becomes a training example.",
                "Add “training:”, or leave “layout” out.",
                (*place, "layout"),
            )
            continue
        problem = find_layout_problem(spec.training, export.layout)
        if problem is not None:
            yield Problem(problem, "", (*place, "layout"))
    if spec.splits is not None and spec.splits.stratify_by is not None:
        yield from _check_stratum(spec, spec.splits.stratify_by)


def _describe(folder: Path, manifest: Manifest, splits: list[ExtraRecord], others: list[ExtraRecord]) -> Manifest:
    """Write `croissant.json` and the card; returns the manifest with all files beside the data in `extras`."""
    content = json.dumps(describe_dataset(manifest, splits), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomic(folder / CROISSANT, content + "\n")
    write_atomic(folder / CARD, write_card(manifest))
    return manifest.model_copy(update={"extras": splits + others + _record_files(folder, [folder / CROISSANT])})


def name_export(export: ExportConfig) -> str:
    """The folder of an export in `exports/`."""
    return f"{export.layout or 'tables'}-{export.format}"


def _check_stratum(spec: Spec, name: str) -> Iterator[Problem]:
    place = ("splits", "stratify_by")
    columns = {column.name: column for table in spec.tables.values() for column in table.columns if not column.drop}
    keys = {table.primary_key for table in spec.tables.values()}
    if name not in columns:
        yield Problem(f"No table of the dataset has a column “{name}”.", suggest(name, columns), place)
    elif name in keys:
        yield Problem(f"“{name}” differs in every row, so no share of it can be kept.", "Choose a category.", place)


def _write_splits(folder: Path, manifest: Manifest, spec: Spec, stage: Path) -> dict[str, dict[str, int]]:
    if spec.splits is None:
        return {}
    names = list(spec.splits.shares)
    for name in names:
        make_folder(stage / SPLITS / name)
    counts = {}
    for table, sides in split_tables(folder, manifest, spec).items():
        files = [folder / record.path for record in manifest.files if record.table == table]
        _write_split_files(files, sides, [stage / SPLITS / name for name in names], table)
        found = np.bincount(sides, minlength=len(names)).tolist()
        counts[table] = dict(zip(names, found, strict=True))
    return {table: counts[table] for table in manifest.tables}


def _write_split_files(files: list[Path], sides: Sides, folders: list[Path], table: str) -> None:
    """The rows of each side, in their order, into files of its folder. Each folder gets one file at least."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(files[0])
    with ExitStack() as stack:
        shards = [stack.enter_context(_Shards(folder, table, schema)) for folder in folders]
        start = 0
        for batch in iterate_batches(files, None):
            own = sides[start : start + batch.num_rows]
            start += batch.num_rows
            for position, shard in enumerate(shards):
                rows = np.flatnonzero(own == position)
                if len(rows):
                    shard.write_batch(batch.take(pa.array(rows)))


class _Shards:
    """Parquet files `<table>-00000.parquet`, … of one split."""

    def __init__(self, folder: Path, table: str, schema: Any) -> None:
        self._folder, self._table, self._schema = folder, table, schema
        self._number, self._rows = 0, 0
        self._stack = ExitStack()
        self._writer = self._open()

    def __enter__(self) -> _Shards:
        return self

    def __exit__(self, *reason: object) -> None:
        self._stack.close()

    def write_batch(self, batch: Any) -> None:
        if self._rows >= _FILE_ROWS:
            self._stack.close()
            self._number, self._rows = self._number + 1, 0
            self._writer = self._open()
        self._writer.write_batch(batch)
        self._rows += batch.num_rows

    def _open(self) -> Writer:
        path = self._folder / f"{self._table}-{self._number:05d}.parquet"
        return self._stack.enter_context(open_writer(path, "parquet", self._schema))


def _list_exports(manifest: Manifest, spec: Spec) -> dict[str, tuple[ExportConfig, Collection[str]]]:
    """The exports by name, each with the tables that it is of: those of the spec, and the one that the card needs."""
    exports: dict[str, tuple[ExportConfig, Collection[str]]] = {
        name_export(export): (export, manifest.tables) for export in spec.exports
    }
    with_media = list_media_tables(manifest)
    if with_media:
        exports.setdefault(LOADABLE, (ExportConfig(format="parquet"), with_media))
    return exports


def _write_export(
    folder: Path, manifest: Manifest, spec: Spec, export: ExportConfig, target: Path, tables: Collection[str]
) -> None:
    if export.layout is None:
        write_tables(folder, manifest, export.format, target, tables)
    else:
        write_layout(folder, manifest, spec, export.layout, export.format, target)


def _record_files(folder: Path, places: list[Path]) -> list[ExtraRecord]:
    records = []
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and not path.name.startswith("."):
                name = path.relative_to(folder).as_posix()
                records.append(ExtraRecord(path=name, bytes=path.stat().st_size, sha256=hash_file(path)))
    return records


def _replace(source: Path, target: Path) -> None:
    """Put `source` in the place of `target`, or nothing where there is no source."""
    _remove(target)
    if source.exists():
        target.parent.mkdir(mode=0o700, exist_ok=True)
        source.rename(target)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
