"""TensorBoard event files with nothing but the standard library.

tensorboardX and torch's writer both import torch (two seconds, 200 MB), which a run that only generates rows does not
need, and cost ten times as much per step. A record is

    length: u64, mask(crc32c(length)): u32, payload, mask(crc32c(payload)): u32        all little-endian

with mask(c) = rotate_right(c, 15) + 0xa282ead8 mod 2^32, and the payload an `Event` of tensorflow/core/util/event.proto
in protobuf wire format. `EventAccumulator` of TensorBoard itself reads these files in the tests.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path

from workbench.files import make_folder

_POLYNOMIAL = 0x82F63B78  # Castagnoli, bits reversed


class EventWriter:
    """Writes scalars to one new file in `folder`. `restarted` drops what earlier files say from the first step on."""

    def __init__(self, folder: Path, attempt: int, *, restarted: bool) -> None:
        make_folder(folder)
        # TensorBoard reads the files of a folder in the order of their names.
        name = f"events.out.tfevents.{int(time.time()):010d}.{attempt:03d}.{os.getpid()}.{socket.gethostname()}"
        self._file = (folder / name).open("ab", buffering=0)
        self._restarted = restarted
        self._write(b"\x1a" + _encode_bytes(b"brain.Event:2"), 0)

    def add_scalars(self, values: Mapping[str, float], step: int) -> None:
        """One event with all `values` (kept as 32-bit floats) at `step`, in a single write."""
        if self._restarted:
            self._restarted = False
            self._write(b"\x3a" + _encode_bytes(b"\x08\x01"), step)  # SessionLog START: purge from this step on
        summary = b"".join(
            b"\x0a" + _encode_bytes(b"\x0a" + _encode_bytes(name.encode()) + b"\x15" + _encode_float(value))
            for name, value in values.items()
        )
        self._write(b"\x2a" + _encode_bytes(summary), step)

    def close(self) -> None:
        """Close the file; nothing is buffered."""
        self._file.close()

    def _write(self, body: bytes, step: int) -> None:
        payload = b"\x09" + struct.pack("<d", time.time()) + b"\x10" + _encode_varint(step) + body
        length = struct.pack("<Q", len(payload))
        self._file.write(length + _mask_checksum(length) + payload + _mask_checksum(payload))


def _encode_varint(number: int) -> bytes:
    number &= 2**64 - 1
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _encode_bytes(data: bytes) -> bytes:
    return _encode_varint(len(data)) + data


def _encode_float(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<f", float("inf") if value > 0 else float("-inf"))


def _build_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ _POLYNOMIAL if byte & 1 else byte >> 1
        table.append(byte)
    return tuple(table)


_TABLE = _build_table()


def _mask_checksum(data: bytes) -> bytes:
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum = _TABLE[(checksum ^ byte) & 0xFF] ^ checksum >> 8
    checksum ^= 0xFFFFFFFF
    return struct.pack("<I", ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF)
