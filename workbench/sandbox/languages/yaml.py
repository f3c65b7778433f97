"""YAML: composed by PyYAML, which constructs nothing; several documents are allowed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from workbench.sandbox.batching import judge_by_worker
from workbench.sandbox.language import LANGUAGES, Language, Snippet, Verdict
from workbench.sandbox.limits import Limits


def check_parsing(snippets: Sequence[Snippet], limits: Limits) -> list[Verdict]:
    """Whether each is YAML."""
    spec = importlib.util.find_spec("yaml")
    assert spec is not None
    assert spec.origin is not None
    folder = str(Path(spec.origin).resolve().parent)
    return judge_by_worker("parse.py", ["yaml", folder], snippets, limits, [folder])


LANGUAGES.add("yaml", Language("yaml", {"parses": check_parsing}, names=("yml",), batched=frozenset({"parses"})))
