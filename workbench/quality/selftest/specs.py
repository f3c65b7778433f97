"""From the spec of a scene, which is YAML as a user would write it, to what the checks look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.columns.synthesized import SynthesizedColumnConfig
from workbench.datasets.sources import RealData
from workbench.quality.evidence import Evidence
from workbench.spec.loading import load_spec
from workbench.spec.model import QualityConfig
from workbench.synthesizers.registry import spec_types

if TYPE_CHECKING:
    import pandas as pd

    from workbench.datasets.manifest import Manifest


def build_evidence(
    text: str,
    frame: pd.DataFrame,
    seed: int,
    *,
    real: RealData | None = None,
    folder: Path | None = None,
    gates: QualityConfig | None = None,
    manifest: Manifest | None = None,
) -> Evidence:
    """Evidence of the one table of the spec `text`; `gates` stand in for those of the spec.

    Columns of the frame that the spec does not list are those that its synthesizer made.
    Raises ValueError where the spec has a problem, which would be a fault of the scene.
    """
    loaded = load_spec(text, spec_types())
    if loaded.spec is None:
        raise ValueError(f"the spec of a scene cannot be read: {loaded.problems[0].message}")
    spec = loaded.spec.model_copy(update={"quality": gates or loaded.spec.quality})
    ((name, table),) = spec.tables.items()
    listed = {column.name for column in table.columns}
    made = [
        SynthesizedColumnConfig(name=str(column), type="synthesized")
        for column in frame.columns
        if column not in listed
    ]
    table = table.model_copy(update={"columns": [*table.columns, *made]})
    spec = spec.model_copy(update={"tables": {name: table}})
    return Evidence(
        name, table, frame, real, spec.quality, spec.training, seed, spec.models,
        folder=folder, manifest=manifest, spec=spec,
    )  # fmt: skip
