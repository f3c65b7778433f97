"""Code out of a model's answer: the block between fences of Markdown, where the answer has prose around its code."""

from __future__ import annotations

import re

from workbench.sandbox.languages.registry import find_language

_OPENING = re.compile(r"^( {0,3})(`{3,}|~{3,})[ \t]*([^\s`{]*)[^`]*$")


def strip_fences(text: str, language: str) -> str:
    """The longest block of that language; else the longest that names no language; else the text as it is.

    A block that is never closed, as in an answer that was cut, ends with the text. A fence is indented by at most three
    blanks, as Markdown has it: one in the comment of a function does not count.
    """
    names = _list_names(language)
    named: list[str] = []
    unnamed: list[str] = []
    for info, block in _find_blocks(text):
        if info.lower() in names:
            named.append(block)
        elif not info:
            unnamed.append(block)
    blocks = named or unnamed
    return max(blocks, key=len) if blocks else text


def _list_names(language: str) -> set[str]:
    plain = language.strip().lower().partition(":")[0]
    try:
        known = find_language(plain)
    except ValueError:
        return {plain}
    return {plain, known.name, *known.names}


def _find_blocks(text: str) -> list[tuple[str, str]]:
    """What stands after each opening fence, and the lines up to its closing one, without the fence's own indent."""
    blocks: list[tuple[str, str]] = []
    fence = indent = info = ""
    lines: list[str] | None = None
    for line in text.split("\n"):
        bare = line.rstrip("\r")
        if lines is None:
            opening = _OPENING.match(bare)
            if opening:
                (indent, fence, info), lines = opening.groups(), []
        elif re.fullmatch(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*", bare):
            blocks.append((info, "\n".join(lines)))
            lines = None
        else:
            lines.append(line.removeprefix(indent))
    if lines is not None:
        blocks.append((info, "\n".join(lines)))
    return blocks
