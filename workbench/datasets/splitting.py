"""Which split each row of each table belongs to, so that no split knows what another one is measured on.

Rows of a table that follows another one (`table_links.find_followed`) go where their parent goes, up to the table at
the top; only its rows are drawn. There, rows of equal content stay together, where the content is all but the primary
key and columns of the types id and uuid. Rows that have children are told apart by these: few attributes, such as
a country, say what kind of parent it is and not which one, so only contents that few parents share are kept together.

Shares are exact by class of `stratify_by` as long as rows that stay together allow it. Where a child table has that
column, a parent is in the class of the rarest value among its children, or in a class of those without children.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.manifest import Manifest
from workbench.datasets.quotas import assign
from workbench.datasets.row_hashes import Hashes, hash_rows, hash_values, mix
from workbench.datasets.table_links import Link, find_followed
from workbench.spec.model import Spec

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536
MAX_CLASSES = 1000
"""Different values that are strata of their own. Numbers with more are cut into ten parts of equal size."""

Sides = NDArray[np.int8]
_SERIAL_TYPES = ("id", "uuid")
_COMMON_CONTENT = 0.01
"""A content that more than this share of parents has says what kind they are, not which one."""


def split_tables(folder: Path, manifest: Manifest, spec: Spec) -> dict[str, Sides]:
    """For each table the split of each row, as position in `spec.splits.shares`; the same for the same seed and rows.

    Raises OSError or pyarrow's errors where a data file cannot be read.
    """
    assert spec.splits is not None
    reader = _Reader(folder, manifest)
    shares = list(spec.splits.shares.values())
    followed = find_followed(spec)
    keys = {link.table: reader.read_keys(link.table, spec) for link in followed.values()}
    classes = _find_classes(reader, spec, followed, keys)
    sides: dict[str, Sides] = {}
    for name in _parents_first(list(manifest.tables), followed):
        link = followed.get(name)
        if link is None:
            sides[name] = _draw(reader, spec, name, classes.get(name), shares, has_children=name in keys)
        else:
            sides[name] = _follow(reader, spec, name, link.column, keys[link.table], sides[link.table], shares)
    return sides


@dataclass(frozen=True, slots=True)
class _Keys:
    """The rows of a table by the hash of their primary key: `hashes` sorted, `rows` beside them."""

    hashes: Hashes
    rows: NDArray[np.uint32] | NDArray[np.int64]

    def find(self, hashes: Hashes) -> NDArray[np.int64]:
        """The row of each key, -1 for one that no row has."""
        if not len(self.hashes):
            return np.full(len(hashes), -1, np.int64)
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[places] == hashes, self.rows[places].astype(np.int64), -1)


class _Reader:
    """Columns of the data files in batches, in row order."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest

    def count(self, table: str) -> int:
        return sum(record.rows for record in self.manifest.files if record.table == table)

    def read_batches(self, table: str, columns: list[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The number of the first row, and a batch."""
        files = [self.folder / record.path for record in self.manifest.files if record.table == table]
        start = 0
        for batch in iterate_batches(files, columns):
            yield start, batch
            start += batch.num_rows

    def fill(self, table: str, columns: list[str], compute: Callable[[pa.RecordBatch, int], Any], kind: Any) -> Any:
        """An array over all rows of a table: what `compute` gives for each batch and its first row."""
        filled = np.empty(self.count(table), kind)
        for start, batch in self.read_batches(table, columns):
            filled[start : start + batch.num_rows] = compute(batch, start)
        return filled

    def read_keys(self, table: str, spec: Spec) -> _Keys:
        key = spec.tables[table].primary_key
        if key is None:
            return _Keys(np.zeros(0, np.uint64), np.zeros(0, np.int64))
        hashes: Hashes = self.fill(table, [key], lambda batch, _: hash_values(batch.column(0)), np.uint64)
        order = np.argsort(hashes, kind="stable")
        rows = order.astype(np.uint32) if len(order) < 2**32 else order
        return _Keys(hashes[order], rows)


def iterate_batches(files: Sequence[Path], columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    """The rows of Parquet files in order, some ten thousand at a time."""
    import pyarrow.parquet as pq

    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                yield batch if columns is None else batch.select(columns)


def _parents_first(tables: list[str], followed: dict[str, Link]) -> list[str]:
    depths = {}
    for name in tables:
        above, depth = name, 0
        while above in followed:
            above, depth = followed[above].table, depth + 1
        depths[name] = depth
    return sorted(tables, key=lambda name: depths[name])


def _draw(
    reader: _Reader, spec: Spec, table: str, classes: NDArray[np.int32] | None, shares: list[float], has_children: bool
) -> Sides:
    """The splits of the rows of a table that follows no other."""
    columns = _content_columns(reader, spec, table)
    seed = _hash_seed(spec.seed)
    rows = reader.count(table)
    if columns:
        hashes = reader.fill(table, columns, lambda batch, _: mix(hash_rows(batch, columns) ^ seed), np.uint64)
    else:
        hashes = mix(np.arange(rows, dtype=np.uint64) ^ seed)
    if classes is None:
        classes = np.zeros(rows, np.int32)
    return assign(hashes, classes, shares, max(2, int(rows * _COMMON_CONTENT)) if has_children else None)


def _follow(
    reader: _Reader, spec: Spec, table: str, column: str, keys: _Keys, above: Sides, shares: list[float]
) -> Sides:
    """The splits of rows that go where their parent goes; one without a parent is drawn alone by its content."""
    columns = _content_columns(reader, spec, table)
    limits = np.cumsum(shares)[:-1] / sum(shares)
    seed = _hash_seed(spec.seed)

    def find(batch: pa.RecordBatch, start: int) -> Sides:
        rows = keys.find(hash_values(batch.column(column)))
        sides = above[rows].astype(np.int8) if len(above) else np.zeros(len(rows), np.int8)
        lost = np.flatnonzero(rows < 0)
        if len(lost):
            draws = mix(hash_rows(batch, columns) ^ seed)[lost].astype(np.float64) / 2.0**64
            sides[lost] = np.searchsorted(limits, draws, side="right")
        return sides

    found: Sides = reader.fill(table, list(dict.fromkeys([column, *columns])), find, np.int8)
    return found


def _content_columns(reader: _Reader, spec: Spec, table: str) -> list[str]:
    serial = {column.name for column in spec.tables[table].columns if column.type in _SERIAL_TYPES}
    serial.add(spec.tables[table].primary_key or "")
    return [column.name for column in reader.manifest.tables[table].columns if column.name not in serial]


def _hash_seed(seed: int) -> np.uint64:
    return np.uint64(mix(np.array([seed], np.uint64))[0])


def _find_classes(
    reader: _Reader, spec: Spec, followed: dict[str, Link], keys: dict[str, _Keys]
) -> dict[str, NDArray[np.int32]]:
    """Classes of the rows of tables at the top. 0 is the rarest, and what is rarest among children is the parent's."""
    assert spec.splits is not None
    column = spec.splits.stratify_by
    found: dict[str, NDArray[np.int32]] = {}
    for name, table in reader.manifest.tables.items():
        if column is None or column not in {each.name for each in table.columns}:
            continue
        classes = _classify(reader, name, column)
        while name in followed:
            link = followed[name]
            above = np.full(reader.count(link.table), np.iinfo(np.int32).max, np.int32)
            for start, batch in reader.read_batches(name, [link.column]):
                rows = keys[link.table].find(hash_values(batch.column(0)))
                known = rows >= 0
                np.minimum.at(above, rows[known], classes[start : start + len(rows)][known])
            name, classes = link.table, _number(above)
        known_classes = found.get(name)
        found[name] = classes if known_classes is None else np.minimum(classes, known_classes)
    return found


def _classify(reader: _Reader, table: str, column: str) -> NDArray[np.int32]:
    """The class of each row by its value, the rarest value first."""
    import pyarrow as pa

    counts: dict[int, int] = {}
    kind = None
    for _, batch in reader.read_batches(table, [column]):
        kind = batch.column(0).type
        values, many = np.unique(hash_values(batch.column(0)), return_counts=True)
        for value, count in zip(values.tolist(), many.tolist(), strict=True):
            counts[value] = counts.get(value, 0) + count
        if len(counts) > MAX_CLASSES:
            break
    if len(counts) <= MAX_CLASSES:
        ranks = {value: rank for rank, value in enumerate(sorted(counts, key=lambda value: (counts[value], value)))}
        known = np.array(sorted(ranks), np.uint64)
        codes = np.array([ranks[int(value)] for value in known], np.int32)
        found: NDArray[np.int32] = reader.fill(
            table, [column], lambda batch, _: codes[np.searchsorted(known, hash_values(batch.column(0)))], np.int32
        )
        return found
    if kind is not None and (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_temporal(kind)):
        return _cut_into_tenths(reader, table, column)
    return np.zeros(reader.count(table), np.int32)


def _cut_into_tenths(reader: _Reader, table: str, column: str) -> NDArray[np.int32]:
    import pyarrow as pa

    def read(batch: pa.RecordBatch, start: int) -> Any:
        array = batch.column(0)
        array = array.cast(pa.int64()) if pa.types.is_temporal(array.type) else array
        return array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)

    values = reader.fill(table, [column], read, np.float64)
    limits = np.nanquantile(values, np.arange(1, 10) / 10)
    places: NDArray[np.intp] = np.searchsorted(limits, values)
    return places.astype(np.int32)


def _number(classes: NDArray[np.int32]) -> NDArray[np.int32]:
    """The classes as 0, 1, 2, … in the same order."""
    numbers: NDArray[np.intp] = np.unique(classes, return_inverse=True)[1]
    return numbers.astype(np.int32)
