"""Pictures of shapes before a colour, each a PNG file, with captions that say what they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_scene
from workbench.quality.selftest.specs import build_evidence

ROWS = 120
PIXELS = 96
COLOURS = {
    "red": (205, 40, 40), "green": (40, 150, 60), "blue": (40, 70, 200), "yellow": (235, 205, 50),
    "purple": (130, 50, 160), "orange": (240, 135, 30), "white": (240, 240, 235), "black": (25, 25, 30),
}  # fmt: skip
SHAPES = ("circle", "square", "triangle", "bar")
_NUMBERS = ("one", "two", "three", "four", "five")
SPEC = """
name: pictures
rows: 120
primary_key: picture_id
models: {painter: {provider: offline}}
columns:
  - {name: picture_id, type: id}
  - {name: ground, type: category, values: [red, green, blue, yellow, purple, orange, white, black]}
  - {name: colour, type: category, values: [red, green, blue, yellow, purple, orange, white, black]}
  - {name: shape, type: category, values: [circle, square, triangle, bar]}
  - {name: count, type: uniform_int, low: 1, high: 5}
  - {name: caption, type: template, template: "{{ count }} {{ colour }} {{ shape }}s before {{ ground }}"}
  - {name: picture, type: image, model: painter, prompt: "{{ caption }}", width: 96, height: 96}
"""


@register_scene("pictures", "pictures of coloured shapes with true captions", most_rows=ROWS)
def make_pictures(seed: int, rows: int, folder: Path) -> Evidence:
    """`rows` pictures as files in `folder`."""
    import pandas as pd

    draw = np.random.Generator(np.random.Philox(seed))
    colours = np.array([draw.choice(list(COLOURS), 2, replace=False) for _ in range(rows)])
    frame = pd.DataFrame(
        {
            "picture_id": np.arange(rows),
            "ground": colours[:, 0],
            "colour": colours[:, 1],
            "shape": draw.choice(SHAPES, rows),
            "count": draw.integers(1, 6, rows),
        }
    )
    frame["caption"] = [
        f"{_NUMBERS[count - 1]} {colour} {shape}{'s' if count > 1 else ''} before a {ground} ground"
        for ground, colour, shape, count in frame[["ground", "colour", "shape", "count"]].itertuples(index=False)
    ]
    (folder / "media").mkdir()
    paths = []
    for row, (ground, colour, shape, count) in enumerate(
        frame[["ground", "colour", "shape", "count"]].itertuples(index=False)
    ):
        pixels = draw_picture(ground, colour, shape, count, draw)
        paths.append(save_picture(pixels, folder, f"{row}.png"))
    frame["picture"] = paths
    return build_evidence(SPEC, frame, seed, folder=folder)


def draw_picture(ground: str, colour: str, shape: str, count: int, draw: np.random.Generator) -> NDArray[np.uint8]:
    """`count` shapes at random places before a ground that is lit from one side, with grain; shape (96, 96, 3)."""
    across, down = np.meshgrid(np.linspace(-1, 1, PIXELS), np.linspace(-1, 1, PIXELS))
    angle = draw.uniform(0, 2 * np.pi)
    light = 1 + 0.25 * (np.cos(angle) * across + np.sin(angle) * down)
    pixels = np.array(COLOURS[ground], np.float64) * light[:, :, None]
    for _ in range(count):
        x, y = draw.uniform(-0.7, 0.7, 2)
        size = draw.uniform(0.2, 0.4)
        beside, below = (across - x) / size, (down - y) / size
        inside = {
            "circle": beside**2 + below**2 < 1,
            "square": np.maximum(abs(beside), abs(below)) < 0.9,
            "triangle": (below < 0.8) & (below > 2.2 * abs(beside) - 1),
            "bar": (abs(beside) < 0.3) & (abs(below) < 1.3),
        }[shape]
        pixels[inside] = np.array(COLOURS[colour]) * draw.uniform(0.85, 1.1)
    pixels += draw.normal(0, 6, pixels.shape)
    return np.asarray(np.clip(pixels, 0, 255).astype(np.uint8))


def save_picture(pixels: NDArray[np.uint8], folder: Path, name: str) -> str:
    """Write a PNG into the media of `folder` and give its path relative to it."""
    from PIL import Image

    path = Path("media") / name
    Image.fromarray(pixels).save(folder / path)
    return path.as_posix()
