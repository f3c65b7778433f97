"""What stands beside the data of a dataset: its card."""

from __future__ import annotations

from pathlib import Path

from workbench.datasets.card import write_card
from workbench.datasets.manifest import CARD, Manifest
from workbench.files import write_atomic
from workbench.spec.model import Spec


def finish_dataset(folder: Path, manifest: Manifest, spec: Spec) -> Manifest:
    """Write the card of the dataset in `folder`."""
    write_atomic(folder / CARD, write_card(manifest))
    return manifest
