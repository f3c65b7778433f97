"""Regular expressions, as the `re` of Python takes them."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.sandbox.batching import judge_by_worker
from workbench.sandbox.language import LANGUAGES, Language, Snippet, Verdict
from workbench.sandbox.limits import Limits


def check_parsing(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether each compiles."""
    return judge_by_worker("parse.py", ["regex"], snippets, limits)


LANGUAGES.add(
    "regex", Language("regex", {"parses": check_parsing}, names=("regexp", "re"), batched=frozenset({"parses"}))
)
