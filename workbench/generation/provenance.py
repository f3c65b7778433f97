"""What each row of a block was made from: a Parquet file beside its data, whose row i is about row i of the other.

Columns: `number`, the row's number in the plan, where rows can be left out, which make it differ from the position in
the dataset; `requested`, what its scenario and quotas ask of the row, as JSON ({"scenario", "set", "balance"}); and for
each column that uses them `source_row:COLUMN@SOURCE` and `example_rows:COLUMN@SOURCE`, numbers of real rows, and
`prompt:COLUMN`, `attempt:COLUMN` and `model:COLUMN` (see `Trail`). What is the same for all rows, such as a model's
revision and licence, stands in the manifest. Tables that are made by samplers alone have no such file: seed, spec,
table and row number say everything of their rows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.calls.failures import Place
from workbench.calls.trail import SeedRows, Trail, Written
from workbench.columns.generated import GeneratedConfig
from workbench.columns.source import SourceColumnConfig
from workbench.columns.values import Values
from workbench.datasets.marks import make_mark
from workbench.generation.blocks import Block
from workbench.generation.plan import PlannedColumn, TablePlan
from workbench.generation.scenarios import Branch

_TOLD = (GeneratedConfig, SourceColumnConfig)
"""Columns of which something is said row by row."""

_MOST_COMBINATIONS = 65_536
"""Combinations of scenarios and cells that a table of all of them is made for; of more, only those that occur."""


def is_recorded(table: TablePlan) -> bool:
    """Whether something is to be said of the rows of a table one by one."""
    used = any(isinstance(column.config, _TOLD) for column in table.columns.values())
    return used or table.rejects or bool(table.scenarios or table.balance)


def encode_records(table: TablePlan, block: Block, trail: Trail, metadata: Mapping[str, str]) -> bytes:
    """The Parquet file of a block's records. Its schema depends on the plan alone, its bytes on what it says."""
    import pyarrow
    import pyarrow.parquet

    fields: dict[str, Any] = {"number": pyarrow.array(block.rows)} if table.rejects else {}
    if table.scenarios or table.balance:
        fields["requested"] = _spread(*_find_requested(table, block))
    for name, column in table.columns.items():
        if isinstance(column.config, _TOLD):
            fields |= _describe_column(Place(table.name, name), column, block, trail)
    mark = make_mark(metadata.get("fingerprint", ""), learned=table.is_costly or table.synthesizer is not None)
    own = {f"workbench.{key}": value for key, value in metadata.items()}
    content = pyarrow.table(fields).replace_schema_metadata({**own, **mark})
    sink = pyarrow.BufferOutputStream()
    dense = {"number": "DELTA_BINARY_PACKED"}
    texts = [name for name in fields if name != "number" and not name.startswith("prompt:")]
    pyarrow.parquet.write_table(
        content, sink, compression="zstd", use_dictionary=texts, column_encoding=dense, write_statistics=False
    )
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def _describe_column(place: Place, column: PlannedColumn, block: Block, trail: Trail) -> Iterator[tuple[str, Any]]:
    """What is said of one column, by the name of the field; nothing of rows in which a scenario sets it."""
    import pyarrow

    config, name = column.config, place.column
    without = np.isin(block.chosen, list(column.branches))
    values = block.columns.get(name)
    if isinstance(config, SourceColumnConfig):
        numbers, known = _gather(block.rows, trail.seeds.get(place, ()))
        yield f"source_row:{name}@{config.source}", pyarrow.array(numbers[:, 0], mask=~known | without)
    if isinstance(config, GeneratedConfig):
        source = _find_shown(config)
        if source is not None:
            numbers, known = _gather(block.rows, trail.seeds.get(place, ()))
            offsets = np.arange(len(numbers) + 1, dtype=np.int32) * numbers.shape[1]
            lists = pyarrow.ListArray.from_arrays(
                offsets, pyarrow.array(numbers.ravel()), mask=pyarrow.array(~known | without)
            )
            yield f"example_rows:{name}@{source}", lists
        yield from _describe_answers(name, block.rows, trail.answers.get(place, {}), without, values)


def _describe_answers(
    name: str,
    rows: NDArray[np.int64],
    answers: Mapping[int, Written],
    without: NDArray[np.bool_],
    values: Values | None,
) -> Iterator[tuple[str, Any]]:
    import pyarrow

    if values is not None and values.valid is not None:
        without = without | ~values.valid
    pairs = zip(rows.tolist(), without.tolist(), strict=True)
    found = [None if replaced else answers.get(row) for row, replaced in pairs]
    yield f"prompt:{name}", pyarrow.array([each and each.prompt for each in found], pyarrow.string())
    yield f"attempt:{name}", pyarrow.array([None if each is None else each.attempt for each in found], pyarrow.int32())
    yield f"model:{name}", pyarrow.array([each and each.model for each in found], pyarrow.string())


def _find_shown(config: GeneratedConfig) -> str | None:
    """The source of which the model is shown rows: that of its `examples`, or of `llm_rows` itself; None without."""
    source: str | None = getattr(getattr(config, "examples", None), "source", None) or getattr(config, "source", None)
    return source


def _gather(rows: NDArray[np.int64], chunks: Sequence[SeedRows]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The real rows of each of `rows`, shape (rows, real rows of each), and which of them have any."""
    width = max((chunk.numbers.shape[1] for chunk in chunks), default=1)
    numbers, known = np.zeros((len(rows), width), np.int64), np.zeros(len(rows), np.bool_)
    for chunk in chunks:
        at = np.searchsorted(rows, chunk.rows)
        inside = at < len(rows)
        inside[inside] = rows[at[inside]] == chunk.rows[inside]
        numbers[at[inside]], known[at[inside]] = chunk.numbers[inside], True
    return numbers, known


def _find_requested(table: TablePlan, block: Block) -> tuple[list[str | None], NDArray[np.int64]]:
    """Each combination of requested values as JSON, and for each row the position of its own."""
    codes = block.chosen + 1
    sizes = [len(table.scenarios) + 1]
    for balance in table.balance:
        sizes.append(len(balance.cells) + 1)
        codes = codes * sizes[-1] + balance.choose(block.rows) + 1
    if math.prod(sizes) > _MOST_COMBINATIONS:
        present, codes = np.unique(codes, return_inverse=True)
        return [_write_requested(table, sizes, code) for code in present.tolist()], codes
    occurs = np.bincount(codes, minlength=math.prod(sizes)) > 0
    return [_write_requested(table, sizes, code) if there else None for code, there in enumerate(occurs)], codes


def _write_requested(table: TablePlan, sizes: Sequence[int], code: int) -> str | None:
    cells: dict[str, Any] = {}
    for balance, size in reversed(list(zip(table.balance, sizes[1:], strict=True))):
        code, cell = divmod(code, size)
        if cell:
            cells |= zip(balance.columns, balance.cells[cell - 1], strict=True)
    requested: dict[str, Any] = {}
    if code:
        branches = {name: column.branches.get(code - 1) for name, column in table.columns.items()}
        requested["scenario"] = table.scenarios[code - 1].name
        requested["set"] = {name: _show(branch) for name, branch in branches.items() if branch is not None}
    if cells:
        requested["balance"] = cells
    return json.dumps(requested, ensure_ascii=False, default=str) if requested else None


def _show(branch: Branch) -> Any:
    """The constant that a scenario puts into a column, or the sampler, without its defaults."""
    if branch.config is None:
        return branch.constant
    return branch.config.model_dump(mode="json", exclude_defaults=True, exclude={"name"})


def _spread(texts: Sequence[str | None], codes: NDArray[np.int64]) -> Any:
    """The text of each code, as an Arrow array of a dictionary."""
    import pyarrow

    known = [text for text in texts if text is not None]
    places = np.cumsum([text is not None for text in texts]) - 1
    missing = np.array([text is None for text in texts], np.bool_)
    index = pyarrow.array(places[codes].astype(np.int32), mask=missing[codes])
    return pyarrow.DictionaryArray.from_arrays(index, pyarrow.array(known, pyarrow.string()))
