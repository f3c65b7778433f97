"""A block as it is written: its Parquet file, the files its rows name, and what the manifest counts of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.columns.column_type import Maker
from workbench.columns.values import ARROW_TYPES, Values
from workbench.generation.blocks import BLOCK_ROWS, Block, make_block
from workbench.generation.parity import Tally
from workbench.generation.plan import MEDIA_BLOCK_ROWS, Plan, TablePlan
from workbench.generation.uniqueness import SeenRows


@dataclass(frozen=True, slots=True)
class BlockJob:
    """The rows [start, stop) of a table, its block `number`."""

    table: str
    number: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class PackedBlock:
    """`content` is the Parquet file of `rows` rows, `files` the others by path; the rest are counts (see `Block`)."""

    job: BlockJob
    rows: int
    content: bytes
    files: Mapping[str, bytes]
    rejected: dict[str, int]
    scenarios: dict[str, int]
    nulls: dict[str, int]
    balance: list[list[int]]
    parity: list[Tally]


def list_jobs(table: TablePlan) -> list[BlockJob]:
    """The blocks of a table, in order."""
    size = MEDIA_BLOCK_ROWS if table.has_files else BLOCK_ROWS
    starts = range(0, table.rows, size)
    return [BlockJob(table.name, number, start, min(start + size, table.rows)) for number, start in enumerate(starts)]


def pack_block(plan: Plan, job: BlockJob, metadata: Mapping[str, str], seen: Sequence[SeenRows] = ()) -> PackedBlock:
    """Make and encode a block. Raises WorkbenchError where its rows cannot be made."""
    table = plan.tables[job.table]
    block = make_block(plan, job.table, job.start, job.stop, files=table.has_files, seen=seen)
    return PackedBlock(
        job,
        len(block.rows),
        encode_block(table, block, metadata),
        block.files,
        dict(block.rejected),
        dict(block.scenarios),
        {name: values.count_nulls() for name, values in block.columns.items()},
        block.balance,
        block.parity,
    )


def encode_block(table: TablePlan, block: Block, metadata: Mapping[str, str]) -> bytes:
    """The Parquet file of a block. Its schema depends on the plan alone, its bytes on the rows and `metadata`."""
    import pyarrow
    import pyarrow.parquet

    fields = [(name, _find_arrow_type(table.columns[name].maker)) for name in block.columns]
    arrays = [_encode(values, kind) for (_, kind), values in zip(fields, block.columns.values(), strict=True)]
    schema = pyarrow.schema(fields, {f"workbench.{key}": value for key, value in metadata.items()})
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _find_arrow_type(maker: Maker) -> Any:
    import pyarrow

    if maker.members is None:
        return pyarrow.type_for_alias(ARROW_TYPES[maker.kind])
    return pyarrow.struct([(name, pyarrow.type_for_alias(ARROW_TYPES[kind])) for name, kind in maker.members.items()])


def _encode(values: Values, kind: Any) -> Any:
    import pyarrow

    return pyarrow.array(values.data, kind, mask=None if values.valid is None else ~values.valid)
