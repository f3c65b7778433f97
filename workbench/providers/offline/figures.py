"""The figures that pictures are made of, each drawn around a centre within a radius in pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Colour = tuple[int, int, int]
_DARK: Colour = (30, 30, 34)
_SKIN: Colour = (214, 170, 140)
_TRUNK: Colour = (110, 74, 44)
_CORNERS = {"triangle": (3, -90.0), "diamond": (4, -90.0), "pentagon": (5, -90.0), "hexagon": (6, 0.0)}


def draw_figure(draw: ImageDraw, figure: str, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw `figure`, one of the values of `scenes.FIGURES`; what nobody knows is a circle."""
    if figure in _CORNERS:
        corners, turn = _CORNERS[figure]
        draw.polygon(_corners(x, y, radius, corners, turn), fill=colour)
    elif figure == "star":
        outer, inner = _corners(x, y, radius, 5, -90), _corners(x, y, radius * 0.42, 5, -54)
        draw.polygon([point for pair in zip(outer, inner, strict=True) for point in pair], fill=colour)
    elif figure == "square":
        draw.rectangle(_box(x, y, radius * 0.85, radius * 0.85), fill=colour)
    elif figure == "rectangle":
        draw.rectangle(_box(x, y, radius, radius * 0.55), fill=colour)
    elif figure == "cross":
        draw.rectangle(_box(x, y, radius, radius * 0.3), fill=colour)
        draw.rectangle(_box(x, y, radius * 0.3, radius), fill=colour)
    elif figure == "ring":
        draw.ellipse(_box(x, y, radius, radius), outline=colour, width=max(1, round(radius * 0.35)))
    elif figure in ("car", "truck"):
        _draw_vehicle(draw, x, y, radius, colour, long=figure == "truck")
    elif figure == "person":
        _draw_person(draw, x, y, radius, colour)
    elif figure == "cyclist":
        _draw_cyclist(draw, x, y, radius, colour)
    elif figure == "tree":
        draw.rectangle(_box(x, y + radius * 0.6, radius * 0.14, radius * 0.4), fill=_TRUNK)
        draw.ellipse(_box(x, y - radius * 0.3, radius * 0.7, radius * 0.7), fill=colour)
    elif figure == "house":
        draw.rectangle(_box(x, y + radius * 0.4, radius * 0.75, radius * 0.6), fill=colour)
        draw.polygon([(x - radius, y - radius * 0.2), (x, y - radius), (x + radius, y - radius * 0.2)], fill=_TRUNK)
    elif figure == "sun":
        for dx, dy in _corners(0, 0, 1, 12, 0):
            draw.line((x, y, x + dx * radius, y + dy * radius), fill=colour, width=max(1, round(radius * 0.1)))
        draw.ellipse(_box(x, y, radius * 0.65, radius * 0.65), fill=colour)
    elif figure == "moon":
        draw.chord(_box(x, y, radius, radius), 60, 300, fill=colour)
    else:
        draw.ellipse(_box(x, y, radius, radius), fill=colour)


def _box(x: float, y: float, half_width: float, half_height: float) -> tuple[float, float, float, float]:
    return (x - half_width, y - half_height, x + half_width, y + half_height)


def _corners(x: float, y: float, radius: float, count: int, turn: float) -> list[tuple[float, float]]:
    angles = [math.radians(turn + 360 * number / count) for number in range(count)]
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]


def _draw_vehicle(draw: ImageDraw, x: float, y: float, radius: float, colour: Colour, *, long: bool) -> None:
    """A side view: body, cabin, two wheels."""
    draw.rectangle(_box(x, y + radius * 0.1, radius, radius * 0.28), fill=colour)
    if long:
        draw.rectangle(_box(x - radius * 0.3, y - radius * 0.35, radius * 0.7, radius * 0.45), fill=colour)
    else:
        draw.rectangle(_box(x, y - radius * 0.3, radius * 0.55, radius * 0.22), fill=colour)
    for side in (-0.55, 0.55):
        draw.ellipse(_box(x + side * radius, y + radius * 0.42, radius * 0.2, radius * 0.2), fill=_DARK)


def _draw_person(draw: ImageDraw, x: float, y: float, radius: float, colour: Colour) -> None:
    draw.ellipse(_box(x, y - radius * 0.78, radius * 0.2, radius * 0.2), fill=_SKIN)
    draw.rectangle(_box(x, y - radius * 0.15, radius * 0.26, radius * 0.42), fill=colour)
    for side in (-0.14, 0.14):
        draw.rectangle(_box(x + side * radius, y + radius * 0.62, radius * 0.1, radius * 0.38), fill=_DARK)


def _draw_cyclist(draw: ImageDraw, x: float, y: float, radius: float, colour: Colour) -> None:
    line = max(1, round(radius * 0.08))
    for side in (-0.6, 0.6):
        draw.ellipse(_box(x + side * radius, y + radius * 0.6, radius * 0.38, radius * 0.38), outline=_DARK, width=line)
    draw.line((x - radius * 0.6, y + radius * 0.6, x, y + radius * 0.1, x + radius * 0.6, y + radius * 0.6),
              fill=_DARK, width=line)  # fmt: skip
    draw.rectangle(_box(x, y - radius * 0.2, radius * 0.22, radius * 0.38), fill=colour)
    draw.ellipse(_box(x, y - radius * 0.78, radius * 0.2, radius * 0.2), fill=_SKIN)
