"""Checking many pieces of code by one process in the sandbox, as starting one costs more than most checks do.

A worker of `inside` reads a JSON list of items and writes a line of JSON once it is ready, then one for each item:
true, or the message of a failure. Where it dies on an item, that item is tried alone, so that a verdict never depends
on an item's company, and the rest goes on without it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.sandbox.language import PASSED, Snippet, Verdict, explain_ending, fail
from workbench.sandbox.limits import MIB, Limits, Outcome
from workbench.sandbox.programs import find_interpreter
from workbench.sandbox.running import run_program

PYTHON_OPTIONS = ("-S", "-s", "-P", "-B")
"""No packages but the standard library, whatever is installed; unlike -I they leave the seed of hashes fixed."""


READY = '"ready"'
"""The first line of a worker."""


@cache
def read_worker(name: str) -> str:
    """The source of a program of `inside`."""
    return (Path(__file__).parent / "inside" / name).read_text(encoding="utf-8")


def run_worker(
    name: str, arguments: Sequence[str], items: Any, limits: Limits, readable: Sequence[str] = ()
) -> Outcome:
    """Run a Python worker of `inside` over `items`, which it gets as JSON."""
    command = [find_interpreter(), *PYTHON_OPTIONS, name, *arguments]
    roomy = replace(limits, output_bytes=MIB)
    return run_program({name: read_worker(name)}, command, roomy, json.dumps(items), readable=readable)


def judge_by_worker(
    name: str, arguments: Sequence[str], snippets: Sequence[Snippet], limits: Limits, readable: Sequence[str] = ()
) -> list[Verdict]:
    """The verdicts of a Python worker of `inside` on the code of each snippet."""
    return judge_in_turn(
        lambda items: run_worker(name, arguments, [item.code for item in items], limits, readable), snippets, limits
    )


def judge_in_turn(
    run: Callable[[Sequence[Snippet]], Outcome], snippets: Sequence[Snippet], limits: Limits
) -> list[Verdict]:
    """`run(snippets)` gives the outcome of a worker; it is started again after each snippet that it dies on.

    Raises WorkbenchError where the worker cannot start: that is no fault of a snippet.
    """
    verdicts: list[Verdict] = []
    while len(verdicts) < len(snippets):
        rest = snippets[len(verdicts) :]
        outcome = run(rest)
        found = _read_verdicts(outcome)
        verdicts += found
        if len(found) == len(rest):
            break
        culprit = rest[len(found)]
        if found or len(rest) > 1:
            outcome = run([culprit])
            if alone := _read_verdicts(outcome):
                verdicts += alone
                continue
        verdicts.append(fail(explain_ending(outcome, limits)))
    return verdicts


def _read_verdicts(outcome: Outcome) -> list[Verdict]:
    first, *lines = outcome.stdout.splitlines() or [""]
    if first != READY:
        reason = outcome.stderr.strip().rpartition("\n")[2] or f"it ended by “{outcome.ended}”"
        raise WorkbenchError(
            f"The program that checks code could not start: {reason}.",
            "Look whether it is installed for every user to read, and whether more memory helps.",
        )
    return [PASSED if line == "true" else fail(str(json.loads(line))) for line in lines]
