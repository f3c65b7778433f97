"""The copula under differential privacy: noisy marginals, a noisy order of levels and noisy correlations, nothing else.

The profile is private before this begins: levels with their counts, bounds and shares of nulls. Three releases
follow, for neighbours of which one has a row that counts nowhere in the place of a real one (`privacy/view.py`):

1. Counts of the values of each column within each stratum; numbers on bins that their bounds alone decide. A row adds
   1 to one cell of each of C such tables, so that all together change by sqrt(C) in Euclidean length.
2. For each of M categories the sums of the rows' scores by level. A row's scores are shortened to a length of at
   most B, so all these sums together change by B * sqrt(M).
3. The sums of the products of scores within each stratum, each pair of A columns once. With a row of scores s of length
   at most B, they change by sqrt((|s|^4 - sum(s_i^4)) / 2), which is at most B^2 * sqrt((1 - 1/A) / 2).

A row is in one stratum, so strata cost nothing; what they take is that few rows drown in the same noise. Scores come
from the released marginals, and B from these, so both may be known. What follows the noise costs nothing either
(post-processing; Dwork and Roth, 2014, section 2.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from workbench.synthesizers.privacy.accounting import PrivacyAccountant
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.types.gaussian_copula import components, correlation
from workbench.synthesizers.types.gaussian_copula.binning import (
    count_places,
    find_atoms,
    find_grain,
    find_places,
    make_edges,
    smooth_counts,
)
from workbench.synthesizers.types.gaussian_copula.families import fit_histogram
from workbench.synthesizers.types.gaussian_copula.features import find_order, sum_by_level
from workbench.synthesizers.types.gaussian_copula.hermite import TERMS
from workbench.synthesizers.types.gaussian_copula.marginals import LevelMarginal, stack_curves, stack_levels
from workbench.synthesizers.types.gaussian_copula.readings import Reading, read_column
from workbench.synthesizers.types.gaussian_copula.synthesizer import Axis, GaussianCopula, Mixture

if TYPE_CHECKING:
    from workbench.synthesizers.types.gaussian_copula import GaussianCopulaConfig

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Tables = Mapping[tuple[str, str], Floats]

COUNTS_PART, ORDER_PART = 0.35, 0.15
"""Parts of what is left of the budget; the correlations have the rest."""

LENGTH_ROOM = 1.3
"""The square of the length that rows of scores are shortened to, as a part of what it is on average."""

MOST_COUNTED = 64
"""Categories with more levels have the shares and the order of the profile: counts and sums would drown in noise."""

CLEAR_ROWS = 15.0
"""There are strata only where the smallest one has so many times the noise of a count."""


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """An axis with each row's score, 0 where there is no value, and the scores' Hermite coefficients by component."""

    axis: Axis
    scores: Floats
    coefficients: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Strata:
    """The rows of each component and its weight; `size` are all rows."""

    rows: list[Places]
    weights: Floats
    size: int


def fit_private(table: RealTable, config: GaussianCopulaConfig, accountant: PrivacyAccountant) -> GaussianCopula:
    """Learn the copula with all that is left of the budget."""
    readings = [read_column(table, name) for name in table.profile.columns]
    share = accountant.remaining_share
    chosen = _choose_strata(readings, config)
    if chosen is not None and not _is_clear(chosen, readings, table.rows, accountant):
        chosen = None
    split = components.split_rows(
        chosen, table.rows, np.empty(0, np.int64), lambda rows: np.empty((len(rows), 0)), 1, 1, Generator(Philox(0))
    )
    rows = [np.flatnonzero(split.component == number) for number in range(len(split.weights))]
    strata = _Strata(rows, split.weights, table.rows)
    readings = [reading for reading in readings if reading is not chosen]
    tables, sigma = _release_counts(readings, rows, accountant, share * COUNTS_PART)
    texts = [reading for reading in readings if 3 <= reading.levels <= MOST_COUNTED and reading.column.kind == "string"]
    others = [reading for reading in readings if reading not in texts]
    scored = [part for reading in others for part in _score(reading, tables, strata, sigma)]
    if texts and scored:
        ordered = _release_orders(texts, scored, strata, accountant, share * ORDER_PART)
        readings = [ordered.get(reading.column.name, reading) for reading in readings]
    scored = [part for reading in readings for part in _score(reading, tables, strata, sigma)]
    correlations = np.tile(np.eye(len(scored)), (len(rows), 1, 1))
    if len(scored) > 1:
        correlations = _release_correlations(scored, strata, accountant)
    name = None if chosen is None else chosen.column.name
    mixture = Mixture(split.weights, correlations, name, split.codes)
    return GaussianCopula(table.profile, tuple(part.axis for part in scored), mixture)


def _choose_strata(readings: Sequence[Reading], config: GaussianCopulaConfig) -> Reading | None:
    """The column that the strata are of: the one that is named, the label, or that with the rarest level."""
    few = {reading.column.name: reading for reading in readings if 2 <= reading.levels <= components.MOST_STRATA}
    if config.strata != "auto":
        return few.get(config.strata)
    if config.label is not None:
        return few.get(config.label)
    chosen = [reading for reading in few.values() if reading.levels <= components.MOST_CHOSEN]
    return min(chosen, key=lambda reading: float(reading.column.shares.min()), default=None)


def _is_clear(chosen: Reading, readings: Sequence[Reading], rows: int, accountant: PrivacyAccountant) -> bool:
    """Whether each stratum has rows enough for counts of its own, by what the private profile says."""
    column = chosen.column
    shares = column.shares * (1 - column.missing)
    least = min(float(shares.min()), column.missing) if column.missing else float(shares.min())
    counted = _list_counted([reading for reading in readings if reading is not chosen], several=True)
    share = accountant.remaining_share * COUNTS_PART
    return not counted or least * rows >= CLEAR_ROWS * accountant.find_sigma(share, float(np.sqrt(len(counted))))


def _list_counted(readings: Sequence[Reading], *, several: bool) -> list[tuple[Reading, str]]:
    """The parts of columns that are counted. With one stratum the profile has levels and nulls already."""
    counted = [
        (reading, "value")
        for reading in readings
        if reading.numbers is not None or (several and reading.levels <= MOST_COUNTED)
    ]
    return counted + [(reading, "null") for reading in readings if several and reading.missing is not None]


def _release_counts(
    readings: Sequence[Reading], rows: list[Places], accountant: PrivacyAccountant, share: float
) -> tuple[dict[tuple[str, str], Floats], float]:
    """Noisy counts by stratum, shape (strata, cells), of columns' parts, and the noise's standard deviation."""
    counted = _list_counted(readings, several=len(rows) > 1)
    if not counted:
        return {}, 0.0
    exact = [np.stack([_count(reading, part, mine) for mine in rows]) for reading, part in counted]
    sensitivity = float(np.sqrt(len(exact)))
    noisy = accountant.release_gaussian(np.concatenate([table.ravel() for table in exact]), sensitivity, share)
    parts = np.split(noisy, np.cumsum([table.size for table in exact])[:-1])
    tables = {
        (reading.column.name, part): cells.reshape(table.shape)
        for (reading, part), table, cells in zip(counted, exact, parts, strict=True)
    }
    return tables, accountant.find_sigma(share, sensitivity)


def _count(reading: Reading, part: str, rows: Places) -> Floats:
    """How many of some rows are in each cell of a part of a column."""
    if part == "null":
        assert reading.missing is not None
        return np.bincount(reading.missing[rows], minlength=2).astype(np.float64)
    if reading.numbers is not None:
        return count_places(reading.numbers[rows], make_edges(reading.column))
    assert reading.codes is not None
    return np.bincount(reading.codes[rows] + 1, minlength=reading.levels + 1)[1:].astype(np.float64)


def _score(reading: Reading, tables: Tables, strata: _Strata, sigma: float) -> list[_Scored]:
    """The axes of a column, from what was released, with the scores of the rows."""
    column = reading.column
    present = strata.weights
    nulls: list[_Scored] = []
    if reading.missing is not None:
        shares = np.array([1 - column.missing, column.missing])
        marginal = _stack(tables.get((column.name, "null")), strata.weights, shares, sigma)
        present = strata.weights * marginal.cumulative[:, 1]
        axis = Axis(column.name, "null", marginal, ("levels",) * len(strata.rows))
        nulls.append(_score_rows(axis, marginal, reading.missing.astype(np.int64), strata))
    if reading.numbers is not None:
        counts = tables[column.name, "value"]
        smooth = smooth_counts(counts, sigma, present * strata.size)
        edges = make_edges(column)
        single = find_atoms(edges, find_grain(column))
        curves = [fit_histogram(edges, line, single) for line in smooth]
        curve = stack_curves(curves, ((edges[1:] + edges[:-1]) / 2)[single], column.low, column.high)
        axis = Axis(column.name, "value", curve, ("histogram",) * len(curves))
        bins = LevelMarginal(np.stack([np.append(curve.uniforms[::2], 1.0) for curve in curves]))
        return [_score_rows(axis, bins, find_places(reading.numbers, edges), strata), *nulls]
    assert reading.order is not None
    table = tables.get((column.name, "value"))
    table = None if table is None else table[:, reading.order]
    levels = _stack(table, present, column.shares[reading.order], sigma)
    axis = Axis(column.name, "value", levels, ("levels",) * len(strata.rows), reading.order)
    return [_score_rows(axis, levels, reading.find_places(), strata), *nulls]


def _stack(table: Floats | None, weights: Floats, shares: Floats, sigma: float) -> LevelMarginal:
    """Levels by stratum from noisy counts, None where there are none; they lean on the pooled shares by the noise."""
    if table is None:
        return stack_levels(np.zeros((len(weights), len(shares))), weights, shares)
    return stack_levels(np.maximum(table, 0.0) + sigma * shares, weights, shares)


def _score_rows(axis: Axis, levels: LevelMarginal, places: Places, strata: _Strata) -> _Scored:
    """The scores of an axis by levels or bins: a value that many rows share must not have an extreme score."""
    scores = np.zeros(strata.size)
    coefficients = np.empty((len(strata.rows), TERMS))
    for number, mine in enumerate(strata.rows):
        found, coefficients[number] = levels.score(number, places[mine])
        scores[mine] = np.nan_to_num(found)
    return _Scored(axis, scores, coefficients)


def _shorten(scored: Sequence[_Scored], weights: Floats) -> tuple[Floats, float]:
    """The rows of scores, shape (rows, axes), none longer than the length that is returned too."""
    matrix = np.stack([part.scores for part in scored], axis=1)
    variances = [float(weights @ part.coefficients[:, 0]) for part in scored]
    length = float(np.sqrt(LENGTH_ROOM * sum(variances) + 1.0))
    norms = np.sqrt((matrix**2).sum(axis=1, keepdims=True))
    return matrix * np.minimum(1.0, length / np.maximum(norms, 1e-12)), length


def _release_orders(
    texts: Sequence[Reading],
    scored: Sequence[_Scored],
    strata: _Strata,
    accountant: PrivacyAccountant,
    share: float,
) -> dict[str, Reading]:
    """The categories with their levels in the order of what they say of the other columns."""
    matrix, length = _shorten(scored, strata.weights)
    sums = []
    for reading in texts:
        assert reading.codes is not None
        sums.append(sum_by_level(reading.codes, reading.levels, matrix)[0])
    noisy = accountant.release_gaussian(np.concatenate(sums), length * float(np.sqrt(len(texts))), share)
    parts = np.split(noisy, np.cumsum([reading.levels for reading in texts])[:-1])
    return {
        reading.column.name: replace(reading, order=find_order(part, np.array(reading.column.counts, np.float64)))
        for reading, part in zip(texts, parts, strict=True)
    }


def _release_correlations(scored: Sequence[_Scored], strata: _Strata, accountant: PrivacyAccountant) -> Floats:
    """The correlations of the latents in each stratum, drawn by the noise towards the pooled ones, these towards 0."""
    size = len(scored)
    matrix, length = _shorten(scored, strata.weights)
    upper = np.triu_indices(size, 1)
    share = accountant.remaining_share
    sensitivity = length**2 * float(np.sqrt((1 - 1 / size) / 2))
    products = np.stack([(matrix[mine].T @ matrix[mine])[upper] for mine in strata.rows])
    noisy = accountant.release_gaussian(products, sensitivity, share)
    sigma = accountant.find_sigma(share, sensitivity)
    coefficients = np.stack([part.coefficients for part in scored], axis=1)
    present = np.stack([_find_present(part.axis, scored) for part in scored], axis=1)
    counts = np.array([_take(np.outer(line, line), upper) for line in present]) * strata.size
    counts *= strata.weights[:, None]
    total = counts.sum(axis=0)
    middle = np.tensordot(strata.weights, coefficients, axes=1)
    deviation = sigma * float(np.sqrt(len(noisy)))
    pooled = _estimate(noisy.sum(axis=0), total, middle, deviation, np.eye(size))
    if len(noisy) == 1:
        return correlation.make_regular(pooled)[None]
    return np.stack(
        [
            correlation.make_regular(_estimate(part, count, own, sigma, pooled))
            for part, count, own in zip(noisy, counts, coefficients, strict=True)
        ]
    )


def _estimate(noisy: Floats, counts: Floats, coefficients: Floats, sigma: float, target: Floats) -> Floats:
    """Correlations of latents from noisy sums of products of scores, both one for each pair of axes."""
    size = len(target)
    upper = np.triu_indices(size, 1)
    scale = np.sqrt(np.maximum(coefficients[:, 0], 1e-6))
    norms = np.maximum(counts, 1.0) * _take(np.outer(scale, scale), upper)
    observed = np.eye(size)
    observed[upper] = np.clip(noisy / norms, -1.0, 1.0)
    observed.T[upper] = observed[upper]
    latent = correlation.undo_coarseness(observed, coefficients)
    kept = np.maximum(scale, 0.05)
    noise = np.ones((size, size))
    noise[upper] = (sigma / (norms * _take(np.outer(kept, kept), upper))) ** 2
    noise.T[upper] = noise[upper]
    return correlation.draw_towards(latent, target, noise)


def _take(matrix: Floats, places: tuple[NDArray[np.intp], ...]) -> Floats:
    taken: Floats = matrix[places]
    return taken


def _find_present(axis: Axis, scored: Sequence[_Scored]) -> Floats:
    """The share of the rows of each component in which an axis has a value."""
    marginals = [part.axis.marginal for part in scored if (part.axis.column, part.axis.part) == (axis.column, "null")]
    if axis.part == "null" or not marginals or not isinstance(marginals[0], LevelMarginal):
        return np.ones(len(axis.families))
    return marginals[0].cumulative[:, 1]
