"""Fitting the copula: read the columns, find strata and clusters, then marginals and correlations of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from workbench.columns.streams import derive_key
from workbench.errors import StopRequested, UsageError
from workbench.spec.problems import suggest
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import FitContext
from workbench.synthesizers.types.gaussian_copula import components, correlation, features
from workbench.synthesizers.types.gaussian_copula.families import Curve, fit_curve, fit_shifted
from workbench.synthesizers.types.gaussian_copula.marginals import stack_curves, stack_levels
from workbench.synthesizers.types.gaussian_copula.readings import Reading, read_column
from workbench.synthesizers.types.gaussian_copula.synthesizer import Axis, GaussianCopula, Mixture

if TYPE_CHECKING:
    from workbench.synthesizers.types.gaussian_copula import GaussianCopulaConfig
    from workbench.synthesizers.types.gaussian_copula.families import Way

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

FEWEST_FOR_CURVE = 12
"""With fewer rows a component's curve is the pooled one, shifted and stretched."""

ROWS_EACH = 200
"""Rows that a cluster has at least on average, and ROWS_PER_AXIS for each axis."""

ROWS_PER_AXIS = 10

SAMPLE = 10_000
"""Rows that strata, the order of levels and clusters are found on."""


def fit_copula(table: RealTable, config: GaussianCopulaConfig, context: FitContext) -> GaussianCopula:
    """Learn the copula. Raises UsageError where the config names columns that cannot serve, and StopRequested."""
    check_config(table, config)
    context.progress.stage("fit")
    if context.accountant is not None:
        from workbench.synthesizers.types.gaussian_copula.private import fit_private

        return fit_private(table, config, context.accountant)
    generator = Generator(Philox(key=derive_key(context.seed, "gaussian_copula")))
    readings = [read_column(table, name) for name in table.profile.columns]
    sample = np.arange(table.rows)
    if table.rows > SAMPLE:
        sample = np.sort(generator.choice(table.rows, SAMPLE, replace=False))
    marks = features.make_features(readings, sample)
    strata = find_strata(readings, marks, config)
    if strata is not None:
        marks = features.subtract_strata(marks, readings[strata])
    readings = [features.order_levels(reading, number, marks) for number, reading in enumerate(readings)]
    free = [number for number in range(len(readings)) if number != strata]

    def score(rows: Places) -> Floats:
        parts = [features.score_reading(readings[number], rows, generator) for number in free]
        return np.stack(parts, axis=1) if parts else np.empty((len(rows), 0))

    rows_each = max(ROWS_EACH, ROWS_PER_AXIS * len(readings))
    split = components.split_rows(
        None if strata is None else readings[strata], table.rows, sample, score, config.components, rows_each, generator
    )
    rows = [np.flatnonzero(split.component == number) for number in range(len(split.weights))]
    axes: list[Axis] = []
    scores: list[list[tuple[Floats, Floats]]] = []
    for done, number in enumerate(free):
        if context.progress.should_stop():
            raise StopRequested
        found = _fit_axes(readings[number], rows, split.weights, config)
        for axis, values in found:
            axes.append(axis)
            scores.append([axis.marginal.score(at, values[mine]) for at, mine in enumerate(rows)])  # type: ignore[arg-type]
        context.progress.step(done + 1, len(free))
    correlations = _fit_correlations(scores, split.weights)
    name = None if strata is None else readings[strata].column.name
    return GaussianCopula(table.profile, tuple(axes), Mixture(split.weights, correlations, name, split.codes))


def check_config(table: RealTable, config: GaussianCopulaConfig) -> None:
    """Raise UsageError where the config names a column that is not there, or cannot serve as it says."""
    known = table.profile.columns
    for name in config.marginals:
        if name not in known:
            raise UsageError(f"There is no column “{name}” to give a marginal to.", suggest(name, known))
    if config.strata in ("auto", "none"):
        return
    if config.strata not in known:
        raise UsageError(f"There is no column “{config.strata}” to make strata of.", suggest(config.strata, known))
    levels = known[config.strata].levels
    if levels is None or len(levels) > components.MOST_STRATA:
        message = f"“{config.strata}” has too many different values to make strata of."
        raise UsageError(message, f"Choose a column with at most {components.MOST_STRATA}.")


def find_strata(readings: Sequence[Reading], marks: features.Features, config: GaussianCopulaConfig) -> int | None:
    """The number of the column that the strata are of, if any."""
    names = [reading.column.name for reading in readings]
    if config.strata == "none":
        return None
    if config.strata != "auto":
        return names.index(config.strata)
    if config.label is None or config.label not in names:
        return components.choose_strata(readings, marks)
    number = names.index(config.label)
    return number if readings[number].levels <= components.MOST_STRATA else None


def _fit_axes(
    reading: Reading, rows: list[Places], weights: Floats, config: GaussianCopulaConfig
) -> list[tuple[Axis, NDArray[np.generic]]]:
    """The axes of a column, each with what its marginal scores: places or numbers of all rows."""
    column = reading.column
    found: list[tuple[Axis, NDArray[np.generic]]] = []
    present = weights
    if reading.missing is not None:
        nulls = reading.missing.astype(np.int64)
        counts = np.stack([np.bincount(nulls[mine], minlength=2) for mine in rows]).astype(np.float64)
        marginal = stack_levels(counts, weights, np.array([1 - column.missing, column.missing]))
        present = weights * marginal.cumulative[:, 1]
        found.append((Axis(column.name, "null", marginal, ("levels",) * len(rows)), nulls))
    values: NDArray[np.generic]
    if reading.order is not None:
        values = places = reading.find_places()
        counts = np.stack([np.bincount(places[mine] + 1, minlength=reading.levels + 1)[1:] for mine in rows])
        levels = stack_levels(counts.astype(np.float64), present, column.shares[reading.order])
        axis = Axis(column.name, "value", levels, ("levels",) * len(rows), reading.order)
    else:
        assert reading.numbers is not None
        assert reading.atoms is not None
        values = reading.numbers
        curves = _fit_curves(reading, rows, config.marginals.get(column.name, "auto"))
        curve = stack_curves(curves, reading.atoms, column.low, column.high)
        axis = Axis(column.name, "value", curve, tuple(curve.family for curve in curves))
    return [(axis, values), *found]


def _fit_curves(reading: Reading, rows: list[Places], way: Way) -> list[Curve]:
    """The curve of a number in each component, a shifted pooled one where it has too few rows."""
    assert reading.numbers is not None
    assert reading.atoms is not None
    column, numbers = reading.column, reading.numbers
    pooled: Curve | None = None
    curves: list[Curve] = []
    for mine in rows:
        values = numbers[mine]
        values = np.sort(values if reading.missing is None else values[~np.isnan(values)])
        if len(values) >= FEWEST_FOR_CURVE:
            curves.append(fit_curve(values, reading.atoms, column.low, column.high, way))
            continue
        if pooled is None:
            every = np.sort(numbers[~np.isnan(numbers)])
            pooled = fit_curve(every, reading.atoms, column.low, column.high, way)
        curves.append(fit_shifted(pooled, values))
    return curves


def _fit_correlations(scores: list[list[tuple[Floats, Floats]]], weights: Floats) -> Floats:
    """The correlation matrix of the latents in each component, shape (components, axes, axes).

    The components' mean is drawn towards none at all, then each component towards that mean. A value and whether it is
    null have none: what is drawn where it is not null has the column's distribution then.
    """
    if not scores:
        return np.zeros((len(weights), 0, 0))
    raw, pairs, kept = [], [], []
    for number in range(len(weights)):
        matrix = np.stack([axis[number][0] for axis in scores], axis=1)
        coefficients = np.stack([axis[number][1] for axis in scores])
        kept.append(np.abs(coefficients[:, 0]))
        if len(matrix) < 3:
            raw.append(np.eye(len(scores)))
            pairs.append(np.zeros((len(scores), len(scores))))
            continue
        observed, rows = correlation.correlate_scores(matrix)
        raw.append(correlation.undo_coarseness(observed, coefficients))
        pairs.append(rows)
    total = np.sum(pairs, axis=0)
    mean = np.divide(np.einsum("cij,cij->ij", raw, pairs), total, out=np.zeros_like(total), where=total > 0)
    np.fill_diagonal(mean, 1.0)
    reliability = np.average(kept, axis=0, weights=weights)
    pooled = correlation.shrink(mean, total, reliability, np.eye(len(scores)))
    if len(weights) == 1:
        return correlation.make_regular(pooled)[None]
    return np.stack(
        [
            correlation.make_regular(correlation.shrink(matrix, rows, own, pooled))
            for matrix, rows, own in zip(raw, pairs, kept, strict=True)
        ]
    )
