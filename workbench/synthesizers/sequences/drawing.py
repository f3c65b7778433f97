"""Drawing the records of entities: all of them go forward together, one position at a time.

A step is one draw for all entities that still go on. What an entity gets depends on the names that the draw is keyed
by, its number, its length and its given values alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.fitted import join_values
from workbench.synthesizers.lengths import LENGTH
from workbench.synthesizers.nearest import choose_nearest
from workbench.synthesizers.profile import decode_numbers, find_numbers
from workbench.synthesizers.sequences.features import (
    Standing,
    add_last_gap,
    add_numbers,
    list_learned,
    make_features,
    make_targets,
    read_targets,
    write_time,
)
from workbench.synthesizers.sequences.plan import GAP, SPAN, START, PartName
from workbench.synthesizers.sequences.timing import find_gap, limit_gap
from workbench.synthesizers.synthesizer import Conditions, Made

if TYPE_CHECKING:
    from workbench.synthesizers.sequences.fitted import FittedSequences


class Drawing:
    """Entities with at least one record each, on their way."""

    def __init__(
        self,
        fitted: FittedSequences,
        parents: NDArray[np.int64],
        lengths: NDArray[np.int64],
        held: dict[str, Values],
        names: tuple[object, ...],
    ) -> None:
        self.fitted = fitted
        self.plan = fitted.plan
        self.profile = fitted.profile
        self.parents = parents
        self.lengths = lengths
        self.held = held
        self.names = names
        self.places: list[NDArray[np.int64]] = []
        self.pieces: dict[str, list[Values]] = {name: [] for name in self.profile.columns}
        self.times: list[NDArray[np.float64]] = []

    def draw(self) -> Made:
        """All records, in order."""
        offsets = np.cumsum(self.lengths) - self.lengths
        going = np.arange(len(self.parents))
        first = self._draw_first(going)
        standing = self._start(first)
        self._keep(offsets, 0, going, first, standing.start)
        for position in range(1, int(self.lengths.max())):
            on = self.lengths[going] > position
            going, standing = going[on], standing.take(on)
            standing = replace(standing, position=np.full(len(going), position, np.int64))
            features = make_features(self.plan, self.profile, standing)
            drawn, gap = self._draw_gap(standing, features, going, position)
            made = self._draw_next(standing, features, gap, going, position)
            standing = self._advance(standing, made, drawn, gap)
            self._keep(offsets, position, going, made, standing.start + standing.elapsed)
        return self._assemble()

    def _draw_first(self, going: NDArray[np.int64]) -> Made:
        """The first record of each entity. What is fixed comes with the length, as it was drawn, where that is given.

        So the shares of fixed categories, even over the entities of a chunk, stay so. A length that was drawn under
        other names, or made otherwise, has fixed values drawn for it.
        """
        part = self.fitted.parts["length"]
        conditions = {**self.held, LENGTH: Values(self.lengths)}
        own = [name for name in self.plan.fixed if name in part.profile.columns and name not in self.held]
        if not own:
            return self._draw_part("first", going, 0, conditions)
        drawn = part.draw_rows(self.parents, choose_nearest(part.profile, self.held), (*self.names, "length"))
        agree = drawn[LENGTH].data == self.lengths
        known = {**conditions, **{name: drawn[name] for name in own}}
        parts = []
        for rows, chosen in ((going[agree], known), (going[~agree], conditions)):
            if len(rows):
                taken = {name: values.take(rows) for name, values in chosen.items()}
                parts.append(self._draw_part("first", rows, 0, taken))
        if len(parts) == 1:
            return parts[0]
        order = np.argsort(np.concatenate([going[agree], going[~agree]]))
        kinds = self.fitted.parts["first"].profile.columns
        return {
            name: join_values([made[name] for made in parts], column.kind).take(order) for name, column in kinds.items()
        }

    def _start(self, first: Made) -> Standing:
        """Where all stand after their first record, their span drawn."""
        plan, timing, count = self.plan, self.plan.timing, len(self.parents)
        least = (timing.least * (self.lengths - 1)).astype(np.float64)
        needed = np.round(timing.usual * (self.lengths - 1)) if timing.mode == "gaps" else least
        start = timing.to_units(find_numbers(first[plan.order_by]))
        start = np.maximum(np.minimum(start, timing.high - needed), timing.low)
        fixed = {name: first[name] for name in plan.fixed}
        span = np.zeros(count)
        several = np.flatnonzero(self.lengths > 1)
        if "span" in self.fitted.parts and len(several):
            known = list_learned(plan.fixed, self.profile, fixed)
            conditions = {**known, LENGTH: Values(self.lengths), START: write_time(plan, start)}
            conditions = {name: values.take(several) for name, values in conditions.items()}
            free = find_numbers(self._draw_part("span", several, 0, conditions)[SPAN])
            room = np.maximum(timing.high - start[several] - least[several], 0.0)
            free = timing.round(free * room) if timing.windowed else np.minimum(free, room)
            span[several] = free + least[several]
        last = {
            name: _keep_last(find_numbers(first[name]), np.full(count, median)) for name, median in plan.steps.items()
        }
        varying = {name: first[name] for name in plan.varying}
        none = {name: np.zeros(count) for name in plan.usual}
        categories = {name: values for name, values in varying.items() if name not in plan.usual}
        standing = Standing(
            fixed=fixed, first=categories, previous=varying, last=last, totals=none, counts=none,
            position=np.zeros(count, np.int64), length=self.lengths, start=start, span=span,
            elapsed=np.zeros(count), last_gap=np.full(count, np.nan),
        )  # fmt: skip
        return add_numbers(standing, {name: find_numbers(varying[name]) for name in none if name not in plan.steps})

    def _draw_gap(
        self, standing: Standing, features: Made, going: NDArray[np.int64], position: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What is drawn of the gap, NaN where nothing is, and the gap in units."""
        timing, count = self.plan.timing, len(going)
        left = (standing.length - position).astype(np.float64)
        free = standing.span - standing.elapsed - left * timing.least
        open_gap = np.ones(count, np.bool_) if timing.mode == "gaps" else (left > 1) & (free > 0)
        drawn = np.full(count, np.nan)
        index = np.flatnonzero(open_gap)
        if "gap" in self.fitted.parts and len(index):
            known = add_last_gap(self.plan, features, standing)
            conditions = {name: values.take(index) for name, values in known.items()}
            drawn[index] = find_numbers(self._draw_part("gap", going[index], position, conditions)[GAP])
        if timing.mode == "gaps":
            return drawn, limit_gap(timing, np.nan_to_num(drawn), standing.start + standing.elapsed, left - 1)
        gap = find_gap(np.nan_to_num(drawn), np.maximum(free, 0.0), left)
        return drawn, timing.round(gap) + timing.least

    def _draw_next(
        self,
        standing: Standing,
        features: Made,
        gap: NDArray[np.float64],
        going: NDArray[np.int64],
        position: int,
    ) -> Made:
        """The columns of the next record but its time."""
        plan = self.plan
        made: Made = dict(standing.fixed)
        held = {name: values.take(going) for name, values in self.held.items() if name in plan.varying}
        if "next" in self.fitted.parts:
            fixed = make_targets(plan, self.profile, held, standing)
            conditions = {**features, GAP: write_time(plan, gap), **fixed}
            drawn = self._draw_part("next", going, position, conditions)
            made |= read_targets(plan, self.profile, drawn, standing)
        else:
            made |= {name: standing.previous[name] for name in plan.varying}
        return {**made, **held}

    def _advance(
        self, standing: Standing, made: Made, drawn: NDArray[np.float64], gap: NDArray[np.float64]
    ) -> Standing:
        numbers = {name: find_numbers(made[name]) for name in standing.totals}
        summed = {name: own - standing.last[name] if name in standing.last else own for name, own in numbers.items()}
        return replace(
            add_numbers(standing, summed),
            previous={name: made[name] for name in self.plan.varying},
            last={name: _keep_last(numbers[name], last) for name, last in standing.last.items()},
            elapsed=standing.elapsed + gap,
            last_gap=drawn,
        )

    def _draw_part(self, part: PartName, going: NDArray[np.int64], position: int, conditions: Conditions) -> Made:
        """What the part makes for these entities, the conditions kept word by word."""
        fitted = self.fitted.parts[part]
        names = (*self.names, part, position)
        made = fitted.draw_rows(self.parents[going], choose_nearest(fitted.profile, conditions), names)
        return {**made, **{name: values for name, values in conditions.items() if name in made}}

    def _keep(
        self,
        offsets: NDArray[np.int64],
        position: int,
        going: NDArray[np.int64],
        made: Made,
        times: NDArray[np.float64],
    ) -> None:
        if self.plan.names:
            held = {name: values.take(going) for name, values in self.held.items() if name in self.plan.names}
            made = {**made, **self._draw_part("names", going, position, held)}
        self.places.append(offsets[going] + position)
        self.times.append(times)
        for name, pieces in self.pieces.items():
            if name != self.plan.order_by:
                pieces.append(made[name])

    def _assemble(self) -> Made:
        order = np.argsort(np.concatenate(self.places))
        times = np.concatenate(self.times)[order]
        made = {}
        for name, column in self.profile.columns.items():
            if name == self.plan.order_by:
                made[name] = decode_numbers(column, self.plan.timing.to_numbers(times))
            else:
                made[name] = join_values(self.pieces[name], column.kind).take(order)
        return made


def _keep_last(numbers: NDArray[np.float64], last: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isnan(numbers), last, numbers)
