"""The YAML editor: highlighting where it is quick, indentation that follows, problems marked in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from rich.style import Style
from rich.text import Text
from textual import events
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from screens.theme import CYAN, GREEN, GREY, PURPLE, RED, YELLOW

HIGHLIGHTED_LINES = 2_000  # above, a key takes longer than 0.2 s, since every edit queries the whole tree again
INDENT = 2
_THEME = TextAreaTheme(
    name="workbench",
    syntax_styles={
        "yaml.field": Style(color=CYAN),
        "string": Style(color=GREEN),
        "number": Style(color=YELLOW),
        "boolean": Style(color=YELLOW),
        "constant.builtin": Style(color=YELLOW),
        "comment": Style(color=GREY, italic=True),
        "type": Style(color=PURPLE),
        "punctuation.delimiter": Style(color=GREY),
        "punctuation.bracket": Style(color=GREY),
        "punctuation.special": Style(color=PURPLE),
        "error": Style(color=RED),
    },
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place to mark: line and column count from 1, as the loader of specs counts."""

    line: int
    column: int
    level: str = "error"


class YamlEditor(TextArea):
    """A TextArea for specs. Tab leaves it, as everywhere in the app; YAML forbids tabs anyway."""

    def __init__(self, **options: Any) -> None:
        super().__init__(soft_wrap=False, show_line_numbers=True, tab_behavior="focus", **options)
        self.highlight_cursor_line = False  # its background would cover the mark of a problem
        self.cursor_blink = False
        self.indent_width = INDENT
        self.register_theme(_THEME)
        self.theme = "workbench"
        self._marks: dict[int, Mark] = {}

    def open_text(self, text: str) -> None:
        """Show another text; the history of edits starts anew."""
        self.language = choose_language(text)
        self.load_text(text)

    def mark(self, marks: Sequence[Mark]) -> None:
        """Underline from these places to the end of their lines, instead of what was marked before."""
        found = {mark.line - 1: mark for mark in reversed(marks)}
        if found != self._marks:
            self._marks = found
            self.notify_style_update()
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        """The line, with its problem underlined."""
        line = super().get_line(line_index)
        mark = self._marks.get(line_index)
        if mark is not None and line.plain:
            start = min(max(0, mark.column - 1), len(line.plain.rstrip()) - 1)
            ground = "#5a2a38" if mark.level == "error" else "#4d4126"
            line.stylize(Style(underline=True, bgcolor=ground), max(0, start), len(line.plain.rstrip()))
        return line

    def on_key(self, event: events.Key) -> None:
        """Enter goes on at the right depth; every other key is TextArea's."""
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            start, end = sorted(self.selection)
            indent = find_indent(self.document.get_line(start[0])[: start[1]])
            self.replace("\n" + indent, start, end, maintain_selection_offset=False)


def find_indent(before: str) -> str:
    """The indentation of a new line after `before`: the same, past a list's dash, deeper after a colon."""
    indent = len(before) - len(before.lstrip(" "))
    content = before.strip()
    if content.endswith((":", ": |", ": >")):
        indent += INDENT * (2 if content.startswith("- ") else 1)
    elif content.startswith("- ") and ": " in content and "{" not in content:
        indent += INDENT
    return " " * indent


def choose_language(text: str) -> str | None:
    """`yaml` where it can be highlighted fast enough, else None."""
    quick = text.count("\n") <= HIGHLIGHTED_LINES
    return "yaml" if quick and find_spec("tree_sitter") and find_spec("tree_sitter_yaml") else None
