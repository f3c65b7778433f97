"""The header of a safetensors file, read without the weights: names, types, shapes and places of its tensors.

Format: eight bytes with the length of the header, little-endian; the header as JSON; the tensors one after the other.
See the section “Format” in the README of the safetensors library.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

_LONGEST = 100_000_000
"""Bytes of a header: the limit of the safetensors library itself."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """`begin` and `end` are offsets in the file, in bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def size(self) -> int:
        """The number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """`raw` is the JSON text as it stands in the file."""

    raw: bytes
    tensors: tuple[Tensor, ...]


def read_safetensors_header(path: Path) -> Header:
    """The header. Raises ValueError where the file is no safetensors file or is cut short, OSError if unreadable."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_LONGEST, size - 8):
            raise ValueError(f"{path.name} is no safetensors file")
        raw = file.read(length)
    try:
        tensors = tuple(
            _read_tensor(name, entry, 8 + length) for name, entry in json.loads(raw).items() if name != "__metadata__"
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path.name} is no safetensors file") from error
    end = max((tensor.end for tensor in tensors), default=8 + length)
    if end > size:
        raise ValueError(f"{path.name} is cut short: {size:,} of {end:,} bytes are there")
    return Header(raw, tensors)


def _read_tensor(name: str, entry: dict[str, object], start: int) -> Tensor:
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not isinstance(shape, list) or not isinstance(offsets, list):
        raise TypeError("a shape and offsets are lists")
    begin, end = (int(offset) for offset in offsets)
    if not 0 <= begin <= end:
        raise ValueError("offsets are in order")
    return Tensor(name, str(entry["dtype"]), tuple(int(length) for length in shape), start + begin, start + end)
