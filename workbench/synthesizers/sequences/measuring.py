"""How well made sequences keep what makes them sequences: lengths, gaps, and how each record follows the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.fidelity import measure_shares, score_fidelity
from workbench.synthesizers.fitted import FitReport
from workbench.synthesizers.profile import find_numbers
from workbench.synthesizers.sequences.timing import measure_gaps

if TYPE_CHECKING:
    from workbench.synthesizers.sequences.fitted import FittedSequences
    from workbench.synthesizers.sequences.records import Records

MEASURED_RECORDS = 20_000
"""About so many records are drawn to measure on."""

MEASURED_ENTITIES = 2_000
"""Of no more entities, since a few long ones take as many steps as all would."""


def measure_sequences(fitted: FittedSequences, records: Records, seed: int) -> FitReport:
    """The report with figures of entities drawn from the model against the real ones that it learned from.

    Distances are Kolmogorov and Smirnov's: the largest difference of the two distribution functions, from 0 to 1.
    """
    plan = fitted.plan
    wanted = max(1, round(MEASURED_RECORDS / max(1.0, float(records.lengths.mean()))))
    parents = np.arange(min(wanted, MEASURED_ENTITIES), dtype=np.int64)
    lengths = fitted.draw_lengths(parents, {}, (seed, "measure"))
    made = fitted.draw_records(parents, lengths, {}, (seed, "measure"))
    lengths = lengths[lengths > 0]
    figures: dict[str, Any] = {
        "entities": len(records.lengths),
        "gaps_as": plan.timing.mode,
        "lengths_ks": _round(find_distance(records.lengths, lengths)),
    }
    if not len(lengths):
        return replace(fitted.report, figures=figures)
    sides = [(records.table.columns, records.lengths), (made, lengths)]
    times = [plan.timing.to_units(find_numbers(columns[plan.order_by])) for columns, _ in sides]
    gaps = [measure_gaps(own, side[1])[0] for own, side in zip(times, sides, strict=True)]
    if len(gaps[0]) and len(gaps[1]):
        figures["gaps_ks"] = _round(find_distance(gaps[0], gaps[1]))
    follow = {name: [measure_following(*side, name) for side in sides] for name in plan.varying}
    figures["following"] = {
        name: {"real": real, "made": synthetic} for name, (real, synthetic) in follow.items() if real is not None
    }
    return replace(
        fitted.report,
        fidelity=score_fidelity(fitted.profile, records.table.columns, made).as_json(),
        shares=measure_shares(fitted.profile, made),
        figures=figures,
    )


def measure_following(columns: Mapping[str, Values], lengths: NDArray[np.int64], name: str) -> float | None:
    """How a value follows the one before in its entity: for numbers their correlation, else the share that is equal.

    None where too few records follow another, or they do not vary.
    """
    values = columns[name]
    inner = np.ones(len(values), np.bool_)
    inner[np.cumsum(lengths) - lengths] = False
    present = np.ones(len(values), np.bool_) if values.valid is None else values.valid
    places = np.flatnonzero(inner)
    places = places[present[places] & present[places - 1]]
    if len(places) < 3:
        return None
    if values.data.dtype == object or values.data.dtype == np.bool_:
        return _round(float(np.mean(values.data[places] == values.data[places - 1])))
    numbers = find_numbers(values)
    before, after = numbers[places - 1], numbers[places]
    if before.std() == 0 or after.std() == 0:
        return None
    return _round(float(np.corrcoef(before, after)[0, 1]))


def find_distance(first: NDArray[Any], second: NDArray[Any]) -> float:
    """The Kolmogorov-Smirnov distance of two samples; 1 if one is empty."""
    if not len(first) or not len(second):
        return 1.0
    first, second = np.sort(first), np.sort(second)
    at = np.concatenate([first, second])
    below = [np.searchsorted(side, at, side="right") / len(side) for side in (first, second)]
    return float(np.abs(below[0] - below[1]).max())


def _round(value: float) -> float:
    return round(value, 4)
