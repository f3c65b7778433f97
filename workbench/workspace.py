"""The folder a user works in: specs, datasets and runs (DESIGN section 4). Folders are made when first written to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UsageError

VARIABLE = "WORKBENCH_WORKSPACE"


@dataclass(frozen=True, slots=True)
class Workspace:
    """`root` is absolute. Nothing is created by making a `Workspace`."""

    root: Path

    @property
    def specs(self) -> Path:
        """Where `new` and the editor put specs."""
        return self.root / "specs"

    @property
    def datasets(self) -> Path:
        """`<name>/<version>/` of every dataset."""
        return self.root / "datasets"

    @property
    def responses(self) -> Path:
        """The store of the answers of models, for all runs and previews."""
        return self.root / "responses.sqlite"

    @property
    def synthesizers(self) -> Path:
        """`<key>/` of every fitted model, for all runs and previews."""
        return self.root / "synthesizers"

    @property
    def quality(self) -> Path:
        """What checks have found of datasets, by the digest of what they looked at."""
        return self.root / "quality"

    @property
    def runs(self) -> Path:
        """`<id>/` of every run, and the queue."""
        return self.root / "runs"


def find_workspace(explicit: str | Path | None = None) -> Workspace:
    """The workspace asked for, else that of WORKBENCH_WORKSPACE, else the current folder."""
    chosen = Path(explicit or os.environ.get(VARIABLE) or ".").expanduser().absolute()
    if chosen.exists() and not chosen.is_dir():
        raise UsageError(f"The workspace {chosen} is a file.", "Give a folder with --workspace.")
    return Workspace(chosen)
