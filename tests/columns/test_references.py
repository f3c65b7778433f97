"""source and foreign_key: real rows taken whole, every kind kept, and what cannot lead anywhere refused."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from workbench.columns.column_type import Maker, TableContext
from workbench.columns.foreign_key import ForeignKeyColumnConfig
from workbench.columns.registry import COLUMNS
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.spec.yaml_nodes import load_plain

ROWS = 50
FRAME = pd.DataFrame({
    "number": np.arange(ROWS),
    "double": np.arange(ROWS) / 4,
    "text": [f"row {place}" for place in range(ROWS)],
    "truth": np.arange(ROWS) % 3 == 0,
    "moment": pd.date_range("2026-01-01", periods=ROWS, freq="h"),
    "zoned": pd.date_range("2026-01-01", periods=ROWS, freq="h", tz="Europe/Berlin"),
    "number gaps": pd.array([None if place % 5 == 0 else place for place in range(ROWS)], dtype="Int64"),
    "truth gaps": pd.array([None if place % 5 == 0 else place % 2 == 0 for place in range(ROWS)], dtype="boolean"),
    "double gaps": [np.nan if place % 5 == 0 else place / 4 for place in range(ROWS)],
    "text gaps": [None if place % 5 == 0 else f"row {place}" for place in range(ROWS)],
    "moment gaps": [
        pd.NaT if place % 5 == 0 else pd.Timestamp("2026-01-01") + pd.Timedelta(place, "h") for place in range(ROWS)
    ],
    "nothing": [None] * ROWS,
    "sort": pd.Categorical([f"sort {place % 3}" for place in range(ROWS)]),
})  # fmt: skip


def read_source(name: str) -> pd.DataFrame:
    if name != "real":
        raise ValueError(f"there is no source “{name}”")
    return FRAME


def compile_line(line: str) -> Maker:
    data = load_plain(line)
    entry = COLUMNS.get(data["type"])
    assert entry is not None
    return entry.make(entry.config.model_validate(data), TableContext(read_source=read_source))


def take(options: str, rows: int | np.ndarray[Any, np.dtype[np.int64]] = 400, name: str = "x") -> Values:
    """The column of that name in a table “t”, from the source `real` with further options."""
    maker = compile_line(f"{{name: {name}, type: source, source: real, {options}}}")
    return maker.values(Draws(1, "t", name, np.arange(rows) if isinstance(rows, int) else rows), {})


def test_columns_of_one_source_take_the_same_real_row() -> None:
    places = take("column: number", name="a").to_list()
    assert take("column: text", name="b").to_list() == [f"row {place}" for place in places]
    assert take("column: double", name="c").to_list() == [place / 4 for place in places]


def test_an_independent_column_takes_a_row_of_its_own() -> None:
    shared = take("column: number", 20_000, name="a").data
    alone = take("column: number, independent: true", 20_000, name="b").data
    other = take("column: number, independent: true", 20_000, name="c").data
    assert abs(stats.pearsonr(shared, alone).statistic) < 0.03
    assert abs(stats.pearsonr(other, alone).statistic) < 0.03


def test_every_real_row_is_taken_equally_often() -> None:
    assert stats.chisquare(np.bincount(take("column: number", 20_000).data, minlength=ROWS)).pvalue > 1e-3


def test_without_column_the_own_name_is_looked_up() -> None:
    assert take("independent: false", name="text").to_list() == take("column: text").to_list()


KINDS = {
    "number": "int64",
    "double": "double",
    "text": "string",
    "truth": "bool",
    "moment": "timestamp",
    "zoned": "timestamp",
    "number gaps": "int64",
    "truth gaps": "bool",
    "double gaps": "double",
    "text gaps": "string",
    "moment gaps": "timestamp",
    "nothing": "string",
    "sort": "string",
}


@pytest.mark.parametrize(("column", "kind"), KINDS.items())
def test_values_keep_their_kind_and_their_nulls(column: str, kind: str) -> None:
    assert compile_line(f"{{name: x, type: source, source: real, column: {column}}}").kind == kind
    taken = take(f"column: {column}").to_list()
    series = FRAME[column].dt.tz_convert("UTC").dt.tz_localize(None) if column == "zoned" else FRAME[column]
    plain = [None if pd.isna(value) else value for value in series.astype(object)]
    assert taken == [plain[place] for place in take("column: number").to_list()]


def test_moments_with_a_zone_are_kept_in_utc() -> None:
    assert min(take("column: zoned").to_list()) == datetime.datetime(2025, 12, 31, 23)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(KINDS)), st.booleans(), st.integers(0, 90), st.integers(0, 90))
def test_any_range_of_rows_made_alone_is_that_part_of_the_whole(
    column: str, independent: bool, start: int, count: int
) -> None:
    options = f"column: {column}, independent: {str(independent).lower()}"
    part = np.arange(90)[start : start + count]
    assert take(options, part).to_list() == take(options, 90).to_list()[start : start + count]


def test_an_unknown_column_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"“real” has no column “numbr”\. .*number"):
        compile_line("{name: x, type: source, source: real, column: numbr}")


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no source “reel”"):
        compile_line("{name: x, type: source, source: reel, column: number}")


@pytest.mark.parametrize("options", [
    "table: cards", "table: cards, per_parent: 3", "table: cards, per_parent: {type: poisson, mean: 3}",
    "table: cards, column: country", "table: cards, column: country, via: card_id",
])  # fmt: skip
def test_a_foreign_key_states_what_is_wanted(options: str) -> None:
    config = ForeignKeyColumnConfig.model_validate(load_plain(f"{{name: x, type: foreign_key, {options}}}"))
    assert config.table == "cards"
    assert not config.references()


@pytest.mark.parametrize(("options", "message"), [
    ("column: country", "table\n  Field required"),
    ("table: cards, column: country, per_parent: 3", "per_parent belongs to the column that holds the key"),
    ("table: cards, via: card_id", "via says which key leads to a column, so it needs column"),
    ("table: cards, column: country, via: x", "via names this column itself; name the column that holds the key"),
    ("table: cards, per_parent: -1", "greater than or equal to 0"),
    ("table: cards, per_parent: 2000000000", "less than or equal to 1000000000"),
])  # fmt: skip
def test_a_foreign_key_that_cannot_lead_anywhere_is_refused(options: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ForeignKeyColumnConfig.model_validate(load_plain(f"{{name: x, type: foreign_key, {options}}}"))


def test_a_foreign_key_is_made_by_the_link_of_its_table(compile_line: Callable[..., Maker]) -> None:
    line = "{name: x, type: foreign_key, table: cards, column: country}"
    with pytest.raises(ValueError, match="its table has no foreign key to that table"):
        compile_line(line)
    entry = COLUMNS.get("foreign_key")
    assert entry is not None
    asked = []
    country = Maker("string", lambda draws, inputs: Values(np.array(["DE"] * len(draws), object)))

    def make_link(config: ForeignKeyColumnConfig) -> Maker:
        asked.append((config.table, config.column))
        return country

    assert entry.make(entry.config.model_validate(load_plain(line)), TableContext(make_link=make_link)) is country
    assert asked == [("cards", "country")]
