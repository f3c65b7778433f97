"""Joining texts row by row, with a bound on how long they may grow: columns that double one another reach it fast."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import WorkbenchError

MAX_CHARACTERS = 100_000
"""Longest text that a column may hold in one row."""

_MATCH_SECONDS = 1.0


def join_texts(parts: Sequence[Sequence[str] | str], count: int) -> list[str]:
    """Row by row, the parts one after the other: `count` texts. A part that is one text is the same in every row.

    Raises WorkbenchError before a text longer than MAX_CHARACTERS is made.
    """
    fixed = sum(len(part) for part in parts if isinstance(part, str))
    columns = [part for part in parts if not isinstance(part, str)]
    if fixed + sum(max(map(len, column), default=0) for column in columns) > MAX_CHARACTERS:
        lengths = (sum(map(len, texts)) for texts in zip(*columns, strict=True))
        if fixed + max(lengths, default=0) > MAX_CHARACTERS:
            raise_too_long()
    if not columns:
        return ["".join(part for part in parts if isinstance(part, str))] * count
    form = "".join(part.replace("%", "%%") if isinstance(part, str) else "%s" for part in parts)
    return [form % texts for texts in zip(*columns, strict=True)]


def raise_too_long() -> None:
    """Raise the error of a text beyond MAX_CHARACTERS."""
    raise WorkbenchError(
        f"A text grows beyond {MAX_CHARACTERS:,} characters.", "Shorten the template, or the columns it repeats."
    )


def matches(pattern: str, text: str) -> bool:
    """Whether a text holds a match of `pattern`. One that takes too long to search counts as none."""
    import regex

    try:
        return regex.search(pattern, text, timeout=_MATCH_SECONDS) is not None
    except TimeoutError:
        return False
