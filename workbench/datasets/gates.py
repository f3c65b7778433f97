"""The gate between a dataset and its use: what its `quality.json` says, whether that is still true, what is waived.

It stands beside the dataset store and not with the checks, since training asks it and the two do not know each other.
A report speaks about the files it has seen: it is stale once the data, the spec, the real data or the meaning of a
check changes. Who goes on in spite of a failed check says why, and that is written into the manifest and the card.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.datasets.manifest import (
    MEDIA,
    CheckRecord,
    Manifest,
    QualityRecord,
    WaiverRecord,
    hash_file,
    read_manifest,
)
from workbench.errors import GateError, UsageError, WorkbenchError
from workbench.files import clean_text
from workbench.spec.problems import suggest
from workbench.spec.reading import read_document

REPORT = "quality.json"
PAGE = "quality.html"
CHECKS_VERSION = 2
"""Raised when a check's definition changes, so that reports of the older one read as stale."""

STALE, UNCHECKED = "stale", "unchecked"
"""What can be waived beside checks: that the report is about something else by now, and that there is none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `quality.json` says. `failed` names the checks that failed, `unassessed` the gates nobody could judge.
    `digest` is that of the dataset as it is now, without real data, which `fresh` compares with the report's.
    """

    verdict: str
    failed: tuple[str, ...]
    unassessed: tuple[str, ...]
    fresh: bool
    report: Mapping[str, Any]
    digest: Mapping[str, Any]


def digest_dataset(folder: Path, real_files: Iterable[Path] = ()) -> dict[str, Any]:
    """What a report is about: SHA-256 (hex) of the data and media files and their names, of the spec, and the checks'
    version, and by path those of the files of real data.

    The files are read, not only their digests in the manifest, so that a file edited by hand is noticed.
    """
    manifest = read_manifest(folder)
    data = hashlib.sha256()
    media = [record.path for record in manifest.extras if record.path.startswith(f"{MEDIA}/")]
    for path in [*(record.path for record in manifest.files), *media]:
        try:
            content = hash_file(folder / path)
        except OSError as error:
            raise WorkbenchError(
                f"{folder / path} cannot be read: {error.strerror}.", "Generate the dataset again."
            ) from error
        data.update(f"{path}\0{content}\n".encode())
    digest: dict[str, Any] = {"data": data.hexdigest(), "spec": manifest.spec_sha256, "checks": CHECKS_VERSION}
    real = {str(path): hash_file(path) for path in real_files}
    return digest | ({"real": real} if real else {})


def read_verdict(folder: Path) -> Verdict | None:
    """The verdict on the dataset in `folder`, None if it was not checked. `WorkbenchError` if the file is damaged."""
    path = folder / REPORT
    try:
        report = json.loads(path.read_text("utf-8"))
        checks = [(str(each["name"]), each["verdict"], bool(each.get("gated"))) for each in report["checks"]]
        verdict, digest = str(report["verdict"]), dict(report["digest"])
        known = {Path(name): str(content) for name, content in digest.get("real", {}).items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise WorkbenchError(
            f"{path} cannot be read.", f"Check the dataset again: workbench quality {folder}"
        ) from error
    # Real data may have stayed on another machine: what is not here has not changed.
    now = digest_dataset(folder, [name for name in known if name.is_file()])
    changed = any(known[Path(name)] != content for name, content in now.pop("real", {}).items())
    digest.pop("real", None)
    return Verdict(
        verdict,
        _name_each(name for name, result, _ in checks if result == "fail"),
        _name_each(name for name, result, gated in checks if gated and result == "not assessed"),
        digest == now and not changed,
        report,
        now,
    )


def check_gate(folder: Path) -> Verdict | None:
    """Let the dataset in `folder` pass to training or export, or raise `GateError` (exit code 3).

    Refused are a failed check, a gate of the spec that could not be judged, a report that is stale, and a dataset that
    was never checked although its spec sets gates; each unless it is waived (`waive_checks`). One without gates and
    without a report passes as None.
    """
    manifest = read_manifest(folder)
    found = read_verdict(folder)
    waived = {each.check for each in list_waivers(folder, found)}
    again = f"Run: workbench quality {folder}"
    if found is None:
        if _sets_gates(manifest.spec) and UNCHECKED not in waived:
            raise GateError("The spec sets quality gates, and the dataset was not checked yet.", again)
        return None
    if not found.fresh and STALE not in waived:
        raise GateError(
            "The quality report is stale: the data, the spec, the real data or the checks have changed since.", again
        )
    failed = [name for name in found.failed if name not in waived]
    if failed:
        raise GateError(
            f"The dataset failed the check {' and '.join(failed)}.",
            f"`workbench quality {folder}` says why; improve the spec and generate again"
            f"{', or go on with --waive and --reason' if _allows_waivers(manifest.spec) else ''}.",
        )
    unassessed = [name for name in found.unassessed if name not in waived]
    if unassessed:
        raise GateError(
            f"The spec's gate on {' and '.join(unassessed)} could not be judged, so it is not passed.",
            "Give more rows and the real data it needs as a source, or take the gate out of the spec.",
        )
    return found


def waive_checks(folder: Path, names: Sequence[str], reason: str, by: str) -> list[WaiverRecord]:
    """Write into the manifest and the card that the dataset is used in spite of these checks, and why.

    Returns what was written. Raises UsageError where the reason is empty, a check stands in no one's way, or the spec
    allows no waiver (`preset: release`).
    """
    from workbench.datasets.finishing import describe_again

    manifest = read_manifest(folder)
    reason = " ".join(clean_text(reason).split())
    if not reason:
        raise UsageError("A waiver needs a reason.", 'Say why with --reason "…": it is written into the dataset card.')
    if not _allows_waivers(manifest.spec):
        raise UsageError("The spec's preset “release” allows no waivers.", "Meet the gate, or choose another preset.")
    found = read_verdict(folder)
    open_now = {UNCHECKED} if found is None else {*found.failed, *found.unassessed, *([] if found.fresh else [STALE])}
    for name in names:
        if name not in open_now:
            hint = suggest(name, open_now) or "`workbench quality` shows which checks failed."
            raise UsageError(f"Nothing has to be waived by the name “{clean_text(name)}”.", hint)
    digest = digest_dataset(folder) if found is None else found.digest
    at = datetime.now(UTC).isoformat(timespec="seconds")
    made = [
        WaiverRecord(check=name, reason=reason, by=clean_text(by), at=at, data=digest["data"], spec=digest["spec"])
        for name in dict.fromkeys(names)
    ]
    kept = [each for each in manifest.waivers if each.check not in names]
    describe_again(folder, manifest.model_copy(update={"waivers": [*kept, *made]}))
    return made


def record_quality(folder: Path, report: Mapping[str, Any]) -> Manifest:
    """Write the outcome of a quality report into the manifest, the card and `croissant.json` of the dataset."""
    from workbench.datasets.finishing import describe_again

    record = QualityRecord(
        verdict=report["verdict"],
        made=report["made"],
        digest=dict(report["digest"]),
        checks=[CheckRecord.model_validate(check) for check in report["checks"]],
    )
    return describe_again(folder, read_manifest(folder).model_copy(update={"quality": record}))


def list_waivers(folder: Path, verdict: Verdict | None = None) -> list[WaiverRecord]:
    """The waivers that hold: those of the data and the spec as they are now. All files are read for it, unless there
    are no waivers or a `verdict` that was just read knows the digest.
    """
    manifest = read_manifest(folder)
    if not manifest.waivers or not _allows_waivers(manifest.spec):
        return []
    digest = digest_dataset(folder) if verdict is None else verdict.digest
    return [each for each in manifest.waivers if (each.data, each.spec) == (digest["data"], digest["spec"])]


def describe_gate(folder: Path) -> list[str]:
    """What is to be said of the dataset wherever its rows go: the verdict, and each waiver with its reason."""
    found = read_verdict(folder)
    lines = ["quality was not checked" if found is None else f"quality: {found.verdict}"]
    if found is not None and not found.fresh:
        lines[0] += ", of an earlier state"
    return lines + [each.describe() for each in list_waivers(folder, found)]


def _name_each(names: Iterable[str]) -> tuple[str, ...]:
    """The names in their order, each once: a check may have failed on several tables."""
    return tuple(dict.fromkeys(names))


def _read_gates(spec: str) -> dict[Any, Any]:
    data = read_document(spec).data
    gates = data.get("quality") if isinstance(data, dict) else None
    return gates if isinstance(gates, dict) else {}


def _sets_gates(spec: str) -> bool:
    return any(
        value is not None and (name == "require" or str(name).startswith(("min_", "max_")))
        for name, value in _read_gates(spec).items()
    ) or not _allows_waivers(spec)


def _allows_waivers(spec: str) -> bool:
    return _read_gates(spec).get("preset") != "release"
