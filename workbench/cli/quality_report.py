"""How `workbench quality` prints a report: a line for each check, and below it why it did not pass and what to do.

The columns stand at the same places in all sections, so that one look down the page finds what is wrong.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.cli.output import Column, format_seconds, print_table, say
from workbench.quality.check import GROUPS
from workbench.quality.report.words import (
    ASCII_MARKS,
    BY_CHANCE,
    MARKS,
    NO_BLEND,
    OVERALL,
    PRIVACY,
    STYLES,
    clean_line,
    describe_counts,
    format_alike,
    format_check,
    format_figure,
    is_by_chance,
    name_figure,
    read_verdict,
)

_PIPE_WIDTH = 100
"""Without a terminal, as wide as the other tables are then."""
_WIDEST_TEXT = 120
"""Longer lines of prose are hard to read, however wide the terminal."""
_LONGEST_NAME = 40
_WIDE, _WIDEST = 100, 150
"""From this many columns on intervals have room, and then the number of rows and the question too."""
_MARGIN = 2
_ASCII = str.maketrans(
    {"–": "-", "—": "-", "“": '"', "”": '"', "’": "'", "…": "...", "≥": ">=", "≤": "<=", "→": "->", "·": "-"}
)

Check = Mapping[str, Any]


def print_report(report: Mapping[str, Any], *, verbose: bool = False) -> None:
    """Print the result of a quality run: all checks by the question they answer, counts, verdict, what comes next.

    With `verbose` the figures of each column and all further ones are printed too.
    """
    checks: list[Check] = list(report["checks"])
    paper = _Paper()
    name = clean_line(report.get("name") or report.get("dataset"))
    paper.print((f"{name}: ", "bold"), (read_verdict(report), f"bold {STYLES[read_verdict(report)]}"))
    for line in _describe_inputs(report):
        paper.print_text(line, style="dim")
    tables = list(dict.fromkeys(str(check.get("table", "")) for check in checks))
    layout = _Layout(checks, paper)
    for table in tables:
        if len(tables) > 1:
            paper.print()
            paper.print((f"Table {clean_line(table)}", "bold reverse"))
        _print_table(layout, [check for check in checks if check.get("table", "") == table], verbose)
    paper.print()
    if any(map(is_by_chance, checks)):
        paper.print_text(f"* {BY_CHANCE}", style="dim")
    _print_end(paper, report, checks)
    if not report.get("real"):
        say("Without real data nothing can be said of likeness or copies. Give it with --real, or under “sources:”.")


class _Paper:
    """Where it is printed: how wide it is, and what of our signs it can show."""

    def __init__(self) -> None:
        from rich.console import Console

        terminal = sys.stdout.isatty()
        self.width = max(shutil.get_terminal_size().columns, 40) if terminal else _PIPE_WIDTH
        self._console = Console(file=sys.stdout, width=self.width, highlight=False)
        encoding = sys.stdout.encoding or "ascii"
        self._encoding = encoding if not _can_show("✓✗–“”≥→…", encoding) else None
        self.marks = ASCII_MARKS if self._encoding else MARKS

    def print(self, *parts: tuple[str, str]) -> None:
        """Print one line of texts in styles of rich. What is not ours must have been cleaned."""
        from rich.text import Text

        self._console.print(Text.assemble(*((self._fit(text), style) for text, style in parts)), soft_wrap=True)

    def print_text(self, text: str, first: str = "", style: str = "") -> None:
        """Print a paragraph that begins with `first`, its further lines indented as far."""
        from rich.text import Text

        first = self._fit(first)
        lines = Text(self._fit(text)).wrap(self._console, min(self.width, _WIDEST_TEXT) - len(first), overflow="fold")
        for number, line in enumerate(lines):
            line.rstrip()
            self.print((first if not number else " " * len(first), style), (line.plain, style))

    def print_table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]], title: str) -> None:
        """A table of figures."""
        print_table(columns, [[self._fit(cell) for cell in row] for row in rows], self._fit(title))

    def _fit(self, text: str) -> str:
        if self._encoding is None:
            return text
        return text.translate(_ASCII).encode(self._encoding, "replace").decode(self._encoding)


class _Layout:
    """Where the columns of all sections stand, as wide as their widest figure."""

    def __init__(self, checks: Sequence[Check], paper: _Paper) -> None:
        self.paper = paper
        rows = [_list_cells(check, paper.width) for check in checks]
        self.titles = _list_titles(paper.width)
        self.widths = [max(map(len, column)) for column in zip(self.titles, *rows, strict=True)]
        room = paper.width - 2 * _MARGIN - sum(width + 2 for width in self.widths[1:])
        self.widths[0] = max(min(self.widths[0], room), 12)
        self.width = sum(self.widths) + 2 * (len(self.widths) - 1)

    def join(self, cells: Sequence[str]) -> str:
        """The cells at their places: the name on the left, figures on the right."""
        from rich.text import Text

        name, *figures = cells
        padded = Text(name)
        padded.truncate(self.widths[0], overflow="ellipsis", pad=True)
        places = [padded.plain]
        places += [f"{cell:>{width}}" for cell, width in zip(figures, self.widths[1:], strict=True)]
        return "  ".join(places).rstrip()


def _can_show(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _list_titles(width: int) -> list[str]:
    titles = ["", "value", "real holdout", "threshold"]
    if width >= _WIDE:
        titles.insert(2, "95 %")
    return titles + (["rows"] if width >= _WIDEST else [])


def _list_cells(check: Check, width: int) -> list[str]:
    figures = format_check(check)
    threshold = figures.threshold + ("*" if is_by_chance(check) else "")
    cells = [clean_line(check.get("name"), _LONGEST_NAME), figures.value, figures.reference, threshold]
    if width >= _WIDE:
        cells.insert(2, figures.interval)
    return cells + ([format_figure(check.get("rows"))] if width >= _WIDEST else [])


def _print_table(layout: _Layout, checks: Sequence[Check], verbose: bool) -> None:
    """The sections of one table of the dataset."""
    groups = dict.fromkeys([*GROUPS, *(str(check.get("group", "")) for check in checks)])
    for group in groups:
        members = [check for check in checks if check.get("group", "") == group]
        if not members:
            continue
        layout.paper.print()
        heading = GROUPS.get(group) or clean_line(group or "Other checks")
        layout.paper.print((heading, "bold"))
        layout.paper.print((" " * _MARGIN + layout.join(layout.titles), "dim"))
        for check, following in zip(members, [*members[1:], None], strict=True):
            _print_check(layout, check)
            if not _is_same_reason(check, following) or verbose:
                _print_reason(layout.paper, check)
            if verbose:
                _print_figures(layout.paper, check)


def _print_check(layout: _Layout, check: Check) -> None:
    paper, verdict = layout.paper, read_verdict(check)
    cells = layout.join(_list_cells(check, paper.width))
    question = ""
    if paper.width >= _WIDEST:
        question = clean_line(check.get("question", ""), paper.width - layout.width - 2 * _MARGIN)
        cells = cells.ljust(layout.width)
    paper.print((f"{paper.marks[verdict]} ", STYLES[verdict]), (cells, ""), (f"  {question}".rstrip(), "dim"))


def _print_reason(paper: _Paper, check: Check) -> None:
    """Why a check did not pass, and what to do."""
    if read_verdict(check) == "pass":
        return
    indent = " " * 2 * _MARGIN
    gate = "The spec's gate." if check.get("gated") else ""
    asked = paper.width < _WIDEST and read_verdict(check) != "not assessed"
    question = clean_line(check.get("question") or "") if asked else ""
    detail = _end_sentence(clean_line(check.get("detail") or ""))
    paper.print_text(" ".join(filter(None, (question, detail, gate))), indent)
    if check.get("fix"):
        paper.print_text(clean_line(check["fix"]), f"{indent}→ ")


def _is_same_reason(check: Check, following: Check | None) -> bool:
    """Whether the next check was not assessed for the same reason, so that it is said once, below the last."""
    return (
        following is not None
        and read_verdict(check) == read_verdict(following) == "not assessed"
        and all(check.get(key) == following.get(key) for key in ("detail", "fix", "gated"))
    )


def _print_figures(paper: _Paper, check: Check) -> None:
    """What `verbose` adds: where the threshold is from, the chance it stands on, and all further figures."""
    indent = " " * 2 * _MARGIN
    interval = format_check(check).interval
    facts = [
        f"threshold: {clean_line(check['source'])}" if check.get("source") else "",
        f"95 %: {interval}" if interval else "",
        f"{check.get('rows') or 0:,} rows",
        f"seed {check.get('seed')}",
        format_seconds(check.get("seconds") or 0.0),
    ]
    if read_verdict(check) == "pass" and check.get("detail"):
        paper.print_text(_end_sentence(clean_line(check["detail"])), indent)
    paper.print_text(" · ".join(filter(None, facts)), indent, style="dim")
    if check.get("examples"):
        paper.print_text(f"rows {', '.join(str(row) for row in check['examples'])}", indent, style="dim")
    if check.get("figures"):
        figures: Mapping[str, Any] = check["figures"]
        rows = [[name_figure(name), format_figure(number)] for name, number in figures.items()]
        paper.print_table([Column("figure"), Column("value", "right")], rows, "")
        paper.print()
    if check.get("columns"):
        _print_columns(paper, check["columns"])
        paper.print()


def _print_columns(paper: _Paper, columns: Mapping[str, Mapping[str, Any]]) -> None:
    keys = list(dict.fromkeys(key for figures in columns.values() for key in figures))
    written = {key: format_alike([figures.get(key) for figures in columns.values()]) for key in keys}
    titles = [Column("for"), *(Column(name_figure(key), "right") for key in keys)]
    rows = [[clean_line(name, 60), *(written[key][row] for key in keys)] for row, name in enumerate(columns)]
    paper.print_table(titles, rows, "")


def _describe_inputs(report: Mapping[str, Any]) -> list[str]:
    """What was compared with what, a line for each table that real rows belong to."""
    real: Mapping[str, Mapping[str, Any]] = report.get("real") or {}
    return [
        f"{f'{clean_line(table)}: ' if len(real) > 1 else ''}compared with {each.get('train_rows', 0):,} real rows "
        f"and {each.get('holdout_rows', 0):,} that nothing was learned from: {clean_line(each.get('origin'), 200)}"
        for table, each in real.items()
    ]


def _print_end(paper: _Paper, report: Mapping[str, Any], checks: Sequence[Check]) -> None:
    verdict = read_verdict(report)
    paper.print((describe_counts(checks), "bold"))
    paper.print_text(OVERALL[verdict], f"{paper.marks[verdict]} {verdict}: ", STYLES[verdict])
    paper.print_text(NO_BLEND, style="dim")
    if any(check.get("group") == "privacy" and read_verdict(check) == "pass" for check in checks):
        paper.print_text(PRIVACY, style="dim")
    for waiver in report.get("waivers") or ():
        check, by, reason = (clean_line(waiver.get(key), 300) for key in ("check", "by", "reason"))
        paper.print_text(f"{check} is waived by {by}: {reason}")
    for line in _list_next(report, checks):
        paper.print_text(line)
    page = report.get("page") or Path(str(report.get("dataset"))) / "quality.html"
    if Path(page).is_file():
        paper.print((f"The whole report with charts: {clean_line(page)}", ""))


def _list_next(report: Mapping[str, Any], checks: Sequence[Check]) -> list[str]:
    """What to do now, in full sentences."""
    name = clean_line(report.get("name") or report.get("dataset"))
    waived = {waiver.get("check") for waiver in report.get("waivers") or ()}
    standing = [check for check in checks if check.get("name") not in waived]
    failed = _name_each(check for check in standing if read_verdict(check) == "fail")
    open_gates = _name_each(check for check in standing if read_verdict(check) == "not assessed" and check.get("gated"))
    strict = (report.get("gates") or {}).get("preset") == "release"
    lines = []
    if failed:
        lines.append(f"Failed: {', '.join(failed)}.")
    if open_gates:
        lines.append(f"Asked for by the spec, but could not be judged: {', '.join(open_gates)}.")
    blocking = failed + open_gates
    if blocking:
        options = " ".join(f"--waive {each}" for each in blocking)
        command = f"`workbench tune {name} {options} --reason WHY`"
        other = "; its preset “release” allows no waivers" if strict else f", or go on with {command}"
        lines.append("`tune` and `export` refuse this dataset.")
        lines.append(f"Next: change the spec and generate again{other}.")
    elif read_verdict(report) == "warn":
        lines.append(f"Next: look at the warnings; nothing stands in the way of `workbench tune {name}`.")
    else:
        lines.append(f"Next: `workbench tune {name}` or `workbench export {name}`.")
    return lines


def _name_each(checks: Iterable[Check]) -> list[str]:
    return list(dict.fromkeys(clean_line(check.get("name"), 80) for check in checks))


def _end_sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."
