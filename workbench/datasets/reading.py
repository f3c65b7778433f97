"""A table from a file of the user's: csv, jsonl or parquet, read strictly, with errors that name the line.

Strictly, since a lenient reader turns a broken file into wrong data: a short csv row must not become missing values,
nor a byte of another encoding a question mark.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError
from workbench.files import clean_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MAX_BYTES = 2 * 1024**3
"""Real data is held in memory at once; beyond this a sample serves the measures as well."""

_DELIMITERS = ",;\t|"


def read_table(path: Path) -> pd.DataFrame:
    """The table in `path`, its kind told by the ending. Has at least one row and one column, names all different.

    Raises `UsageError` if the file is missing, unreadable, too large, of another kind, damaged or empty.
    """
    reader = _READERS.get(path.suffix.lower())
    _check_file(path)
    if reader is None:
        raise UsageError(
            f"{path.name} is of a kind that cannot be read.", f"Give a file that ends in {', '.join(_READERS)}."
        )
    try:
        frame = reader(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.", "Check the file.") from error
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{path.name} has two columns called “{clean_text(twice[0])}”.", "Rename one of them.")
    if not names or not len(frame):
        raise UsageError(f"{path.name} has no rows.", "Give a file with a header and at least one row.")
    frame.columns = names
    return frame


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise UsageError(
            f"There is no file {path}.", "Check the path; it is taken relative to the spec's folder."
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{clean_text(str(path))} cannot be read: {reason}.", "Check the path.") from error
    if not path.is_file():
        raise UsageError(f"{path} is not a file.", "Give a csv, jsonl or parquet file.")
    if size == 0:
        raise UsageError(f"{path.name} is empty.", "Give a file with a header and at least one row.")
    if size > MAX_BYTES:
        raise UsageError(
            f"{path.name} has {size / 1024**3:.1f} GiB; {MAX_BYTES // 1024**3} GiB is the limit for real data.",
            "Give a sample of its rows.",
        )


def _read_csv(path: Path) -> pd.DataFrame:
    """Comma, semicolon, tab or bar separated, with a header. An empty field is missing; “NA” is, among numbers only."""
    from pyarrow import ArrowInvalid, csv, types

    _check_encoding(path)
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline()
    delimiter = max(_DELIMITERS, key=header.count)
    try:
        table = csv.read_csv(
            path,
            parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=csv.ConvertOptions(strings_can_be_null=False),
        )
    except ArrowInvalid as error:
        raise UsageError(
            f"{path.name} is not a proper csv file: {_first_line(error)}.",
            "Give every row as many fields as the header, and quote fields that hold the separator or a line end.",
        ) from error
    frame = _to_pandas(table)
    for field in table.schema:
        if types.is_string(field.type):
            frame[field.name] = frame[field.name].where(frame[field.name] != "", None)
    return frame


def _read_json_lines(path: Path) -> pd.DataFrame:
    """One object a line. A list or mapping inside is kept as its JSON text."""
    import pyarrow as pa

    rows: list[dict[str, Any]] = []
    _check_encoding(path)
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UsageError(
                    f"Line {number} of {path.name} is not JSON: {_first_line(error)}.", "Write one JSON object a line."
                ) from error
            if not isinstance(row, dict):
                raise UsageError(f"Line {number} of {path.name} is no JSON object.", "Write one JSON object a line.")
            rows.append({name: _flatten(value) for name, value in row.items()})
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            kinds = sorted({type(value).__name__ for value in values if value is not None})
            raise UsageError(
                f"“{clean_text(name)}” of {path.name} mixes {' and '.join(kinds)}.", "Give a column one type."
            ) from error
    return _to_pandas(pa.table(columns))


def _read_parquet(path: Path) -> pd.DataFrame:
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(path, partitioning=None)
    except (ArrowException, OSError) as error:
        raise UsageError(
            f"{path.name} is not a readable parquet file: {_first_line(error)}.", "Write the file again."
        ) from error
    return _to_pandas(table)


def _check_encoding(path: Path) -> None:
    """Name the line of the first byte that is not UTF-8, which the readers below would not."""
    line = 0
    with path.open("rb") as file:
        for line, content in enumerate(file, 1):
            try:
                content.decode("utf-8")
            except UnicodeDecodeError as error:
                raise UsageError(
                    f"{path.name} is not UTF-8: byte {error.start + 1} of line {line}.",
                    "Save it as UTF-8, for instance with: iconv -f latin1 -t utf-8",
                ) from error


def _flatten(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict | list) else value


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return clean_text(lines[0])[:200].rstrip(".") if lines else type(error).__name__


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(table.to_pandas())


_READERS = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".parquet": _read_parquet,
}
