"""How well a picture shows what a text says, judged by colours, light and weather alone.

Each of these that the text names is looked for among the pixels, in the shades that this provider draws with. It knows
nothing of shapes, and pictures from elsewhere have other shades: a real model judges those.
"""

from __future__ import annotations

import io
import re

import numpy as np
from numpy.typing import NDArray

from workbench.providers.offline.scenes import COLOURS, read_scene

_UNKNOWN = 0.5
"""The score where the text names nothing that can be looked for."""
_NEAR = 14  # of 255, in each channel: more than the grain, less than between two shades
_ENOUGH = 0.002  # of the pixels: a small figure of many
_SMALLEST = 4  # pixels, for pictures in which that share is less
_DARK = 90.0  # of 255: the mean brightness of a night
_VEIL = 205
_WORD = re.compile(r"[a-z]+")
_SHADES = {"dusk": ((196, 128, 110),), "rain": ((188, 202, 222),), "snow": ((244, 246, 250), (245, 245, 245))}


def compare_picture(image: bytes, text: str) -> float:
    """The share of what the text names that the picture (PNG or JPEG) really shows, from 0 to 1.

    One half where the text names no colour, light or weather, and 0 where the file is no picture.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(image)) as opened:
            pixels = np.asarray(opened.convert("RGB")).reshape(-1, 3).astype(np.int16)
    except (UnidentifiedImageError, OSError):
        return 0.0
    scene = read_scene(text)
    fog = scene.weather == "fog"
    wanted = {COLOURS[word] for word in _WORD.findall(text.lower()) if word in COLOURS}
    found = [_holds(pixels, colour, veiled=fog) for colour in sorted(wanted)]
    found += [_shows(pixels, sign) for sign in (scene.light, scene.weather) if sign is not None]
    return sum(found) / len(found) if found else _UNKNOWN


def _holds(pixels: NDArray[np.int16], colour: tuple[int, int, int], *, veiled: bool = False) -> bool:
    """Whether enough pixels, of shape (count, 3), have nearly this colour; `veiled`, or what fog leaves of it."""
    shades = [colour, tuple((part + _VEIL) // 2 for part in colour)] if veiled else [colour]
    enough = max(_SMALLEST, int(len(pixels) * _ENOUGH))
    return any(
        int(np.count_nonzero((np.abs(pixels - np.array(shade, np.int16)) <= _NEAR).all(axis=1))) >= enough
        for shade in shades
    )


def _shows(pixels: NDArray[np.int16], sign: str) -> bool:
    """Whether the picture has the light or the weather `sign`."""
    if sign == "night":
        return float(pixels.mean()) < _DARK
    if sign == "fog":
        # Half of each pixel is the veil, so that nothing is darker than half of it.
        return int(np.percentile(pixels, 1)) >= _VEIL // 2 - _NEAR
    return any(_holds(pixels, shade) for shade in _SHADES[sign])
