"""File formats that a dataset is written in: parquet, jsonl, csv and arrow, batch by batch, whatever the rows.

Values are written as they are. In csv a list or a struct is its JSON text, a missing value an empty field and an empty
text a quoted one; a text that begins with “=”, “+”, “-” or “@” is not changed, so a spreadsheet may take it for a
formula.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


class Writer(Protocol):
    """Takes batches of one schema."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write some rows."""


def open_writer(path: Path, form: str, schema: pa.Schema) -> AbstractContextManager[Writer]:
    """A writer of the format `form` at `path`, closed at the end of the `with` block; without rows it is a valid file.

    Raises OSError where the file cannot be written.
    """
    return _WRITERS[form](path, schema)


def list_formats() -> list[str]:
    """The names of the formats, which also are the files' endings."""
    return list(_WRITERS)


def _open_parquet(path: Path, schema: pa.Schema) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(path, schema, compression="zstd")


def _open_arrow(path: Path, schema: pa.Schema) -> Any:
    import pyarrow as pa

    return pa.ipc.new_file(path, schema)


class _JsonLines:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n", errors="surrogatepass")

    def __enter__(self) -> _JsonLines:
        return self

    def __exit__(self, *reason: object) -> None:
        self._file.close()

    def write_batch(self, batch: pa.RecordBatch) -> None:
        self._file.writelines(to_json(row) + "\n" for row in batch.to_pylist())


class _Csv:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow as pa
        import pyarrow.csv

        self._schema = pa.schema([(field.name, _csv_type(field.type)) for field in schema])
        self._writer = pyarrow.csv.CSVWriter(path, self._schema)

    def __enter__(self) -> _Csv:
        return self

    def __exit__(self, *reason: object) -> None:
        self._writer.close()

    def write_batch(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa

        columns = [
            column if column.type == field.type else _as_json(column)
            for column, field in zip(batch.columns, self._schema, strict=True)
        ]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))


def to_json(value: Any) -> str:
    """JSON on one line. Times are ISO 8601; what JSON has no number for (NaN, infinity) is null."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_to_plain)
    except ValueError:
        return json.dumps(_without_nan(value), ensure_ascii=False, default=_to_plain)


def _to_plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _csv_type(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return pa.string() if pa.types.is_nested(kind) else kind


def _as_json(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    return pa.array([None if value is None else to_json(value) for value in column.to_pylist()], pa.string())


_WRITERS: dict[str, Callable[[Path, Any], AbstractContextManager[Writer]]] = {
    "parquet": _open_parquet,
    "jsonl": _JsonLines,
    "csv": _Csv,
    "arrow": _open_arrow,
}
