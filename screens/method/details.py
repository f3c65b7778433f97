"""Estimates in words and bars: a row per method, the parts of one, what it assumes, what the run will be."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from screens.format import draw_bar, format_bytes, format_money_span, format_number, format_span
from screens.method.setup import Setup
from screens.theme import BLUE, CYAN, GREEN, GREY, PURPLE, RED, YELLOW
from screens.widgets.table import Cell, Column
from workbench.files import clean_text

Estimate = Mapping[str, Any]
_INKS = (BLUE, CYAN, PURPLE, YELLOW, GREEN, RED)
_VERDICTS = {"fits": ("yes", GREEN), "tight": ("tight", YELLOW), "no": ("no", RED)}
_ROOMY = 100
_LABEL = 9


def list_columns(width: int, memory: float) -> list[Column]:
    """Columns of the table of methods, 76 cells in all at 80 columns."""
    return [
        Column("method", width=10),
        Column("fits", width=5),
        Column("needs", "right", width=8),
        Column(f"of {memory / 1e9:.0f} GB" if memory else "", width=24 if width >= _ROOMY else 9),
        Column("time", "right", width=11),
        Column("cost", "right", width=10),
        Column("evidence", width=9),
    ]


def lay_out_estimates(rows: Sequence[Estimate], memory: float, width: int) -> list[list[Cell]]:
    """One line per method; `memory` is that of the device in bytes, 0 where it is not known."""
    bar = 24 if width >= _ROOMY else 9
    lines: list[list[Cell]] = []
    for row in rows:
        verdict, colour = _VERDICTS.get(str(row.get("verdict")), ("?", GREY))
        needed = row.get("needed_bytes")
        lines.append(
            [
                Text(clean_text(str(row["method"])), style="bold"),
                Text(verdict, style=colour),
                format_bytes(float(needed)) if needed is not None else "–",
                Text(draw_bar(float(needed or 0) / memory, bar) if memory else "", style=colour),
                format_span(row.get("total_seconds_range")),
                format_money_span(row.get("cost_usd_range")),
                Text(clean_text(str(row.get("evidence", ""))), style=GREY),
            ]
        )
    return lines


def show_breakdown(row: Estimate, width: int) -> Text:
    """The parts of the peak as one stacked bar and as figures."""
    components = {str(name): float(size) for name, size in (row.get("components") or {}).items() if size}
    total = max(sum(components.values()), 1.0)
    ordered = sorted(components.items(), key=lambda item: -item[1])
    bar, legend, line = Text(no_wrap=True), Text(), 0
    room = max(10, min(60, width - 24))
    for index, (name, size) in enumerate(ordered):
        ink = _INKS[index % len(_INKS)]
        bar.append("█" * round(size / total * room), style=ink)
        label, figure = f"{clean_text(name).replace('_', ' ')} ", f"{format_bytes(size)}   "
        line += 2 + len(label) + len(figure)
        if line > width + 3:
            legend.append("\n")
            line = 2 + len(label) + len(figure)
        legend.append("■ ", style=ink).append(label).append(figure, style="bold")
    bar.append(f"  {format_bytes(float(row['peak_bytes']))} at the peak", style="bold")
    return bar.append("\n").append_text(legend).append("\n")


def show_details(row: Estimate, method: Mapping[str, Any], width: int) -> Text:
    """Everything known of one method under this setup."""
    text = Text()
    if row.get("peak_bytes"):
        text = show_breakdown(row, width)
        _add(text, "time", _describe_time(row), width)
        trained, all_of_them = int(row["trainable_parameters"]), int(row["total_parameters"])
        share = f"{trained:,} of {all_of_them:,} parameters ({trained / max(all_of_them, 1):.1%})"
        _add(text, "trains", f"{method.get('trainable', '')}: {share}", width)
    elif method.get("trainable"):
        _add(text, "trains", str(method["trainable"]), width)
    if method.get("advice"):
        _add(text, "advice", str(method["advice"]), width)
    for index, assumption in enumerate(row.get("assumptions") or []):
        _add(text, "" if index else "assumes", str(assumption), width)
    return text


def _describe_time(row: Estimate) -> str:
    parts = []
    if row.get("steps"):
        parts.append(f"{row['steps']:,} steps of {format_span(row.get('step_seconds_range'))}")
    else:
        parts.append(f"{format_span(row.get('step_seconds_range'))} a step; the number of rows is not known")
    if row.get("tokens_per_second"):
        parts.append(f"{format_number(float(row['tokens_per_second']))} tokens/s")
    if (row.get("kilowatt_hours") or 0) >= 0.01:
        parts.append(f"{format_number(float(row['kilowatt_hours']))} kWh")
    return ", ".join(parts) + f" ({row.get('time_evidence', '')})"


def show_plan(setup: Setup, method: str, settings: Mapping[str, Any], row: Estimate | None) -> Text:
    """All that a run would do, for the question before it starts."""
    text = Text()
    _add(text, "dataset", setup.dataset_name)
    _add(text, "model", setup.model)
    _add(text, "method", method)
    _add(text, "train on", f"{setup.train_on} rows; scored on held-out rows before and after")
    shown = {name: value for name, value in settings.items() if value is not None}
    _add(text, "settings", "  ".join(f"{name}={_show(value)}" for name, value in shown.items()))
    if row is None or not row.get("needed_bytes"):
        _add(text, "estimate", "none")
        return text
    figures = [f"{format_bytes(float(row['needed_bytes']))} of memory"]
    if row.get("total_seconds_range"):
        figures.append(format_span(row["total_seconds_range"]))
    if row.get("cost_usd_range"):
        figures.append(format_money_span(row["cost_usd_range"]))
    _add(text, "estimate", f"{', '.join(figures)} on {setup.gpu or 'this machine'} ({row.get('evidence', '')})")
    if row.get("fits") is False:
        text.append("\nThis does not fit. Lower the batch size (-) or the length (<).", style=f"bold {RED}")
    return text


def _add(text: Text, label: str, value: str, width: int = 0) -> None:
    """Append a labelled line; with a width it is wrapped, and stays beside its label."""
    text.append("\n" if text.plain and not text.plain.endswith("\n") else "")
    clean = clean_text(value)
    lines = textwrap.wrap(clean, max(20, width - _LABEL)) if width else [clean]
    text.append(f"{label:<{_LABEL}}", style=GREY).append(f"\n{' ' * _LABEL}".join(lines))


def _show(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else clean_text(str(value))
