"""A picture in numbers: whether it decodes, shows anything, is sharp, and a hash that survives resizing.

All is measured on a copy of at most 512 pixels across, as a person would see it on a page.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.quality.media.files import Unreadable

if TYPE_CHECKING:
    from PIL.Image import Image

FLAT = 3.0
"""Of 255: a picture whose colours spread less than this is one colour to the eye (ours; grain of ±4 is below it)."""
BLURRED = 0.6
"""Of 1: an edge that is smoothed by less than 40 % when smoothed again was smooth before (ours, see `_find_blur`)."""
NEAR_BITS = 6
NEAR_COLOUR = 24.0
"""Two pictures are the same one, resized or compressed again, where their hashes differ in at most 6 of 64 bits and no
cell of 16 x 16 differs by 24 of 255 in a colour. Measured: twins at 60 % size as JPEG of quality 70 differ by at most
4 bits and 16; different pictures of one scene by as little as 2 bits, but by 31 and more."""

_FORMATS = (
    "PNG",
    "JPEG",
    "WEBP",
    "GIF",
    "BMP",
    "TIFF",
)  # those that Pillow decodes itself; no other program is started
_MOST_PIXELS = 64_000_000
_WIDEST = 512
_SPREAD_CELLS = 32
_COLOUR_CELLS = 16
_HASH_CELLS, _HASH_KEPT = 32, 8
_REBLUR = 11
_EXTREME = 16
_EXTREME_SHARE = 0.995


@dataclass(frozen=True, slots=True)
class Picture:
    """`fault` is “flat”, “black” or “white” where there is nothing to see, else empty.

    `spread` is the largest standard deviation of a colour over 32 x 32 cells, of 255; `blur` is 0 for sharp and 1 for
    blurred; `sharpness` is the variance of the Laplacian of the luminance. `hash` has 64 bits, and `colours` is of
    shape (16, 16, 3).
    """

    size: tuple[int, int]
    mode: str
    spread: float
    brightness: float
    blur: float
    sharpness: float
    hash: np.uint64
    colours: NDArray[np.float32]
    fault: str


def open_picture(content: bytes) -> tuple[Image, str]:
    """The picture in RGB, on white where it is transparent, and its own mode. Raises Unreadable for what is none."""
    from PIL import Image

    broken = (
        OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, MemoryError,
        EOFError, struct.error, zlib.error, Image.DecompressionBombError,
    )  # fmt: skip
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise Unreadable("too large")
            mode = opened.mode
            if opened.has_transparency_data:
                over = opened.convert("RGBA")
                ground = Image.new("RGBA", over.size, (255, 255, 255, 255))
                return Image.alpha_composite(ground, over).convert("RGB"), mode
            return opened.convert("RGB"), mode
    except broken as error:
        raise Unreadable("not decodable") from error


def measure_picture(content: bytes) -> Picture:
    """The figures of a picture file. Raises Unreadable for what is none."""
    from PIL import Image
    from scipy.ndimage import laplace

    picture, mode = open_picture(content)
    size = picture.size
    factor = max(1, max(size) // _WIDEST)
    if factor > 1:
        picture = picture.reduce(factor)
    grey = picture.convert("L")
    light = np.asarray(grey, np.float32)
    cells = np.asarray(picture.resize((_SPREAD_CELLS, _SPREAD_CELLS), Image.Resampling.BOX), np.float32)
    spread = float(cells.reshape(-1, 3).std(axis=0).max())
    return Picture(
        size=size,
        mode=mode,
        spread=spread,
        brightness=float(light.mean()),
        blur=_find_blur(light),
        sharpness=float(laplace(light).var()),
        hash=_hash_picture(grey),
        colours=np.asarray(picture.resize((_COLOUR_CELLS, _COLOUR_CELLS), Image.Resampling.BOX), np.float32),
        fault=_find_fault(light, spread),
    )


def find_twins(pictures: list[Picture]) -> NDArray[np.bool_]:
    """For each picture whether it is nearly the same as an earlier one, shape (pictures,)."""
    repeats = np.zeros(len(pictures), np.bool_)
    if len(pictures) < 2:
        return repeats
    hashes = np.array([picture.hash for picture in pictures], np.uint64)
    colours = np.stack([picture.colours for picture in pictures])
    for place in range(1, len(pictures)):
        near = np.flatnonzero(np.bitwise_count(hashes[:place] ^ hashes[place]) <= NEAR_BITS)
        if len(near):
            apart = np.abs(colours[near] - colours[place]).reshape(len(near), -1).max(axis=1)
            repeats[place] = bool((apart < NEAR_COLOUR).any())
    return repeats


def _find_fault(light: NDArray[np.float32], spread: float) -> str:
    if float((light <= _EXTREME).mean()) >= _EXTREME_SHARE:
        return "black"
    if float((light >= 255 - _EXTREME).mean()) >= _EXTREME_SHARE:
        return "white"
    return "flat" if spread < FLAT else ""


def _find_blur(light: NDArray[np.float32]) -> float:
    """How little a picture changes when it is blurred: the share of its steps between neighbours that stays.

    Crété, Dolmiere, Ladret, Nicolas: The blur effect: perception and estimation with a new no-reference perceptual blur
    metric, 2007. Unlike the variance of the Laplacian it does not depend on how many edges there are. A picture without
    any step counts as sharp: it is flat, which is another fault.
    """
    from scipy.ndimage import uniform_filter1d

    worst = 0.0
    for axis in (0, 1):
        steps = np.abs(np.diff(light, axis=axis))
        after = np.abs(np.diff(uniform_filter1d(light, _REBLUR, axis=axis), axis=axis))
        total = float(steps.sum())
        if total > 0:
            worst = max(worst, 1.0 - float(np.maximum(steps - after, 0).sum()) / total)
    return worst


def _hash_picture(grey: Any) -> np.uint64:
    """The perceptual hash of a grey picture: which of the 8 x 8 lowest frequencies of its cosine transform are above
    their median (Zauner: Implementation and Benchmarking of Perceptual Image Hash Functions, 2010)."""
    from PIL import Image
    from scipy.fft import dctn

    small = np.asarray(grey.resize((_HASH_CELLS, _HASH_CELLS), Image.Resampling.LANCZOS), np.float32)
    low = dctn(small, norm="ortho")[:_HASH_KEPT, :_HASH_KEPT].ravel()
    return np.uint64(np.packbits(low > np.median(low)).view(">u8")[0])
