"""What checks look at: one table of a dataset with all that is known of it, and the real rows it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Maker
from workbench.columns.frames import find_series_kind
from workbench.datasets.sources import RealData
from workbench.quality.cells import take_column
from workbench.quality.clusters import Clusters, find_clusters
from workbench.quality.support import make_columns
from workbench.spec.model import ModelConfig, QualityConfig, Spec, TableConfig, TrainingConfig

if TYPE_CHECKING:
    import pandas as pd

    from workbench.datasets.manifest import Manifest

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to vectors of length 1, shape (texts, numbers)."""


@dataclass(frozen=True)
class Evidence:
    """What the checks of one table look at. `training` is given for the table that is trained on.

    `frame` has a fresh index, so an index is a row number. Draws of a check come from `seed` alone. `folder` is that of
    the dataset, `manifest` its description, `spec` the whole spec; all are None for rows of a preview, which have no
    files yet. `embed` is there where an embedding model is installed.
    """

    table: str
    config: TableConfig
    frame: pd.DataFrame
    real: RealData | None = None
    gates: QualityConfig = field(default_factory=QualityConfig)
    training: TrainingConfig | None = None
    seed: int = 0
    models: Mapping[str, ModelConfig] = field(default_factory=dict)
    parent_keys: Mapping[str, pd.Series[Any]] = field(default_factory=dict)
    """For each foreign key the primary keys of the table that it leads to."""
    folder: Path | None = None
    manifest: Manifest | None = None
    spec: Spec | None = None
    embed: Embed | None = None

    @cached_property
    def makers(self) -> dict[str, Maker]:
        """The columns of the table made ready, as far as they can be without other tables and real data."""
        kinds = {str(name): find_series_kind(take_column(self.frame, name)) for name in self.frame.columns}
        return make_columns(self.config, self.models, kinds)

    @cached_property
    def keys(self) -> set[str]:
        """The primary key and the foreign keys of the table."""
        return {*([self.config.primary_key] if self.config.primary_key else []), *self.config.find_keys()}

    @cached_property
    def shared_columns(self) -> list[str]:
        """Columns that the dataset and the real data both have, in the dataset's order; keys stand for nothing real."""
        if self.real is None:
            return []
        real = set(self.real.train.columns) - self.keys
        return [str(name) for name in self.frame.columns if name in real]

    @cached_property
    def clusters(self) -> Clusters:
        """Whose each row is, where several rows are of one entity and say less than as many independent ones."""
        return find_clusters(self)

    @cached_property
    def label(self) -> str | None:
        """The column that is to be predicted: of the gates, of training, or of the synthesizer; None without one."""
        named = (
            self.gates.label,
            self.training.label if self.training else None,
            self.config.synthesizer.label if self.config.synthesizer else None,
        )
        return next((name for name in named if name is not None and name in self.frame.columns), None)

    def draw(self, purpose: str) -> np.random.Generator:
        """Random numbers of a check's own: the same for the same seed, table and purpose."""
        words = np.random.SeedSequence([self.seed, *f"{self.table}\0{purpose}".encode()])
        return np.random.Generator(np.random.Philox(words))

    def sample(self, frame: pd.DataFrame, purpose: str, most: int | None = None) -> pd.DataFrame:
        """At most `most` rows of a frame, the gate's `sample_rows` if left out, in their order and with their index."""
        most = self.gates.sample_rows if most is None else most
        if len(frame) <= most:
            return frame
        chosen = self.draw(f"sample {purpose}").choice(len(frame), most, replace=False)
        return frame.iloc[np.sort(chosen)]
