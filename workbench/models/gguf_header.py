"""What a GGUF file says of itself, read without the `gguf` package, which takes seconds to list a large vocabulary.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Only the entries before the tokenizer are read:
general ones (name, licence, size) and those of the architecture; writers put them first.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

Value = str | int | float | bool

_FORMATS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_LONGEST_STRING = 1 << 20
_MOST_ENTRIES = 10_000


def read_gguf_header(path: Path) -> dict[str, Value]:
    """Key and value of each entry before the tokenizer's; lists are left out.

    Raises ValueError where it is no GGUF file (of version 2 or 3, little-endian) or is damaged, OSError if unreadable.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ValueError(f"{path.name} is no GGUF file")
        version = _read_number(file, "<I")
        if version not in (2, 3):
            raise ValueError(f"{path.name} is a GGUF file of a version other than 2 and 3")
        _read_number(file, "<Q")  # how many tensors there are
        count = int(_read_number(file, "<Q"))
        if count > _MOST_ENTRIES:
            raise ValueError(f"{path.name} is a damaged GGUF file")
        found: dict[str, Value] = {}
        for _ in range(count):
            key = _read_string(file)
            if key.startswith("tokenizer."):
                break
            value = _read_value(file, int(_read_number(file, "<I")), size)
            if value is not None:
                found[key] = value
    return found


def _read_value(file: BinaryIO, kind: int, size: int) -> Value | None:
    if kind == _STRING:
        return _read_string(file)
    if kind == _ARRAY:
        _skip_array(file, size)
        return None
    if kind not in _FORMATS:
        raise ValueError("a damaged GGUF file: it has an entry of no known type")
    return _read_number(file, _FORMATS[kind])


def _skip_array(file: BinaryIO, size: int) -> None:
    kind, length = int(_read_number(file, "<I")), int(_read_number(file, "<Q"))
    if kind in _FORMATS:
        file.seek(file.tell() + min(struct.calcsize(_FORMATS[kind]) * length, size))
    elif kind == _STRING and length <= size:
        for _ in range(length):
            _read_string(file)
    else:
        raise ValueError("a damaged GGUF file: it has a list of no known type")


def _read_string(file: BinaryIO) -> str:
    length = int(_read_number(file, "<Q"))
    if length > _LONGEST_STRING:
        raise ValueError("a damaged GGUF file: one of its texts is too long")
    data = file.read(length)
    if len(data) < length:
        raise ValueError("a GGUF file that is cut short")
    return data.decode("utf-8", "replace")


def _read_number(file: BinaryIO, layout: str) -> int | float | bool:
    data = file.read(struct.calcsize(layout))
    if len(data) < struct.calcsize(layout):
        raise ValueError("a GGUF file that is cut short")
    value: int | float | bool = struct.unpack(layout, data)[0]
    return value
