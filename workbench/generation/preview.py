"""The first rows of the run, made in memory: what a preview shows is what the run will write."""

from __future__ import annotations

import datetime
import math
import time
from pathlib import Path
from typing import Any

from workbench.errors import UsageError, WorkbenchError
from workbench.generation.blocks import make_block
from workbench.generation.check import check_text
from workbench.generation.plan import Plan
from workbench.spec.problems import Problem, suggest

_MAX_TRIED = 50_000  # rows looked at in search of the first ones that keep all constraints


def preview_text(text: str, folder: Path, rows: int = 10, table: str | None = None) -> dict[str, Any]:
    """The first `rows` rows of each table of a spec, or of the table named, as values ready for JSON.

    Returns {"tables": {name: [row, ...]}, "problems": [...], "seconds": float}. Timestamps are ISO texts, nulls None.
    Raises UsageError for a table that does not exist or a negative number of rows.
    """
    started = time.perf_counter()
    if rows < 0:
        raise UsageError(f"{rows} rows cannot be shown.", "Give a number of 0 or more.")
    checked = check_text(text, folder)
    problems = list(checked.problems)
    tables: dict[str, list[dict[str, Any]]] = {}
    if checked.plan is not None:
        names = list(checked.plan.tables)
        if table is not None and table not in names:
            raise UsageError(f"There is no table “{table}”.", suggest(table, names))
        for name in names if table is None else [table]:
            try:
                tables[name] = preview_table(checked.plan, name, rows)
            except WorkbenchError as error:
                problems.append(Problem(error.cause, error.solution, ("tables", name), 1, 1))
    shown = [problem.as_json() for problem in problems]
    return {"tables": tables, "problems": shown, "seconds": time.perf_counter() - started}


def preview_table(plan: Plan, table: str, rows: int) -> list[dict[str, Any]]:
    """The first `rows` rows that the dataset will have, fewer where the table has fewer."""
    found: list[dict[str, Any]] = []
    start, size = 0, plan.tables[table].rows
    seen = plan.tables[table].start_seen()
    while len(found) < rows and start < min(size, _MAX_TRIED):
        # Rows that are given up on are not shown, so more may have to be made than are asked for.
        stop = min(size, start + max(rows - len(found), min(start, 1000)))
        block = make_block(plan, table, start, stop, seen=seen)
        lists = [[_to_json(value) for value in values.to_list()] for values in block.columns.values()]
        found += [dict(zip(block.columns, row, strict=True)) for row in zip(*lists, strict=True)]
        start = stop
    return found[:rows]


def _to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _to_json(member) for name, member in value.items()}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
