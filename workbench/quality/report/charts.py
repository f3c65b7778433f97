"""The charts of the page, as SVG inside it: a figure among what it is compared with, and curves.

They are drawn from figures alone: the only text in them is ours or was escaped. Colours and widths are classes of the
page's style, so that they follow light, dark and print; no mark is told from another by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from workbench.quality.report.words import format_alike, format_figure

_RANGE = 100.0
_CURVE_WIDTH, _CURVE_HEIGHT = 380, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 20, 14, 46
_TICKS = 5
"""At most so many steps on the axis of scores."""
_DASHES = ("", "6 3", "2 3", "8 3 2 3")
"""Lines of one chart differ by their dashes."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The ends of an axis, low < high."""

    low: float
    high: float

    def place(self, number: float, length: float) -> float:
        """Where `number` lies on an axis of `length`, held within it."""
        share = (number - self.low) / (self.high - self.low)
        return length * min(max(share, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Marks:
    """What one range chart shows, in the units of its scale."""

    value: float | None
    reference: float | None = None
    interval: tuple[float, float] | None = None
    threshold: float | None = None

    def list_numbers(self) -> list[float]:
        """All that has to be within the scale."""
        numbers = (self.value, self.reference, self.threshold, *(self.interval or ()))
        return [number for number in numbers if number is not None]


@dataclass(frozen=True, slots=True)
class Curve:
    """Scores at the steps of one question. `axis` and `score` say what the axes are, `reference` is the score of real
    rows alone, `lines` are points by name: where each stands on the axis, as text, and its score, in order."""

    title: str
    axis: str
    score: str
    steps: Sequence[str]
    lines: Mapping[str, Mapping[str, float]]
    reference: float | None = None


def find_scale(numbers: Iterable[float]) -> Scale:
    """A scale that holds all numbers with some air; shares never leave 0 to 1."""
    known = list(numbers)
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    air = max((high - low) * 0.08, 0.01 * max(abs(low), abs(high)), 1e-6)
    shares = low >= 0 and high <= 1
    wide = Scale(low - air, high + air)
    return Scale(max(wide.low, 0.0), min(wide.high, 1.0)) if shares and low < high else wide


def draw_range(marks: Marks, scale: Scale, label: str = "") -> Markup:
    """A dot for the value, a line for its interval, a short bar for the real holdout, a dashed one for the threshold.

    Without a label it is hidden from screen readers: the figures then stand beside it.
    """
    parts = [Markup('<path class="ax" d="M0 8H100"/>')]
    if marks.interval is not None:
        ends = (_round(scale.place(end, _RANGE)) for end in marks.interval)
        parts.append(Markup('<path class="iv" d="M{} 8H{}"/>').format(*ends))
    if marks.threshold is not None:
        parts.append(Markup('<path class="th" d="M{} 0V16"/>').format(_round(scale.place(marks.threshold, _RANGE))))
    if marks.reference is not None:
        parts.append(Markup('<path class="ho" d="M{} 3V13"/>').format(_round(scale.place(marks.reference, _RANGE))))
    if marks.value is not None:
        parts.append(Markup('<circle cx="{}" cy="8" r="4"/>').format(_round(scale.place(marks.value, _RANGE))))
    told = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="range" viewBox="-4 0 108 16" {}>{}</svg>').format(told, Markup().join(parts))


def draw_curve(curve: Curve) -> Markup:
    """A line for each series over evenly spaced steps, with axes, the real rows' score as a dashed line, and labels."""
    scores = [score for line in curve.lines.values() for score in line.values()]
    scale, step_size = _find_ticks(find_scale([*scores, *([] if curve.reference is None else [curve.reference])]))
    width, height = _CURVE_WIDTH - _LEFT - _RIGHT, _CURVE_HEIGHT - _TOP - _BOTTOM
    across = {
        step: _LEFT + width * (place / (len(curve.steps) - 1) if len(curve.steps) > 1 else 0.5)
        for place, step in enumerate(curve.steps)
    }

    def find_y(score: float) -> float:
        return _TOP + height - scale.place(score, height)

    parts = [_draw_axes(curve, across, scale, step_size)]
    if curve.reference is not None:
        y, right = find_y(curve.reference), _CURVE_WIDTH - _RIGHT
        parts.append(Markup('<path class="th" d="M{} {}H{}"/>').format(_LEFT, _round(y), right))
        parts.append(_draw_text(right, y - 4, "end", "real rows only"))
    for number, line in enumerate(curve.lines.values()):
        points = [(_round(across[step]), _round(find_y(score))) for step, score in line.items()]
        path = "L".join(f"{x} {y}" for x, y in points)
        parts.append(
            Markup('<path class="ln" stroke-dasharray="{}" d="M{}"/>').format(_DASHES[number % len(_DASHES)], path)
        )
        parts += [Markup('<circle cx="{}" cy="{}" r="3"/>').format(x, y) for x, y in points]
    return Markup('<svg class="curve" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _CURVE_WIDTH, _CURVE_HEIGHT, _describe_curve(curve), Markup().join(parts)
    )


def describe_marks(marks: Marks) -> str:
    """A range chart in words."""
    low, high = marks.interval or (None, None)
    value, threshold, reference, *ends = format_alike([marks.value, marks.threshold, marks.reference, low, high], 2)
    told = (
        ("value", value),
        ("95 % interval", " to ".join(filter(None, ends))),
        ("real holdout", reference),
        ("threshold", threshold),
    )
    return ", ".join(f"{name} {text}" for name, text in told if text)


def list_dashes(names: Iterable[str]) -> list[tuple[str, Markup]]:
    """The legend of a chart of several lines: each name with a piece of its line."""
    picture = Markup(
        '<svg class="key" viewBox="0 0 30 8" aria-hidden="true"><path class="ln" stroke-dasharray="{}" d="M0 4H30"/>'
        "</svg>"
    )
    return [(name, picture.format(_DASHES[number % len(_DASHES)])) for number, name in enumerate(names)]


def _find_ticks(scale: Scale) -> tuple[Scale, float]:
    """The scale widened to round figures, and the step between them: 1, 2 or 5 times a power of ten."""
    least = (scale.high - scale.low) / _TICKS
    power = 10 ** math.floor(math.log10(least))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= least * 0.999)
    return Scale(math.floor(scale.low / step) * step, math.ceil(scale.high / step) * step), step


def _draw_axes(curve: Curve, across: Mapping[str, float], scale: Scale, step_size: float) -> Markup:
    bottom, right = _CURVE_HEIGHT - _BOTTOM, _CURVE_WIDTH - _RIGHT
    parts = [Markup('<path class="ax" d="M{} {}V{}H{}"/>').format(_LEFT, _TOP, bottom, right)]
    count = round((scale.high - scale.low) / step_size)
    ticks = [round(scale.low + step_size * tick, 9) for tick in range(count + 1)]
    for tick, text in zip(ticks, format_alike(ticks), strict=True):
        y = bottom - scale.place(tick, bottom - _TOP)
        parts.append(Markup('<path class="grid" d="M{} {}H{}"/>').format(_LEFT, _round(y), right))
        parts.append(_draw_text(_LEFT - 6, y + 4, "end", text))
    parts += [_draw_text(x, bottom + 16, "mid", step) for step, x in across.items()]
    parts.append(_draw_text((_LEFT + right) / 2, _CURVE_HEIGHT - 8, "mid", curve.axis))
    side = Markup('<text class="mid" transform="translate(11 {})rotate(-90)">{}</text>')
    parts.append(side.format(_round((_TOP + bottom) / 2), curve.score))
    return Markup().join(parts)


def _draw_text(x: float, y: float, place: str, text: str) -> Markup:
    return Markup('<text x="{}" y="{}" class="{}">{}</text>').format(_round(x), _round(y), place, text)


def _describe_curve(curve: Curve) -> str:
    real = f"; real rows only {format_figure(curve.reference)}" if curve.reference is not None else ""
    lines = (
        f"{name}: " + ", ".join(f"{format_figure(score)} at {step}" for step, score in line.items())
        for name, line in curve.lines.items()
    )
    return f"{curve.title}: {'; '.join(lines)}{real}"


def _round(number: float) -> str:
    """A coordinate with one decimal, without a trailing zero."""
    return f"{number:.1f}".removesuffix(".0")
