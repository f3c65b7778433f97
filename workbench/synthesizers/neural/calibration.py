"""After training: marginals made those of the table, so that the network need only supply how columns depend.

Each code of a segment gets a bias on its logit, found by iterating log(real share / made share) over rows that the
network made (iterative proportional fitting, Deming and Stephan, 1940): rare levels come out with their share. Each
number is moved by the monotone map from made to real quantiles, which also keeps its bounds. The order of rows by any
column, and with it rank correlation, stays what the network made it. In a private fit shares and quantiles are those
that were released with noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.synthesizers.neural.encoding import EncodedRows, TableEncoder
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import Arrays

Floats = NDArray[np.float64]

ROUNDS = 30
PRECISE = 0.005
"""Rounds end once all shares are so near, relative to the real ones."""

FURTHEST_STEP = 3.0
FURTHEST_BIAS = 15.0
"""A bias moves at most so far in one round, and in all: a level that a network never makes is not forced on it."""

LEAST_SHARE = 1e-7

POINTS = 1_001
"""Quantiles that a map goes through, closer together towards both ends, where numbers are far apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """`biases` (codes,) go onto logits; `maps` hold for numbers the made values (rising) and what they become."""

    biases: Floats
    maps: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)

    def adjust(self, name: str, numbers: Floats) -> Floats:
        """The raw values of a number moved to the real quantiles, NaN left as it is; for `TableEncoder.decode`."""
        if name not in self.maps:
            return numbers
        made, real = self.maps[name]
        return np.where(np.isnan(numbers), np.nan, np.interp(numbers, made, real))

    def get_state(self) -> tuple[dict[str, Any], Arrays]:
        """Plain values ready for JSON, and arrays, whose names begin with `calibration.`."""
        arrays: Arrays = {"calibration.biases": self.biases}
        for number, (made, real) in enumerate(self.maps.values()):
            arrays |= {f"calibration.{number}.made": made, f"calibration.{number}.real": real}
        return {"maps": list(self.maps)}, arrays

    @classmethod
    def restore(cls, state: Mapping[str, Any], arrays: Arrays) -> Calibration:
        """The calibration again. Raises KeyError where the state is not one."""
        maps = {
            name: (arrays[f"calibration.{number}.made"], arrays[f"calibration.{number}.real"])
            for number, name in enumerate(state["maps"])
        }
        return cls(arrays["calibration.biases"], maps)


def fit_biases(
    encoder: TableEncoder, measure: Callable[[Floats], Floats], start: Floats | None = None, rounds: int = ROUNDS
) -> Floats:
    """Biases (codes,) with which the shares of all codes are the real ones, where these are known.

    `measure(biases)` gives the share (codes,) that each code has among rows made with `biases`; the mean of its
    probabilities over many rows is far steadier than a count of draws. Codes with an unknown share keep a bias of 0.
    """
    known = np.isfinite(encoder.shares)
    target = np.where(known, np.maximum(encoder.shares, LEAST_SHARE), 1.0)
    biases = np.zeros(encoder.codes) if start is None else start.copy()
    segment_of = np.repeat(np.arange(encoder.segments), encoder.sizes)
    for _ in range(rounds):
        made = np.maximum(measure(biases), LEAST_SHARE)
        counted = known & (encoder.shares > LEAST_SHARE)
        if not counted.any() or np.max(np.abs(made / target - 1.0)[counted]) < PRECISE:
            break
        step = np.where(known, np.clip(np.log(target / made), -FURTHEST_STEP, FURTHEST_STEP), 0.0)
        biases = np.clip(biases + step, -FURTHEST_BIAS, FURTHEST_BIAS)
        centre = np.bincount(segment_of, np.where(known, biases * target, 0.0), encoder.segments)
        unknown = np.bincount(segment_of, ~known, encoder.segments) > 0
        biases = np.where(unknown[segment_of], biases, biases - centre[segment_of])
    return biases


def fit_maps(encoder: TableEncoder, made: EncodedRows, table: RealTable) -> dict[str, tuple[Floats, Floats]]:
    """For each number that is not of few values, the map from the quantiles of `made` rows to those of the table."""
    maps: dict[str, tuple[Floats, Floats]] = {}
    for column in encoder.columns:
        if column.scalar is None:
            continue
        drawn = encoder.decode_raw(made, column.name)
        real = table.numbers(column.name)
        drawn, real = drawn[~np.isnan(drawn)], real[~np.isnan(real)]
        if len(drawn) > 1 and len(real):
            maps[column.name] = fit_map(drawn, real)
    return maps


def fit_map(drawn: Floats, real: Floats) -> tuple[Floats, Floats]:
    """The monotone map of numbers whose quantiles are those of `drawn` to those of `real`, as rising points.

    A value that many of `drawn` have stands for the middle of its stretch.
    """
    shares = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0.0, 1.0, POINTS))
    values, place = np.unique(np.quantile(drawn, shares), return_inverse=True)
    middles = np.bincount(place, shares) / np.bincount(place)
    return values, np.quantile(real, middles)


def add_biases(biases: Floats, changes: Mapping[str, Floats], encoder: TableEncoder) -> Floats:
    """`biases` with those of the segments of the named columns replaced by their part of `changes` (codes,) each."""
    joined = biases.copy()
    for name, change in changes.items():
        segment = encoder.columns[encoder.names.index(name)].segment
        if segment is not None:
            part = slice(int(encoder.starts[segment]), int(encoder.starts[segment] + encoder.sizes[segment]))
            joined[part] = change[part]
    return joined
