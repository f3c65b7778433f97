"""How commands print: data on stdout, narration on stderr, one JSON object with `--json`.

Text that comes from a spec, a model, a file or a log is cleaned of terminal escapes and never read as markup.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workbench.files import clean_text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a printed table. `fixed` columns keep their width when the terminal is narrow."""

    title: str
    align: Literal["left", "right"] = "left"
    fixed: bool = False


def print_json(value: Any) -> None:
    """Print one JSON object and a newline on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def print_line(text: str = "") -> None:
    """Print a line of data on stdout, cleaned."""
    sys.stdout.write(clean_text(text, keep_newlines=True) + "\n")


def say(text: str) -> None:
    """Tell the user something on stderr, where it never mixes with data."""
    sys.stderr.write(clean_text(text, keep_newlines=True) + "\n")
    sys.stderr.flush()


def show_progress(text: str) -> None:
    """Replace the last line of stderr on a terminal; elsewhere progress is told by `say` at coarse steps only."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        sys.stderr.write("\r\x1b[2K" + clean_text(text)[: max(width - 1, 1)])
        sys.stderr.flush()


def end_progress() -> None:
    """Clear the line that `show_progress` wrote."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[2K")
        sys.stderr.flush()


def print_table(columns: Sequence[Column | str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print rows under headings on stdout, at most as wide as the terminal (80 columns without one)."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else 100, highlight=False)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title_justify="left", title=Text(title) or None)
    for column in columns:
        column = Column(column) if isinstance(column, str) else column
        table.add_column(Text(column.title), justify=column.align, no_wrap=column.fixed, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(clean_text(str(cell))) for cell in row))
    console.print(table)


_NARROWEST = 12
"""Characters that a column of data needs at least, unless its values are shorter: narrower ones cannot be read."""


def print_rows(names: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print rows of data as a table, or one below the other where the columns would be too narrow to read."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
    longest = [max(map(len, (name, *column))) for name, *column in zip(names, *rows, strict=True)]
    if sum(min(length, _NARROWEST) + 3 for length in longest) <= width:
        print_table(list(names), rows, title)
        return
    if title:
        print_line(title)
    indent = max(map(len, names)) + 2
    for number, row in enumerate(rows, 1):
        print_line(f"── row {number} {'─' * max(0, width - len(str(number)) - 8)}")
        for name, cell in zip(names, row, strict=True):
            lines = textwrap.wrap(clean_text(cell), max(width - indent, 20)) or [""]
            for position, line in enumerate(lines):
                print_line(f"{name if not position else '':{indent}}{line}")


def format_bytes(count: float) -> str:
    """Bytes in binary units with three figures: 1536 is `1.50 KiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} TiB"


def format_seconds(seconds: float | None) -> str:
    """Seconds as people say them: 0.42 s, 17 s, 4 min 10 s, 3 h 05 min."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"
