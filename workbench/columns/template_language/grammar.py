"""Which part of Jinja's language a template may use: what is not listed here is refused with its line."""

from __future__ import annotations

from jinja2 import TemplateError, nodes
from jinja2.meta import find_undeclared_variables

from workbench.columns.template_language.sandbox import ENVIRONMENT, FILTER_NAMES
from workbench.spec.problems import suggest

MAX_TEMPLATE_CHARACTERS = 50_000
_MAX_DEPTH = 60
_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.For, nodes.Assign,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub,
    nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Concat, nodes.Filter, nodes.Test, nodes.CondExpr,
    nodes.Getitem, nodes.Getattr, nodes.Slice, nodes.Call, nodes.List, nodes.Tuple,
)  # fmt: skip
_METHODS = frozenset({
    "capitalize", "count", "date", "endswith", "find", "isdigit", "isoformat", "lower", "lstrip", "rstrip", "split",
    "startswith", "strftime", "strip", "time", "title", "upper", "weekday",
})  # fmt: skip
_ATTRIBUTES = frozenset({
    "year", "month", "day", "hour", "minute", "second", "microsecond", "index", "index0", "first", "last", "length",
})  # fmt: skip


class TemplateTextError(ValueError):
    """What is wrong with a template, with its line where Jinja knows it."""


def parse_template(text: str) -> tuple[nodes.Template, frozenset[str]]:
    """The tree of `text`, of allowed nodes alone, and the names of the columns it reads. Raises TemplateTextError."""
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        raise TemplateTextError(f"it has {len(text):,} characters and {MAX_TEMPLATE_CHARACTERS:,} is the limit")
    try:
        tree = ENVIRONMENT.parse(text)
        _check(tree)
        # `range` is a function where it is called, and the name of a column anywhere else.
        functions = {id(call.node) for call in tree.find_all(nodes.Call)}
        read = {name.name for name in tree.find_all(nodes.Name) if id(name) not in functions}
        return tree, frozenset(find_undeclared_variables(tree) | (read & ENVIRONMENT.globals.keys()))
    except TemplateError as error:
        raise explain_error(error) from None
    except RecursionError:
        raise TemplateTextError("it nests too deeply") from None


def explain_error(error: TemplateError) -> TemplateTextError:
    """Jinja's error with its line, if that is not the first."""
    line = getattr(error, "lineno", None)
    message = (error.message or type(error).__name__).rstrip(".")
    message = message[:1].lower() + message[1:]
    return TemplateTextError(f"{message} (line {line} of the template)" if line and line > 1 else message)


def _fail(message: str, node: nodes.Node) -> TemplateTextError:
    return TemplateTextError(f"{message} (line {node.lineno} of the template)" if node.lineno > 1 else message)


def _check(node: nodes.Node, depth: int = 0) -> None:
    """Raise TemplateTextError at the first node that is not of the allowed part of the language."""
    if depth > _MAX_DEPTH:
        raise _fail("it nests too deeply", node)
    if not isinstance(node, _NODES):
        raise _fail(f"“{type(node).__name__.lower()}” is not allowed in templates here", node)
    if isinstance(node, nodes.For) and node.recursive:
        raise _fail("recursive loops are not allowed", node)
    if isinstance(node, nodes.Name) and node.name.startswith("_"):
        raise _fail(f"the name “{node.name}” is not allowed", node)
    if isinstance(node, nodes.Filter) and node.name not in FILTER_NAMES:
        raise _fail(f"there is no filter “{node.name}”. {suggest(node.name, FILTER_NAMES)}".strip(), node)
    if isinstance(node, nodes.Test) and node.name not in ENVIRONMENT.tests:
        raise _fail(f"there is no test “{node.name}”", node)
    if isinstance(node, nodes.Getattr) and node.attr not in _METHODS | _ATTRIBUTES:
        raise _fail(f"“.{node.attr}” is not allowed", node)
    if isinstance(node, nodes.Call):
        callee = node.node
        if not (isinstance(callee, nodes.Getattr) or (isinstance(callee, nodes.Name) and callee.name == "range")):
            raise _fail("only range(…) and methods of texts and moments can be called", node)
        if isinstance(callee, nodes.Getattr) and callee.attr not in _METHODS:
            raise _fail(f"“.{callee.attr}()” is not allowed", node)
    for child in node.iter_child_nodes():
        _check(child, depth + 1)
