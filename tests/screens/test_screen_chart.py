"""The braille chart: nothing is lost, nothing is drawn outside, any series can be drawn."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from screens.widgets.chart import Grid, LineChart, draw_series, find_range

POINTS = st.lists(st.tuples(st.integers(0, 10**6).map(float), st.floats()), max_size=60)


def dots_of(grid: Grid) -> set[tuple[int, int]]:
    """Dots that are set, as (column, row from the top)."""
    bits = {
        0x01: (0, 0),
        0x08: (1, 0),
        0x02: (0, 1),
        0x10: (1, 1),
        0x04: (0, 2),
        0x20: (1, 2),
        0x40: (0, 3),
        0x80: (1, 3),
    }
    return {
        (2 * x + dx, 4 * y + dy)
        for y, row in enumerate(grid.dots)
        for x, cell in enumerate(row)
        for bit, (dx, dy) in bits.items()
        if cell & bit
    }


def test_a_falling_line_goes_from_the_top_left_to_the_bottom_right() -> None:
    grid = Grid(4, 3)
    draw_series(grid, [(0, 1.0), (7, 0.0)], 0, (0, 7), (0, 1))
    dots = dots_of(grid)
    assert (0, 0) in dots
    assert (7, 11) in dots
    assert {x for x, _ in dots} == set(range(8))


def test_a_spike_is_seen_however_many_points_there_are() -> None:
    points = [(float(step), 10.0 if step == 123_456 else 0.0) for step in range(200_000)]
    grid = Grid(20, 5)
    draw_series(grid, points, 0, (0, 199_999), (0, 10))
    assert any(y == 0 for _, y in dots_of(grid))


def test_values_that_are_not_finite_are_left_out() -> None:
    grid = Grid(4, 3)
    draw_series(grid, [(0, math.nan), (3, math.inf), (7, 0.5)], 0, (0, 7), (0, 1))
    assert {x for x, _ in dots_of(grid)} == {7}


@given(POINTS, st.integers(1, 30), st.integers(1, 10))
def test_any_series_is_drawn_inside_the_grid(points: list[tuple[float, float]], width: int, height: int) -> None:
    grid = Grid(width, height)
    x_range = (0.0, 1e6)
    draw_series(grid, points, 0, x_range, find_range([value for _, value in points]))
    finite = [step for step, value in points if math.isfinite(value)]
    assert bool(dots_of(grid)) == bool(finite)


@given(st.lists(st.floats(), max_size=20))
def test_a_range_is_finite_and_has_a_width(values: list[float]) -> None:
    low, high = find_range(values)
    assert low <= high or not any(math.isfinite(value) for value in values)


class ChartApp(App[None]):
    """One chart."""

    def compose(self) -> ComposeResult:
        yield LineChart("nothing yet")


def text_of(chart: LineChart) -> list[str]:
    return [chart.render_line(y).text for y in range(chart.size.height)]


async def test_a_chart_has_labels_a_legend_and_its_empty_text() -> None:
    app = ChartApp()
    async with app.run_test(size=(60, 12)):
        chart = app.query_one(LineChart)
        assert "nothing yet" in text_of(chart)[0]
        chart.show({"loss": [(0, 2.0), (100, 1.0)], "eval loss": [(50, 1.5)]})
        lines = text_of(chart)
        assert lines[0].lstrip().startswith("2")
        assert "step 100" in lines[-1]
        assert "loss 1" in chart.legend.plain
        assert "log scale" not in chart.legend.plain


async def test_a_wide_span_is_drawn_on_a_logarithmic_scale() -> None:
    app = ChartApp()
    async with app.run_test(size=(60, 12)):
        chart = app.query_one(LineChart)
        chart.show({"loss": [(0, 7.0), (50, 0.5), (100, 0.05)]})
        assert "log scale" in chart.legend.plain
        assert text_of(chart)[0].lstrip().startswith("7")
        assert any(line.lstrip().startswith("0.050") for line in text_of(chart))


async def test_a_chart_of_one_point_or_of_no_room_does_no_harm() -> None:
    app = ChartApp()
    async with app.run_test(size=(18, 3)) as pilot:
        chart = app.query_one(LineChart)
        chart.show({"loss": [(5, 0.25)], "nan": [(1, math.nan)]})
        await pilot.resize_terminal(5, 1)
        await pilot.pause()
        assert len(text_of(chart)) == 1
