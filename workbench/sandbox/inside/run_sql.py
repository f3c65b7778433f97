"""Run a script of SQL in an empty SQLite database, and its tests on what it leaves. Standard input is a JSON object.

`code` is the script, `tests` SQL whose last result must be one true value, or JSON: the rows that the last query of
the script must give, or an object of `setup` (SQL to run before), `query` (instead of the last one), `rows`, `ordered`.
"""

from __future__ import annotations

import json
import math
import sqlite3
import sys

from workbench.sandbox.inside.parse import split_statements

TYPE_CHECKING = False  # as in `typing`, which would take longer to import than the rest
if TYPE_CHECKING:
    from typing import Any

_KEYS = {"setup", "query", "rows", "ordered"}


def run_script(connection: sqlite3.Connection, script: str, where: str) -> list[tuple[Any, ...]] | None:
    """Run all statements; gives the rows of the last one that has columns, None if there is none."""
    rows = None
    for line, statement in split_statements(script):
        try:
            cursor = connection.execute(statement)
            found = cursor.fetchall()
        except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
            raise ValueError(f"{where}line {line}: {error}") from None
        if cursor.description is not None:
            rows = found
    return rows


def run_tests(connection: sqlite3.Connection, code: str, tests: str) -> None:
    """Run the script and hold what it gives against its tests."""
    if tests.lstrip()[:1] not in "[{":
        run_script(connection, code, "")
        rows = run_script(connection, tests, "tests, ")
        if rows is None or len(rows) != 1 or len(rows[0]) != 1:
            raise ValueError("the tests give no single value")
        if not rows[0][0]:
            raise ValueError(f"the tests give {rows[0][0]!r}")
        return
    asked = json.loads(tests)
    if isinstance(asked, list):
        asked = {"rows": asked}
    if not isinstance(asked.get("rows"), list) or not asked.keys() <= _KEYS:
        raise ValueError("the tests must be SQL, a list of rows, or an object of setup, query, rows and ordered")
    run_script(connection, asked.get("setup", ""), "setup, ")
    rows = run_script(connection, code, "")
    if "query" in asked:
        rows = run_script(connection, asked["query"], "query, ")
    compare(rows or [], asked["rows"], ordered=bool(asked.get("ordered", False)))


def compare(rows: list[tuple[Any, ...]], expected: list[Any], *, ordered: bool) -> None:
    """Raise ValueError where the rows are not the expected ones; numbers may differ by a billionth."""
    if len(rows) != len(expected):
        raise ValueError(f"it gives {len(rows)} rows instead of {len(expected)}")
    wanted = [list(row) if isinstance(row, list) else [row] for row in expected]
    found = [list(row) for row in rows]
    if not ordered:
        wanted, found = sorted(wanted, key=order), sorted(found, key=order)
    for given, right in zip(found, wanted, strict=True):
        if len(given) != len(right) or not all(map(is_same, given, right)):
            raise ValueError(f"it gives {given!r} instead of {right!r}")


def order(row: list[Any]) -> list[tuple[str, Any]]:
    """A key by which rows of mixed kinds can be sorted."""
    return [
        ("number", float(value)) if isinstance(value, (int, float)) else (type(value).__name__, str(value))
        for value in row
    ]


def is_same(left: Any, right: Any) -> bool:
    """Whether two values of SQL are equal; a text is never equal to a number."""
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12) if numbers else bool(left == right)


def main() -> None:
    """Do the work of the file."""
    job = json.load(sys.stdin)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        if job["tests"] is None:
            run_script(connection, job["code"], "")
        else:
            run_tests(connection, job["code"], job["tests"])
    except ValueError as error:
        sys.exit(f"\n{error}")
    sys.stdout.write(job["word"])


if __name__ == "__main__":
    main()
