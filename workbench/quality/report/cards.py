"""What the page shows of each check: its figures as text, its chart, and the figures of its columns, worst first.

Every text from a report is data of others (names of columns, messages, file names): it is cleaned here, and escaped
where the page is rendered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from workbench.quality.report.charts import (
    Curve,
    Marks,
    describe_marks,
    draw_curve,
    draw_range,
    find_scale,
    list_dashes,
)
from workbench.quality.report.curves import is_of_curve, read_curves
from workbench.quality.report.words import (
    BY_CHANCE,
    Figures,
    clean_line,
    find_direction,
    find_interval,
    find_number,
    format_alike,
    format_check,
    format_figure,
    is_by_chance,
    name_figure,
    read_verdict,
)

COLUMN_ROWS = 560
"""Rows of column figures on one page: what keeps it below 400 kB. The others stand in quality.json."""
_FEWEST_ROWS = 8
OPEN_ROWS = 6
"""So many columns are seen at once, the others on request."""
_LONGEST_NAME, _LONGEST_TEXT = 120, 1200

_VALUE_KEYS = ("value", "similarity", "coverage", "share", "rate", "score", "auc")
_REFERENCE_KEYS = ("reference", "holdout", "real", "asked")
_LOW_KEYS, _HIGH_KEYS = ("low", "lower", "ci_low"), ("high", "upper", "ci_high")
"""What column figures are called that a chart can place; checks are free to name others."""


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One column of a table: its figures in the order of the headings, and where they lie."""

    name: str
    cells: Sequence[str]
    chart: Markup


@dataclass(frozen=True, slots=True)
class ColumnTable:
    """The figures of a check's columns. `left_out` of them are not shown; `scale` is empty where none is drawn."""

    keys: Sequence[str]
    first: Sequence[ColumnRow]
    rest: Sequence[ColumnRow]
    left_out: int
    scale: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A curve, with the names of its lines where there are several."""

    title: str
    picture: Markup
    lines: Sequence[tuple[str, Markup]]


@dataclass(frozen=True, slots=True)
class Card:
    """One check as it is shown. `anchor` is its place within the page."""

    anchor: str
    name: str
    table: str
    question: str
    verdict: str
    figures: Figures
    by_chance: str
    threshold_source: str
    gated: bool
    detail: str
    fix: str
    facts: Sequence[str]
    range: Markup
    scale: Sequence[str]
    columns: ColumnTable | None
    further: Sequence[tuple[str, str]]
    charts: Sequence[Chart]
    examples: Sequence[str]


def make_card(check: Mapping[str, Any], number: int, table: str, column_rows: int) -> Card:
    """The card of a check, the `number`-th of its report. `table` is named on it unless empty, and at most
    `column_rows` of its columns are shown."""
    figures: Mapping[str, Any] = check.get("figures") or {}
    marks = _read_marks(check)
    scale = find_scale(marks.list_numbers())
    drawn = marks.value is not None and len(set(marks.list_numbers())) > 1
    curves = read_curves(figures, find_number(figures.get("real only")))
    alone = {name: number for name, number in figures.items() if not is_of_curve(name) or not curves}
    return Card(
        f"check-{number}",
        clean_line(check.get("name"), _LONGEST_NAME),
        clean_line(table, _LONGEST_NAME),
        clean_line(check.get("question") or "", _LONGEST_TEXT),
        read_verdict(check),
        format_check(check),
        BY_CHANCE if is_by_chance(check) else "",
        clean_line(check.get("source") or "", _LONGEST_TEXT),
        bool(check.get("gated")),
        clean_line(check.get("detail") or "", _LONGEST_TEXT),
        clean_line(check.get("fix") or "", _LONGEST_TEXT),
        _list_facts(check),
        draw_range(marks, scale, describe_marks(marks)) if drawn else Markup(),
        format_alike([scale.low, scale.high], 2) if drawn else (),
        _make_columns(check, column_rows) if check.get("columns") else None,
        [(name_figure(name), format_figure(number) or "–") for name, number in alone.items()],
        [_make_chart(curve) for curve in curves],
        [f"{row}" for row in check.get("examples") or () if isinstance(row, int)],
    )


def share_rows(checks: Sequence[Mapping[str, Any]]) -> int:
    """How many columns each check may show, so that the page stays small."""
    return max(_FEWEST_ROWS, COLUMN_ROWS // max(sum(bool(check.get("columns")) for check in checks), 1))


def _list_facts(check: Mapping[str, Any]) -> list[str]:
    rows, seconds = find_number(check.get("rows")), find_number(check.get("seconds"))
    return [
        f"{format_figure(rows)} rows looked at" if rows is not None else "",
        f"seed {clean_line(check.get('seed', 0), 30)}",
        f"{seconds:.2f} s" if seconds is not None else "",
    ]


def _read_marks(check: Mapping[str, Any]) -> Marks:
    value, reference, threshold = (find_number(check.get(key)) for key in ("value", "reference", "threshold"))
    return Marks(value, reference, find_interval(check), threshold)


def _make_chart(curve: Curve) -> Chart:
    return Chart(curve.title, draw_curve(curve), list_dashes(curve.lines) if len(curve.lines) > 1 else ())


def _make_columns(check: Mapping[str, Any], most: int) -> ColumnTable:
    """All figures of the columns, the worst first where they tell which is worse."""
    columns: Mapping[str, Mapping[str, Any]] = check["columns"]
    keys = list(dict.fromkeys(key for figures in columns.values() for key in figures))
    marks = {name: _read_column(figures, keys) for name, figures in columns.items()}
    order = sorted(columns, key=lambda name: _find_badness(marks[name], check, marks))
    scale = find_scale(number for each in marks.values() for number in each.list_numbers())
    drawn = any(each.value is not None and len(set(each.list_numbers())) > 1 for each in marks.values())
    written = {
        key: dict(zip(columns, format_alike([each.get(key) for each in columns.values()]), strict=True)) for key in keys
    }
    rows = [
        ColumnRow(
            clean_line(name, _LONGEST_NAME),
            [written[key][name] or "–" for key in keys],
            draw_range(marks[name], scale) if drawn else Markup(),
        )
        for name in order[:most]
    ]
    ends = " – ".join(format_alike([scale.low, scale.high], 2)) if drawn else ""
    titles = [name_figure(key) for key in keys]
    return ColumnTable(titles, rows[:OPEN_ROWS], rows[OPEN_ROWS:], len(order) - len(rows), ends)


def _read_column(figures: Mapping[str, Any], keys: Sequence[str]) -> Marks:
    """What of a column's figures can be placed: its value is the first known name, else the first figure at all."""
    named = {*_REFERENCE_KEYS, *_LOW_KEYS, *_HIGH_KEYS, "threshold"}
    own = [key for key in keys if key not in named]
    main = next((key for key in _VALUE_KEYS if key in own), own[0] if own else "")

    def read(names: Sequence[str]) -> float | None:
        return next((number for name in names if (number := find_number(figures.get(name))) is not None), None)

    low, high = read(_LOW_KEYS), read(_HIGH_KEYS)
    interval = (low, high) if low is not None and high is not None else None
    return Marks(read([main]), read([*_REFERENCE_KEYS, f"real_{main}", f"{main}_real"]), interval, read(["threshold"]))


def _find_badness(marks: Marks, check: Mapping[str, Any], columns: Mapping[str, Marks]) -> float:
    """A key to sort by, the worst column first: by how far it misses its threshold, else by how far it is from the
    real holdout's figure. Columns without a figure come last."""
    if marks.value is None:
        return float("inf")
    direction = find_direction(check) or _guess_direction(check, columns)
    against = marks.threshold if marks.threshold is not None else marks.reference
    if not direction:
        return -abs(marks.value - against) if against is not None else 0.0
    sign = 1.0 if direction == "high" else -1.0
    return sign * (marks.value - (against or 0.0))


def _guess_direction(check: Mapping[str, Any], columns: Mapping[str, Marks]) -> str:
    """A check tells its worst column's figure: where that is the lowest of all, high ones are good."""
    values = [marks.value for marks in columns.values() if marks.value is not None]
    told = find_number(check.get("value"))
    if told is None or not values or min(values) == max(values):
        return ""
    near = 1e-6
    return "high" if abs(told - min(values)) < near else "low" if abs(told - max(values)) < near else ""
