"""Figures over steps: metrics/<attempt>-<rank>.jsonl is the truth, an event file for TensorBoard is written beside it.

One writer per file and one append per step, so that any number of readers follow by byte offset, on any file system,
and a kill loses nothing. An attempt that goes on from a checkpoint repeats steps; its figures replace those of earlier
attempts from its first step on.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.files import append_json_line, explain_os_error, make_folder
from workbench.runs.json_values import decode_numbers, encode_number
from workbench.runs.tensorboard import EventWriter

Point = tuple[int, dict[str, float]]

READ_BYTES = 2**20
BATCH_POINTS = 2_000
_NAME = re.compile(r"(\d+)-0\.jsonl")


class MetricsWriter:
    """Writes the figures of one attempt and rank under the run's folder; rank 0 feeds TensorBoard as well."""

    def __init__(self, folder: Path, attempt: int, rank: int = 0) -> None:
        self._path = make_folder(folder / "metrics") / f"{attempt}-{rank}.jsonl"
        self._events = EventWriter(folder / "tb", attempt, restarted=attempt > 1) if rank == 0 else None

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Append one line. Numbers that are not finite are kept as such. Raises `WorkbenchError` if it cannot."""
        numbers = {name: encode_number(float(value)) for name, value in values.items()}
        append_json_line(self._path, {"step": step, "time": round(time.time(), 3), "values": numbers})
        if self._events is not None:
            try:
                self._events.add_scalars({name: float(value) for name, value in values.items()}, step)
            except OSError as error:
                raise explain_os_error(error, self._path.parent.parent / "tb") from error

    def close(self) -> None:
        """Close the event file."""
        if self._events is not None:
            self._events.close()


@dataclass(slots=True)
class _File:
    """How far one attempt's file was read. `first_step` is None until its first line is complete."""

    path: Path
    offset: int = 0
    first_step: int | None = None
    inside_long_line: bool = False


class MetricsTail:
    """Follows the figures of rank 0 of a run. Holds offsets only, so memory does not grow with the run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "metrics"
        self._files: dict[int, _File] = {}

    def read_new(self) -> list[Point]:
        """The next points since the last call, a bounded number of them; empty once there are none for now.

        Points that a later attempt has already replaced are left out. If a new attempt begins between two calls its
        first point has a smaller step than the last one given: from there on it replaces (`MetricsHistory` does so).
        """
        self._find_files()
        points: list[Point] = []
        for attempt in sorted(self._files):
            file = self._files[attempt]
            later = [each.first_step for key, each in self._files.items() if key > attempt]
            end = min((step for step in later if step is not None), default=None)
            while len(points) < BATCH_POINTS and (lines := _read_lines(file)):
                points += [point for line in lines if (point := _parse(line)) and (end is None or point[0] < end)]
        return points

    def _find_files(self) -> None:
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 (names are all that is needed, four times a second)
        except OSError:
            return
        for name in names:
            match = _NAME.fullmatch(name)
            if match:
                file = self._files.setdefault(int(match.group(1)), _File(self._folder / name))
                if file.first_step is None:
                    file.first_step = _read_first_step(file.path)


class MetricsHistory:
    """The series to draw, by name. Above `limit` points the older half is thinned by averaging neighbours."""

    def __init__(self, limit: int = 4_000) -> None:
        self._limit = limit
        self.series: dict[str, list[tuple[int, float]]] = {}

    def add(self, points: Iterable[Point]) -> None:
        """Add what `MetricsTail.read_new` gave. A step that does not go forward replaces all from that step on."""
        for step, values in points:
            for name, value in values.items():
                series = self.series.setdefault(name, [])
                while series and series[-1][0] >= step:
                    series.pop()
                series.append((step, value))
                if len(series) > self._limit:
                    self.series[name] = _thin(series)


def _thin(series: list[tuple[int, float]]) -> list[tuple[int, float]]:
    half = len(series) // 4 * 2
    pairs = zip(series[0:half:2], series[1:half:2], strict=True)
    return [(later[0], (earlier[1] + later[1]) / 2) for earlier, later in pairs] + series[half:]


def _read_lines(file: _File) -> list[bytes]:
    """The next complete lines of the file; the torn last one waits until its end is written."""
    try:
        with file.path.open("rb") as handle:
            if os.fstat(handle.fileno()).st_size < file.offset:
                file.offset = 0  # truncated: somebody started it anew
            while True:
                handle.seek(file.offset)
                chunk = handle.read(READ_BYTES)
                end = chunk.rfind(b"\n") + 1
                if not end and len(chunk) < READ_BYTES:
                    return []
                file.offset += end or len(chunk)
                lines = chunk[:end].split(b"\n")[:-1]
                if file.inside_long_line:
                    lines = lines[1:]
                file.inside_long_line = not end
                if lines:
                    return lines
    except OSError:
        return []


def _parse(line: bytes) -> Point | None:
    try:
        data: Any = json.loads(line)
        return int(data["step"]), decode_numbers(data["values"])
    except (ValueError, KeyError, TypeError):
        return None


def _read_first_step(path: Path) -> int | None:
    try:
        with path.open("rb") as file:
            point = _parse(file.readline(READ_BYTES))
    except OSError:
        return None
    return None if point is None else point[0]
