"""Datasets in the workspace: `datasets/<name>/<version>/`, found by name, by name@version or by folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.datasets.manifest import MANIFEST, Manifest, find_damage, read_manifest
from workbench.errors import UsageError, WorkbenchError
from workbench.files import clean_text
from workbench.spec.problems import suggest
from workbench.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

_REFERENCE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_-]{0,62})(@(?P<version>[0-9a-f]{1,64}))?")


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset on disk. `folder` is absolute."""

    folder: Path
    manifest: Manifest

    @property
    def reference(self) -> str:
        """`name@version`."""
        return self.manifest.reference

    @property
    def spec_text(self) -> str:
        """The spec as its author wrote it."""
        return self.manifest.spec

    @property
    def spec_folder(self) -> Path:
        """The folder that paths in the spec are relative to; it may be of another machine."""
        return Path(self.manifest.spec_folder)

    @property
    def tables(self) -> list[str]:
        """Names of the tables, in the order of the spec."""
        return list(self.manifest.tables)

    def files(self, table: str) -> list[Path]:
        """The Parquet files of a table, in row order. Raises UsageError for a table that does not exist."""
        if table not in self.manifest.tables:
            raise UsageError(
                f"{self.reference} has no table “{clean_text(table)}”.", suggest(table, self.manifest.tables)
            )
        return [self.folder / record.path for record in self.manifest.files if record.table == table]

    def schema(self, table: str) -> dict[str, str]:
        """Arrow type of each column of a table, as its name, such as `int64` or `timestamp[us]`."""
        self.files(table)
        return {column.name: column.type for column in self.manifest.tables[table].columns}

    def read(self, table: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A table, or some columns of it, in memory. Whole numbers and booleans stay so where some are null.

        Raises UsageError for an unknown table or column, WorkbenchError if a file is damaged.
        """
        schema = self.schema(table)
        for name in columns or ():
            if name not in schema:
                raise UsageError(f"The table “{table}” has no column “{clean_text(name)}”.", suggest(name, schema))
        return self._read_files(self.files(table), None if columns is None else list(columns))

    def read_first(self, table: str, rows: int) -> pd.DataFrame:
        """The first `rows` rows of a table; only the files that hold them are read. Raises as `read` does."""
        files, found = self.files(table), 0
        counts = [record.rows for record in self.manifest.files if record.table == table]
        for position, count in enumerate(counts):
            found += count
            if found >= rows:
                files = files[: position + 1]
                break
        return self._read_files(files, None).head(rows)

    def _read_files(self, files: list[Path], columns: list[str] | None) -> pd.DataFrame:
        import pyarrow
        import pyarrow.parquet

        try:
            parts = [pyarrow.parquet.read_table(path, columns=columns, partitioning=None) for path in files]
        except (OSError, pyarrow.ArrowException) as error:
            reason = find_damage(self.folder, self.manifest, thorough=True) or clean_text(str(error))
            raise WorkbenchError(f"{self.reference} is damaged: {reason}.", "Generate it again.") from error
        return to_frame(pyarrow.concat_tables(parts))


def open_dataset(reference: str | Path, workspace: Workspace) -> Dataset:
    """The dataset meant by a folder, a name (its newest version) or name@version (a unique beginning is enough).

    Raises UsageError, with the nearest name, if there is none, and WorkbenchError if its manifest is damaged.
    """
    text = str(reference)
    shown = clean_text(text[:200])
    match = _REFERENCE.fullmatch(text)
    if isinstance(reference, str) and match:
        versions = _find_versions(workspace.datasets / match["name"])
        if match["version"]:
            versions = [folder for folder in versions if folder.name.startswith(match["version"])]
        if len(versions) > 1 and match["version"]:
            raise UsageError(f"“{text}” is the beginning of several versions.", "Give more digits of it.")
        if versions:
            return max((_open(folder) for folder in versions), key=lambda dataset: dataset.manifest.created)
    try:
        folder = Path(text).expanduser().absolute()
        if (folder / MANIFEST).is_file():
            return _open(folder)
        exists = folder.is_dir()
    except (OSError, ValueError, RuntimeError):
        exists = False
    if exists and not match:
        raise UsageError(f"{shown} holds no dataset.", f"A dataset is a folder with a {MANIFEST}.")
    known = _list_references(workspace, match["name"] if match else None)
    hint = suggest(text, known) or "`workbench generate SPEC` makes one."
    raise UsageError(f"There is no dataset “{shown}” in {workspace.datasets}.", hint)


def list_datasets(workspace: Workspace) -> list[Dataset]:
    """All datasets of the workspace, newest first; folders without a readable manifest are passed over."""
    found = []
    for folder in sorted(workspace.datasets.glob("*")):
        for version in _find_versions(folder):
            try:
                found.append(_open(version))
            except WorkbenchError:
                continue
    return sorted(found, key=lambda dataset: dataset.manifest.created, reverse=True)


def to_frame(table: Any) -> pd.DataFrame:
    """A pandas frame of a pyarrow table, structs as dicts.

    Columns with nulls get pandas' nullable types, else whole numbers would turn into fractions.
    """
    import pandas as pd

    frame: pd.DataFrame = table.to_pandas()
    nullable = {"int64": pd.Int64Dtype(), "bool": pd.BooleanDtype()}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count and str(column.type) in nullable:
            frame[name] = column.to_pandas(types_mapper={column.type: nullable[str(column.type)]}.get)
    return frame


def _open(folder: Path) -> Dataset:
    return Dataset(folder.absolute(), read_manifest(folder))


def _find_versions(folder: Path) -> list[Path]:
    """Whole datasets under the folder of a name: what is still being built has a name with a leading dot."""
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}") if not path.parent.name.startswith("."))


def _list_references(workspace: Workspace, name: str | None) -> list[str]:
    """The versions of `name` if it has any, else the names of all datasets."""
    versions = _find_versions(workspace.datasets / name) if name else []
    if versions:
        return [f"{name}@{folder.name}" for folder in versions]
    return sorted({path.parent.parent.name for path in workspace.datasets.glob(f"*/[!.]*/{MANIFEST}")})
