"""A table for a network and back: compact codes and scaled numbers for all rows, of which one-hots are made per batch.

An encoded row is `scalars` numbers followed by one one-hot per segment; `width` is the length of it all. A category or
a number of few values is one segment; a number has a scalar and, by `modes`, a segment that says which mode it is in.
Null is the last code of its column's segment. Memory is 4 bytes a segment and a scalar for each row, and the width
does not grow with the values of a category (`grouping`).

`private` encoders are made of the profile alone, which is private already: no row is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.neural.grouping import MOST_GROUPS, LevelGroups, group_levels
from workbench.synthesizers.neural.numbers import (
    Modes,
    Scores,
    fit_modes,
    fit_scores,
    make_private_modes,
    make_private_scores,
)
from workbench.synthesizers.profile import ColumnProfile, RealTable, TableProfile, decode_codes, decode_numbers
from workbench.synthesizers.synthesizer import Arrays, Conditions, Made

NumberScheme = Literal["modes", "scores"]
Adjust = Callable[[str, NDArray[np.float64]], NDArray[np.float64]]

FEATURES = 40
"""Features of the rest of a row that levels are found alike by."""

FEATURE_LEVELS = 4
"""Levels of a category that are such features."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedRows:
    """`codes` (rows, segments) int32, each from 0 within its segment, and `numbers` (rows, scalars) float32."""

    codes: NDArray[np.int32]
    numbers: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, index: NDArray[Any] | slice) -> EncodedRows:
        """Some of the rows."""
        return EncodedRows(self.codes[index], self.numbers[index])


@dataclass(frozen=True, slots=True, eq=False)
class ColumnEncoding:
    """Where a column stands: the number of its segment and of its scalar, None where it has none, and how it is read.

    Exactly one of `levels`, `modes` and `scores` is there. `null` is the code of null, None where it is never null.
    """

    name: str
    segment: int | None
    scalar: int | None
    null: int | None
    levels: LevelGroups | None = None
    modes: Modes | None = None
    scores: Scores | None = None


class TableEncoder:
    """Encodes the columns of `profile`. Made by `fit_encoder`, or by `restore` of what `get_state` gave.

    `sizes` and `offsets` (segments,): how many codes a segment has, and where its one-hot begins in an encoded row;
    `width`: the length of an encoded row; `column_of` (width,): the number of the column that each place belongs to;
    `shares` (sum of sizes,): the share of each code in the real table, segment by segment, NaN where it is not known.
    """

    def __init__(
        self,
        profile: TableProfile,
        columns: tuple[ColumnEncoding, ...],
        sizes: NDArray[np.int64],
        shares: NDArray[np.float64],
    ) -> None:
        self.profile = profile
        self.columns = columns
        self.sizes = sizes
        self.shares = shares
        self.scalars = sum(column.scalar is not None for column in columns)
        self.segments = len(sizes)
        self.codes = int(sizes.sum())
        self.starts = np.cumsum(sizes) - sizes
        """(segments,): where a segment begins among all codes, that is `offsets - scalars`."""
        self.offsets = self.starts + self.scalars
        self.width = self.scalars + self.codes
        self.names = tuple(column.name for column in columns)
        self.column_of = np.empty(self.width, np.int64)
        for number, column in enumerate(columns):
            if column.scalar is not None:
                self.column_of[column.scalar] = number
            if column.segment is not None:
                start = self.offsets[column.segment]
                self.column_of[start : start + sizes[column.segment]] = number

    def encode(self, table: RealTable, generator: np.random.Generator | None = None) -> EncodedRows:
        """All rows of a table with these columns. `generator` spreads the scores of a number that many rows have."""
        return self._encode(table.rows, {name: table.columns[name] for name in self.names}, table, generator)

    def encode_conditions(self, conditions: Conditions, count: int) -> tuple[EncodedRows, NDArray[np.bool_]]:
        """`count` rows with what `conditions` give, zeros elsewhere, and which columns they give, shape (columns,)."""
        part = RealTable(self.profile, conditions)
        rows = self._encode(count, conditions, part, None)
        return rows, np.array([name in conditions for name in self.names], np.bool_)

    def decode(
        self,
        rows: EncodedRows,
        generator: np.random.Generator,
        kept: Conditions | None = None,
        adjust: Adjust | None = None,
    ) -> Made:
        """The columns as values; those of `kept` are these, word by word. Levels within a bucket are drawn.

        `adjust(name, numbers)` may move a number's raw values (NaN where null) before they are rounded and bounded.
        """
        made: Made = {}
        for column in self.columns:
            levels = column.levels
            uniforms = generator.random(len(rows)) if levels is not None and levels.count < len(levels.shares) else None
            if kept is not None and column.name in kept:
                made[column.name] = kept[column.name]
                continue
            profile = self.profile.columns[column.name]
            codes = None if column.segment is None else rows.codes[:, column.segment].astype(np.int64)
            missing = np.zeros(len(rows), np.bool_) if codes is None or column.null is None else codes == column.null
            if levels is not None and codes is not None:
                groups = np.where(missing, 0, codes)
                places = levels.draw_levels(groups, np.zeros(len(rows)) if uniforms is None else uniforms)
                places[missing] = -1
                made[column.name] = decode_codes(profile, places)
                continue
            numbers = self._decode_numbers(column, rows, codes, missing)
            numbers[missing] = np.nan
            made[column.name] = decode_numbers(profile, numbers if adjust is None else adjust(column.name, numbers))
        return made

    def decode_raw(self, rows: EncodedRows, name: str) -> NDArray[np.float64]:
        """A number's raw values, NaN where null, as `adjust` gets them; for columns by modes or scores alone."""
        column = self.columns[self.names.index(name)]
        codes = None if column.segment is None else rows.codes[:, column.segment].astype(np.int64)
        missing = np.zeros(len(rows), np.bool_) if codes is None or column.null is None else codes == column.null
        numbers = self._decode_numbers(column, rows, codes, missing)
        numbers[missing] = np.nan
        return numbers

    def get_state(self) -> tuple[dict[str, Any], Arrays]:
        """Plain values ready for JSON, and arrays, whose names begin with `encoder.`."""
        columns = []
        arrays: Arrays = {"encoder.sizes": self.sizes, "encoder.shares": self.shares}
        for number, column in enumerate(self.columns):
            at = f"encoder.{number}"
            plain: dict[str, Any] = {
                "name": column.name, "segment": column.segment, "scalar": column.scalar, "null": column.null
            }  # fmt: skip
            if column.levels is not None:
                arrays |= {f"{at}.group_of": column.levels.group_of, f"{at}.shares": column.levels.shares}
                plain["by"] = "levels"
            elif column.modes is not None:
                modes = column.modes
                arrays |= {
                    f"{at}.spikes": modes.spikes,
                    f"{at}.means": modes.means,
                    f"{at}.deviations": modes.deviations,
                }
                plain |= {"by": "modes", "centre": modes.centre, "scale": modes.scale, "curved": modes.curved}
            elif column.scores is not None:
                arrays[f"{at}.quantiles"] = column.scores.quantiles
                plain |= {"by": "scores", "edge": column.scores.edge}
            columns.append(plain)
        return {"columns": columns}, arrays

    @classmethod
    def restore(cls, profile: TableProfile, state: Mapping[str, Any], arrays: Arrays) -> TableEncoder:
        """The encoder again. Raises KeyError or ValueError where the state is not one of an encoder."""
        columns = []
        for number, plain in enumerate(state["columns"]):
            at = f"encoder.{number}"
            name = plain["name"]
            if name not in profile.columns:
                raise ValueError(f"no column {name}")
            levels = modes = scores = None
            if plain["by"] == "levels":
                levels = LevelGroups(arrays[f"{at}.group_of"], arrays[f"{at}.shares"])
            elif plain["by"] == "modes":
                modes = Modes(
                    arrays[f"{at}.spikes"], arrays[f"{at}.means"], arrays[f"{at}.deviations"],
                    plain["centre"], plain["scale"], plain["curved"],
                )  # fmt: skip
            else:
                scores = Scores(arrays[f"{at}.quantiles"], plain["edge"])
            columns.append(
                ColumnEncoding(name, plain["segment"], plain["scalar"], plain["null"], levels, modes, scores)
            )
        return cls(profile, tuple(columns), arrays["encoder.sizes"], arrays["encoder.shares"])

    def _decode_numbers(
        self, column: ColumnEncoding, rows: EncodedRows, codes: NDArray[np.int64] | None, missing: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        places = rows.numbers[:, column.scalar]
        if column.scores is not None:
            return column.scores.decode(places)
        assert column.modes is not None
        assert codes is not None
        return column.modes.decode(np.where(missing, 0, codes), places)

    def _encode(
        self, count: int, values: Mapping[str, Values], table: RealTable, generator: np.random.Generator | None
    ) -> EncodedRows:
        codes = np.zeros((count, self.segments), np.int32)
        numbers = np.zeros((count, self.scalars), np.float32)
        for column in self.columns:
            if column.name not in values:
                continue
            if column.levels is not None:
                places = table.codes(column.name)
                found = column.levels.group_of[np.maximum(places, 0)]
                if column.null is not None:
                    found = np.where(places < 0, column.null, found)
                codes[:, column.segment] = found
                continue
            raw = table.numbers(column.name)
            missing = np.isnan(raw)
            present = raw[~missing]
            if column.modes is not None:
                codes[~missing, column.segment], numbers[~missing, column.scalar] = column.modes.encode(present)
            elif column.scores is not None:
                uniforms = None if generator is None else generator.random(count)[~missing]
                numbers[~missing, column.scalar] = column.scores.encode(present, uniforms)
            if column.null is not None:
                codes[missing, column.segment] = column.null
        return EncodedRows(codes, numbers)


def fit_encoder(
    table: RealTable, numbers: NumberScheme, generator: np.random.Generator, *, private: bool = False
) -> TableEncoder:
    """An encoder for all columns of `table`, numbers that are not of few values by `modes` or by normal `scores`.

    `private` uses the profile alone. The generator chooses the rows that modes are sought in.
    """
    profile = table.profile
    columns: list[ColumnEncoding] = []
    sizes: list[int] = []
    scalars = 0
    fitted = sum(column.levels is None for column in profile.columns.values())
    for column in profile.columns.values():
        levels = modes = scores = None
        if column.levels is not None:
            levels = _fit_levels(table, column, private)
            size = levels.count
        elif numbers == "modes":
            modes = (
                make_private_modes(column.low, column.high)
                if private
                else fit_modes(_present(table, column), generator, fitted)
            )
            size = modes.count
        else:
            scores = make_private_scores(column.low, column.high) if private else fit_scores(_present(table, column))
            size = 1
        null = size if column.missing > 0 else None
        segment = len(sizes) if scores is None or null is not None else None
        if segment is not None:
            sizes.append(size + (null is not None))
        scalar = None if levels is not None else scalars
        scalars += scalar is not None
        columns.append(ColumnEncoding(column.name, segment, scalar, null, levels, modes, scores))
    encoder = TableEncoder(profile, tuple(columns), np.array(sizes, np.int64), np.full(sum(sizes), np.nan))
    _find_shares(encoder, table, private)
    return encoder


def _find_shares(encoder: TableEncoder, table: RealTable, private: bool) -> None:
    """The share of each code: of levels and nulls by the profile, of modes by the rows unless these are private."""
    for column in encoder.columns:
        if column.segment is None:
            continue
        profile = encoder.profile.columns[column.name]
        start, size = int(encoder.starts[column.segment]), int(encoder.sizes[column.segment])
        part = encoder.shares[start : start + size]
        present = 1.0 - profile.missing if column.null is not None else 1.0
        if column.levels is not None:
            part[: column.levels.count] = column.levels.sum_shares() * present
        elif column.modes is not None and not private:
            codes, _ = column.modes.encode(_present(table, profile))
            part[: column.modes.count] = np.bincount(codes, minlength=column.modes.count) / len(codes) * present
        elif column.scores is not None:
            part[0] = present
        if column.null is not None:
            part[column.null] = profile.missing


def _present(table: RealTable, column: ColumnProfile) -> NDArray[np.float64]:
    numbers = table.numbers(column.name)
    present = numbers[~np.isnan(numbers)]
    return present if len(present) else np.array([column.low, column.high])


def _fit_levels(table: RealTable, column: ColumnProfile, private: bool) -> LevelGroups:
    levels = len(column.levels or ())
    if private or levels <= MOST_GROUPS:
        return group_levels(column.shares, None, np.zeros(levels))
    codes = table.codes(column.name)
    seen = codes >= 0
    codes = codes[seen]
    counts = np.bincount(codes, minlength=levels).astype(np.float64)
    sums = [np.bincount(codes, feature[seen], levels) for feature in _find_features(table, column.name)]
    return group_levels(column.shares, np.stack(sums, 1) if sums else None, counts)


def _find_features(table: RealTable, apart: str) -> list[NDArray[np.float64]]:
    """What the rest of each row looks like: numbers as z-scores within 3, frequent levels of categories as 0 or 1."""
    features: list[NDArray[np.float64]] = []
    for column in table.profile.columns.values():
        if column.name == apart or len(features) >= FEATURES:
            continue
        if column.levels is None:
            numbers = table.numbers(column.name)
            low, middle, high = np.nanquantile(numbers, [0.16, 0.5, 0.84])
            scaled = (numbers - middle) / (max(high - low, 1e-12) / 2)
            features.append(np.nan_to_num(np.clip(scaled, -3.0, 3.0)))
        else:
            codes = table.codes(column.name)
            shown = min(len(column.levels) - 1, FEATURE_LEVELS)
            features.extend((codes == level).astype(np.float64) for level in range(shown))
    return features
