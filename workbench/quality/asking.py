"""Asking one check about one table: what it needs and lacks, what the spec's preset makes of its verdict."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Literal

from workbench.quality.check import CHECKS, Check, Finding
from workbench.quality.evidence import Evidence

NO_REAL = "there is no real data to compare with"


def ask(check: Check, evidence: Evidence) -> list[Finding]:
    """The findings of one check on one table, with its group, the table's name and the seconds it took in them."""
    begin = time.perf_counter()
    if check.needs_real and evidence.real is None:
        found = [
            Finding(
                check.name,
                check.question,
                "not assessed",
                len(evidence.frame),
                gated=is_gated(check, evidence),
                detail=NO_REAL,
                fix="Give real rows with --real, or name them under “sources:”.",
            )
        ]
    else:
        found = check.find(evidence)
    seconds = (time.perf_counter() - begin) / max(len(found), 1)
    return [
        _apply_preset(
            replace(
                finding,
                table=evidence.table,
                check=check.name,
                group=check.group,
                better=finding.better or _find_better(check),
                seconds=seconds,
            ),
            evidence,
        )
        for finding in found
    ]


def is_gated(check: Check, evidence: Evidence) -> bool:
    """Whether the spec sets the check's gate."""
    return check.gate is not None and getattr(evidence.gates, check.gate) is not None


def _find_better(check: Check) -> Literal["high", "low", ""]:
    if check.gate is None:
        return ""
    return "high" if check.gate.startswith("min_") else "low"


def _apply_preset(finding: Finding, evidence: Evidence) -> Finding:
    """`draft` turns failures of no gate into warnings, `release` warnings of privacy into failures.

    What the spec requires counts as a gate, so that it refuses where it could not be assessed. A name that is that of a
    check and of a group means the check.
    """
    gates = evidence.gates
    required = {*gates.require, *(["privacy"] if gates.preset == "release" else [])}
    if required & {finding.name, finding.check} or (finding.group in required and CHECKS.get(finding.group) is None):
        finding = replace(finding, gated=True)
    if gates.preset == "draft" and finding.verdict == "fail" and not finding.gated and finding.group != "rules":
        return replace(finding, verdict="warn")
    if gates.preset == "release" and finding.verdict == "warn" and finding.group == "privacy":
        return replace(finding, verdict="fail")
    return finding
