"""The files that rows name: which columns hold them, and how one is found without ever leaving the dataset's folder.

Rows may come from anywhere, so a path is only followed where it lies in `media/` of the dataset, through no link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from workbench.datasets.manifest import MEDIA
from workbench.quality.evidence import Evidence

MediaKind = Literal["image", "audio"]

MOST_BYTES = 64 * 1024**2
"""Files beyond this are not opened: a picture or a clip of a dataset is far smaller."""


class Unreadable(Exception):
    """Why a file cannot be looked at, in a word or two: it is counted under that reason."""


@dataclass(frozen=True, slots=True)
class MediaColumn:
    """`paths` maps the row numbers of those that name a file to what they name; `without` rows name none."""

    name: str
    paths: Mapping[int, str]
    without: int


def list_media(evidence: Evidence, kind: MediaKind) -> Iterator[MediaColumn]:
    """The columns of the table whose values are paths of pictures, or of sounds."""
    for column in evidence.config.columns:
        if column.type == kind and column.name in evidence.frame.columns:
            yield read_column(evidence, column.name)


def read_column(evidence: Evidence, name: str) -> MediaColumn:
    """The paths of a column by row number. Anything but a text counts as none."""
    values: Any = evidence.frame[name]
    if getattr(values, "ndim", 1) != 1:  # a name that two columns have
        values = values.iloc[:, 0]
    paths = {row: value for row, value in enumerate(values.tolist()) if isinstance(value, str) and value}
    return MediaColumn(name, paths, len(values) - len(paths))


def read_media_file(folder: Path, path: str) -> bytes:
    """The content of the file that a row names. Raises Unreadable where it lies outside, is missing or too large."""
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[0] != MEDIA or ".." in parts or "\0" in path or "\\" in path:
        raise Unreadable("outside media/")
    place = folder.joinpath(*parts)
    try:
        # A link anywhere on the way would make the two differ.
        if place.resolve() != folder.resolve().joinpath(*parts):
            raise Unreadable("outside media/")
        if not place.is_file():
            raise Unreadable("missing")
        if place.stat().st_size > MOST_BYTES:
            raise Unreadable("too large")
        return place.read_bytes()
    except (OSError, ValueError) as error:
        raise Unreadable("missing") from error
