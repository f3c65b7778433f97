"""Generated code held against what was asked for: it parses, lints, runs and passes its tests."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from workbench.errors import WorkbenchError
from workbench.sandbox.checking import CodeItem, CodeReport, check_code, check_many, find_missing, list_gaps
from workbench.sandbox.isolation import find_isolation
from workbench.sandbox.language import CHECKS, LANGUAGES, Check
from workbench.sandbox.languages.registry import find_language
from workbench.sandbox.limits import Limits

pytestmark = pytest.mark.skipif(find_isolation().mode is None, reason="; ".join(find_isolation().reasons))

QUICK = Limits(cpu_seconds=1)
DEEP = ["(" * 20_000, "-" * 1_000_000 + "1", "x" + ".a" * 100_000, "[" * 100_000, "f(" * 3_000 + ")" * 3_000]


def check(language: str, code: str, checks: Sequence[Check], tests: str | None = None) -> CodeReport:
    """The report, or a skip where this machine lacks a program."""
    if reason := find_missing(language, checks):
        pytest.skip(reason)
    return check_code(code, language, checks, tests, QUICK)


GOOD: list[tuple[str, str, Check, str | None]] = [
    ("python", "def f(x: int) -> int:\n    return x + 1\n", "parses", None),
    ("python", "", "parses", None),
    ("python", "import os\nprint(os.name)\n", "lints", None),
    ("python", "import sys\nif __name__ == '__main__':\n    print('ran')\n    sys.exit(0)\n", "runs", None),
    ("python", "def f(x): return x + 1", "tests", "assert f(1) == 2"),
    ("python", "def f(x): return x + 1", "tests", "from solution import f as g\ndef test_f():\n    assert g(1) == 2"),
    ("python", "async def f(): return 3", "tests", "async def test_f():\n    assert await f() == 3"),
    ("python", "class A: b = 1", "tests",
     "import unittest\nclass T(unittest.TestCase):\n  def test(self): self.assertEqual(A.b, 1)"),
    ("python", "from dataclasses import dataclass\n@dataclass\nclass P: x: int", "tests", "assert P(1) == P(1)"),
    ("python", "def f():\n    input()", "tests", "try: f()\nexcept EOFError: pass"),
    ("sql", "SELECT a, count(*) FROM t JOIN u USING (id) GROUP BY a; -- done", "parses", None),
    ("sql", "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, ';'); SELECT * FROM t WHERE a = :a", "parses", None),
    ("sql", "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM u; DELETE FROM v; END;", "parses", None),
    ("sql", "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2);", "runs", None),
    ("sql", "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2);", "tests", "SELECT sum(a) = 3 FROM t"),
    ("sql", "SELECT * FROM (VALUES (2, 'b'), (1, NULL))", "tests", '[[1, null], [2.0, "b"]]'),
    ("sql", "SELECT a FROM t ORDER BY a DESC", "tests",
     '{"setup": "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)", "rows": [[2], [1]], "ordered": true}'),
    ("sql", "INSERT INTO t VALUES (7)", "tests",
     '{"setup": "CREATE TABLE t (a)", "query": "SELECT a FROM t", "rows": [7]}'),
    ("sql:postgres", "SELECT DISTINCT ON (a) a::int FROM t; CREATE TABLE t (a serial)", "parses", None),
    ("sql:mssql", "SELECT TOP 3 [a] FROM [t]", "parses", None),
    ("sql:sqlite", "SELECT 1", "runs", None),
    ("javascript", "const f = (x) => x ?? 1; return;", "parses", None),
    ("javascript", "export const f = 1; await f;", "parses", None),
    ("js", "const fs = require('node:fs'); fs.writeFileSync('x', 'y');", "runs", None),
    ("js", "import fs from 'node:fs'; export default fs; await 1;", "runs", None),
    ("js", "const f = x => x + 1; module.exports = {f};", "tests", "assert.strictEqual(f(1), 2)"),
    ("js", "export const f = x => x + 1;", "tests", "import {strict as a} from 'node:assert'; a.equal(f(1), 2)"),
    ("js", "function f() { return 1 }", "tests", "const assert = require('assert'); assert.equal(f(), 1);"),
    ("json", '{"a": [1, null]}', "parses", None),
    ("yaml", "a: &x [1]\nb: *x\n---\nc: d\n", "parses", None),
    ("regex", r"(?P<year>\d{4})-\d\d", "parses", None),
    ("bash", "for f in *.txt; do echo \"$f\"; done", "parses", None),
]  # fmt: skip

BAD: list[tuple[str, str, Check, str | None, str]] = [
    ("python", "def f(:\n", "parses", None, "line 1: invalid syntax"),
    ("python", "x = 1\nreturn x\n", "parses", None, "line 2: 'return' outside function"),
    ("python", "x = '\0'", "parses", None, "null bytes"),
    ("python", "import os\n", "lints", None, "line 1: F401"),
    ("python", "def f(:", "lints", None, "line 1: "),
    ("python", "x = 1\n\ny = x / 0\n", "runs", None, "line 3: ZeroDivisionError: division by zero"),
    ("python", "import numpy", "runs", None, "line 1: ModuleNotFoundError"),
    ("python", "import sys; sys.exit(4)", "runs", None, "exit code 4"),
    ("python", "while True: pass", "runs", None, "more than 1 s of processor time"),
    ("python", "x = bytearray(2 << 30)", "runs", None, "line 1: MemoryError"),
    ("python", "import os; os.abort()", "runs", None, "it crashed"),
    ("python", "def f(x): return x", "tests", "assert f(1) == 1\nassert f(1) == 2", "tests, line 2: assert f(1) == 2"),
    ("python", "def f(x):\n    raise KeyError(x)", "tests", "f(1)", "line 2: KeyError: 1"),
    ("python", "def f(: pass", "tests", "f(1)", "line 1: "),
    ("python", "", "tests", "assert (", "tests, line 1: "),
    ("python", "import sys; sys.exit(0)", "tests", "assert False", "it exits before its tests have ended"),
    ("python", "import os; os._exit(0)", "tests", "assert False", "it exits before its tests have ended"),
    ("python", "import atexit, os; atexit.register(os._exit, 0)", "tests", "assert False", "assert False"),
    ("sql", "SELEC 1", "parses", None, 'line 1: near "SELEC": syntax error'),
    ("sql", "SELECT 1;\n\nSELECT (1", "parses", None, "line 3: incomplete input"),
    ("sql", "-- nothing\n/* at all */ ;", "parses", None, "there is no statement"),
    ("sql", "Here is the query you asked for.", "parses", None, "syntax error"),
    ("sql", "CREATE TABLE t (a);\nSELECT b FROM t;", "runs", None, "line 2: no such column: b"),
    ("sql", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", "runs", None,
     "more than 1 s of processor time"),
    ("sql", "SELECT 1", "tests", "SELECT 0", "the tests give 0"),
    ("sql", "SELECT 1", "tests", "SELECT 1, 2", "no single value"),
    ("sql", "SELECT 1", "tests", "[[1], [2]]", "it gives 1 rows instead of 2"),
    ("sql", "SELECT '1'", "tests", "[[1]]", "it gives ['1'] instead of [1]"),
    ("sql", "SELECT 1", "tests", '{"row": [[1]]}', "must be SQL, a list of rows"),
    ("sql:postgres", "Here is the query", "parses", None, ""),
    ("sql:mysql", "hello world", "parses", None, "it is no statement of SQL"),
    ("javascript", "let a = ;", "parses", None, "line 1: SyntaxError"),
    ("javascript", "import x from 'y';\nlet a = ;", "parses", None, "SyntaxError: Unexpected token"),
    ("js", "\nthrow new TypeError('no')", "runs", None, "line 2: TypeError: no"),
    ("js", "for (;;);", "runs", None, "more than 1 s of processor time"),
    ("js", "const a = []; for (;;) a.push(new Array(1e5).fill(1.5))", "runs", None, "of memory"),
    ("js", "setTimeout(() => { throw new Error('late') }, 1)", "runs", None, "line 1: late"),
    ("js", "require('node:child_process').execSync('nonsense')", "runs", None, ""),
    ("js", "const f = x => x;", "tests", "\nassert.strictEqual(f(1), 2)", "tests, line 2: AssertionError"),
    ("js", "process.exit(0)", "tests", "assert(false)", "it exits before its tests have ended"),
    ("json", '{"a": NaN}', "parses", None, "NaN is no JSON"),
    ("json", '{"a":\n1,}', "parses", None, "line 2: "),
    ("yaml", "a: [1", "parses", None, "line "),
    ("regex", "(a", "parses", None, "unterminated subpattern"),
    ("bash", "if true; then", "parses", None, "line 2: syntax error"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "code", "what", "tests"), GOOD)
def test_good_code_passes(language: str, code: str, what: Check, tests: str | None) -> None:
    report = check(language, code, [what], tests)
    assert [(result.check, result.verdict, result.message) for result in report.results] == [(what, "passed", "")]
    assert report.passed


@pytest.mark.parametrize(("language", "code", "what", "tests", "message"), BAD)
def test_bad_code_fails_and_says_where(language: str, code: str, what: Check, tests: str | None, message: str) -> None:
    report = check(language, code, [what], tests)
    assert [result.verdict for result in report.results] == ["failed"]
    assert message in report.message
    assert report.message.isprintable()
    assert 0 < len(report.message) <= 200


@pytest.mark.parametrize("language", ["python", "json", "javascript", "regex", "sql", "sql:postgres", "yaml"])
def test_code_nested_without_end_is_judged_like_any_other(language: str) -> None:
    if reason := find_missing(language, ["parses"]):
        pytest.skip(reason)
    reports = check_many([CodeItem(code, language) for code in DEEP], limits=QUICK)
    assert {report.results[0].verdict for report in reports} <= {"passed", "failed"}
    assert all(report.passed or report.message for report in reports)


def test_a_verdict_does_not_depend_on_the_company() -> None:
    codes = ["x = 1", "def f(:", *DEEP, "y = 2", "return"]
    alone = {code: check("python", code, ["parses"]).message for code in codes}
    together = check_many([CodeItem(code, "python") for code in codes * 3], limits=QUICK)
    assert [report.message for report in together] == [alone[code] for code in codes * 3]


def test_many_items_keep_their_order_across_languages_and_checks() -> None:
    items = [
        CodeItem(f"def f(): return {number}", "python", ("tests", "parses"), f"assert f() == {number % 3}")
        if number % 2
        else CodeItem("SELECT 1" if number % 4 else "SELECT", "sql")
        for number in range(20)
    ]
    reports = check_many(items, workers=3)
    for number, report in enumerate(reports):
        if number % 2:
            assert [result.check for result in report.results] == ["parses", "tests"]
            assert report.passed == (number < 3)
        else:
            assert report.passed == bool(number % 4)


def test_nothing_is_executed_to_parse_or_to_lint() -> None:
    code = "raise SystemExit('executed')\n"
    assert check("python", code, ["parses"]).passed
    assert check("js", "process.exit(3)", ["parses"]).passed


def test_what_cannot_be_assessed_never_counts_as_passed() -> None:
    for language, checks, tests, message in (
        ("python", ("tests",), None, "there are no tests"),
        ("python", ("tests",), "  \n", "there are no tests"),
        ("sql", ("lints",), None, "has no check “lints”"),
        ("json", ("runs",), None, "has no check “runs”"),
    ):
        report = check_code("SELECT 1", language, checks, tests)  # type: ignore[arg-type]
        assert (report.results[0].verdict, report.passed) == ("not_assessed", False)
        assert message in report.message


def test_code_that_does_not_parse_is_not_run() -> None:
    report = check_code("def f(:", "python", ["tests", "runs", "parses"], "assert True")
    assert [(result.check, result.verdict) for result in report.results] == [
        ("parses", "failed"), ("runs", "not_assessed"), ("tests", "not_assessed"),
    ]  # fmt: skip
    assert report.message == "line 1: invalid syntax"


def test_a_missing_program_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(list_gaps()) <= {"python", "javascript", "bash"}
    monkeypatch.setattr("workbench.sandbox.languages.javascript.find_program", lambda name: None)
    monkeypatch.setattr("workbench.sandbox.languages.python.find_program", lambda name: None)
    assert "Node.js is not installed" in str(find_missing("javascript", ["parses"]))
    assert "“ruff” is not installed" in str(find_missing("python", ["parses", "lints"]))
    assert find_missing("python", ["parses", "runs", "tests"]) is None
    assert {"javascript", "python"} <= set(list_gaps())
    assert check_code("1", "javascript", ["runs"]).results[0].verdict == "not_assessed"


def test_a_checker_that_cannot_start_is_no_fault_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.sandbox.languages.sql._find_sqlglot", lambda: "/usr/share/doc")
    monkeypatch.setattr("workbench.sandbox.languages.sql._list_dialects", lambda folder: {"postgres"})
    with pytest.raises(WorkbenchError, match="could not start"):
        check_code("SELECT 1", "sql:postgres", ["parses"])


def test_random_numbers_and_hashes_are_the_same_in_every_run() -> None:
    code = "import random\ndef f(): return random.random(), list({'a', 'b', 'c', 'd'}), hash('x')"
    said = {check("python", code, ["tests"], "assert f() == None, f()").message for _ in range(3)}
    assert len(said) == 1


@pytest.mark.parametrize("name", ["pyton", "sql:postgress", "", "json:x"])
def test_an_unknown_language_is_refused_with_a_hint(name: str) -> None:
    if name.startswith("sql") and find_missing("sql:postgres", ["parses"]):
        pytest.skip("without sqlglot no dialect is known")
    with pytest.raises(ValueError, match=r"there is no (language|dialect)"):
        find_language(name)


def test_every_language_offers_known_checks_under_its_own_name() -> None:
    for name, language in LANGUAGES.items():
        assert language.name == name
        assert set(language.checkers) <= set(CHECKS)
        assert language.batched <= set(language.checkers)
        assert {find_language(other).name for other in (name, *language.names)} == {name}
