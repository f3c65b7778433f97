"""Tables whose pictures and sound are inside the file, as `datasets` reads them: features Image and Audio.

In `data/` and `splits/` a picture is a path relative to the dataset's folder, so that rows stay small and the folder
can be moved. `datasets` opens such a path from the folder its reader happens to be in, and takes a column for pictures
only where it is a struct of exactly `bytes` and `path`, and the schema's metadata says so under `huggingface`. Files
for others therefore hold the content of the media beside its path.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from workbench.datasets.manifest import MEDIA, Manifest, TableRecord
from workbench.errors import WorkbenchError
from workbench.files import clean_text

if TYPE_CHECKING:
    import pyarrow as pa

EMBEDDING_FORMATS = ("parquet", "arrow")
"""Formats that can hold the content of media, and say of a column that it is one of pictures or sound."""
LOADABLE = "tables-parquet"
"""The export that has the tables with media in this form. It is made whether the spec asks for it or not, and the card
points to it, so that `load_dataset` gives pictures and sound from wherever it is called."""
_FEATURES = {"image": "Image", "audio": "Audio"}
_METADATA = b"huggingface"
_BATCH_BYTES = 64 * 1024**2
"""Content of media in one batch, hence in memory and in a row group, unless a single file is larger."""


def find_media(table: TableRecord) -> dict[str, str]:
    """The feature of `datasets` of each column whose values are paths of media, by the type that made it."""
    return {
        column.name: _FEATURES[column.recipe["type"]]
        for column in table.columns
        if column.recipe.get("type") in _FEATURES and column.type == "string"
    }


def list_media_tables(manifest: Manifest) -> list[str]:
    """Names of the tables that have such columns."""
    return [name for name, table in manifest.tables.items() if find_media(table)]


def embed_schema(schema: pa.Schema, media: Mapping[str, str]) -> pa.Schema:
    """The schema with the columns of `media` as structs of `bytes` and `path`, and the features in its metadata."""
    import pyarrow as pa

    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    fields = [pa.field(field.name, kind) if field.name in media else field for field in schema]
    features = {name: {"_type": feature} for name, feature in media.items()}
    metadata = dict(schema.metadata or {})
    metadata[_METADATA] = json.dumps({"info": {"features": features}}).encode()
    return pa.schema(fields, metadata)


def embed_batch(
    batch: pa.RecordBatch, schema: pa.Schema, media: Mapping[str, str], folder: Path
) -> Iterator[pa.RecordBatch]:
    """The rows of a batch in the form of `embed_schema`, in pieces of bounded size. `folder` is the dataset's.

    A value that is no path within `media/` stays a path without content. Raises WorkbenchError where a file that a row
    names is missing.
    """
    import pyarrow as pa

    paths = {name: batch.column(name).to_pylist() for name in media}
    for start, stop in _cut(paths, folder, batch.num_rows):
        columns = []
        for field, column in zip(schema, batch.columns, strict=True):
            if field.name not in media:
                columns.append(column.slice(start, stop - start))
                continue
            values = [
                None if path is None else {"bytes": _read(folder, path), "path": path}
                for path in paths[field.name][start:stop]
            ]
            columns.append(pa.array(values, field.type))
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _cut(paths: Mapping[str, Sequence[str | None]], folder: Path, rows: int) -> Iterator[tuple[int, int]]:
    """Where pieces begin and end, so that the media of each have some 64 MiB at most."""
    start, size = 0, 0
    for row in range(rows):
        found = [_find(folder, column[row]) for column in paths.values()]
        own = sum(path.stat().st_size for path in found if path is not None)
        if row > start and size + own > _BATCH_BYTES:
            yield start, row
            start, size = row, 0
        size += own
    if rows > start:
        yield start, rows


def _read(folder: Path, path: str) -> bytes | None:
    found = _find(folder, path)
    return None if found is None else found.read_bytes()


def _find(folder: Path, path: str | None) -> Path | None:
    """The file of a value, None where it names none within `media/`: rows may come from elsewhere."""
    parts = () if path is None else PurePosixPath(path).parts
    if not parts or parts[0] != MEDIA or ".." in parts or "\0" in parts[-1]:
        return None
    found = folder.joinpath(*parts)
    if not found.is_file():
        raise WorkbenchError(
            f"{clean_text(str(found))} is missing, which a row of the dataset names.", "Generate the dataset again."
        )
    return found if found.resolve().is_relative_to((folder / MEDIA).resolve()) else None
