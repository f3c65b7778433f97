"""An expression's text into a checked Python syntax tree: only the nodes listed here get through.

Nothing of it is ever handed to Python's compiler or `eval`: `compiling` walks the tree. Size and depth are bounded
before the walk, so a hostile text costs as little as an honest one.
"""

from __future__ import annotations

import ast
import warnings

MAX_CHARACTERS = 2_000
MAX_NODES = 400
MAX_DEPTH = 40

_ALLOWED = (
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn,
    ast.Call, ast.Name, ast.Load, ast.Constant, ast.IfExp, ast.List, ast.Tuple,
)  # fmt: skip
_HINTS: dict[type[ast.AST], str] = {
    ast.Attribute: "a “.” after a name is not allowed; functions are written before, as in lower(name)",
    ast.Subscript: "“[…]” after a name is not allowed",
    ast.Set: "“{…}” is not allowed; column names are written without {{ }}",
    ast.Dict: "“{…}” is not allowed; column names are written without {{ }}",
    ast.Lambda: "“lambda” is not allowed",
    ast.JoinedStr: "f-texts are not allowed; use concat(…)",
    ast.BitAnd: "“&” is not known; use “and”",
    ast.BitOr: "“|” is not known; use “or”",
    ast.Invert: "“~” is not known; use “not”",
    ast.Is: "“is” is not known; use “==”",
    ast.IsNot: "“is not” is not known; use “!=”",
    ast.NamedExpr: "“:=” is not known; use “==”",
    ast.keyword: "arguments have no names here",
    ast.Starred: "“*” before a name is not allowed",
}


class ExpressionError(ValueError):
    """What is wrong with an expression, with the character where."""

    def __init__(self, message: str, node: ast.AST | None = None, *, character: int | None = None) -> None:
        if node is not None and hasattr(node, "col_offset"):
            character = node.col_offset + 1
        super().__init__(message if character is None else f"{message} (at character {character})")


def parse_expression(text: str) -> ast.expr:
    """The tree of `text`, of allowed nodes alone. Raises ExpressionError.

    Positions count the characters of the text without outer spaces, where every line break counts as one space.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"it has {len(text):,} characters and {MAX_CHARACTERS:,} is the limit")
    line = " ".join(text.strip().splitlines())
    if not line:
        raise ExpressionError("it is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            root = ast.parse(line, mode="eval").body
    except SyntaxError as error:
        reason = (error.msg or "it cannot be read").split(". ")[0]
        raise ExpressionError(f"{reason[:1].lower()}{reason[1:]}", character=error.offset) from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError("it nests too deeply, or holds a character that is not allowed") from None
    _check_nodes(root, line)
    return root


def find_names(root: ast.expr) -> frozenset[str]:
    """The names of columns that the tree reads."""
    functions = {id(node.func) for node in ast.walk(root) if isinstance(node, ast.Call)}
    names = (node for node in ast.walk(root) if isinstance(node, ast.Name) and id(node) not in functions)
    return frozenset(node.id for node in names) - {"true", "false"}


def _check_nodes(root: ast.expr, line: str) -> None:
    level: list[ast.AST] = [root]
    count, depth = 0, 0
    encoded = line.encode()
    while level:
        count, depth = count + len(level), depth + 1
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise ExpressionError("it is too long or nests too deeply; split it into two columns")
        following: list[ast.AST] = []
        for node in level:
            if hasattr(node, "col_offset"):  # Python counts bytes
                node.col_offset = len(encoded[: node.col_offset].decode("utf-8", "ignore"))
            if not isinstance(node, _ALLOWED):
                name = type(node).__name__
                raise ExpressionError(_HINTS.get(type(node), f"this is not allowed here ({name})"), node)
            if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
                raise ExpressionError(_HINTS[ast.Attribute], node)
            following.extend(ast.iter_child_nodes(node))
        level = following
