"""JSON: parsed as its standard has it."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.sandbox.batching import judge_by_worker
from workbench.sandbox.language import LANGUAGES, Language, Snippet, Verdict
from workbench.sandbox.limits import Limits


def check_parsing(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether each is one JSON value."""
    return judge_by_worker("parse.py", ["json"], snippets, limits)


LANGUAGES.add("json", Language("json", {"parses": check_parsing}, batched=frozenset({"parses"})))
