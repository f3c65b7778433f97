"""From a spec's text to the plan of a run, with its fingerprint: the beginning of a run and of its processes."""

from __future__ import annotations

from pathlib import Path

from workbench.calls.session import Session
from workbench.errors import UsageError
from workbench.generation.check import check_text
from workbench.generation.fingerprint import compute_fingerprint
from workbench.generation.links import MOST_ROWS
from workbench.generation.plan import Plan
from workbench.generation.planning import build_plan, resize_spec


def prepare_plan(text: str, folder: Path, rows: int | None, session: Session | None = None) -> tuple[Plan, str]:
    """The plan of the spec `text` and its fingerprint, with its largest table at `rows` rows if they are given.

    Its columns ask their models by `session`, by default one that asks the free ones alone.

    Raises UsageError with the first problem where the spec has any, or where `rows` is out of range.
    """
    checked = check_text(text, folder, session)
    if checked.errors or checked.plan is None or checked.spec is None:
        first = (checked.errors or checked.problems)[0]
        more = f" (and {len(checked.errors) - 1} more)" if len(checked.errors) > 1 else ""
        cause = f"Line {first.line} of the spec: {first.message}{more}"
        raise UsageError(cause, first.hint or "`workbench check SPEC` lists all problems.")
    plan = checked.plan
    if rows is not None:
        if isinstance(rows, bool) or not isinstance(rows, int) or not 1 <= rows <= MOST_ROWS:
            raise UsageError(f"“{rows}” is no number of rows.", f"Give a whole number from 1 to {MOST_ROWS:,}.")
        resized, problems = build_plan(resize_spec(checked.spec, plan, rows), folder, session)
        if resized is None:
            raise UsageError(problems[0].message, problems[0].hint)
        plan = resized
    return plan, compute_fingerprint(plan.spec, plan.sources, plan.models)
