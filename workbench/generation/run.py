"""The run kind `generate`: a spec into a published dataset, block by block, from wherever it was interrupted.

The dataset's version is the beginning of its fingerprint, so the same spec has the same folder: one that is there and
whole is used again. A run that is killed, stopped or out of disk leaves its committed blocks in a folder of its own
(`.partial-<run>`), and the same run started again goes on after them to the same bytes.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from workbench.datasets.card import write_card
from workbench.datasets.manifest import CARD, MANIFEST, Manifest
from workbench.errors import StopRequested, UsageError, WorkbenchError
from workbench.files import clean_text, explain_os_error, write_atomic
from workbench.generation.blocks import BLOCK_ROWS, make_block
from workbench.generation.building import BuildFolder, read_published, remove_folder
from workbench.generation.check import CheckedSpec, check_text
from workbench.generation.fingerprint import VERSION_DIGITS, compute_fingerprint
from workbench.generation.plan import Plan, build_plan, resize_spec
from workbench.generation.recording import read_versions, record_manifest, record_sources
from workbench.progress import RunContext
from workbench.spec.model import Spec


def run(arguments: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Make the dataset of `arguments["spec"]`, a text whose paths are relative to `arguments["folder"]`.

    `arguments["rows"]` sets the rows of the largest table and scales the others with it. `arguments["out"]` publishes
    to that folder (relative to the workspace) instead of the workspace's datasets. Returns {"dataset": folder, "name":
    "name@version", "rows": {table: n}, "rejected": {reason: n}, "seconds": s}.

    Raises UsageError for an invalid spec, WorkbenchError where rows or files cannot be made, and StopRequested between
    two blocks when asked to stop.
    """
    started = time.monotonic()
    folder = Path(arguments["folder"])
    plan = _plan(check_text(arguments["spec"], folder), arguments.get("rows"))
    fingerprint = compute_fingerprint(plan.spec)
    target = _choose_target(arguments.get("out"), plan.spec, fingerprint, context)
    try:
        manifest = _make(plan, fingerprint, arguments["spec"], folder, target, context)
    except OSError as error:
        raise explain_os_error(error, target) from error
    return {
        "dataset": str(target),
        "name": manifest.reference,
        "rows": {name: table.rows for name, table in manifest.tables.items()},
        "rejected": manifest.rejected,
        "seconds": round(time.monotonic() - started, 3),
    }


def _make(plan: Plan, fingerprint: str, text: str, folder: Path, target: Path, context: RunContext) -> Manifest:
    """The manifest of the dataset in `target`, which is there already or is made now."""
    _check_target(target)
    work = target.with_name(f".partial-{context.folder.name}")
    manifest = read_published(target, fingerprint)
    if manifest is None:
        return _build(plan, fingerprint, text, folder, work, target, context)
    context.log(f"{manifest.reference} is there already, with the same rows: nothing is made again.")
    if work.exists():
        remove_folder(work)
    total = sum(table.asked for table in manifest.tables.values())
    context.step(total, total)
    return _refresh(manifest, plan.spec, text, folder, target)


def _plan(checked: CheckedSpec, rows: Any) -> Plan:
    if checked.errors or checked.plan is None or checked.spec is None:
        first = (checked.errors or checked.problems)[0]
        more = f" (and {len(checked.errors) - 1} more)" if len(checked.errors) > 1 else ""
        cause = f"Line {first.line} of the spec: {first.message}{more}"
        raise UsageError(cause, first.hint or "`workbench check SPEC` lists all problems.")
    if rows is None:
        return checked.plan
    if isinstance(rows, bool) or not isinstance(rows, int) or not 1 <= rows <= 10_000_000_000:
        raise UsageError(f"“{rows}” is no number of rows.", "Give a whole number from 1 to 10,000,000,000.")
    plan, problems = build_plan(resize_spec(checked.spec, rows))
    if plan is None:
        raise UsageError(problems[0].message, problems[0].hint)
    return plan


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
    plan: Plan, fingerprint: str, text: str, folder: Path, work: Path, target: Path, context: RunContext
) -> Manifest:
    """Make the blocks that are not there yet, then publish."""
    begin, made = time.monotonic(), 0
    metadata = {"synthetic": "true", "seed": str(plan.spec.seed), "fingerprint": fingerprint}
    context.stage("generate")
    building = BuildFolder(work, {"fingerprint": fingerprint, **read_versions()})
    if building.committed:
        context.log(f"Going on after {len(building.committed)} blocks that were made before.")
    total, done = sum(table.rows for table in plan.tables.values()), 0
    context.step(0, total)
    for name, table in plan.tables.items():
        for number, start in enumerate(range(0, table.rows, BLOCK_ROWS)):
            stop = min(start + BLOCK_ROWS, table.rows)
            if (name, number) not in building.committed:
                if context.should_stop():
                    raise StopRequested
                building.commit(table, number, make_block(plan, name, start, stop), metadata)
                made += stop - start
                rate = made / max(time.monotonic() - begin, 1e-9)
                context.metrics({"rows_per_second": round(rate, 1)}, done + stop - start)
            done += stop - start
            context.step(done, total)
    context.stage("publish")
    manifest = record_manifest(plan, building, fingerprint, text, folder, time.monotonic() - begin)
    _report(manifest, work, context)
    published = read_published(target, fingerprint)
    if published is not None:  # another run of the same spec was faster
        remove_folder(work)
        return published
    building.publish(manifest, write_card(manifest), target)
    return manifest


def _report(manifest: Manifest, work: Path, context: RunContext) -> None:
    """Say what was left out, and refuse a table of which nothing is left."""
    for name, table in manifest.tables.items():
        for reason, count in table.rejected.items():
            context.log(f"{count:,} of {table.asked:,} rows of {name} left out: {reason} could not be kept", "warning")
        if not table.rows:
            reason = max(table.rejected, key=lambda reason: table.rejected[reason])
            remove_folder(work)
            raise WorkbenchError(
                f"No row of “{name}” keeps the constraint {reason}.", "Loosen it, or change the columns it compares."
            )


def _refresh(manifest: Manifest, spec: Spec, text: str, folder: Path, target: Path) -> Manifest:
    """The same rows under a spec whose other parts (training, gates, description) may have changed since."""
    fresh = manifest.model_copy(
        update={
            "name": spec.name,
            "description": spec.description,
            "spec": text,
            "spec_folder": str(folder.absolute()),
            "sources": record_sources(spec, folder),
        }
    )
    if fresh != manifest:
        write_atomic(target / CARD, write_card(fresh))
        write_atomic(target / MANIFEST, fresh.as_text())
    return fresh
