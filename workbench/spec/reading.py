"""YAML 1.2 text into plain data, with the line and column of every key and value.

Plain data and positions are made from the composed nodes in one walk, so that duplicate keys, aliases that multiply
("billion laughs") and tags that would construct objects are problems with a place and not surprises.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from yaml import MappingNode, MarkedYAMLError, Node, ScalarNode, SequenceNode, YAMLError

from workbench.spec.problems import Path, Problem
from workbench.spec.yaml_nodes import MAX_DEPTH, NestingError, compose_nodes, construct_scalar

MAX_CHARACTERS = 2_000_000
MAX_NODES = 200_000
_SCALAR_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")}


@dataclass(slots=True)
class Document:
    """Plain data of a YAML text. `places` maps a path to (line, column) of its key, or of its value in a list."""

    data: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path, *, value: bool = False) -> tuple[int, int]:
        """Line and column of `path`, or of its nearest parent that stands in the text."""
        for length in range(len(path), -1, -1):
            found = (self.values if value else self.places).get(path[:length]) or self.places.get(path[:length])
            if found:
                return found
        return (1, 1)


def read_document(text: str) -> Document:
    """Parse `text`. Syntax errors, duplicate keys and oversized documents are in `problems`; data is then partial."""
    document = Document()
    if len(text) > MAX_CHARACTERS:
        document.problems.append(
            Problem(
                f"The spec has {len(text):,} characters; {MAX_CHARACTERS:,} is the limit.",
                "Move data to a file.",
                (),
                1,
                1,
            )
        )
        return document
    try:
        node = compose_nodes(text)
    except NestingError as error:
        hint = "Check that every bracket is closed, and the dashes at the start of lines."
        line, column = error.line, error.column
        document.problems.append(Problem("The spec nests too deeply here.", hint, (), line, column))
        return document
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reason = (error.problem or "cannot be read").strip()
        document.problems.append(Problem(f"This is not valid YAML: {reason}.", _syntax_hint(reason), (), line, column))
        return document
    except (YAMLError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        document.problems.append(Problem(f"This is not valid YAML: {reason}.", "", (), 1, 1))
        return document
    if node is None:
        return document
    _Walk(document).value(node, (), 0)
    return document


def _syntax_hint(reason: str) -> str:
    if "\\t" in reason or "tab" in reason:
        return "Indent with spaces, not tabs."
    if "Unicode character escape" in reason:
        return "Write the character itself, or \\U and eight digits for one beyond \\uffff."
    if "mapping values are not allowed" in reason:
        return "Quote a text that contains “: ”."
    if "could not find expected ':'" in reason:
        return "A key needs a colon and a space after it."
    if "expected <block end>" in reason or "did not find expected" in reason or "expected ',' or" in reason:
        return "Check the indentation and that every bracket and quote is closed."
    return "Check the indentation, quotes and brackets on this line."


class _Walk:
    """One pass over the composed nodes, counting them, since an alias is walked again at each use."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.nodes = 0

    def problem(self, message: str, hint: str, path: Path, node: Node) -> None:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self.document.problems.append(Problem(message, hint, path, line, column))

    def value(self, node: Node, path: Path, depth: int) -> Any:
        self.nodes += 1
        place = (node.start_mark.line + 1, node.start_mark.column + 1)
        self.document.places.setdefault(path, place)
        self.document.values[path] = place
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            if self.nodes <= MAX_NODES + 1:
                self.problem("The spec grows too large here.", "Check its aliases (*name) and its nesting.", path, node)
                self.nodes = MAX_NODES + 1
            return None
        if isinstance(node, MappingNode):
            return self.mapping(node, path, depth)
        if isinstance(node, SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                if self.nodes > MAX_NODES:
                    break
                items.append(self.value(item, (*path, index), depth + 1))
            self.set_data(path, items)
            return items
        scalar = self.scalar(node, path)
        self.set_data(path, scalar)
        return scalar

    def mapping(self, node: MappingNode, path: Path, depth: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if self.nodes > MAX_NODES:
                break
            if not isinstance(key_node, ScalarNode):
                self.problem("A key must be a plain word or number.", "", path, key_node)
                continue
            key = self.scalar(key_node, path)
            written = key if isinstance(key, str) else str(key_node.value)
            inner = (*path, key if isinstance(key, int) and not isinstance(key, bool) else written)
            if key in result:
                self.problem(f"The key “{key_node.value}” stands here twice.", "Keep one of them.", inner, key_node)
                continue
            self.document.places[inner] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.value(value_node, inner, depth + 1)
        self.set_data(path, result)
        return result

    def scalar(self, node: Node, path: Path) -> Any:
        if str(node.tag) not in _SCALAR_TAGS or not isinstance(node, ScalarNode):
            self.problem(f"The tag “{node.tag}” is not allowed.", "Remove the tag.", path, node)
            return None
        try:
            return construct_scalar(node)
        except (ValueError, OverflowError, MarkedYAMLError) as error:
            shown = node.value if len(node.value) <= 40 else f"{node.value[:39]}…"
            self.problem(f"“{shown}” cannot be read: {error}.", "Quote it if it is a text.", path, node)
            return None

    def set_data(self, path: Path, value: Any) -> None:
        if not path:
            self.document.data = value
