"""The first rows of the run, made in memory: what a preview shows is what the run will write."""

from __future__ import annotations

import datetime
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.calls.session import Session
from workbench.datasets.store import to_frame
from workbench.errors import UsageError, WorkbenchError
from workbench.generation.blocks import make_block
from workbench.generation.check import CheckedSpec, check_text
from workbench.generation.costing import estimate_calls
from workbench.generation.packing import encode_block
from workbench.generation.plan import Plan
from workbench.spec.problems import Problem, suggest

if TYPE_CHECKING:
    import pandas as pd

_MAX_TRIED = 50_000  # rows looked at in search of the first ones that keep all constraints


def preview_text(
    text: str, folder: Path, rows: int = 10, table: str | None = None, session: Session | None = None
) -> dict[str, Any]:
    """The first `rows` rows of each table of a spec, or of the table named, as values ready for JSON.

    Returns {"tables": {name: [row, ...]}, "numbers": {table: [number of each row, ...]}, "problems": [...], "pending":
    {table: [column, ...]}, "failed": [...], "estimate": [...], "seconds": float}. Timestamps are ISO texts, nulls None.
    Without a live `session` models that cost something are not asked: their columns are null where no answer is stored,
    and `pending`. `failed` has the rows without an answer, `estimate` what the whole dataset will ask of its models.
    Raises UsageError for a table that does not exist or a negative number of rows.
    """
    started = time.perf_counter()
    session = session or Session(pending="null")
    shown = preview_checked(check_text(text, folder, session), session, rows, table)
    return {**shown, "seconds": time.perf_counter() - started}


def preview_checked(checked: CheckedSpec, session: Session, rows: int, table: str | None = None) -> dict[str, Any]:
    """The same for a spec that was checked with `session`, without `seconds`."""
    if rows < 0:
        raise UsageError(f"{rows} rows cannot be shown.", "Give a number of 0 or more.")
    problems = list(checked.problems)
    tables: dict[str, list[dict[str, Any]]] = {}
    numbers: dict[str, list[int]] = {}
    if checked.plan is not None:
        names = list(checked.plan.tables)
        if table is not None and table not in names:
            raise UsageError(f"There is no table “{table}”.", suggest(table, names))
        for name in names if table is None else [table]:
            try:
                numbers[name], tables[name] = preview_numbered(checked.plan, name, rows)
            except WorkbenchError as error:
                problems.append(Problem(error.cause, error.solution, ("tables", name), 1, 1))
    pending: dict[str, list[str]] = {}
    for place in sorted(session.waiting, key=lambda place: (place.table, place.column)):
        pending.setdefault(place.table, []).append(place.column)
    estimate = [] if checked.plan is None else estimate_calls(checked.plan, session)
    return {
        "tables": tables,
        "numbers": numbers,
        "problems": [problem.as_json() for problem in problems],
        "pending": pending,
        "failed": [
            {"table": each.table, "column": each.column, "row": each.row, "cause": each.cause, "message": each.message}
            for each in session.failed.values()
        ],
        "estimate": [each.as_json() for each in estimate],
    }


def preview_table(plan: Plan, table: str, rows: int) -> list[dict[str, Any]]:
    """The first `rows` rows that the dataset will have, fewer where the table has fewer."""
    return preview_numbered(plan, table, rows)[1]


def preview_numbered(plan: Plan, table: str, rows: int) -> tuple[list[int], list[dict[str, Any]]]:
    """The same, with the number of each row in its table: some may have been left out."""
    numbers: list[int] = []
    found: list[dict[str, Any]] = []
    start, size = 0, plan.tables[table].rows
    seen = plan.tables[table].start_seen()
    while len(found) < rows and start < min(size, _MAX_TRIED):
        # Rows that are given up on are not shown, so more may have to be made than are asked for.
        stop = min(size, start + max(rows - len(found), min(start, 1000)))
        block = make_block(plan, table, start, stop, seen=seen)
        lists = [[_to_json(value) for value in values.to_list()] for values in block.columns.values()]
        found += [dict(zip(block.columns, row, strict=True)) for row in zip(*lists, strict=True)]
        numbers += block.rows.tolist()
        start = stop
    return numbers[:rows], found[:rows]


def preview_frames(plan: Plan, table: str, rows: int) -> pd.DataFrame:
    """The first `rows` rows of a table in the form in which they are read back from the dataset.

    Of more rows than are left out, fewer come back: `rows` are tried. Raises WorkbenchError where they cannot be made.
    """
    import pyarrow
    import pyarrow.parquet

    planned = plan.tables[table]
    block = make_block(plan, table, 0, min(rows, planned.rows), seen=planned.start_seen())
    content = encode_block(planned, block, {})
    return to_frame(pyarrow.parquet.read_table(pyarrow.BufferReader(content)))


def _to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _to_json(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(member) for member in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
