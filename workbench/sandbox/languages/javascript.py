"""JavaScript, by the Node.js of this machine: a text is a script as `require` takes it or, failing that, a module."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace

from workbench.sandbox.batching import judge_in_turn, read_worker
from workbench.sandbox.language import LANGUAGES, PASSED, Check, Language, Snippet, Verdict, explain_ending, fail
from workbench.sandbox.limits import MIB, Limits, Outcome
from workbench.sandbox.programs import find_program
from workbench.sandbox.running import run_program

_RESERVED_BYTES = 64 * 2**30  # V8 sets aside address space by the gigabyte and uses little of it


def check_parsing(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether each compiles, as a script or as a module."""
    roomy = replace(limits, output_bytes=MIB)

    def parse(rest: Sequence[Snippet]) -> Outcome:
        return _run({}, "parse", roomy, json.dumps([snippet.code for snippet in rest]))

    return judge_in_turn(parse, snippets, limits)


def check_running(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether each, run as a program, ends without an error."""
    return [_judge(_run(_name_files(snippet.code), "runs", limits), limits) for snippet in snippets]


def check_tests(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether each passes its tests: a script below it, where `assert` is that of Node.js."""
    return [_run_tests(snippet, limits) for snippet in snippets]


def find_missing(check: Check) -> str | None:
    """Node.js is a program of its own."""
    return None if find_program("node") else "Node.js is not installed: put “node” on the PATH"


def _name_files(text: str) -> dict[str, str]:
    return {"main.cjs": text, "main.mjs": text}


def _run(files: dict[str, str], task: str, limits: Limits, stdin: str = "") -> Outcome:
    # A heap that ends before the memory does lets V8 say so.
    heap = f"--max-old-space-size={max(limits.memory_bytes // 2 // MIB, 16)}"
    options = [heap, "--experimental-vm-modules", "--no-warnings"]
    roomy = replace(limits, reserved_bytes=_RESERVED_BYTES)
    return run_program(
        {**files, "node.cjs": read_worker("node.cjs")}, ["node", *options, "node.cjs", task], roomy, stdin
    )


def _run_tests(snippet: Snippet, limits: Limits) -> Verdict:
    word = secrets.token_hex(16)
    text = f"{snippet.code}\n;\n{snippet.tests}\n;globalThis.__testsEnded();\n"
    verdict = _judge(_run(_name_files(text), "tests", limits, word), limits, word)
    above = snippet.code.count("\n") + 2

    def place(match: re.Match[str]) -> str:
        line = int(match[1])
        return match[0] if line <= above else f"tests, line {line - above}"

    return replace(verdict, message=re.sub(r"^line (\d+)", place, verdict.message))


def _judge(outcome: Outcome, limits: Limits, word: str = "") -> Verdict:
    if outcome.ended == "exit" and outcome.exit_code == 0 and outcome.stdout.endswith(word):
        return PASSED
    if outcome.ended != "exit":
        return fail(explain_ending(outcome, limits))
    return fail(outcome.stderr.strip().rpartition("\n")[2] or explain_ending(outcome, limits))


LANGUAGES.add(
    "javascript",
    Language(
        "javascript",
        {"parses": check_parsing, "runs": check_running, "tests": check_tests},
        names=("js", "mjs", "cjs", "node", "nodejs"),
        batched=frozenset({"parses"}),
        find_missing=find_missing,
    ),
)
