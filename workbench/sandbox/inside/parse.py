"""Read a JSON list of texts, parse each as the first argument says, and write true or what is wrong.

The kinds are `python`, `json`, `yaml`, `regex`, `sqlite` and the dialects of `sqlglot`; nothing of a text is executed.
`yaml` and the dialects take the folder of the package that parses them as a further argument.
"""

from __future__ import annotations

import json
import re
import sys
import warnings

TYPE_CHECKING = False  # as in `typing`, which would take longer to import than the rest
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def parse_python(text: str) -> None:
    """Compile, which finds more than the grammar does, such as a `return` outside of a function."""
    compile(text, "main.py", "exec", dont_inherit=True)


def parse_json(text: str) -> None:
    """Take JSON as its standard has it, without NaN and Infinity."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    json.loads(text, parse_constant=refuse)


def parse_regex(text: str) -> None:
    """Compile as the `re` of Python does."""
    re.compile(text)


def make_yaml_parser(folder: str) -> Callable[[str], None]:
    """A function that composes all documents of a text and constructs nothing."""
    yaml = load_package("yaml", folder)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    def parse(text: str) -> None:
        try:
            for _ in yaml.compose_all(text, Loader=loader):
                pass
        except yaml.MarkedYAMLError as error:
            line = "" if error.problem_mark is None else f"line {error.problem_mark.line + 1}: "
            raise ValueError(line + str(error.problem or error.context)) from None

    return parse


def parse_sqlite(text: str) -> None:
    """Compile each statement. What depends on tables that are not there is no error of the text."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    statements = split_statements(text)
    if not statements:
        raise ValueError("there is no statement")
    for line, statement in statements:
        explained = statement if statement.lstrip()[:7].upper() == "EXPLAIN" else f"EXPLAIN {statement}"
        try:
            connection.execute(explained)
        except sqlite3.ProgrammingError:
            continue  # it has parameters, which nobody gives
        except sqlite3.Error as error:
            if not re.search("no such|already exists|already another|unknown database|has no column", str(error)):
                raise ValueError(f"line {line}: {error}") from None


def split_statements(text: str) -> list[tuple[int, str]]:
    """The statements of a script, each with the line on which it begins."""
    import sqlite3

    statements, start = [], 0
    for end in [match.end() for match in re.finditer(";", text)] + [len(text)]:
        statement = text[start:end]
        if end == len(text) or sqlite3.complete_statement(statement):
            blank = re.match(r"(\s|--[^\n]*(\n|$)|/\*.*?\*/|;)*", statement, re.DOTALL)
            begin = blank.end() if blank else 0
            if begin < len(statement):
                statements.append((text.count("\n", 0, start + begin) + 1, statement[begin:]))
            start = end
    return statements


def make_dialect_parser(dialect: str, folder: str) -> Callable[[str], None]:
    """A function that parses statements of a dialect by the package `sqlglot`."""
    sqlglot = load_package("sqlglot", folder)
    import logging

    logging.disable(logging.CRITICAL)  # it warns of statements that it keeps without understanding them

    def parse(text: str) -> None:
        try:
            statements = [each for each in sqlglot.parse(text, read=dialect) if each is not None]
        except sqlglot.errors.SqlglotError as error:
            found = (getattr(error, "errors", None) or [{}])[0]
            line = f"line {found['line']}: " if found.get("line") else ""
            said = found.get("description") or str(error).partition("\n")[0]
            raise ValueError(line + re.sub(r"<Token token_type: \S+ text: (.*?), line: .*", r"“\1”", said)) from None
        if not statements:
            raise ValueError("there is no statement")
        for each in statements:
            # An expression alone, such as two words of prose, is read as a column with another name.
            if isinstance(each, (sqlglot.exp.Condition, sqlglot.exp.Alias)) and not isinstance(each, sqlglot.exp.Query):
                raise ValueError("it is no statement of SQL")

    return parse


def load_package(name: str, folder: str) -> Any:
    """Import a package from its folder; the folder around it may not be listed."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, f"{folder}/__init__.py", submodule_search_locations=[folder])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def describe(error: BaseException) -> str:
    """What is wrong, with its line where that is known."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}" if error.lineno else str(error.msg)
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}: {error.msg}"
    if isinstance(error, (RecursionError, MemoryError)):
        return "it is nested too deeply"
    return str(error).partition("\n")[0] or type(error).__name__


def write(said: bool | str) -> None:
    """Write a line at once: whoever reads must know which text ended this process."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def main(kind: str, *arguments: str) -> None:
    """Do the work of the file."""
    parsers: dict[str, Callable[[str], None]] = {
        "python": parse_python,
        "json": parse_json,
        "regex": parse_regex,
        "sqlite": parse_sqlite,
    }
    if kind == "yaml":
        parsers[kind] = make_yaml_parser(*arguments)
    elif kind not in parsers:
        parsers[kind] = make_dialect_parser(kind, *arguments)
    warnings.simplefilter("ignore")
    texts = json.load(sys.stdin)
    write("ready")
    for text in texts:
        said: bool | str = True
        try:
            parsers[kind](text)
        except Exception as error:
            said = describe(error)
        write(said)


if __name__ == "__main__":
    main(*sys.argv[1:])
