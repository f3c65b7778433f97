"""Small datasets with pictures and sounds on disk, made by the offline provider, to plant defects in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.providers.offline.pictures import draw_picture
from workbench.providers.offline.voices import speak
from workbench.providers.requests import ImageRequest, SpeechRequest
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Finding
from workbench.quality.evidence import Evidence
from workbench.spec.loading import load_spec
from workbench.synthesizers.registry import spec_types

PICTURES = """\
name: shots
rows: 60
columns:
  - {name: number, type: id}
  - {name: caption, type: template, template: "x"}
  - {name: picture, type: image, prompt: "{{ caption }}", width: 64, height: 64}
"""
AGREEING = PICTURES + '  - {name: fits, type: agreement, image: picture, text: "{{ caption }}"}\n'
SOUNDS = """\
name: sayings
rows: 60
columns:
  - {name: number, type: id}
  - {name: text, type: template, template: "x"}
  - {name: sound, type: audio, text: "{{ text }}"}
"""
COLOURS = ("red", "green", "blue", "yellow", "orange", "purple")
SHAPES = ("circle", "square", "triangle", "star")
WORDS = (
    "please", "turn", "on", "the", "light", "in", "room", "and", "play", "some", "quiet", "music", "until", "ten",
    "then", "stop", "it", "again", "for", "me", "now",
)  # fmt: skip


@lru_cache(maxsize=1_000)
def draw(prompt: str, seed: int) -> bytes:
    return draw_picture(ImageRequest(prompt, seed, 64, 64))


@lru_cache(maxsize=1_000)
def say(text: str, seed: int) -> bytes:
    return speak(SpeechRequest(text, seed))


def read_evidence(text: str, frame: pd.DataFrame, folder: Path | None, **fields: Any) -> Evidence:
    loaded = load_spec(text, spec_types())
    assert loaded.spec is not None, loaded.problems
    spec, name = loaded.spec, next(iter(loaded.spec.tables))
    return Evidence(name, spec.tables[name], frame, gates=spec.quality, folder=folder, spec=spec, **fields)


def make_pictures(folder: Path, rows: int = 60, text: str = PICTURES) -> Evidence:
    """Pictures of one or two kinds of figures, with captions that say what they show."""
    captions = [
        f"{row % 5 + 1} {COLOURS[row % 6]} {SHAPES[row // 6 % 4]}s above a {COLOURS[(row // 24 + row + 1) % 6]} hexagon"
        for row in range(rows)
    ]
    frame = write_files(folder, "picture", "png", [draw(each, row) for row, each in enumerate(captions)])
    return read_evidence(text, frame.assign(caption=captions), folder)


def make_sounds(folder: Path, rows: int = 60, text: str = SOUNDS) -> Evidence:
    """Hums of between 4 and 16 words."""
    texts = [" ".join(WORDS[(row * 3) % 5 : (row * 3) % 5 + 4 + row % 13]) + "." for row in range(rows)]
    frame = write_files(folder, "sound", "wav", [say(each, row) for row, each in enumerate(texts)])
    return read_evidence(text, frame.assign(text=texts), folder)


def write_files(folder: Path, column: str, suffix: str, contents: list[bytes]) -> pd.DataFrame:
    (folder / "media" / "t" / column).mkdir(parents=True, exist_ok=True)
    paths = [f"media/t/{column}/{row:09d}.{suffix}" for row in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        (folder / path).write_bytes(content)
    return pd.DataFrame({"number": range(len(paths)), column: pd.Series(paths, dtype=object)})


def change_files(evidence: Evidence, column: str, rows: list[int], change: Callable[[bytes], bytes]) -> None:
    """Write the files of some rows anew."""
    assert evidence.folder is not None
    for row in rows:
        path = evidence.folder / evidence.frame[column][row]
        path.write_bytes(change(path.read_bytes()))


def with_frame(evidence: Evidence, **columns: Any) -> Evidence:
    return replace(evidence, frame=evidence.frame.assign(**columns))


def find(check: str, evidence: Evidence) -> dict[str, Finding]:
    entry = CHECKS.get(check)
    assert entry is not None
    return {finding.name: finding for finding in ask(entry, evidence)}


def find_tripped(check: str, evidence: Evidence) -> set[str]:
    return {name for name, finding in find(check, evidence).items() if finding.verdict in ("warn", "fail")}
