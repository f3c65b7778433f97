"""Checking generated code: what was asked for is done in order, and each verdict depends on the code alone.

Processor time decides and not the clock, hashes have a fixed seed, and only the standard library can be imported.
What a program asks the clock or the kernel's random numbers for remains its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from workbench.sandbox.language import CHECKS, Check, Checker, Snippet, Verdict
from workbench.sandbox.languages.registry import LANGUAGES, find_language
from workbench.sandbox.limits import Limits

_BATCH = 64


@dataclass(frozen=True, slots=True)
class CodeItem:
    """A piece of code and the checks that it is to pass; `tests` are in its own language."""

    code: str
    language: str
    checks: tuple[Check, ...] = ("parses",)
    tests: str | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The verdict of one check. `message` is one line, empty where it passed; `seconds` is its share of the work."""

    check: Check
    verdict: Literal["passed", "failed", "not_assessed"]
    message: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CodeReport:
    """The results of the checks asked for, in the order in which they are done."""

    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every check was done and passed."""
        return all(result.verdict == "passed" for result in self.results)

    @property
    def message(self) -> str:
        """Of the first check that did not pass; empty where all did."""
        return next((result.message for result in self.results if result.verdict != "passed"), "")


def check_code(
    code: str, language: str, checks: Sequence[Check], tests: str | None = None, limits: Limits | None = None
) -> CodeReport:
    """The report on one piece of code; see `check_many`."""
    return check_many([CodeItem(code, language, tuple(checks), tests)], workers=1, limits=limits)[0]


def check_many(items: Sequence[CodeItem], workers: int | None = None, limits: Limits | None = None) -> list[CodeReport]:
    """The report on each item. `workers` threads, as many as there are cores if left out, each wait for one process.

    A check that the language does not offer, that this machine lacks a program for, or that has no tests to run, is
    “not_assessed”, and so is what follows on code that does not parse. Nothing of the code is executed for `parses`
    and `lints`.

    Raises ValueError for an unknown language, WorkbenchError where programs cannot be kept apart here.
    """
    limits = limits or Limits()
    results: list[dict[Check, CheckResult]] = [{} for _ in items]
    cores = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(min(workers or cores, cores), thread_name_prefix="check") as pool:
        for check in CHECKS:
            jobs = [
                (positions, pool.submit(_time, checker, [_make_snippet(items[p], check) for p in positions], limits))
                for checker, positions in _plan(items, check, results)
            ]
            for positions, job in jobs:
                verdicts, seconds = job.result()
                for position, verdict in zip(positions, verdicts, strict=True):
                    results[position][check] = _make_result(check, verdict, seconds / len(positions))
    return [CodeReport(tuple(found.values())) for found in results]


def find_missing(language: str, checks: Sequence[Check]) -> str | None:
    """Why one of the checks cannot be done here, as a sentence without its full stop; None where all can.

    Raises ValueError for an unknown language.
    """
    known = find_language(language)
    for check in checks:
        if check not in known.checkers:
            return f"code in “{known.name}” has no check “{check}”: there are {', '.join(known.checkers)}"
        if reason := known.find_missing(check):
            return reason
    return None


def list_gaps() -> dict[str, str]:
    """The languages that this machine lacks a program for, each with what is missing, for `workbench doctor`."""
    gaps: dict[str, str] = {}
    for name, language in LANGUAGES.items():
        reasons = dict.fromkeys(filter(None, map(language.find_missing, language.checkers)))
        if reasons:
            gaps[name] = "; ".join(reasons)
    return gaps


def _plan(
    items: Sequence[CodeItem], check: Check, results: list[dict[Check, CheckResult]]
) -> Iterator[tuple[Checker, list[int]]]:
    """What is to be done for `check`: a checker with the positions of its items. What cannot be is settled at once."""
    by_language: dict[str, list[int]] = {}
    for position, item in enumerate(items):
        if check in item.checks:
            by_language.setdefault(item.language, []).append(position)
    for name, positions in by_language.items():
        reason = find_missing(name, [check])
        ready = []
        for position in positions:
            before = results[position].get("parses")
            why = reason
            if why is None and before is not None and before.verdict == "failed":
                why = "it does not parse"
            if why is None and check == "tests" and not (items[position].tests or "").strip():
                why = "there are no tests"
            if why is None:
                ready.append(position)
            else:
                results[position][check] = CheckResult(check, "not_assessed", why, 0.0)
        language = find_language(name)
        size = _BATCH if check in language.batched else 1
        for start in range(0, len(ready), size):
            yield language.checkers[check], ready[start : start + size]


def _make_snippet(item: CodeItem, check: Check) -> Snippet:
    return Snippet(item.code, item.tests if check == "tests" else None)


def _make_result(check: Check, verdict: Verdict, seconds: float) -> CheckResult:
    return CheckResult(check, verdict.verdict, verdict.message, seconds)


def _time(checker: Checker, snippets: list[Snippet], limits: Limits) -> tuple[list[Verdict], float]:
    started = time.perf_counter()
    return checker(snippets, limits), time.perf_counter() - started
