"""The gate between a dataset and training: what its `quality.json` says, and whether that is still true.

It stands beside the dataset store and not with the checks, since training asks it and the two do not know each other.
A report speaks about the files it has seen: it is stale once the data, the spec or the meaning of a check changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.datasets.manifest import hash_file, read_manifest
from workbench.errors import GateError, WorkbenchError
from workbench.spec.reading import read_document

REPORT = "quality.json"
CHECKS_VERSION = 2
"""Raised when a check's definition changes, so that reports of the older one read as stale."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `quality.json` says. `failed` names the checks that failed, `unassessed` the gates nobody could judge."""

    verdict: str
    failed: tuple[str, ...]
    unassessed: tuple[str, ...]
    fresh: bool
    report: Mapping[str, Any]


def digest_dataset(folder: Path) -> dict[str, str | int]:
    """What a report is about: SHA-256 (hex) of the data files and their names, of the spec, and the checks' version.

    The files are read, not only their digests in the manifest, so that a file edited by hand is noticed.
    """
    manifest = read_manifest(folder)
    data = hashlib.sha256()
    for record in manifest.files:
        try:
            content = hash_file(folder / record.path)
        except OSError as error:
            raise WorkbenchError(
                f"{folder / record.path} cannot be read: {error.strerror}.", "Generate the dataset again."
            ) from error
        data.update(f"{record.path}\0{content}\n".encode())
    return {"data": data.hexdigest(), "spec": manifest.spec_sha256, "checks": CHECKS_VERSION}


def read_verdict(folder: Path) -> Verdict | None:
    """The verdict on the dataset in `folder`, None if it was not checked. `WorkbenchError` if the file is damaged."""
    path = folder / REPORT
    try:
        report = json.loads(path.read_text("utf-8"))
        checks = [(str(each["name"]), each["verdict"], bool(each.get("gated"))) for each in report["checks"]]
        verdict, digest = str(report["verdict"]), report["digest"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise WorkbenchError(
            f"{path} cannot be read.", f"Check the dataset again: workbench quality {folder}"
        ) from error
    return Verdict(
        verdict,
        tuple(name for name, result, _ in checks if result == "fail"),
        tuple(name for name, result, gated in checks if gated and result == "not assessed"),
        digest == digest_dataset(folder),
        report,
    )


def check_gate(folder: Path) -> Verdict | None:
    """Let the dataset in `folder` pass to training, or raise `GateError` (exit code 3).

    Refused are a failed check, a gate of the spec that could not be judged, a report that is stale, and a dataset that
    was never checked although its spec sets gates. One without gates and without a report passes as None.
    """
    again = f"Run: workbench quality {folder}"
    found = read_verdict(folder)
    if found is None:
        if _sets_gates(read_manifest(folder).spec):
            raise GateError("The spec sets quality gates, and the dataset was not checked yet.", again)
        return None
    if not found.fresh:
        raise GateError("The quality report is stale: the data, the spec or the checks have changed since.", again)
    if found.failed:
        raise GateError(
            f"The dataset failed the check {' and '.join(found.failed)}.",
            f"`workbench quality {folder}` says why; improve the spec and generate again.",
        )
    if found.unassessed:
        raise GateError(
            f"The spec's gate on {' and '.join(found.unassessed)} could not be judged, so it is not passed.",
            "Give more rows and the real data it needs as a source, or take the gate out of the spec.",
        )
    return found


def _sets_gates(spec: str) -> bool:
    data = read_document(spec).data
    gates = data.get("quality") if isinstance(data, dict) else None
    return isinstance(gates, dict) and any(
        value is not None and (name == "require" or str(name).startswith(("min_", "max_")))
        for name, value in gates.items()
    )
