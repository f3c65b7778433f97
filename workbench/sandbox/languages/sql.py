"""SQL: SQLite's dialect is compiled and run by the SQLite of Python, in memory; `sqlglot` parses other dialects."""

from __future__ import annotations

import importlib.util
import json
import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from workbench.sandbox.batching import PYTHON_OPTIONS, judge_by_worker, read_worker
from workbench.sandbox.language import LANGUAGES, PASSED, Check, Language, Snippet, Verdict, explain_ending, fail
from workbench.sandbox.limits import Limits
from workbench.sandbox.programs import find_interpreter
from workbench.sandbox.running import run_program
from workbench.spec.problems import suggest

_OTHER_NAMES = {"postgresql": "postgres", "mssql": "tsql", "sqlserver": "tsql", "mariadb": "mysql"}
_PACKAGE = "workbench/sandbox/inside"


def check_parsing(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether SQLite compiles each statement of each. A table that is not there is no error of the text."""
    return judge_by_worker("parse.py", ["sqlite"], snippets, limits)


def check_running(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether each runs in an empty database."""
    return [_run(Snippet(snippet.code), limits) for snippet in snippets]


def check_tests(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether each leaves what its tests say: SQL that gives one true value, or rows as JSON (`inside/run_sql.py`)."""
    return [_run(snippet, limits) for snippet in snippets]


def check_dialect(dialect: str, snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether sqlglot parses each in the dialect."""
    folder = _find_sqlglot() or ""
    return judge_by_worker("parse.py", [dialect, folder], snippets, limits, [folder])


def find_dialect(name: str) -> Language:
    """The language behind “sql:name”. Raises ValueError with a sentence for the user where sqlglot knows none."""
    if name == "sqlite":
        return SQL
    dialect = _OTHER_NAMES.get(name, name)
    folder = _find_sqlglot()
    if folder is not None:
        known = _list_dialects(folder)
        if dialect not in known:
            raise ValueError(f"there is no dialect “{name}” of SQL. {suggest(dialect, known)}".rstrip("."))

    def find_missing(check: Check) -> str | None:
        return None if folder else "“sqlglot” is not installed; it comes with the extra “code”"

    parse = partial(check_dialect, dialect)
    return Language(f"sql:{dialect}", {"parses": parse}, batched=frozenset({"parses"}), find_missing=find_missing)


def _list_dialects(folder: str) -> set[str]:
    return {path.stem for path in (Path(folder) / "dialects").glob("[a-z]*.py")} - {"dialect"}


def _find_sqlglot() -> str | None:
    spec = importlib.util.find_spec("sqlglot")
    return str(Path(spec.origin).resolve().parent) if spec is not None and spec.origin else None


def _run(snippet: Snippet, limits: Limits) -> Verdict:
    word = secrets.token_hex(16)
    files = {f"{_PACKAGE}/{name}": read_worker(name) for name in ("run_sql.py", "parse.py")}
    options = [option for option in PYTHON_OPTIONS if option != "-P"]  # its modules lie in its own folder
    command = [find_interpreter(), *options, "-m", f"{_PACKAGE.replace('/', '.')}.run_sql"]
    job = {"code": snippet.code, "tests": snippet.tests, "word": word}
    outcome = run_program(files, command, limits, json.dumps(job))
    if outcome.ended == "exit" and outcome.exit_code == 0 and outcome.stdout.endswith(word):
        return PASSED
    if outcome.ended != "exit":
        return fail(explain_ending(outcome, limits))
    return fail(outcome.stderr.strip().rpartition("\n")[2])


SQL = LANGUAGES.add(
    "sql",
    Language(
        "sql",
        {"parses": check_parsing, "runs": check_running, "tests": check_tests},
        names=("sqlite", "sqlite3"),
        batched=frozenset({"parses"}),
        find_dialect=find_dialect,
    ),
)
