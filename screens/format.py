"""Figures and states as the panes write them: short, aligned, with shape as well as colour."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from screens.theme import BLUE, CYAN, GREEN, PURPLE, RED, YELLOW

STATES: dict[str, tuple[str, str]] = {
    "queued": ("○", CYAN),
    "running": ("●", BLUE),
    "done": ("✓", GREEN),
    "failed": ("✗", RED),
    "stopped": ("■", YELLOW),
    "lost": ("!", PURPLE),
}
ACTIVE = ("queued", "running")


def show_state(state: str, share: float | None = None) -> Text:
    """A state as shape, word and colour; a running one with how far it is, 0 to 1."""
    sign, colour = STATES.get(state, ("?", RED))
    word = f"{share:.0%}" if state == "running" and share is not None else state
    return Text(f"{sign} {word}", style=colour)


def format_number(value: float) -> str:
    """Four characters or so: 0.613, 2.41, 13.1k."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size != 0 and (size < 1e-3 or size >= 1e9):
        return f"{value:.1e}"
    for limit, unit in ((1e6, "M"), (1e4, "k")):
        if size >= limit:
            return f"{value / (1e6 if unit == 'M' else 1e3):.1f}{unit}"
    if size >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.3g}" if size >= 1 else f"{value:.3f}"


def count_noun(count: int, noun: str) -> str:
    """`1 run`, `1,200 runs`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def format_bytes(count: float) -> str:
    """Bytes in decimal units, as GPU memory is sold: 950 MB, 15.2 GB."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(count) >= limit:
            return f"{count / limit:.3g} {unit}" if abs(count) < 1000 * limit else f"{count / limit:,.0f} {unit}"
    return f"{count:.0f} B"


def format_seconds(seconds: float | None) -> str:
    """A duration in its two largest units: 8 s, 4 m 10 s, 3 h 05 m."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "0 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def format_span(bounds: Sequence[float] | None) -> str:
    """A range of durations in one unit: 12–25 ms, 3–6 s, 1.5–3 m, 4–8 h."""
    if not bounds:
        return "–"
    low, high = bounds
    units = ((1, 0.001, "ms"), (120, 1, "s"), (7200, 60, "m"), (172_800, 3600, "h"), (math.inf, 86_400, "d"))
    _, size, unit = next(entry for entry in units if high < entry[0])
    return f"{_shorten(low / size)}–{_shorten(high / size)} {unit}"


def format_money_span(bounds: Sequence[float] | None) -> str:
    """A range of US dollars: $0.10–0.40, $12–40."""
    if not bounds:
        return "–"
    low, high = bounds
    if high < 0.01:
        return "<$0.01"
    digits = 2 if high < 10 else 0
    return f"${low:,.{digits}f}–{high:,.{digits}f}"


def _shorten(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if value < 9.95 else f"{value:.0f}"


def draw_bar(share: float, width: int) -> str:
    """A bar of `width` cells, in eighths, for a share of 0 to 1."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)
