"""YAML text into nodes with marks by libyaml, its plain words read by the rules of YAML 1.2.

PyYAML reads YAML 1.1, where the country code NO is false and 12:30 is 750; only its resolver and its numbers need
replacing. A pure-Python YAML 1.2 parser takes 90 ms for a spec of 100 lines, libyaml 6 ms, and the preview runs at
every keystroke. Dates stay dates, which YAML 1.2 leaves to the application.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from yaml.composer import Composer

if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeLoader as _PlainLoader
else:

    class _PlainLoader(Composer, yaml.CSafeLoader):
        """libyaml's parser under PyYAML's Python composer.

        libyaml's own composer calls itself for each level of nesting until the stack of the process overflows: a
        text of dashes would end the program.
        """

        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            Composer.__init__(self)


MAX_DEPTH = 40
_TAG = "tag:yaml.org,2002:"
_DATE = r"\d{4}-\d\d-\d\d(?:(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::?\d\d)?))?)?"
_RESOLVERS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("timestamp", _DATE, "0123456789"),
)


class NestingError(Exception):
    """More than MAX_DEPTH levels, at this line and column, counted from 1."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}")
        self.line, self.column = line, column


class _Loader(_PlainLoader):
    """The resolver of YAML 1.2's core schema, and a bound on nesting."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own form

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self._depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise NestingError(mark.line + 1, mark.column + 1)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_whole_number(self, node: yaml.ScalarNode) -> int:
        return int(node.value, 0 if node.value[:2] in ("0o", "0x") else 10)

    def construct_real_number(self, node: yaml.ScalarNode) -> float:
        return float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))


for _name, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})\Z"), list(_first))
_Loader.add_constructor(f"{_TAG}int", _Loader.construct_whole_number)
_Loader.add_constructor(f"{_TAG}float", _Loader.construct_real_number)


def compose_nodes(text: str) -> yaml.Node | None:
    """The root node of the one document in `text`, None if it is empty. Raises `yaml.YAMLError` or `NestingError`."""
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark is not None and "nesting depth" in (error.problem or ""):  # libyaml has a limit of its own by now
            raise NestingError(mark.line + 1, mark.column + 1) from None
        raise
    finally:
        loader.dispose()


def load_plain(text: str) -> Any:
    """The plain data of the one document in `text`. Raises `yaml.YAMLError`, ValueError, or `NestingError`."""
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def construct_scalar(node: yaml.ScalarNode) -> Any:
    """The plain Python value of a scalar node. Raises ValueError or `yaml.YAMLError` where its text is none."""
    loader = _Loader("")
    try:
        return loader.construct_object(node)
    finally:
        loader.dispose()
