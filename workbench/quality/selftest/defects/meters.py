"""Records that do not follow one another: their course is broken, or time runs backwards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_defect


@register_defect(
    "broken_course",
    "the readings of each meter stand in any order: no reading is near to the one before",
    scene="meters",
    trips=("sequences",),
)
def break_course(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Shuffle readings within each meter; moments stay."""
    frame = evidence.frame
    order = np.lexsort([draw.random(len(frame)), frame["meter"].to_numpy(str)])
    places = np.lexsort([np.arange(len(frame)), frame["meter"].to_numpy(str)])
    changed = frame.copy()
    for name in ("watts", "state"):
        values = frame[name].to_numpy(copy=True)
        values[places] = frame[name].to_numpy()[order]
        changed[name] = values
    return replace(evidence, frame=changed)


@register_defect(
    "time_backwards",
    "the readings of one meter run from the last to the first",
    scene="meters",
    trips=("sequences.order",),
)
def turn_time(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Turn round the rows of one meter."""
    frame = evidence.frame
    own = np.flatnonzero(frame["meter"] == draw.choice(frame["meter"].unique()))
    order = np.arange(len(frame))
    order[own] = own[::-1]
    return replace(evidence, frame=frame.iloc[order].reset_index(drop=True))
