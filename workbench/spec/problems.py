"""Problems of a spec: values that say what is wrong, where, and what to do. They are collected, never raised singly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, Literal

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `line` and `column` count from 1; both are 0 where the file as a whole is meant."""

    message: str
    hint: str = ""
    path: Path = ()
    line: int = 0
    column: int = 0
    level: Literal["error", "warning"] = "error"

    def as_json(self) -> dict[str, Any]:
        """The form that `--json` prints: `path` in dotted form."""
        return asdict(self) | {"path": format_path(self.path)}


def format_path(path: Path) -> str:
    """`("tables", "cards", "columns", 0, "p")` as `tables.cards.columns[0].p`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def end_sentence(reason: object) -> str:
    """The reason as the end of a sentence: with a full stop, unless it ends in one or in a question."""
    text = str(reason).rstrip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


def suggest(word: str, known: Iterable[str]) -> str:
    """“Did you mean …?” with the nearest known word, or the known words where none is near and they are few."""
    words = sorted(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6) or get_close_matches(word.lower(), words, n=1, cutoff=0.5)
    if near:
        return f"Did you mean “{near[0]}”?"
    return f"Known: {', '.join(words)}." if 0 < len(words) <= 24 else ""
