"""A draft as YAML in the style of the sample specs: one line a column where it fits, comments above what they explain.

PyYAML's emitter has no comments and quotes by the rules of YAML 1.1, where the reader of specs follows 1.2. What is
written here reads back as the same data, whatever the texts hold (a test with hypothesis guards it).
"""

from __future__ import annotations

import datetime
import math
import re
from typing import Any

from workbench.files import clean_text
from workbench.importing.draft import Draft, DraftItem, DraftTable

_WIDTH = 118
_LONGEST_KEY = 1000  # YAML allows 1,024 characters before the colon of a plain key
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[ .+/%-][A-Za-z0-9_]+)*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_LONGEST_COMMENT = 300


def write_draft(draft: Draft) -> str:
    """The text of the spec."""
    lines = [line for comment in draft.comments for line in _comment(comment)]
    lines += ["version: 1", f"name: {write_value(draft.name)}"]
    if draft.description:
        lines.append(f"description: {write_value(draft.description)}")
    lines.append(f"seed: {draft.seed}")
    if draft.models:
        lines.append("models:")
        for name, model in draft.models.items():
            lines += [f"  {line}" for comment in model.comments for line in _comment(comment)]
            lines.append(f"  {_key(name)} {write_value(model.fields)}")
    if draft.sources:
        lines.append("sources:")
        lines += [f"  {_key(name)} {write_value(entry)}" for name, entry in draft.sources.items()]
    if draft.single and len(draft.tables) == 1:
        lines += _write_table(draft.tables[0], "")
    else:
        lines.append("tables:")
        for table in draft.tables:
            lines.append(f"  {_key(table.name)}")
            lines += _write_table(table, "    ")
    lines += [line for comment in draft.ending for line in _comment(comment)]
    return "\n".join(lines) + "\n"


def write_value(value: Any) -> str:
    """Data as YAML on one line. Takes None, bool, int, float, str, dates, lists and mappings; other things as text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _write_float(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} {write_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(write_value, value)) + "]"
    return _write_text(str(value))


def write_item(item: DraftItem, indent: str) -> list[str]:
    """An entry of a list, with its comments above it; on one line if it fits there."""
    comments = [f"{indent}{line}" for comment in item.comments for line in _comment(comment)]
    line = f"- {write_value(item.fields)}"
    multiline = any(isinstance(value, str) and "\n" in value for value in item.fields.values())
    if len(indent) + len(line) <= _WIDTH and not multiline:
        body = [line]
    else:
        body = []
        for key, value in item.fields.items():
            body += _write_entry(key, value, "  ")
        body[0] = f"- {body[0][2:]}"
    return comments + [indent + ("# " if item.disabled else "") + line for line in body]


def _write_table(table: DraftTable, indent: str) -> list[str]:
    lines = [f"{indent}{line}" for comment in table.comments for line in _comment(comment)]
    if table.rows is not None:
        lines.append(f"{indent}rows: {table.rows}")
    if table.primary_key is not None:
        lines.append(f"{indent}primary_key: {write_value(table.primary_key)}")
    for title, items in (
        ("foreign_keys", table.foreign_keys), ("columns", table.columns), ("constraints", table.constraints),
    ):  # fmt: skip
        if items:
            live = any(not item.disabled for item in items)
            lines.append(f"{indent}{title}:" if live else f"{indent}# {title}:")
            for item in items:
                lines += write_item(item, f"{indent}  ")
    return lines


def _write_entry(key: str, value: Any, indent: str) -> list[str]:
    """A key of a block mapping: on one line, as block text, or over several lines."""
    head = f"{indent}{_key(key)}"
    if isinstance(value, str) and "\n" in value and _fits_block(value):
        mark = "|" if value.endswith("\n") else "|-"
        return [
            f"{head} {mark}",
            *(f"{indent}  {line}" if line else "" for line in value.removesuffix("\n").split("\n")),
        ]
    line = f"{head} {write_value(value)}"
    if len(line) <= _WIDTH or not value or not isinstance(value, dict | list):
        return [line]
    if isinstance(value, dict) and _is_nested(value):
        return [head, *(part for name, inner in value.items() for part in _write_entry(name, inner, f"{indent}  "))]
    if isinstance(value, dict):
        parts, ends = [f"{_key(name)} {write_value(inner)}" for name, inner in value.items()], "{}"
    else:
        parts, ends = [write_value(inner) for inner in value], "[]"
    return [f"{head} {ends[0]}", *_wrap(parts, f"{indent}  ", ends[1])]


def _is_nested(value: dict[Any, Any]) -> bool:
    """Whether a mapping reads better as a block; a very long key stands in a flow mapping only."""
    return any(isinstance(inner, dict | list) for inner in value.values()) and all(
        len(_key(name)) < 200 for name in value
    )


def _wrap(parts: list[str], indent: str, end: str) -> list[str]:
    lines, line = [], ""
    for position, part in enumerate(parts):
        part += end if position == len(parts) - 1 else ","
        if line and len(indent) + len(line) + 1 + len(part) > _WIDTH:
            lines.append(indent + line)
            line = ""
        line = f"{line} {part}" if line else part
    return [*lines, indent + line]


def _key(key: Any) -> str:
    """A key with its colon."""
    text = write_value(key)
    return f"{text}:" if len(text) <= _LONGEST_KEY else f"? {text} :"


def _write_float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return str(int(value)) + ".0" if value == int(value) and abs(value) < 1e15 else repr(value)


def _write_text(text: str) -> str:
    if len(text) <= 200 and _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + "".join(_escape(character) for character in text) + '"'


def _escape(character: str) -> str:
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:  # half of a pair, which YAML cannot hold
        return "\\ufffd"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _fits_block(text: str) -> bool:
    """Whether a literal block gives the text back: no outer spaces, no blank ends, nothing that needs an escape."""
    lines = text.removesuffix("\n").split("\n")
    plain = all(line == line.strip() and (line.isprintable()) for line in lines)
    return plain and bool(lines[0]) and bool(lines[-1])


def _comment(text: str) -> list[str]:
    """A comment of one line, free of control characters whatever file its words came from."""
    clean = " ".join(clean_text(text, keep_newlines=True).split())
    return [f"# {clean if len(clean) <= _LONGEST_COMMENT else clean[: _LONGEST_COMMENT - 1] + '…'}"]
