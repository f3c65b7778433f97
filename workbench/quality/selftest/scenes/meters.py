"""Hourly readings of electricity meters: ordered records of entities, each reading near to the one before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.datasets.sources import RealData
from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_scene
from workbench.quality.selftest.specs import build_evidence

if TYPE_CHECKING:
    import pandas as pd

ROWS = 2_000
READINGS = 20
_NEAR = 0.3
"""Correlation of a reading with the one before."""
SPEC = """
name: meters
rows: 2000
sources: {readings: {path: readings.csv, group_by: meter}}
synthesizer: {type: sequence, source: readings, entity: meter, order_by: read_at}
"""


@register_scene("meters", "readings of electricity meters, hour after hour, with real meters of the same kind",
                most_rows=ROWS)  # fmt: skip
def make_meters(seed: int, rows: int, folder: Path) -> Evidence:
    """About twice `rows` readings, since those of a meter depend on one another. No meter is in two of the dataset,
    the training rows and the holdout.
    """
    frame, train, holdout = (_draw_readings(2 * rows // READINGS, seed, place) for place in range(3))
    real = RealData(train, holdout, "", len(train) + len(holdout), "simulated meters", "none needed")
    return build_evidence(SPEC, frame, seed, real=real, folder=folder)


def _draw_readings(meters: int, seed: int, place: int) -> pd.DataFrame:
    import pandas as pd

    draw = np.random.Generator(np.random.Philox(3 * seed + place))
    counts = draw.integers(READINGS // 2, 3 * READINGS // 2 + 1, meters)
    whose = np.repeat(np.arange(meters), counts)
    place_of = np.concatenate([np.arange(count) for count in counts])
    steps = draw.normal(0, np.sqrt(1 - _NEAR**2), len(whose))
    level = draw.normal(0, 1, meters)
    course = np.empty(len(whose))
    for row in range(len(whose)):
        before = level[whose[row]] if place_of[row] == 0 else course[row - 1]
        course[row] = _NEAR * before + steps[row]
    gaps = 3_600 + draw.integers(-300, 301, len(whose))
    start = draw.integers(0, 12 * 3_600, meters)
    seconds = start[whose] + pd.Series(gaps).groupby(whose).cumsum().to_numpy()
    return pd.DataFrame(
        {
            "meter": [f"M{place}-{number:04d}" for number in whose],
            "read_at": (np.datetime64("2025-01-01", "s") + seconds.astype("timedelta64[s]")).astype("datetime64[us]"),
            "watts": np.round(400 * np.exp(0.5 * course), 1),
            "state": np.where(course > 1.2, "high", np.where(course < -1.2, "low", "normal")),
        }
    )
