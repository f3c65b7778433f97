"""What a check has found, kept by the digest of all that it looked at, so that it is not asked twice.

A finding depends on the rows, the spec's words on the table, the gates, the real rows, the seed, the versions of the
checks and of the libraries they stand on. It lies in the workspace, `quality/<key>.json`; one that cannot be read, or
was written by another version, is found again.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from workbench.datasets.gates import CHECKS_VERSION
from workbench.errors import WorkbenchError
from workbench.files import make_folder, write_json
from workbench.quality.check import Check, Finding
from workbench.quality.evidence import Evidence

_LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn")


def digest_evidence(evidence: Evidence, data: str) -> str:
    """SHA-256 (hex) of what the checks of a table look at. `data` is the digest of the dataset's files."""
    facts = {
        "data": data,
        "table": evidence.table,
        "config": evidence.config.model_dump(mode="json"),
        "gates": evidence.gates.model_dump(mode="json"),
        "training": evidence.training.model_dump(mode="json") if evidence.training else None,
        "spec": evidence.spec.model_dump(mode="json", exclude={"description"}) if evidence.spec else None,
        "seed": evidence.seed,
        "real": [evidence.real.digest, *map(_digest_frame, (evidence.real.train, evidence.real.holdout))]
        if evidence.real
        else None,
        "embedder": evidence.embed is not None,
        "checks": CHECKS_VERSION,
        "versions": {name: version(name) for name in _LIBRARIES},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


class FindingCache:
    """The findings of one table. `digest` is that of its evidence."""

    def __init__(self, folder: Path, digest: str) -> None:
        self._folder, self._digest = folder, digest

    def read(self, check: Check) -> list[Finding] | None:
        """What the check has found, None where it was not asked about this."""
        try:
            kept = json.loads(self._find_path(check).read_text("utf-8"))
            return [Finding.from_json(each) for each in kept["findings"]]
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, check: Check, findings: list[Finding]) -> None:
        """Keep what the check has found; where nothing can be written, it is asked again next time."""
        try:
            make_folder(self._folder)
            write_json(self._find_path(check), {"findings": [finding.as_json() for finding in findings]})
        except (OSError, WorkbenchError):
            return

    def _find_path(self, check: Check) -> Path:
        key = hashlib.sha256(f"{self._digest}\0{check.name}".encode()).hexdigest()
        return self._folder / f"{key}.json"


def _digest_frame(frame: Any) -> str:
    import pandas as pd

    hashes = pd.util.hash_pandas_object(frame.astype(str), index=False).to_numpy()
    return hashlib.sha256(hashes.tobytes()).hexdigest()
