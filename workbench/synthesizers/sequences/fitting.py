"""Learning sequences: lengths, first records, times, and each record given the one before.

The joint distribution of an entity's records is taken apart by the chain rule, with a memory of one record and of what
is usual for the entity:

    P(length) P(first record | length) P(span | first record) product of P(gap | past) P(record | past, gap)

where “past” is what the next record depends on of: the entity's fixed columns, its first categories, the mean of its
numbers or their steps so far, the record before, the position and the times. The means keep entities apart: a big
spender stays one. Each factor is a fitted table, drawn with exact conditions, so that all of it is drawn forwards
without rejection. Times and lengths are always learned by a copula; what learns the records is chosen.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.errors import StopRequested, UsageError
from workbench.synthesizers.children import fit_parent_lengths, refuse_privacy, sub_context
from workbench.synthesizers.fitted import FitReport, FittedTable
from workbench.synthesizers.fitting import fit_table, forget_identifiers, read_settings
from workbench.synthesizers.identifiers import learn_shapes
from workbench.synthesizers.joining import join_parents
from workbench.synthesizers.lengths import BASE_TYPE, LENGTH, fit_base, fit_lengths
from workbench.synthesizers.profile import RealTable, TableProfile
from workbench.synthesizers.sequences.features import (
    Standing,
    add_last_gap,
    list_learned,
    make_features,
    make_part,
    make_targets,
    write_time,
)
from workbench.synthesizers.sequences.fitted import FittedSequences
from workbench.synthesizers.sequences.measuring import measure_sequences
from workbench.synthesizers.sequences.plan import GAP, SPAN, START, PartName, SequencePlan
from workbench.synthesizers.sequences.planning import describe_plan, make_plan
from workbench.synthesizers.sequences.records import (
    Records,
    find_last,
    find_summed,
    read_records,
    sum_before,
)
from workbench.synthesizers.sequences.selecting import select_features
from workbench.synthesizers.sequences.timing import find_uniform
from workbench.synthesizers.synthesizer import FitContext

if TYPE_CHECKING:
    import pandas as pd

    from workbench.spec.model import SynthesizerConfig
    from workbench.synthesizers.types.sequence import SequenceConfig


def fit_sequences(
    frame: pd.DataFrame,
    config: SequenceConfig,
    context: FitContext,
    *,
    parents: pd.DataFrame | None = None,
    parent_key: str | None = None,
) -> FittedSequences:
    """Learn the records of `frame`. With `parents`, one row for each entity with its key in the column `parent_key`,
    the columns `config.given` are theirs, entities without records count too, and those without a parent are left out.

    Raises UsageError for records that cannot be put in order or learned, StopRequested when asked to stop.
    """
    started = time.monotonic()
    refuse_privacy(config)
    model = _read_model(config)
    notes: list[str] = []
    lengths: FittedTable | None = None
    if parents is not None and parent_key is not None:
        family = join_parents(frame, config.entity, parents, parent_key, config.given)
        frame = family.children
        counts = family.counts if config.longest is None else np.minimum(family.counts, config.longest)
        lengths = fit_parent_lengths(parents, config.given, counts, config.source, context)
        if family.left_out:
            notes.append(f"{family.left_out:,} records whose “{config.entity}” is no parent's were left out.")
    wanted = None if config.columns is None else [*config.given, *config.columns]
    records = read_records(frame, config.entity, config.order_by, wanted, config.longest)
    plan, profile = make_plan(records, config)
    parts: dict[PartName, FittedTable] = {}
    learner = _Learner(records, plan, profile, model, context)
    parts["length"] = learner.fit_lengths() if lengths is None else lengths
    parts |= learner.fit_parts()
    report = FitReport(
        type=config.type,
        rows=records.table.rows,
        validation_rows=0,
        columns=len(profile.columns),
        seconds=0.0,
        settings=config.model_dump(mode="json", exclude_defaults=True, exclude={"type", "source"}),
        notes=[*profile.notes, *notes, *describe_plan(plan)],
    )
    entities = None
    if records.entities.data.dtype.kind not in "iu":
        entities = learn_shapes([str(value) for value in records.entities.data.tolist()], 0.0)
    fitted = FittedSequences(profile, plan, parts, entities, report)
    measured = measure_sequences(fitted, records, context.seed)
    report = replace(measured, seconds=round(time.monotonic() - started, 3))
    return replace(fitted, profile=forget_identifiers(profile), report=report)


class _Learner:
    """Makes the tables that the parts are learned from."""

    def __init__(
        self, records: Records, plan: SequencePlan, profile: TableProfile, model: SynthesizerConfig, context: FitContext
    ) -> None:
        self.records = records
        self.plan = plan
        self.profile = profile
        self.model = model
        self.context = context
        self.times = plan.timing.to_units(records.table.numbers(plan.order_by))

    def fit_lengths(self) -> FittedTable:
        """Lengths given the fixed columns, each entity one row."""
        fixed = list_learned(self.plan.fixed, self.profile, self._take(self.plan.fixed, self.records.starts))
        parents = make_part(fixed, self.profile) if fixed else None
        context = sub_context(self.context, "length")
        return fit_lengths(parents, self.records.lengths, self.model.source, context)

    def fit_parts(self) -> dict[PartName, FittedTable]:
        """All other parts; those that make nothing are left out."""
        plan, starts, lengths = self.plan, self.records.starts, self.records.lengths
        first = self._take((*plan.fixed, plan.order_by, *plan.varying), starts)
        table = make_part({**first, LENGTH: Values(lengths)}, self.profile)
        parts: dict[PartName, FittedTable] = {"first": self._fit("first", table, chosen=True)}
        if plan.names:
            every = np.arange(self.records.table.rows)
            parts["names"] = self._fit("names", make_part(self._take(plan.names, every), self.profile))
        if not (lengths > 1).any():
            return parts
        standing = self._find_standing()
        features = make_features(plan, self.profile, standing)
        inner = np.flatnonzero(self.records.positions > 0)
        gaps = self.times[inner] - self.times[inner - 1]
        if plan.timing.mode == "shares":
            parts["span"] = self._fit("span", self._make_span_table())
        learned, gap_column = self._choose_gaps(standing, gaps)
        if learned.any():
            columns = {**add_last_gap(plan, features, standing), GAP: gap_column}
            index = np.flatnonzero(learned)
            table = make_part({name: values.take(index) for name, values in columns.items()}, self.profile)
            parts["gap"] = self._fit("gap", _keep_useful(table, [GAP]))
        if plan.varying:
            targets = make_targets(plan, self.profile, self._take(plan.varying, inner), standing)
            columns = {**features, GAP: write_time(plan, gaps), **targets}
            table = make_part(columns, self.profile)
            if self.model.type == BASE_TYPE:
                table = _keep_useful(table, list(targets))
            parts["next"] = self._fit("next", table, chosen=True)
        return parts

    def _fit(self, part: PartName, table: RealTable, *, chosen: bool = False) -> FittedTable:
        if self.context.progress.should_stop():
            raise StopRequested
        self.context.progress.log(f"Learning the part “{part}” of the sequences from {table.rows:,} rows.")
        context = sub_context(self.context, part)
        if not chosen:
            return fit_base(table, self.model.source, context)
        label = self.model.label if self.model.label in table.columns else None
        return fit_table(table, self.model.model_copy(update={"label": label}), context)

    def _take(self, names: tuple[str, ...], index: NDArray[np.int64]) -> dict[str, Values]:
        return {name: self.records.table.columns[name].take(index) for name in names}

    def _find_standing(self) -> Standing:
        """Where each entity stood before each of its records but the first."""
        records, plan = self.records, self.plan
        inner = np.flatnonzero(records.positions > 0)
        first = np.repeat(records.starts, records.lengths)[inner]
        length = np.repeat(records.lengths, records.lengths)[inner]
        start = self.times[first]
        sums = {name: sum_before(find_summed(records, name, plan.steps), records) for name in plan.usual}
        standing = Standing(
            fixed=self._take(plan.fixed, inner),
            first=self._take(tuple(name for name in plan.varying if name not in plan.usual), first),
            previous=self._take(plan.varying, inner - 1),
            last={
                name: find_last(records.table.numbers(name), records, median)[inner]
                for name, median in plan.steps.items()
            },
            totals={name: before[0][inner] for name, before in sums.items()},
            counts={name: before[1][inner] for name, before in sums.items()},
            position=records.positions[inner],
            length=length,
            start=start,
            span=self.times[first + length - 1] - start,
            elapsed=self.times[inner - 1] - start,
            last_gap=np.full(len(inner), np.nan),
        )
        learned, column = self._choose_gaps(standing, self.times[inner] - self.times[inner - 1])
        drawn = np.where(learned, column.data.astype(np.float64), np.nan)
        last_gap = np.where(standing.position > 1, np.concatenate([[np.nan], drawn[:-1]]), np.nan)
        return replace(standing, last_gap=last_gap)

    def _choose_gaps(self, standing: Standing, gaps: NDArray[np.float64]) -> tuple[NDArray[np.bool_], Values]:
        """Which gaps are learned, and what is learned of each: itself, or its place in the time that is left."""
        timing = self.plan.timing
        if timing.mode == "gaps":
            return np.ones(len(gaps), np.bool_), write_time(self.plan, gaps)
        left = (standing.length - standing.position).astype(np.float64)
        free = standing.span - standing.elapsed - left * timing.least
        learned = (left > 1) & (free > 0)
        uniform = find_uniform(gaps - timing.least, np.where(learned, free, 1.0), np.where(learned, left, 2.0))
        return learned, Values(uniform)

    def _make_span_table(self) -> RealTable:
        """Of each entity with several records the time between first and last, beyond the least."""
        plan, records = self.plan, self.records
        several = np.flatnonzero(records.lengths > 1)
        starts, lengths = records.starts[several], records.lengths[several]
        first = self.times[starts]
        span = self.times[starts + lengths - 1] - first - plan.timing.least * (lengths - 1)
        columns = list_learned(plan.fixed, self.profile, self._take(plan.fixed, starts))
        learned = write_time(plan, span)
        if plan.timing.windowed:
            room = plan.timing.high - first - plan.timing.least * (lengths - 1)
            learned = Values(np.where(room > 0, span / np.maximum(room, 1e-300), 0.0))
        own = {LENGTH: Values(lengths), START: write_time(plan, first), SPAN: learned}
        return make_part({**columns, **own}, self.profile)


def _read_model(config: SequenceConfig) -> SynthesizerConfig:
    if config.model == config.type:
        raise UsageError("A sequence cannot learn its records by a sequence.", "Choose another type as model.")
    model = read_settings(config.model, config.source, {"label": config.label, **config.settings})
    refuse_privacy(model)
    if model.columns is not None or model.given:
        raise UsageError(
            "The settings of a sequence's model cannot choose columns.",
            "Write columns and given beside entity and order_by.",
        )
    return model


def _keep_useful(table: RealTable, targets: list[str]) -> RealTable:
    names = [*select_features(table, targets), *targets]
    profile = replace(table.profile, columns={name: table.profile.columns[name] for name in names})
    return RealTable(profile, {name: table.columns[name] for name in names})
