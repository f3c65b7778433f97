"""The fitted copula: draws its latents, freely or given some columns, and reads the columns off them.

The model is a mixture: each component belongs to a stratum (a level of one column, or all rows) and has its own
marginals and correlations. Its parts in this package: `learning.py` makes it, `marginals.py` maps latents to values,
`conditional.py` draws latents given others.

Freely drawn latents are stratified within a chunk (a Latin hypercube with correlated axes: Stein, 1987): the ranks are
kept, the marginal is even. So the share of every level, rare ones too, is nearly exact in every chunk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtr

from workbench.columns.values import Values
from workbench.synthesizers.labels import spread_evenly
from workbench.synthesizers.profile import (
    ColumnProfile,
    TableProfile,
    decode_codes,
    decode_numbers,
    find_codes,
    find_numbers,
)
from workbench.synthesizers.synthesizer import Arrays, Conditions, Made, Synthesizer
from workbench.synthesizers.types.gaussian_copula.conditional import (
    SWEEPS,
    Split,
    split_correlation,
    start_latents,
    sweep_latents,
)
from workbench.synthesizers.types.gaussian_copula.marginals import CurveMarginal, Given, LevelMarginal, Marginal

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

FEWEST_STRATIFIED = 48
"""Of fewer rows ranks would blur the correlations: they stay as drawn."""

MOST_SPLITS = 16
"""Sets of conditioned columns whose matrices are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """A latent: the `value` of a column or whether it is `null`. `family` names each component's marginal.

    `order` gives for each place among the levels of a LevelMarginal the column's code, None where it has none.
    """

    column: str
    part: str
    marginal: Marginal
    families: tuple[str, ...]
    order: Places | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """The components: their `weights` (summing to 1) and `correlations`, shape (components, axes, axes).

    `strata` is the column they are split by, or None, and `codes` the code of each component's level there, rising;
    -1 stands for null.
    """

    weights: Floats
    correlations: Floats
    strata: str | None
    codes: Places


class GaussianCopula(Synthesizer):
    """`axes` in the order of the correlations' rows."""

    type = "gaussian_copula"

    def __init__(self, profile: TableProfile, axes: tuple[Axis, ...], mixture: Mixture) -> None:
        super().__init__(profile)
        self.axes = axes
        self.mixture = mixture
        self._at = {(axis.column, axis.part): place for place, axis in enumerate(axes)}
        self._coarse = [self._find_coarseness(axis) for axis in axes]
        self._roots: Floats | None = None
        self._splits: dict[tuple[int, ...], list[Split]] = {}
        self._places = {
            axis.column: np.argsort(axis.order) for axis in axes if axis.order is not None and axis.part == "value"
        }

    def draw(self, generator: Generator, count: int, conditions: Conditions) -> Made:
        """Rows given the conditions; each row depends on its own conditions only."""
        cumulative = np.cumsum(self.mixture.weights)
        uniforms = spread_evenly(generator, count)
        news = generator.standard_normal((count, len(self.axes)))
        if not conditions:
            component = np.minimum(np.searchsorted(cumulative, uniforms, side="right"), len(cumulative) - 1)
            levels = self._draw_freely(component, news, generator)
        else:
            component, latents = self._draw_given(conditions, uniforms, news, generator)
            levels = ndtr(latents)
        return {name: conditions[name] if name in conditions else self._decode(column, component, levels)
                for name, column in self.profile.columns.items()}  # fmt: skip

    def get_state(self) -> tuple[dict[str, Any], Arrays]:
        """Plain values and arrays; the axis numbered 3 has its arrays under names that begin with `3.`."""
        arrays: Arrays = {
            "weights": self.mixture.weights,
            "correlations": self.mixture.correlations,
            "codes": self.mixture.codes,
        }
        axes = []
        for number, axis in enumerate(self.axes):
            entry: dict[str, Any] = {"column": axis.column, "part": axis.part, "families": list(axis.families)}
            if axis.order is not None:
                arrays[f"{number}.order"] = axis.order
            if isinstance(axis.marginal, LevelMarginal):
                arrays[f"{number}.cumulative"] = axis.marginal.cumulative
            else:
                curve = axis.marginal
                entry |= {"low": curve.low, "high": curve.high}
                arrays[f"{number}.starts"] = curve.starts
                arrays[f"{number}.uniforms"] = curve.uniforms
                arrays[f"{number}.values"] = curve.values
                arrays[f"{number}.atoms"] = curve.atoms
            axes.append(entry)
        return {"strata": self.mixture.strata, "axes": axes}, arrays

    @classmethod
    def restore(cls, profile: TableProfile, state: Mapping[str, Any], arrays: Arrays) -> GaussianCopula:
        """The copula again."""
        axes = []
        for number, entry in enumerate(state["axes"]):
            marginal: Marginal
            if f"{number}.cumulative" in arrays:
                marginal = LevelMarginal(arrays[f"{number}.cumulative"])
            else:
                starts, *parts = (arrays[f"{number}.{name}"] for name in ("starts", "uniforms", "values", "atoms"))
                marginal = CurveMarginal(starts, parts[0], parts[1], parts[2], entry["low"], entry["high"])
            families = tuple(entry["families"])
            axes.append(Axis(entry["column"], entry["part"], marginal, families, arrays.get(f"{number}.order")))
        mixture = Mixture(arrays["weights"], arrays["correlations"], state["strata"], arrays["codes"])
        if mixture.correlations.shape != (len(mixture.weights), len(axes), len(axes)):
            raise ValueError("the correlations do not fit the columns")
        return cls(profile, tuple(axes), mixture)

    def describe(self) -> dict[str, Any]:
        """Each column's marginal (the one of most components), the strata, and how strong the correlations are."""
        families = {axis.column: _find_commonest(axis.families) for axis in self.axes if axis.part == "value"}
        size = len(self.axes)
        off = ~np.eye(size, dtype=bool)
        mean = np.tensordot(self.mixture.weights, self.mixture.correlations, axes=1)
        return {
            "marginals": families,
            "strata": self.mixture.strata,
            "components": len(self.mixture.weights),
            "latents": size,
            "mean_correlation": round(float(np.abs(mean[off]).mean()), 4) if size > 1 else 0.0,
            "largest_correlation": round(float(np.abs(mean[off]).max()), 4) if size > 1 else 0.0,
        }

    def _find_coarseness(self, axis: Axis) -> int:
        """0 where a value always fixes the latent, 1 where it mostly does, 2 where it never does.

        It orders known latents, and is a constant of the model, so that no row depends on the values of others.
        """
        if isinstance(axis.marginal, LevelMarginal):
            return 2
        return int(bool(len(axis.marginal.atoms)) or (axis.column, "null") in self._at)

    def _draw_freely(self, component: Places, news: Floats, generator: Generator) -> Floats:
        """Uniform numbers of all axes, shape (rows, axes), even within each component."""
        roots = self._find_roots()
        levels = np.empty_like(news)
        jitter = generator.random(news.shape)
        for number in range(len(self.mixture.weights)):
            rows = np.flatnonzero(component == number)
            latents = news[rows] @ roots[number].T
            if len(rows) < FEWEST_STRATIFIED:
                levels[rows] = ndtr(latents)
                continue
            ranks = np.empty(latents.shape, np.int64)
            order = np.argsort(latents, axis=0)
            np.put_along_axis(ranks, order, np.arange(len(rows))[:, None], axis=0)
            levels[rows] = (ranks + jitter[rows]) / len(rows)
        return levels

    def _find_roots(self) -> Floats:
        if self._roots is None:
            self._roots = np.asarray(np.linalg.cholesky(self.mixture.correlations), np.float64)
        return self._roots

    def _draw_given(
        self, conditions: Conditions, uniforms: Floats, news: Floats, generator: Generator
    ) -> tuple[Places, Floats]:
        """The component of each row and all its latents, shape (rows, axes), given the conditions."""
        count = len(uniforms)
        known = sorted(self._at[key] for key in self._at if key[0] in conditions)
        logs = np.log(self.mixture.weights)[:, None] + self._weigh_strata(conditions, count)
        if not known:
            component = _pick(logs, uniforms)
            latents = np.empty_like(news)
            for number, split in enumerate(self._split((), np.empty(0, np.int64))):
                rows = component == number
                if rows.any():
                    latents[rows] = (news @ split.rest.T)[rows]
            return component, latents
        limits = [self._limit(axis, conditions) for axis in known]
        coarse = np.array([self._coarse[axis] for axis in known])
        order = np.argsort(coarse, kind="stable")
        known_axes = np.array(known, np.int64)[order]
        limits = [limits[at] for at in order]
        free = np.flatnonzero(coarse[order] > 0)
        splits = self._split(tuple(known_axes.tolist()), known_axes)
        starts = generator.random((len(known), count))
        moves = generator.random((SWEEPS, len(known), count))
        lowers, uppers, latent_starts = [], [], []
        for number, split in enumerate(splits):
            lower = np.stack([limit[number].lower for limit in limits])
            upper = np.stack([limit[number].upper for limit in limits])
            start, log_likelihood = start_latents(lower, upper, split.root, starts)
            logs[number] += log_likelihood + sum(limit[number].log_density for limit in limits)
            lowers.append(lower)
            uppers.append(upper)
            latent_starts.append(start)
        component = _pick(logs, uniforms)
        rows = np.arange(count)
        chosen = np.stack(latent_starts)[component, :, rows].T.copy()
        if len(free) > 1:
            precisions = np.stack([split.precision for split in splits])
            lower, upper = (np.stack(part)[component, :, rows].T for part in (lowers, uppers))
            sweep_latents(chosen, lower, upper, precisions, component, free, moves[:, : len(free)])
        others = np.setdiff1d(np.arange(len(self.axes)), known_axes)
        latents = np.empty_like(news)
        latents[:, known_axes] = chosen.T
        for number, split in enumerate(splits):
            mine = component == number
            if mine.any():  # the whole chunk is multiplied, so that no row's last digits depend on its company
                drawn = chosen.T @ split.weights.T + news[:, others] @ split.rest.T
                latents[np.ix_(mine, others)] = drawn[mine]
        return component, latents

    def _weigh_strata(self, conditions: Conditions, count: int) -> Floats:
        """0 where a component is of the stratum that a row's condition names, minus infinity elsewhere."""
        name = self.mixture.strata
        if name is None or name not in conditions:
            return np.zeros((len(self.mixture.weights), count))
        codes = find_codes(self.profile.columns[name], conditions[name])
        return np.where(self.mixture.codes[:, None] == codes[None, :], 0.0, -np.inf)

    def _limit(self, number: int, conditions: Conditions) -> list[Given]:
        """What the condition on an axis' column tells of its latent, for each component."""
        axis = self.axes[number]
        values = conditions[axis.column]
        components = range(len(self.mixture.weights))
        if isinstance(axis.marginal, CurveMarginal):
            numbers = find_numbers(values)
            return [axis.marginal.restrict(component, numbers) for component in components]
        if axis.part == "null":
            places = np.zeros(len(values), np.int64) if values.valid is None else (~values.valid).astype(np.int64)
        else:
            codes = find_codes(self.profile.columns[axis.column], values)
            places = np.where(codes < 0, -1, self._places[axis.column][codes])
        return [axis.marginal.restrict(component, places) for component in components]

    def _split(self, key: tuple[int, ...], known: Places) -> list[Split]:
        if key not in self._splits:
            if len(self._splits) >= MOST_SPLITS:
                self._splits.pop(next(iter(self._splits)))
            others = np.setdiff1d(np.arange(len(self.axes)), known)
            self._splits[key] = [split_correlation(matrix, known, others) for matrix in self.mixture.correlations]
        return self._splits[key]

    def _decode(self, column: ColumnProfile, component: Places, levels: Floats) -> Values:
        """The values of a column from the uniform numbers of all axes, shape (rows, axes)."""
        if column.name == self.mixture.strata:
            return _decode_places(column, self.mixture.codes[component])
        at = self._at[(column.name, "value")]
        axis = self.axes[at]
        missing = np.zeros(len(component), np.bool_)
        null_at = self._at.get((column.name, "null"))
        codes = np.empty(len(component), np.int64)
        numbers = np.empty(len(component))
        for number in range(len(self.mixture.weights)):
            rows = np.flatnonzero(component == number)
            if isinstance(axis.marginal, LevelMarginal):
                codes[rows] = axis.marginal.find_places(number, levels[rows, at])
            else:
                numbers[rows] = axis.marginal.find_values(number, levels[rows, at])
            if null_at is not None:
                nulls = self.axes[null_at].marginal
                missing[rows] = nulls.find_places(number, levels[rows, null_at]) == 1  # type: ignore[union-attr]
        if axis.order is not None:
            return _decode_places(column, np.where(missing, -1, axis.order[codes]))
        return decode_numbers(column, np.where(missing, np.nan, numbers))


def _decode_places(column: ColumnProfile, codes: Places) -> Values:
    """The values of codes among the column's levels, -1 for null."""
    if column.role == "category":
        return decode_codes(column, codes)
    levels = np.array(column.levels, np.float64)
    return decode_numbers(column, np.where(codes < 0, np.nan, levels[codes]))


def _pick(logs: Floats, uniforms: Floats) -> Places:
    """For each row a component by its log weight, shape (components, rows)."""
    top = logs.max(axis=0)
    weights = np.exp(logs - np.where(np.isfinite(top), top, 0.0))
    weights[:, ~np.isfinite(top)] = 1.0
    cumulative = np.cumsum(weights, axis=0)
    chosen = (cumulative <= uniforms * cumulative[-1]).sum(axis=0)
    last = len(logs) - 1 - np.argmax(weights[::-1] > 0, axis=0)
    picked: Places = np.minimum(chosen, last).astype(np.int64)
    return picked


def _find_commonest(families: tuple[str, ...]) -> str:
    return max(dict.fromkeys(families), key=families.count)
