"""Python: compiled by this Python's version, linted by `ruff`, run with the standard library alone."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace

from workbench.sandbox.batching import PYTHON_OPTIONS, judge_by_worker, read_worker
from workbench.sandbox.language import LANGUAGES, PASSED, Check, Language, Snippet, Verdict, explain_ending, fail
from workbench.sandbox.limits import MIB, Limits, Outcome
from workbench.sandbox.programs import find_interpreter, find_program
from workbench.sandbox.running import run_program

_RULES = "E4,E7,E9,F"
"""Ruff's default rules, named so that another version of ruff checks the same."""


def check_parsing(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether each compiles."""
    return judge_by_worker("parse.py", ["python"], snippets, limits)


def check_linting(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """The first finding of ruff in each."""
    files = {f"{position:06d}.py": snippet.code for position, snippet in enumerate(snippets)}
    options = ["--isolated", "--no-cache", "--quiet", "--output-format=json", f"--select={_RULES}"]
    roomy = replace(limits, output_bytes=16 * MIB)
    outcome = run_program(files, ["ruff", "check", *options, "--target-version=py311", "."], roomy)
    if outcome.ended != "exit" or outcome.exit_code not in (0, 1):
        if len(snippets) > 1:
            return [verdict for snippet in snippets for verdict in check_linting([snippet], limits)]
        return [fail(f"ruff: {explain_ending(outcome, limits)}")]
    first: dict[str, tuple[int, str]] = {}
    for finding in json.loads(outcome.stdout or "[]"):
        name, line = finding["filename"].rpartition("/")[2], finding["location"]["row"]
        said = f"line {line}: {finding['code'] or 'syntax'} {finding['message']}"
        first[name] = min(first.get(name, (line, said)), (line, said))
    return [fail(first[name][1]) if name in first else PASSED for name in files]


def check_running(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether each, run as a program, ends without an error."""
    return [_judge(_run(snippet, [], limits), limits) for snippet in snippets]


def check_tests(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether each passes its tests: functions `test_…`, classes of unittest and plain assertions."""
    return [_judge(*_run_tests(snippet, limits)) for snippet in snippets]


def find_missing(check: Check) -> str | None:
    """Ruff is not part of every installation."""
    if check == "lints" and find_program("ruff") is None:
        return "“ruff” is not installed; it comes with the extra “code”"
    return None


def _run(snippet: Snippet, arguments: list[str], limits: Limits, stdin: str = "") -> Outcome:
    files = {"main.py": snippet.code, "run.py": read_worker("run_python.py")}
    if snippet.tests is not None:
        files["tests.py"] = snippet.tests
    command = [find_interpreter(), *PYTHON_OPTIONS, "run.py", *arguments]
    return run_program(files, command, limits, stdin)


def _run_tests(snippet: Snippet, limits: Limits) -> tuple[Outcome, Limits, str]:
    word = secrets.token_hex(16)
    return _run(snippet, ["tests"], limits, word), limits, word


def _judge(outcome: Outcome, limits: Limits, word: str = "") -> Verdict:
    if outcome.ended == "exit" and outcome.exit_code == 0:
        return PASSED if outcome.stdout.endswith(word) else fail("it exits before its tests have ended")
    if outcome.ended not in ("exit", "memory"):
        return fail(explain_ending(outcome, limits))
    return fail(outcome.stderr.strip().rpartition("\n")[2] or explain_ending(outcome, limits))


LANGUAGES.add(
    "python",
    Language(
        "python",
        {"parses": check_parsing, "lints": check_linting, "runs": check_running, "tests": check_tests},
        names=("py", "python3"),
        batched=frozenset({"parses", "lints"}),
        find_missing=find_missing,
    ),
)
