"""A line chart in braille: two by four dots a cell, at most one vertical stroke per dot column.

Each dot column shows the smallest and the largest value that fall into it, so that a spike is never lost however many
points there are. Nothing is smoothed. Values that span more than a factor of `LOG_FROM` are drawn on a logarithmic
scale, since a first loss of 7 would flatten all that follows.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip
from textual.widget import Widget

from screens.format import format_number

Point = tuple[float, float]
LOG_FROM = 20.0
_INKS = ("chart--first", "chart--second", "chart--third")
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # bit of (row, column) in a braille cell


class Grid:
    """`width` x `height` cells. A cell shows the dots of all series in the colour of the one drawn last."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.dots = [[0] * width for _ in range(height)]
        self.owner: list[list[int | None]] = [[None] * width for _ in range(height)]

    def stroke(self, x: int, low: int, high: int, owner: int) -> None:
        """Set the dots `low` to `high` of the dot column `x`, counted from the bottom left, both included."""
        for y in range(max(0, low), min(high, self.height * 4 - 1) + 1):
            row, line = divmod(self.height * 4 - 1 - y, 4)
            self.dots[row][x // 2] |= _DOTS[line][x % 2]
            self.owner[row][x // 2] = owner


def draw_series(grid: Grid, points: Sequence[Point], owner: int, x_range: Point, y_range: Point) -> None:
    """Draw one series, joined by lines, into `grid`; values that are not finite leave a gap."""
    columns, dots = grid.width * 2, grid.height * 4

    def place(value: float, bounds: Point, count: int) -> int:
        # Halves, since the difference of two of the largest floats overflows.
        spread = bounds[1] / 2 - bounds[0] / 2
        share = (value / 2 - bounds[0] / 2) / spread if spread > 0 else 0.0
        return round(min(max(share, 0.0), 1.0) * (count - 1))

    extremes: dict[int, tuple[int, int, int, int]] = {}  # column: lowest, highest, first, last
    for step, value in points:
        if math.isfinite(step) and math.isfinite(value):
            x, y = place(step, x_range, columns), place(value, y_range, dots)
            low, high, first, _ = extremes.get(x, (y, y, y, y))
            extremes[x] = (min(low, y), max(high, y), first, y)
    previous: tuple[int, int] | None = None
    for x in sorted(extremes):
        low, high, first, last = extremes[x]
        if previous is not None:
            for between in range(previous[0] + 1, x + 1):
                share = (between - previous[0]) / (x - previous[0])
                y = round(previous[1] + share * (first - previous[1]))
                earlier = round(previous[1] + (between - 1 - previous[0]) / (x - previous[0]) * (first - previous[1]))
                grid.stroke(between, min(y, earlier), max(y, earlier), owner)
        grid.stroke(x, low, high, owner)
        previous = (x, last)


def find_range(values: Sequence[float]) -> Point:
    """Smallest and largest finite value, a little apart where they are equal."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return (0.0, 1.0)
    low, high = min(finite), max(finite)
    if high > low:
        return (low, high)
    largest = sys.float_info.max
    return (max(low - abs(low or 1) * 0.05, -largest), min(high + abs(high or 1) * 0.05, largest))


class LineChart(Widget):
    """Series by name over the same steps: labels of the value on the left, of the step below. `legend` names them."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--axis", *_INKS}

    def __init__(self, empty: str = "", **options: Any) -> None:
        super().__init__(**options)
        self._empty = empty
        self._series: dict[str, Sequence[Point]] = {}
        self._lines: tuple[tuple[int, int], list[Strip]] | None = None

    def show(self, series: Mapping[str, Sequence[Point]], empty: str | None = None) -> None:
        """Show these points; `empty` is what to say while there are none."""
        self._series = {name: points for name, points in series.items() if points}
        self._empty = self._empty if empty is None else empty
        self._lines = None
        self.refresh()

    @property
    def legend(self) -> Text:
        """Each series in its colour with its newest value, for a title."""
        text = Text()
        for index, (name, points) in enumerate(self._series.items()):
            ink = self.get_component_rich_style(_INKS[index % len(_INKS)], partial=True)
            text.append(f" ━ {name} {format_number(points[-1][1])} ", style=ink)
        return text.append(" log scale" if self._series and self._is_log() else "")

    def notify_style_update(self) -> None:
        """Draw again in the new colours."""
        self._lines = None
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """One line, from a drawing that is made once per change of data or size."""
        size = (self.size.width, self.size.height)
        if self._lines is None or self._lines[0] != size:
            self._lines = (size, self._draw(*size))
        lines = self._lines[1]
        return lines[y] if y < len(lines) else Strip.blank(size[0], self.rich_style)

    def _draw(self, width: int, height: int) -> list[Strip]:
        base = self.rich_style
        if not self._series or height < 3 or width < 16:
            return [Strip([Segment(self._empty, base + Style(dim=True))]).adjust_cell_length(width, base)]
        axis = base + self.get_component_rich_style("chart--axis", partial=True)
        inks = [base + self.get_component_rich_style(name, partial=True) for name in _INKS]
        is_log = self._is_log()
        scale = math.log10 if is_log else float
        series = [[(step, scale(value)) for step, value in points] for points in self._series.values()]
        steps = [step for points in series for step, _ in points]
        y_range = find_range([value for points in series for _, value in points])
        x_range = (min(steps), max(max(steps), min(steps) + 1))
        rows = height - 1
        marked = {0, rows - 1, *([rows // 2] if rows >= 7 else [])}
        heights = {row: y_range[1] - (y_range[1] - y_range[0]) * row / max(1, rows - 1) for row in marked}
        labels = {row: format_number(10**value if is_log else value) for row, value in heights.items()}
        margin = max(len(label) for label in labels.values())
        grid = Grid(max(1, width - margin - 1), rows)
        for owner, points in enumerate(series):
            draw_series(grid, points, owner, x_range, y_range)
        strips = []
        for row in range(rows):
            mark = "┤" if row in labels else "│"
            segments = [Segment(f"{labels.get(row, ''):>{margin}}{mark}", axis)]
            for dots, ink in zip(grid.dots[row], grid.owner[row], strict=True):
                segments.append(Segment(chr(0x2800 + dots) if dots else " ", base if ink is None else inks[ink % 3]))
            strips.append(Strip(segments).adjust_cell_length(width, base).simplify())
        first, last = f"{x_range[0]:g}", f"step {x_range[1]:g}"
        room = max(1, grid.width - len(first) - len(last))
        strips.append(
            Strip([Segment(" " * (margin + 1) + first + " " * room + last, axis)]).adjust_cell_length(width, base)
        )
        return strips

    def _is_log(self) -> bool:
        values = [value for points in self._series.values() for _, value in points]
        return all(math.isfinite(value) and value > 0 for value in values) and max(values) > LOG_FROM * min(values)
