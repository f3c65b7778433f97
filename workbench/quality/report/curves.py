"""Reading the curves out of a check's figures: `add 0.25`, `replace 50 %` and what may stand behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.quality.report.charts import Curve
from workbench.quality.report.words import clean_line, find_number

_NAME = re.compile(r"(add|replace)\s+(\d+/\d+|\d+(?:\.\d+)?)\s*([%x×]?)\s*[:,]?\s*(.*)")
_TITLES = {
    "add": ("Adding synthetic rows to all real ones", "synthetic rows for each real row"),
    "replace": ("Replacing real rows by synthetic ones", "share of rows that are synthetic"),
}
_MEAN = "mean"
_LONGEST_NAME = 60


def is_of_curve(name: str) -> bool:
    """Whether a figure belongs to a curve."""
    return _NAME.fullmatch(name) is not None


def read_curves(figures: Mapping[str, Any], real_only: float | None = None) -> list[Curve]:
    """The curves among a check's figures, each with the score of real rows alone: its first point, where nothing was
    added or replaced, else `real_only`. A curve of one point is none."""
    found: dict[str, dict[str, dict[float, float]]] = {}
    units: dict[str, str] = {}
    for name, score in figures.items():
        match, number = _NAME.fullmatch(clean_line(name, _LONGEST_NAME)), find_number(score)
        if match is None or number is None:
            continue
        kind, step, unit, line = match.groups()
        units[kind] = unit if unit == "%" else units.get(kind, "")
        found.setdefault(kind, {}).setdefault(line or _MEAN, {})[_read_step(step)] = number
    return [_make_curve(kind, lines, units[kind], real_only) for kind, lines in found.items() if _is_curve(lines)]


def _make_curve(kind: str, lines: dict[str, dict[float, float]], unit: str, real_only: float | None) -> Curve:
    steps = sorted({step for line in lines.values() for step in line})
    names = {step: f"{step:g}{' %' if unit == '%' else ''}" for step in steps}
    first = next(iter(lines.values()))
    title, axis = _TITLES[kind]
    return Curve(
        title,
        axis,
        "score on real rows",
        list(names.values()),
        {name: {names[step]: line[step] for step in sorted(line)} for name, line in lines.items()},
        first.get(0.0, real_only),
    )


def _is_curve(lines: Mapping[str, Mapping[float, float]]) -> bool:
    return len({step for line in lines.values() for step in line}) > 1


def _read_step(text: str) -> float:
    top, _, bottom = text.partition("/")
    return float(top) / (float(bottom) or 1.0) if bottom else float(top)
