"""Code: whether programs that a model wrote parse, run and pass their tests, in the sandbox alone.

A program fails where it does not parse, ends with an error, or misses the tests that its column names. One that only
lacks a library is not counted: the sandbox has none but the standard library. Lint findings, programs that are the
same but for names and layout, and literals that look like secrets are told beside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.columns.frames import read_series
from workbench.columns.generated import GeneratedConfig, compile_texts
from workbench.errors import WorkbenchError
from workbench.files import clean_text
from workbench.quality.check import Finding, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.rows import find_wilson_interval
from workbench.quality.text.columns import TextColumn, find_text_columns
from workbench.quality.text.programs import find_same_programs, find_secrets
from workbench.quality.text.readings import Reading, make_finding

if TYPE_CHECKING:
    from workbench.sandbox.checking import CodeReport
    from workbench.sandbox.language import Check

_NAME = "code"
_QUESTION = "Does code parse, run and pass its tests?"
_FIX = "Give the column “checks: [parses, runs]”, or tests, so that such programs are asked for again."
_SECRETS_FIX = "Drop the rows listed, and tell the model to read secrets from the environment."
_TOLERATED = 0.05
"""Ours: the share of failing programs that is tolerated."""
_PROGRAMS = 300
_RUN = 200
"""Programs of a column that are read, and that are run, which takes some 0.1 s each."""
_MOST_COMPARED = 2_000
_NO_LIBRARY = ("ModuleNotFoundError", "Cannot find module", "ERR_MODULE_NOT_FOUND")


@register_check(_NAME, _QUESTION, group="content", gate="max_failing_code")
def check_code(evidence: Evidence) -> list[Finding]:
    """Share of failing programs of each code column; the worst one speaks. Not asked without code."""
    columns = [column for column in find_text_columns(evidence) if column.language is not None]
    gated = evidence.gates.max_failing_code is not None
    if not columns:
        why = "there is no column of code"
        return refuse(_NAME, _QUESTION, len(evidence.frame), why, gated=True) if gated else []
    try:
        readings = [reading for column in columns for reading in _read(evidence, column)]
    except (ValueError, WorkbenchError) as error:  # no such language, or programs cannot be kept apart here
        why = f"code cannot be checked here: {clean_text(str(error))}"
        return refuse(_NAME, _QUESTION, len(evidence.frame), why, gated=gated, fix="See `workbench doctor`.")
    if not readings:
        why = "this machine lacks what the languages of these columns need"
        return refuse(_NAME, _QUESTION, len(evidence.frame), why, gated=gated, fix="See `workbench doctor`.")
    note = f"at most {_PROGRAMS} programs a column read, {_RUN} of them run"
    return [make_finding(_NAME, _QUESTION, readings, seed=evidence.seed, fix=_FIX, note=note)]


def _read(evidence: Evidence, column: TextColumn) -> Iterator[Reading]:
    from workbench.sandbox.checking import CodeItem, check_many
    from workbench.sandbox.limits import Limits

    language = str(column.language)
    chosen = column.texts.draw(_PROGRAMS, evidence.draw(f"code {column.name}"))
    tests = _render_tests(evidence, column, chosen.rows[:_RUN].tolist())
    items = []
    for place, program in enumerate(chosen.values):
        checks = _choose_checks(language, place, tests.get(place))
        items.append(CodeItem(program, language, checks, tests.get(place)))
    seconds = int(getattr(column.config, "cpu_seconds", 5))
    reports = check_many(items, limits=Limits(cpu_seconds=seconds, wall_seconds=2.0 * seconds))
    gate = evidence.gates.max_failing_code
    threshold = gate if gate is not None else _TOLERATED
    failed, causes, counts = _judge(reports)
    value, rows = _estimate(counts)
    if rows:
        words = f"{language} programs that fail"
        if causes:
            words += f" ({', '.join(f'{count} at “{check}”' for check, count in causes.items())})"
        yield Reading(
            column.name, "failing", words, value, rows, threshold=threshold,
            interval=find_wilson_interval(round(value * rows), rows), gated=gate is not None,
            examples=sorted(chosen.rows[failed].tolist()),
        )  # fmt: skip
    for check, (passed, judged) in counts.items():
        if judged:
            yield Reading(column.name, check, f"programs that pass “{check}”", passed / judged, judged)
    yield from _read_texts(column, language)


def _read_texts(column: TextColumn, language: str) -> Iterator[Reading]:
    programs, rows = column.texts.values[:_MOST_COMPARED], column.texts.rows
    same = find_same_programs(programs, language)
    yield Reading(column.name, "same", "programs equal to an earlier one but for names", len(same) / len(programs),
                  len(programs), examples=rows[same].tolist())  # fmt: skip
    secrets = find_secrets(column.texts.values)
    yield Reading(
        column.name, "secrets", "programs with what looks like a secret", len(secrets) / len(rows), len(rows),
        threshold=0.0, fix=_SECRETS_FIX, examples=rows[secrets].tolist(),
    )  # fmt: skip


def _choose_checks(language: str, place: int, tests: str | None) -> tuple[Check, ...]:
    """What can be done here for a program: those beyond the first `_RUN` are only read."""
    from workbench.sandbox.checking import find_missing

    runs: tuple[Check, ...] = ("tests",) if tests else ("runs",)
    asked: tuple[Check, ...] = ("parses", "lints", *(runs if place < _RUN else ()))
    return tuple(check for check in asked if find_missing(language, [check]) is None)


def _judge(reports: Sequence[CodeReport]) -> tuple[list[int], Counter[str], dict[str, tuple[int, int]]]:
    """The places of failing programs, how many failed at which check, and of each check (passed, judged)."""
    failed, causes = list[int](), Counter[str]()
    counts: dict[str, tuple[int, int]] = {}
    for place, report in enumerate(reports):
        for result in report.results:
            lacking = result.check == "runs" and any(word in result.message for word in _NO_LIBRARY)
            if result.verdict == "not_assessed" or lacking:
                continue
            passed, judged = counts.get(result.check, (0, 0))
            counts[result.check] = passed + (result.verdict == "passed"), judged + 1
            if result.verdict == "failed" and result.check != "lints" and (not failed or failed[-1] != place):
                failed.append(place)
                causes[result.check] += 1
    return failed, causes, counts


def _estimate(counts: Mapping[str, tuple[int, int]]) -> tuple[float, int]:
    """The share that fails, and of how many: those that do not parse, and of the others as many as of those run."""
    sound, rows = 1.0, 0
    for together in (("parses",), ("runs", "tests")):  # a program is run, or its tests are
        passed = sum(counts[check][0] for check in together if check in counts)
        judged = sum(counts[check][1] for check in together if check in counts)
        if judged:
            sound, rows = sound * passed / judged, judged
    return 1 - sound, rows


def _render_tests(evidence: Evidence, column: TextColumn, rows: Sequence[int]) -> Mapping[int, str]:
    """The tests of these rows by their place, where the column has some and what they read is in the dataset."""
    from workbench.columns.column_type import TableContext
    from workbench.columns.streams import Draws

    template = getattr(column.config, "tests", None)
    if template is None or not isinstance(column.config, GeneratedConfig):
        return {}
    order = np.argsort(np.asarray(rows, np.int64), kind="stable")
    places: Any = np.asarray(rows, np.int64)[order]
    frame = evidence.frame.iloc[places]
    try:
        write = compile_texts(column.config, template, TableContext(evidence.makers, len(evidence.frame)))
        inputs = {str(name): read_series(frame[name]) for name in frame.columns}
        written = write(Draws(evidence.seed, evidence.table, column.name, places), inputs)
    except (ValueError, KeyError, TypeError, WorkbenchError):
        return {}
    return {int(place): text for place, text in zip(order, written, strict=True) if text.strip()}
