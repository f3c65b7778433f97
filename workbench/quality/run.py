"""The run kind `quality`: every check on every table of a dataset, written to its `quality.json`.

There is one verdict per check and one overall, which is the worst of them. There is no blended score: a good mean
hides the one figure that matters.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.datasets.gates import PAGE, REPORT, digest_dataset, list_waivers, record_quality
from workbench.errors import StopRequested
from workbench.files import clean_text, write_atomic, write_json
from workbench.progress import Level, Progress, RunContext
from workbench.quality.asking import ask, is_gated
from workbench.quality.cache import FindingCache, digest_evidence
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import GROUPS, Check, Finding, find_group_place, find_worst
from workbench.quality.embedding import find_embedder
from workbench.quality.evidence import Evidence
from workbench.quality.inputs import collect_evidence, describe_real, list_real_files, read_real, read_spec
from workbench.quality.report.html import write_page
from workbench.spec.model import Spec
from workbench.spec.problems import suggest

if TYPE_CHECKING:
    from workbench.datasets.store import Dataset

LOG = logging.getLogger(__name__)


def run(arguments: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Check the dataset `arguments["dataset"]` (a folder or name), against the file `arguments["real"]` if given.

    `arguments["holdout"]` is a file of real rows that nothing was learned from. With `arguments["fresh"]` no finding
    of an earlier run is used. Returns what `quality.json` holds, but with the dataset's folder as "dataset" and
    name@version as "name". A dataset that fails its checks is a finished run: it is `tune` that refuses it.
    """
    from workbench.datasets.store import open_dataset

    dataset = open_dataset(str(arguments["dataset"]), context.workspace)
    files = {name: Path(arguments[name]) if arguments.get(name) else None for name in ("real", "holdout")}
    cache = None if arguments.get("fresh") else context.workspace.quality
    report = check_dataset(dataset, files["real"], context, holdout_file=files["holdout"], cache=cache)
    page = str(dataset.folder / PAGE)
    return report | {"dataset": str(dataset.folder), "name": dataset.reference, "page": page}


def check_dataset(
    dataset: Dataset,
    real_file: Path | None,
    progress: Progress,
    *,
    holdout_file: Path | None = None,
    cache: Path | None = None,
) -> dict[str, Any]:
    """Run all checks on `dataset` and write its `quality.json`; returns what was written.

    `real_file` stands in for the spec's sources, `holdout_file` for their holdout; `cache` is the folder of earlier
    findings. Raises `UsageError` if real data cannot be read, and `StopRequested` between two checks when asked to
    stop; nothing is written then, but what was found by then is kept in the cache.
    """
    begin = time.monotonic()
    spec = read_spec(dataset)
    progress.stage("read")
    real = read_real(spec, dataset.spec_folder, dataset.reference, real_file, holdout_file)
    digest = digest_dataset(dataset.folder, list_real_files(spec, dataset.spec_folder, real_file, holdout_file))
    embed = find_embedder()
    findings: list[Finding] = []
    asked = [(table, check) for table in spec.tables for _, check in sorted(CHECKS.items())]
    progress.stage("check")
    evidence: Evidence | None = None
    kept: FindingCache | None = None
    reused = 0
    for done, (table, check) in enumerate(asked):
        if progress.should_stop():
            raise StopRequested
        if evidence is None or evidence.table != table:
            evidence = collect_evidence(spec, dataset, table, real.get(table), embed)
            kept = FindingCache(cache, digest_evidence(evidence, str(digest["data"]))) if cache else None
        found = kept.read(check) if kept else None
        reused += found is not None
        for finding in _ask_safely(check, evidence, kept, progress) if found is None else found:
            findings.append(finding)
            level: Level = "warning" if finding.verdict in ("warn", "fail") else "info"
            progress.log(f"{finding.verdict}: {finding.name} of {table}: {finding.detail}", level)
        progress.step(done + 1, len(asked))
    findings = [*_settle_gates(findings), *_find_unasked(spec, findings)]
    findings.sort(key=lambda finding: (list(spec.tables).index(finding.table), find_group_place(finding.group)))
    report = {
        "format": 1,
        "dataset": dataset.reference,
        "verdict": find_worst(finding.verdict for finding in findings),
        "checks": [finding.as_json() for finding in findings],
        "real": {table: describe_real(each) for table, each in real.items()},
        "gates": spec.quality.model_dump(mode="json", exclude_defaults=True),
        "waivers": [each.model_dump() for each in list_waivers(dataset.folder)],
        "seed": spec.seed,
        "reused": reused,
        "digest": digest,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - begin, 3),
    }
    write_json(dataset.folder / REPORT, report)
    write_atomic(dataset.folder / PAGE, write_page(report, dataset.reference))
    record_quality(dataset.folder, report)
    return report


def _settle_gates(findings: list[Finding]) -> list[Finding]:
    """A gate is for the tables that have what it looks at: judged on one, it does not refuse what others lack."""
    judged = {finding.check for finding in findings if finding.verdict != "not assessed"}
    return [
        replace(finding, gated=False) if finding.verdict == "not assessed" and finding.check in judged else finding
        for finding in findings
    ]


def _find_unasked(spec: Spec, findings: list[Finding]) -> list[Finding]:
    """What the spec requires or sets a gate on and no check answered for any table: it refuses as what could not be
    assessed does."""
    answered = {name for finding in findings for name in (finding.name, finding.check, finding.group)}
    known = {name for name, _ in CHECKS.items()} | set(GROUPS)
    gates = spec.quality.find_gates()
    asking = {gate: [name for name, check in CHECKS.items() if check.gate == gate] for gate in gates}
    wanted = [*spec.quality.require, *(names[0] for names in asking.values() if names and not answered & {*names})]
    return [
        Finding(
            name,
            "Was it asked, as the spec wants?",
            "not assessed",
            0,
            gated=True,
            detail="no table has what this check looks at" if name in known else "there is no check of this name",
            table=next(iter(spec.tables)),
            check=name,
            group="rules",
            fix=suggest(name, known)
            if name not in known
            else "Take it out of “quality:”, or give it what it looks at.",
        )
        for name in dict.fromkeys(wanted)
        if name not in answered
    ]


def _ask_safely(check: Check, evidence: Evidence, kept: FindingCache | None, progress: Progress) -> list[Finding]:
    """What a check finds, which is kept; one that fails itself, a plug-in's say, leaves the others their report."""
    try:
        found = ask(check, evidence)
    except Exception as error:  # whatever it is, it is said, and the dataset is not called good for it
        LOG.exception("the check %s failed on %s", check.name, evidence.table)
        reason = clean_text(f"{type(error).__name__}: {error}")[:200]
        progress.log(f"The check {check.name} of {evidence.table} failed itself: {reason}", "error")
        return [
            Finding(
                check.name,
                check.question,
                "not assessed",
                len(evidence.frame),
                gated=is_gated(check, evidence),
                detail=f"the check failed itself: {reason}",
                table=evidence.table,
                check=check.name,
                group=check.group,
                fix="Report it with the log of this run.",
            )
        ]
    if kept is not None:
        kept.write(check, found)
    return found
