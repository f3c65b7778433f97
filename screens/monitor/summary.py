"""The words and figures of the monitor: where the run stands, its newest metrics, which of them are drawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rich.text import Text

from screens.format import draw_bar, format_number, format_seconds, show_state
from screens.theme import CYAN, GREEN, GREY, RED
from workbench.files import clean_text
from workbench.runs.folder import RunState

Series = Mapping[str, Sequence[tuple[float, float]]]


def show_summary(state: RunState, left: float | None, width: int) -> Text:
    """Two or three lines: what the run is, how far it is, and what it ended with."""
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append_text(show_state(state.state)).append("  ")
    text.append(f"{clean_text(state.title or state.kind)}", style="bold")
    text.append(
        f"  {state.kind} · {state.id}" + (f" · attempt {state.attempt}" if state.attempt > 1 else ""), style=GREY
    )
    text.append("\n")
    if state.state in ("running", "stopped", "lost") and state.steps:
        share = state.step / state.steps
        text.append(f"{clean_text(state.stage)} {state.step:,}/{state.steps:,} ")
        text.append(draw_bar(share, max(8, min(40, width - 50))), style=CYAN)
        text.append(f" {share:.0%}")
        text.append(f"  {format_seconds(left)} left" if left is not None else "")
    elif state.state == "queued":
        text.append(f"waits for {', '.join(state.after)}" if state.after else "waits for its turn", style=GREY)
    elif state.state == "running":
        text.append(clean_text(state.stage) or "starting", style=GREY)
    outcome = show_outcome(state)
    if outcome:
        text.append("\n" if state.state in ("running", "stopped", "lost") and state.steps else "")
        text.append_text(outcome)
    return text


def show_outcome(state: RunState) -> Text:
    """What a run ended with: its error, its scores, or its dataset."""
    text = Text()
    if state.error is not None and state.state != "done":
        text.append(clean_text(str(state.error.get("cause", ""))), style=RED)
        text.append(" " + clean_text(str(state.error.get("solution", ""))), style=CYAN)
    elif state.result is not None and state.state == "done":
        text.append(_describe_result(state.result), style=GREEN)
    return text


def _describe_result(result: Mapping[str, Any]) -> str:
    before, after = result.get("before"), result.get("after")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        parts = []
        for key, label in (("loss", "loss"), ("balanced_accuracy", "balanced accuracy")):
            if before.get(key) is not None and after.get(key) is not None:
                write = format_number if key == "loss" else "{:.1%}".format
                parts.append(f"{label} {write(before[key])} → {write(after[key])}")
        return f"{', '.join(parts)}  on {result.get('evaluated_rows', '?')} rows: {result.get('evaluated_on', '')}"
    if "verdict" in result:
        checks = result.get("checks") or []
        failed = [str(check.get("name")) for check in checks if check.get("verdict") == "fail"]
        return clean_text(f"quality {result['verdict']}" + (f": {', '.join(failed)}" if failed else ""))
    if "rows" in result and isinstance(result["rows"], Mapping):
        rows = ", ".join(f"{count:,} {table}" for table, count in result["rows"].items())
        return clean_text(f"{result.get('name', 'dataset')}: {rows}")
    return "done"


def list_charts(series: Series) -> list[str]:
    """What can be drawn: `loss` (all losses together) first, then every other metric by itself."""
    losses = [name for name in series if is_loss(name)]
    return (["loss"] if losses else []) + [name for name in series if name not in losses]


def choose_series(series: Series, chart: str) -> dict[str, Sequence[tuple[float, float]]]:
    """The series of one chart; the training loss comes first, and so has the first colour."""
    names = [name for name in series if is_loss(name)] if chart == "loss" else [chart]
    names.sort(key=lambda name: ("eval" in name or "valid" in name, name))
    return {clean_text(name): series[name] for name in names[:3] if name in series}


def is_loss(name: str) -> bool:
    """Whether a metric is a loss."""
    return "loss" in name.lower()


def show_metrics(series: Series, drawn: Collection[str], stacked: bool) -> Text:
    """The newest value of each metric, one a line; or, in a single row, of those that are not drawn anyway."""
    text = Text(no_wrap=True, overflow="ellipsis")
    shown = [name for name in series if stacked or clean_text(name) not in drawn]
    for index, name in enumerate(shown):
        value = format_number(series[name][-1][1])
        label = clean_text(name).replace("_", " ")[:20]
        text.append("\n" if index and stacked else "   " if index else "")
        text.append(f"{label:<20} " if stacked else f"{label} ", style=CYAN if clean_text(name) in drawn else GREY)
        text.append(f"{value:>9}" if stacked else value)
    return text
