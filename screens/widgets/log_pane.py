"""The log of a run: a list of lines of which only those in view are drawn.

Textual's RichLog renders every line on arrival (66 s and 430 MB for 100,000 lines). Here a batch of lines costs a list
extension and one repaint. Following stops as soon as the reader scrolls up, and resumes at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.actions import make_bindings
from workbench.files import clean_text

KEPT_LINES = 100_000
LONGEST_LINE = 2_000
_LEVELS = (("ERROR", "log--error"), ("Traceback", "log--error"), ("WARN", "log--warning"))


class LogPane(ScrollView, can_focus=True):
    """Shows lines, follows their end, finds text in them."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--error", "log--warning", "log--match", "log--empty"}
    BINDINGS: ClassVar[list[BindingType]] = make_bindings("log")

    class Changed(Message):
        """Lines came, or following or the found text changed: what a title says may be another."""

    def __init__(self, empty: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.following = True
        self.needle = ""
        self.lines: list[str] = []
        self._empty = empty
        self._match: int | None = None
        self._width = 0

    def clear(self, empty: str = "") -> None:
        """Drop all lines, for another log."""
        self.lines = []
        self._empty, self._match, self._width = empty, None, 0
        self.following = True
        self._resize()
        self.refresh()
        self.post_message(self.Changed())

    def extend(self, lines: Iterable[str]) -> None:
        """Append lines. Past `KEPT_LINES` the oldest tenth goes; the file keeps them."""
        fresh = [clean_text(line[:LONGEST_LINE].expandtabs(4)) for line in lines]
        if not fresh:
            return
        self.lines += fresh
        self._width = max(self._width, *(cell_len(line) for line in fresh))
        dropped = 0
        if len(self.lines) > KEPT_LINES:
            dropped = len(self.lines) - KEPT_LINES * 9 // 10
            del self.lines[:dropped]
            self._match = None
        self._resize()
        if self.following:
            self._scroll(len(self.lines))
        elif dropped:
            self._scroll(self.scroll_offset.y - dropped)
        self.refresh()
        self.post_message(self.Changed())

    def follow(self, on: bool) -> None:
        """Follow the end, or stay."""
        self.following = on
        if on:
            self._scroll(len(self.lines))
        self.post_message(self.Changed())

    def find(self, needle: str) -> bool:
        """Look for `needle`, ignoring case, from the last line upwards; whether there is a match."""
        self.needle = needle.casefold()
        self._match = None
        self.refresh()
        return self.step_match(-1)

    def step_match(self, direction: int) -> bool:
        """Go to the next (1) or previous (-1) line that has the needle, around the end."""
        if not self.needle or not self.lines:
            return False
        count = len(self.lines)
        start = self._match if self._match is not None else (0 if direction < 0 else count - 1)
        for distance in range(1, count + 1):
            index = (start + direction * distance) % count
            if self.needle in self.lines[index].casefold():
                self._match = index
                self.follow(False)
                self._scroll(index - self.size.height // 2)
                self.refresh()
                return True
        return False

    def action_move(self, lines: int) -> None:
        """Scroll by lines."""
        self._scroll_by(lines)

    def action_page(self, pages: int) -> None:
        """Scroll by screenfuls."""
        self._scroll_by(pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        """Go to the first line."""
        self.follow(False)
        self._scroll(0)

    def action_last(self) -> None:
        """Go to the end and follow it."""
        self.follow(True)

    def action_sideways(self, cells: int) -> None:
        """Scroll sideways."""
        self.scroll_to(x=self.scroll_offset.x + cells, animate=False, force=True)

    def on_mouse_scroll_up(self) -> None:
        """The wheel stops following, as the keys do."""
        self.follow(False)

    def on_resize(self) -> None:
        """Stay at the end where it is followed."""
        if self.following:
            self._scroll(len(self.lines))

    def render_line(self, y: int) -> Strip:
        """The line in view at `y`."""
        base = self.rich_style
        width = self.size.width
        if not self.lines:
            style = base + self.get_component_rich_style("log--empty", partial=True)
            return Strip([Segment(self._empty if y == 0 else "", style)]).adjust_cell_length(width, style)
        index = y + self.scroll_offset.y
        if index >= len(self.lines):
            return Strip.blank(width, base)
        line = self.lines[index]
        style = base
        for word, name in _LEVELS:
            if word in line:
                style += self.get_component_rich_style(name, partial=True)
                break
        strip = Strip(self._mark_matches(line, style, index == self._match))
        return strip.crop_extend(self.scroll_offset.x, self.scroll_offset.x + width, base)

    def _mark_matches(self, line: str, style: Style, current: bool) -> list[Segment]:
        folded = line.casefold()
        if not self.needle or self.needle not in folded or len(folded) != len(line):
            return [Segment(line, style)]
        mark = style + self.get_component_rich_style("log--match", partial=True) + Style(reverse=current or None)
        segments, start = [], 0
        while (found := folded.find(self.needle, start)) >= 0:
            end = found + len(self.needle)
            segments += [Segment(line[start:found], style), Segment(line[found:end], mark)]
            start = end
        return [*segments, Segment(line[start:], style)]

    def _scroll_by(self, lines: int) -> None:
        target = self.scroll_offset.y + lines
        bottom = max(0, len(self.lines) - self.size.height)
        self.follow(target >= bottom) if lines > 0 else self.follow(False)
        self._scroll(target)

    def _scroll(self, line: int) -> None:
        self.scroll_to(y=max(0, line), animate=False, force=True)

    def _resize(self) -> None:
        self.virtual_size = Size(self._width, len(self.lines))
