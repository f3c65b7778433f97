"""Bash: read by `bash -n`, which executes nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.sandbox.language import LANGUAGES, PASSED, Check, Language, Snippet, Verdict, explain_ending, fail
from workbench.sandbox.limits import Limits
from workbench.sandbox.programs import find_program
from workbench.sandbox.running import run_program


def check_parsing(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether Bash reads each to its end."""
    return [_parse(snippet, limits) for snippet in snippets]


def find_missing(check: Check) -> str | None:
    """Bash is a program of its own."""
    return None if find_program("bash") else "Bash is not installed: put “bash” on the PATH"


def _parse(snippet: Snippet, limits: Limits) -> Verdict:
    outcome = run_program({"main.sh": snippet.code}, ["bash", "--norc", "-n", "main.sh"], limits)
    if outcome.ended != "exit":
        return fail(explain_ending(outcome, limits))
    # It warns of what it would take all the same, such as a here-document without an end, by exit code 0.
    if outcome.exit_code == 0:
        return PASSED
    return fail(re.sub(r"^main\.sh: ", "", outcome.stderr.strip().partition("\n")[0]))


LANGUAGES.add("bash", Language("bash", {"parses": check_parsing}, names=("sh", "shell"), find_missing=find_missing))
