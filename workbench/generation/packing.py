"""A block as it is written: its Parquet file, the files its rows name, and what the manifest counts of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.calls.failures import Failure
from workbench.columns.values import ARROW_TYPES, Nested, Values
from workbench.datasets.marks import make_mark, mark_content
from workbench.generation.blocks import Block, make_block
from workbench.generation.parity import Tally
from workbench.generation.plan import Plan, TablePlan
from workbench.generation.provenance import encode_records, is_recorded
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
    """`content` is the Parquet file of `rows` rows, `files` the others by path; the rest are counts (see `Block`).

    `provenance` is a Parquet file that says for each row what it was made from, where there is something to say.
    """

    job: BlockJob
    rows: int
    content: bytes
    files: Mapping[str, bytes]
    rejected: dict[str, int]
    scenarios: dict[str, int]
    nulls: dict[str, int]
    balance: list[list[int]]
    parity: list[Tally]
    failures: list[Failure]
    redrawn: dict[str, int]
    provenance: bytes | None = None


def list_jobs(table: TablePlan) -> list[BlockJob]:
    """The blocks of a table, in order."""
    size = table.block_rows
    starts = range(0, table.rows, size)
    return [BlockJob(table.name, number, start, min(start + size, table.rows)) for number, start in enumerate(starts)]


def pack_block(plan: Plan, job: BlockJob, metadata: Mapping[str, str], seen: Sequence[SeenRows] = ()) -> PackedBlock:
    """Make and encode a block. Raises WorkbenchError where its rows cannot be made."""
    table = plan.tables[job.table]
    provenance = None
    if is_recorded(table):
        with plan.session.tracing() as trail:
            block = make_block(plan, job.table, job.start, job.stop, files=table.has_files, seen=seen)
        provenance = encode_records(table, block, trail, metadata)
    else:
        block = make_block(plan, job.table, job.start, job.stop, files=table.has_files, seen=seen)
    return PackedBlock(
        job,
        len(block.rows),
        encode_block(table, block, metadata),
        {path: mark_content(content, _make_mark(table, metadata)) for path, content in block.files.items()},
        dict(block.rejected),
        dict(block.scenarios),
        {name: values.count_nulls() for name, values in block.columns.items()},
        block.balance,
        block.parity,
        plan.session.take_failures(),
        dict(block.redrawn),
        provenance,
    )


def encode_block(table: TablePlan, block: Block, metadata: Mapping[str, str]) -> bytes:
    """The Parquet file of a block. Its schema depends on the plan alone, its bytes on the rows and `metadata`."""
    import pyarrow
    import pyarrow.parquet

    fields = [(name, _find_arrow_type(table.columns[name].maker.shape)) for name in block.columns]
    arrays = [_encode(values, kind) for (_, kind), values in zip(fields, block.columns.values(), strict=True)]
    own = {f"workbench.{key}": value for key, value in metadata.items()}
    schema = pyarrow.schema(fields, {**own, **_make_mark(table, metadata)})
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _make_mark(table: TablePlan, metadata: Mapping[str, str]) -> dict[str, str]:
    learned = table.is_costly or table.synthesizer is not None
    return make_mark(metadata.get("fingerprint", ""), learned=learned)


def _find_arrow_type(shape: Nested) -> Any:
    import pyarrow

    if shape == "vector":
        return pyarrow.list_(pyarrow.float32())
    if isinstance(shape, str):
        return pyarrow.type_for_alias(ARROW_TYPES[shape])
    if isinstance(shape, tuple):
        return pyarrow.list_(_find_arrow_type(shape[0]))
    return pyarrow.struct([(name, _find_arrow_type(member)) for name, member in shape.items()])


def _encode(values: Values, kind: Any) -> Any:
    import pyarrow

    return pyarrow.array(values.data, kind, mask=None if values.valid is None else ~values.valid)
