"""The run kind `fit`, and the stage of `generate` that does the same: fit what a spec's tables need and do not have.

Each table's fit leaves checkpoints in the run's folder, so a run that is killed or stopped goes on from the last one;
a finished model stands in the workspace's store for all runs and previews.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench.calls.session import Session
from workbench.datasets.manifest import SynthesizerRecord
from workbench.errors import UsageError, WorkbenchError
from workbench.generation.fits import FitJob, find_fitted, fit_job, hash_fitted
from workbench.generation.plan import Plan
from workbench.generation.preparing import prepare_plan
from workbench.progress import Level, RunContext
from workbench.spec.problems import suggest
from workbench.synthesizers.synthesizer import FitContext


def run(arguments: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Fit the synthesizers of `arguments["spec"]`, a text whose paths are relative to `arguments["folder"]`.

    `arguments["table"]` names one table, by default all; with `arguments["fresh"]` models that are there are fitted
    anew, `arguments["device"]` is where (`auto`, `cpu`, `cuda`). Returns {"models": {table: record}, "folders": {table:
    folder}, "seconds": s}; a record is that of the manifest.

    Raises UsageError for an invalid spec, one without a synthesizer, and data that cannot be learned, StopRequested
    when asked to stop.
    """
    started = time.monotonic()
    session = Session(fitted=context.workspace.synthesizers)
    plan, _ = prepare_plan(arguments["spec"], Path(arguments["folder"]), None, session)
    jobs = _choose_jobs(plan, arguments.get("table"))
    device = str(arguments.get("device") or "auto")
    fit_missing(jobs, context, device=device, fresh=bool(arguments.get("fresh")) and context.attempt == 1)
    folder = context.workspace.synthesizers
    return {
        "models": {name: record_fit(job, folder).model_dump(mode="json") for name, job in jobs.items()},
        "folders": {name: str(folder / job.key) for name, job in jobs.items()},
        "seconds": round(time.monotonic() - started, 3),
    }


def list_jobs(plan: Plan) -> dict[str, FitJob]:
    """What is fitted for a plan, by table."""
    return {name: table.synthesizer.job for name, table in plan.tables.items() if table.synthesizer is not None}


def fit_missing(jobs: Mapping[str, FitJob], context: RunContext, *, device: str = "auto", fresh: bool = False) -> int:
    """Fit the jobs whose models are not in the workspace's store, all of them if `fresh`; how many were fitted."""
    folder = context.workspace.synthesizers
    missing = {name: job for name, job in jobs.items() if fresh or find_fitted(job, folder) is None}
    for name in jobs.keys() - missing.keys():
        context.log(f"The synthesizer of {name} is fitted already; --fresh fits it anew.")
    for name, job in missing.items():
        told = _TableProgress(context, name)
        checkpoints = context.folder / "checkpoints" / f"fit-{name}"
        context.log(f"Fitting {job.config.type} to {job.rows:,} rows of “{job.config.source}” for the table {name}.")
        fitted = fit_job(job, FitContext(progress=told, checkpoints=checkpoints, device=device), folder)
        for line in _describe(fitted.rows.report):
            context.log(f"{name}: {line}")
    return len(missing)


def record_fits(plan: Plan) -> dict[str, SynthesizerRecord]:
    """The fitted models that make columns, by table. Raises WorkbenchError where one is gone from the store."""
    folder = plan.session.fitted
    return {} if folder is None else {name: record_fit(job, folder) for name, job in list_jobs(plan).items()}


def record_fit(job: FitJob, folder: Path) -> SynthesizerRecord:
    """What the manifest says of a job's models. Raises WorkbenchError where they are not in the store."""
    fitted = find_fitted(job, folder)
    if fitted is None:
        message = f"The fitted model of “{job.table}” is gone from {folder}."
        raise WorkbenchError(message, "`workbench fit SPEC` fits it again.")
    report = asdict(fitted.rows.report)
    return SynthesizerRecord(
        source=job.config.source, key=job.key, sha256=hash_fitted(job, folder), seed=job.seed, **_make_plain(report)
    )


class _TableProgress:
    """The progress of one table's fit within a run: its figures carry the table's name where there are several."""

    def __init__(self, context: RunContext, table: str) -> None:
        self._context, self._table = context, table

    def stage(self, name: str) -> None:
        self._context.stage(f"{name} {self._table}")

    def step(self, done: int, total: int) -> None:
        self._context.step(done, total)

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        self._context.metrics(values, step)

    def log(self, message: str, level: Level = "info") -> None:
        self._context.log(f"{self._table}: {message}", level)

    def should_stop(self) -> bool:
        return self._context.should_stop()


def _choose_jobs(plan: Plan, table: str | None) -> dict[str, FitJob]:
    jobs = list_jobs(plan)
    if not jobs:
        raise UsageError("No table of the spec has a synthesizer.", "Add “synthesizer:” to one.")
    if table is None:
        return jobs
    if table not in jobs:
        raise UsageError(f"The spec has no table “{table}” with a synthesizer.", suggest(table, jobs))
    return {table: jobs[table]}


def _describe(report: Any) -> list[str]:
    """What a fit came to, as lines for the log."""
    lines = list(report.notes)
    if report.fidelity:
        lines.append("fidelity " + ", ".join(f"{name} {value:.3f}" for name, value in report.fidelity.items()))
    if report.epsilon is not None:
        lines.append(f"epsilon {report.epsilon:.3g} at delta {report.delta:g} is spent")
    return lines


def _make_plain(value: Any) -> Any:
    """The report as JSON can hold it: numbers that are not finite as null."""
    if isinstance(value, dict):
        return {str(name): _make_plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_make_plain(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
