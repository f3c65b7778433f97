"""Sequences and ordered moments: values that depend on their family, the same whatever rows are asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from workbench.columns import datetime as moments
from workbench.columns.column_type import Maker, TableContext
from workbench.columns.registry import COLUMNS
from workbench.columns.sequence import SEGMENT
from workbench.columns.streams import Draws, Family
from workbench.columns.values import Values
from workbench.spec.yaml_nodes import load_plain

LINES = [
    "{name: x, type: sequence, trend: 0.1, ar: [0.6, 0.2], noise: 2, spread: 3, season: {period: 7, amplitude: 4}}",
    "{name: x, type: datetime, start: 2026-01-01, end: 2026-06-30, ordered: true}",
]


def compile_line(line: str, rows: int = 1, **inputs: Maker) -> Maker:
    data = load_plain(line)
    column_type = COLUMNS.get(data["type"])
    assert column_type is not None
    return column_type.make(column_type.config.model_validate(data), TableContext(inputs, rows))


def draw(maker: Maker, sizes: list[int], rows: NDArray[np.int64] | None = None, **inputs: Values) -> Values:
    """The values for families of these sizes, for all rows or some."""
    numbers = np.array(sizes)
    ends = np.cumsum(numbers)
    asked = np.arange(ends[-1]) if rows is None else rows
    owner = np.searchsorted(ends, asked, side="right")
    family = Family((ends - numbers)[owner], numbers[owner])
    return maker.values(Draws(3, "t", "x", asked, family=family), inputs)


SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(line=st.sampled_from(LINES), sizes=SIZES, data=st.data())
def test_any_rows_have_the_values_of_the_whole(line: str, sizes: list[int], data: st.DataObject) -> None:
    maker = compile_line(line, sum(sizes))
    whole = draw(maker, sizes).to_list()
    rows = sorted(data.draw(st.sets(st.integers(0, sum(sizes) - 1), min_size=1)))
    assert draw(maker, sizes, np.array(rows)).to_list() == [whole[row] for row in rows]


def test_long_families_are_the_same_from_any_segment_on() -> None:
    maker = compile_line("{name: x, type: sequence, ar: [0.95], noise: 1}")
    sizes = [3 * SEGMENT + 5, 1, 2 * SEGMENT]
    whole = draw(maker, sizes).to_list()
    for start, stop in (
        (0, 10),
        (SEGMENT - 3, SEGMENT + 3),
        (3 * SEGMENT, 3 * SEGMENT + 9),
        (5 * SEGMENT, 5 * SEGMENT + 2),
    ):
        assert draw(maker, sizes, np.arange(start, stop)).to_list() == whole[start:stop]


def test_the_noise_remembers_as_much_as_ar_says_and_has_its_long_run_variance_from_the_start() -> None:
    noise = draw(compile_line("{name: x, type: sequence, ar: [0.8], noise: 1.5}"), [100_000]).data
    assert np.corrcoef(noise[1:], noise[:-1])[0, 1] == pytest.approx(0.8, abs=0.01)
    assert noise.std() == pytest.approx(1.5 / np.sqrt(1 - 0.64), rel=0.02)
    first = draw(compile_line("{name: x, type: sequence, ar: [0.8], noise: 1.5}"), [2] * 20_000).data[::2]
    assert first.std() == pytest.approx(2.5, rel=0.03)


def test_trend_season_and_spread_add_up() -> None:
    plain = draw(compile_line("{name: x, type: sequence, mean: 5, trend: 2}"), [4, 2]).to_list()
    assert plain == [5, 7, 9, 11, 5, 7]
    wave = draw(compile_line("{name: x, type: sequence, season: [{period: 4, amplitude: 3}]}"), [8]).data
    assert wave == pytest.approx([0, 3, 0, -3] * 2, abs=1e-9)
    spread = draw(compile_line("{name: x, type: sequence, spread: 10}"), [2] * 5_000).data.reshape(-1, 2)
    assert (spread[:, 0] == spread[:, 1]).all()
    assert spread[:, 0].std() == pytest.approx(10, rel=0.05)


def test_a_sequence_numbers_the_rows_of_a_parent() -> None:
    maker = compile_line("{name: x, type: sequence, mean: 1, trend: 1, decimals: 0}")
    assert draw(maker, [3, 1, 2]).to_list() == [1, 2, 3, 1, 1, 2]
    assert maker.kind == "int64"


@pytest.mark.parametrize("ar", ["[1.0]", "[0.6, 0.5]", "[-1.2]", "[0.9999]"])
def test_noise_that_never_settles_is_refused(ar: str) -> None:
    with pytest.raises(ValidationError, match="never settles"):
        compile_line(f"{{name: x, type: sequence, noise: 1, ar: {ar}}}")


def test_ordered_moments_rise_within_each_family_and_fill_the_range() -> None:
    maker = compile_line("{name: x, type: datetime, start: 2026-01-01, end: 2026-12-31, ordered: true}")
    sizes = [50] * 200
    values = draw(maker, sizes).data.reshape(200, 50)
    assert (np.diff(values, axis=1) >= np.timedelta64(0)).all()
    assert values.min() >= np.datetime64("2026-01-01")
    assert values.max() <= np.datetime64("2026-12-31")
    days = (values - np.datetime64("2026-01-01")).astype("timedelta64[D]").astype(int)
    assert np.bincount(days.ravel() // 92, minlength=4) / 10_000 == pytest.approx([0.25] * 4, abs=0.02)


def test_a_whole_table_in_order_is_spread_evenly() -> None:
    maker = compile_line("{name: x, type: datetime, start: 2026-01-01, end: 2026-12-31, ordered: true}", 200_000)
    rows = np.array([0, 1, 99_999, 100_000, 199_999])
    values = draw(maker, [200_000], rows).data
    assert moments.LARGEST_FAMILY < 200_000
    assert (np.diff(values) > np.timedelta64(0)).all()
    middle = np.datetime64("2026-07-02T00:00:00")
    assert abs(values[2] - middle) < np.timedelta64(1, "h")


def test_a_moment_may_start_at_another_column_s() -> None:
    start = Maker("timestamp", lambda draws, inputs: Values(np.empty(0)), (0.0, 5.0))
    maker = compile_line("{name: x, type: datetime, start: joined, end: 2026-06-30, unit: D}", joined=start)
    joined = Values(
        np.array(["2026-06-01", "2026-06-30", "2026-08-01", "2026-01-01"], "datetime64[us]"),
        np.array([True, True, True, False]),
    )
    values = draw(maker, [4], joined=joined).to_list()
    assert values[0] is not None
    assert joined.to_list()[0] <= values[0]
    assert values[1] == joined.to_list()[1]
    assert values[2] == joined.to_list()[2]
    assert values[3] is None


def test_a_moment_cannot_start_at_a_number() -> None:
    number = Maker("int64", lambda draws, inputs: Values(np.empty(0)))
    with pytest.raises(ValueError, match="“n” is no moment in time"):
        compile_line("{name: x, type: datetime, start: n, end: 2026-06-30}", n=number)


def test_unique_whole_numbers_are_a_random_order_of_their_range() -> None:
    maker = compile_line("{name: x, type: uniform_int, low: 10, high: 1009, unique: true}", 1000)
    values = draw(maker, [1000]).to_list()
    assert sorted(values) == list(range(10, 1010))
    assert values[:10] != list(range(10, 20))
    assert maker.unique
    with pytest.raises(ValueError, match="1,000 whole numbers in its range and 1,001 rows"):
        compile_line("{name: x, type: uniform_int, low: 10, high: 1009, unique: true}", 1001)
