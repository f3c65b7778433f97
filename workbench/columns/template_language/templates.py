"""A template's text compiled once, and rendered for one row of plain values after another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from jinja2 import Template, TemplateError, nodes

from workbench.columns.template_language.grammar import TemplateTextError, explain_error, parse_template
from workbench.columns.template_language.sandbox import (
    CHECK_SCALAR,
    CHECK_VALUE,
    COUNT_STEPS,
    ENVIRONMENT,
    MAX_LOOP_STEPS,
)
from workbench.columns.texts import MAX_CHARACTERS

__all__ = ["CompiledTemplate", "TemplateTextError", "find_names"]

_BUDGET = "_steps_left"


class CompiledTemplate:
    """A template ready to be rendered; `names` are the columns it reads."""

    def __init__(self, text: str) -> None:
        tree, self.names = parse_template(text)
        self.pieces = _find_pieces(tree)
        """(text, None) and ("", name) in order, if it only substitutes names: then it needs no Jinja at all."""
        self._template = _compile(tree)

    def render(self, row: Mapping[str, Any]) -> str:
        """The text for one row of plain values. Raises TemplateTextError where the row cannot be rendered."""
        context = self._template.new_context(dict(row, **{_BUDGET: [MAX_LOOP_STEPS]}))
        chunks, length = [], 0
        try:
            for chunk in self._template.root_render_func(context):
                chunks.append(chunk)
                length += len(chunk)
                if length > MAX_CHARACTERS:
                    raise TemplateTextError(f"the text grows beyond {MAX_CHARACTERS:,} characters")
        except TemplateTextError:
            raise
        except Exception as error:  # filters and operators raise whatever Python does for these values
            raise TemplateTextError(str(error) or type(error).__name__) from None
        return "".join(chunks)


def find_names(text: str) -> frozenset[str]:
    """Names of the columns that the template `text` reads. Raises TemplateTextError if it is no valid template."""
    return parse_template(text)[1]


def _compile(tree: nodes.Template) -> Template:
    try:
        _guard(tree)
        code = ENVIRONMENT.compile(tree)
        return Template.from_code(ENVIRONMENT, code, ENVIRONMENT.make_globals(None))
    except TemplateError as error:
        raise explain_error(error) from None
    except (SyntaxError, RecursionError, MemoryError, OverflowError, ValueError):
        raise TemplateTextError("it nests too deeply, or computes a number that is too large") from None


def _guard(tree: nodes.Template) -> None:
    """Make joining and looping go through the checks of the sandbox. Changes the tree."""
    for loop in list(tree.find_all(nodes.For)):
        budget = nodes.Name(_BUDGET, "load", lineno=loop.lineno)
        loop.iter = _call_filter(COUNT_STEPS, loop.iter, budget)
    for join in list(tree.find_all(nodes.Concat)):
        join.nodes = [_call_filter(CHECK_VALUE, node) for node in join.nodes]
    for listing in list(tree.find_all(nodes.List)):
        listing.items = [_call_filter(CHECK_SCALAR, node) for node in listing.items]
    for assignment in list(tree.find_all(nodes.Assign)):
        assignment.node = _call_filter(CHECK_VALUE, assignment.node)


def _call_filter(name: str, node: nodes.Node, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(cast(nodes.Expr, node), name, list(arguments), [], None, None, lineno=node.lineno)


def _find_pieces(tree: nodes.Template) -> tuple[tuple[str, str | None], ...] | None:
    pieces: list[tuple[str, str | None]] = []
    for output in tree.body:
        if not isinstance(output, nodes.Output):
            return None
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                pieces.append((node.data, None))
            elif isinstance(node, nodes.Name):
                pieces.append(("", node.name))
            else:
                return None
    return tuple(pieces)
