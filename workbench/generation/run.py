"""The run kind `generate`: a spec into a published dataset, block by block, from wherever it was interrupted.

The dataset's version is the beginning of its fingerprint, so the same spec has the same folder: one that is there and
whole is used again. A run that is killed, stopped or out of disk leaves its committed blocks in a folder of its own
(`.partial-<run>`), and the same run started again goes on after them to the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.calls.session import Session
from workbench.datasets.finishing import finish_dataset
from workbench.datasets.manifest import MANIFEST, Manifest, SynthesizerRecord, find_damaged_extra
from workbench.datasets.promises import compare_promises
from workbench.errors import StopRequested, UsageError, WorkbenchError
from workbench.files import clean_text, explain_os_error, write_atomic
from workbench.generation.asking import CallWatch, open_session, set_budget, use_store, write_failures
from workbench.generation.blocks import remember_rows
from workbench.generation.building import BuildFolder, read_published, remove_folder
from workbench.generation.counterfactuals import make_missing
from workbench.generation.fingerprint import VERSION_DIGITS
from workbench.generation.fitting import fit_missing, record_fits
from workbench.generation.fitting import list_jobs as list_fits
from workbench.generation.packing import BlockJob, PackedBlock, list_jobs, pack_block
from workbench.generation.plan import Plan
from workbench.generation.pool import PlanSource, count_cores, pack_blocks
from workbench.generation.preparing import prepare_plan
from workbench.generation.recording import read_versions, record_manifest, record_sources, restate_licences
from workbench.progress import RunContext
from workbench.spec.model import Spec

Fits = Mapping[str, SynthesizerRecord]
"""The fitted models that make columns, by table."""


def run(arguments: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Make the dataset of `arguments["spec"]`, a text whose paths are relative to `arguments["folder"]`.

    `arguments["rows"]` sets the rows of the largest table and scales the others with it. `arguments["out"]` publishes
    to that folder (relative to the workspace) instead of the workspace's datasets. `arguments["workers"]` is the number
    of processes, by default one for each core. Returns {"dataset": folder, "name":
    "name@version", "rows": {table: n}, "rejected": {reason: n}, "failed": {place: n}, "cost_usd": x,
    "missed": [text], "seconds": s}; `missed` names the
    scenarios, balances and parities that did not come out as asked.

    Raises UsageError for an invalid spec, WorkbenchError where rows or files cannot be made, and StopRequested between
    two blocks when asked to stop.
    """
    started = time.monotonic()
    folder = Path(arguments["folder"])
    with open_session(context, fresh=bool(arguments.get("fresh"))) as session:
        return _run(arguments, folder, session, context, started)


def _run(
    arguments: dict[str, Any], folder: Path, session: Session, context: RunContext, started: float
) -> dict[str, Any]:
    session.fitted = context.workspace.synthesizers
    plan, fingerprint = prepare_plan(arguments["spec"], folder, arguments.get("rows"), session)
    if fit_missing(list_fits(plan), context):
        # The rows for each parent, where they are learned, are known now.
        plan, fingerprint = prepare_plan(arguments["spec"], folder, arguments.get("rows"), session)
    use_store(session, context.workspace)
    set_budget(session, plan.spec.budget)
    source = PlanSource(arguments["spec"], str(folder), arguments.get("rows"), fingerprint, session.fitted)
    target = _choose_target(arguments.get("out"), plan.spec, fingerprint, context)
    workers = _read_workers(arguments.get("workers"))
    try:
        manifest = _make(plan, source, workers, target, context)
    except OSError as error:
        raise explain_os_error(error, target) from error
    return {
        "dataset": str(target),
        "name": manifest.reference,
        "rows": {name: table.rows for name, table in manifest.tables.items()},
        "rejected": manifest.rejected,
        "failed": manifest.failed,
        "cost_usd": round(sum(model.paid_usd for model in manifest.models.values()), 6),
        "missed": [
            f"{name}: {line}"
            for name, table in manifest.tables.items()
            for line, kept in compare_promises(table)
            if not kept
        ],
        "seconds": round(time.monotonic() - started, 3),
    }


def _make(plan: Plan, source: PlanSource, workers: int, target: Path, context: RunContext) -> Manifest:
    """The manifest of the dataset in `target`, which is there already or is made now."""
    _check_target(target)
    work = target.with_name(f".partial-{context.folder.name}")
    fits = record_fits(plan)
    manifest = read_published(target, source.fingerprint)
    if manifest is None or plan.session.fresh or _is_refitted(manifest, fits):
        return _build(plan, fits, source, workers, work, target, context)
    context.log(f"{manifest.reference} is there already, with the same rows: nothing is made again.")
    if work.exists():
        remove_folder(work)
    total = sum(table.asked for table in manifest.tables.values())
    context.step(total, total)
    return _refresh(manifest, plan, source, target)


def _is_refitted(manifest: Manifest, fits: Fits) -> bool:
    """Whether a synthesizer has been fitted anew, to another model, since the dataset was made."""
    made = {name: record.sha256 for name, record in manifest.synthesizers.items()}
    return made != {name: record.sha256 for name, record in fits.items()}


def _read_workers(workers: Any) -> int:
    if workers is None:
        return count_cores()
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 1024:
        raise UsageError(f"“{workers}” is no number of processes.", "Give a whole number from 1 to 1024.")
    return workers


def _choose_target(out: Any, spec: Spec, fingerprint: str, context: RunContext) -> Path:
    """The folder to publish to."""
    if out is None:
        return context.workspace.datasets / spec.name / fingerprint[:VERSION_DIGITS]
    return context.workspace.root / Path(str(out)).expanduser()


def _check_target(target: Path) -> None:
    """Raise UsageError where something stands that is no dataset: it is not touched."""
    shown = clean_text(str(target))
    if target.exists() and not target.is_dir():
        raise UsageError(f"{shown} is a file.", "Give another folder with --out.")
    if target.is_dir() and not (target / MANIFEST).is_file() and any(target.iterdir()):
        raise UsageError(f"{shown} holds other files and no dataset.", "Give a new or empty folder with --out.")


def _build(
    plan: Plan, fits: Fits, source: PlanSource, workers: int, work: Path, target: Path, context: RunContext
) -> Manifest:
    """Make the blocks that are not there yet, then publish."""
    begin = time.monotonic()
    context.stage("generate")
    session = plan.session
    models = {f"synthesizer {name}": record.sha256 for name, record in fits.items()}
    building = BuildFolder(work, {"fingerprint": source.fingerprint, **read_versions(), **models})
    session.failed.update((failure.key, failure) for failure in building.list_failures())
    if building.committed:
        context.log(f"Going on after {len(building.committed)} blocks that were made before.")
    missing = [
        job
        for table in plan.tables.values()
        for job in list_jobs(table)
        if (job.table, job.number) not in building.committed
    ]
    done = plan.rows - sum(job.stop - job.start for job in missing)
    context.step(done, plan.rows)
    made = 0
    watch = CallWatch(session, plan, context)
    watch.begin(done)
    for block in _pack_missing(plan, source, workers, missing, context.should_stop):
        building.commit(block)
        made += block.job.stop - block.job.start
        rate = made / max(time.monotonic() - begin, 1e-9)
        context.metrics({"rows_per_second": round(rate, 1)}, done + made)
        context.step(done + made, plan.rows)
        watch.begin(done + made)
    if any(table.counterfactuals for table in plan.spec.tables.values()):
        context.stage("counterfactuals")
    compared = make_missing(plan, [], work, source.fingerprint)
    watch.tell_all()
    context.stage("publish")
    folder = Path(source.folder)
    manifest = record_manifest(plan, building, fits, source.fingerprint, source.text, folder, time.monotonic() - begin)
    manifest = manifest.model_copy(update={"counterfactuals": compared})
    _report(manifest, work, context)
    write_failures(building)
    published = None if session.fresh else read_published(target, source.fingerprint)
    if published is not None and not _is_refitted(published, fits):  # another run of the same spec was faster
        remove_folder(work)
        return published
    manifest = finish_dataset(work, manifest, plan.spec)
    building.publish(manifest, target)
    return manifest


def _pack_missing(
    plan: Plan, source: PlanSource, workers: int, missing: list[BlockJob], should_stop: Callable[[], bool]
) -> Iterator[PackedBlock]:
    """The `missing` blocks. Tables with rules of uniqueness are made in order, others by a pool.

    Models that cost something are asked by this process alone, so that one weighs its turns and its money.
    """
    metadata = {"synthetic": "true", "seed": str(plan.spec.seed), "fingerprint": source.fingerprint}
    free = [job for job in missing if not plan.tables[job.table].uniques]
    costly = [job for job in free if plan.tables[job.table].is_costly]
    pooled = [job for job in free if not plan.tables[job.table].is_costly]
    yield from pack_blocks(source, plan, pooled, metadata, workers, should_stop)
    yield from pack_blocks(source, plan, costly, metadata, 1, should_stop)
    for table in plan.tables.values():
        if not table.uniques:
            continue
        seen, open_jobs = table.start_seen(), set(missing)
        for job in list_jobs(table):
            if should_stop():
                raise StopRequested
            if job in open_jobs:
                yield pack_block(plan, job, metadata, seen)
            else:  # its rows are remembered again
                remember_rows(table, job.start, job.stop, seen)


def _report(manifest: Manifest, work: Path, context: RunContext) -> None:
    """Say what was left out, and refuse a table of which nothing is left."""
    for place, count in manifest.failed.items():
        context.log(f"{count:,} rows without an answer: {place}", "warning")
    for name, table in manifest.tables.items():
        for reason, count in table.rejected.items():
            context.log(f"{count:,} of {table.asked:,} rows of {name} left out: {reason} could not be kept", "warning")
        for reason, count in table.redrawn.items():
            context.log(f"{count:,} of {table.asked:,} rows of {name} drawn again: {reason}")
        for line, kept in compare_promises(table):
            context.log(f"{name}: {line}", "info" if kept else "warning")
        if not table.rows:
            reason = max(table.rejected, key=lambda reason: table.rejected[reason])
            remove_folder(work)
            raise WorkbenchError(
                f"No row of “{name}” keeps the constraint {reason}.", "Loosen it, or change the columns it compares."
            )


def _refresh(manifest: Manifest, plan: Plan, source: PlanSource, target: Path) -> Manifest:
    """The same rows under a spec whose other parts (training, splits, exports, gates) may have changed since."""
    folder, spec = Path(source.folder), plan.spec
    fresh = manifest.model_copy(
        update={
            "name": spec.name,
            "description": spec.description,
            "spec": source.text,
            "spec_folder": str(folder.absolute()),
            "sources": record_sources(spec, folder),
            "models": restate_licences(manifest.models, spec),
            "counterfactuals": make_missing(plan, manifest.counterfactuals, target, source.fingerprint),
        }
    )
    if fresh != manifest or find_damaged_extra(target, manifest) is not None:
        fresh = finish_dataset(target, fresh, spec)
        write_atomic(target / MANIFEST, fresh.as_text())
    return fresh
