"""What a language is: its names, and the checks that it offers, each a function over many pieces of code.

A module of `workbench.sandbox.languages` registers itself when it is imported. Other packages give a `Language` by an
entry point of the group `workbench.languages`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.files import clean_text
from workbench.sandbox.limits import Limits, Outcome
from workbench.spec.registry import Registry

Check = Literal["parses", "lints", "runs", "tests"]
CHECKS: tuple[Check, ...] = ("parses", "lints", "runs", "tests")
"""In the order in which they are done."""

_MAX_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of code, with the text of its tests where it has some."""

    code: str
    tests: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found. `message` is one line, empty where it passed."""

    verdict: Literal["passed", "failed", "not_assessed"]
    message: str = ""


PASSED = Verdict("passed")
Checker = Callable[[Sequence[Snippet], Limits], list[Verdict]]


def _miss_nothing(check: Check) -> str | None:
    return None


def _know_no_dialect(name: str) -> Language:
    raise ValueError(f"there is no dialect “{name}”")


@dataclass(frozen=True, slots=True)
class Language:
    """A language. `names` are what else it is called, for instance after the fence of a block of code.

    A checker gives one verdict for each snippet, which depends on that snippet alone. Those of `batched` take many at
    once in one process; the others run a process for each. `find_missing(check)` says in a sentence what this machine
    lacks for a check, None for nothing. `find_dialect(name)` is what stands behind “sql:postgres”.
    """

    name: str
    checkers: Mapping[Check, Checker]
    names: tuple[str, ...] = ()
    batched: frozenset[Check] = frozenset()
    find_missing: Callable[[Check], str | None] = _miss_nothing
    find_dialect: Callable[[str], Language] = _know_no_dialect


LANGUAGES: Registry[Language] = Registry("workbench.languages")


def fail(message: str) -> Verdict:
    """A failure whose message is safe to print, in one line and short."""
    plain = " ".join(clean_text(message, keep_newlines=True).split())
    return Verdict("failed", plain if len(plain) <= _MAX_MESSAGE else plain[: _MAX_MESSAGE - 1] + "…")


def explain_ending(outcome: Outcome, limits: Limits) -> str:
    """In a few words how a program ended that did not end by itself, or what its exit code was."""
    return {
        "cpu": f"it took more than {limits.cpu_seconds} s of processor time",
        "timeout": f"it had not ended after {limits.wall_seconds:g} s",
        "memory": f"it took more than {limits.memory_bytes // 2**20} MiB of memory",
        "output": "it wrote more than is read",
        "signal": "it crashed",
        "exit": f"it ended with exit code {outcome.exit_code}",
    }[outcome.ended]
