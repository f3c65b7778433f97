"""Programs as texts: which are the same but for names and layout, and which hold what looks like a secret."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence

from workbench.likeness.ngrams import split_words

_SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|\bgh[pousr]_[A-Za-z0-9]{30,}|\bsk-[A-Za-z0-9_-]{20,}|\bhf_[A-Za-z0-9]{30,}|"
    r"\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{35}|-----BEGIN [A-Z ]*PRIVATE KEY-----|"
    r"(?i:\b(?:password|passwd|api_?key|secret(?:_key)?|access_token)\b\s*[:=]\s*[\"'](?!(?:your|my|test|example|<|\{)"
    r"[^\"']*[\"'])[^\"'\s]{8,}[\"'])"
)
_COMMENT = re.compile(r"--[^\n]*|//[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL)
_LONGEST = 20_000
"""Characters of a program that is compared by its syntax; a longer one is compared by its words."""


def find_secrets(programs: Sequence[str]) -> list[int]:
    """The places of the programs that hold a key, a token or a password as a literal."""
    return [place for place, program in enumerate(programs) if _SECRET.search(program)]


def find_same_programs(programs: Sequence[str], language: str) -> list[int]:
    """The places of the programs that equal an earlier one but for layout, comments and, in Python, chosen names."""
    seen, found = set[str](), list[int]()
    for place, program in enumerate(programs):
        key = _normalize_python(program) if language.partition(":")[0] in ("python", "py", "python3") else None
        key = key or " ".join(split_words(_COMMENT.sub(" ", program)))
        if key in seen:
            found.append(place)
        seen.add(key)
    return found


class _Renamer(ast.NodeTransformer):
    """Gives every name that is no part of a module its number in the order of first use, and drops docstrings."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def visit(self, node: ast.AST) -> ast.AST:
        for field in ("id", "arg", "name"):
            name = getattr(node, field, None)
            if isinstance(name, str) and not isinstance(node, ast.alias | ast.keyword):
                setattr(node, field, self._names.setdefault(name, f"n{len(self._names)}"))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1:
                node.body = node.body[1:]
        return self.generic_visit(node)


def _normalize_python(program: str) -> str | None:
    """The syntax tree without names, None for a program that does not parse or is too large."""
    if len(program) > _LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as that of an invalid escape
            tree = ast.parse(program)
        return ast.dump(_Renamer().visit(tree), annotate_fields=False)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
