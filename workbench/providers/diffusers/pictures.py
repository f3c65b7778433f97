"""From what a model draws to the picture that was asked for: its size, and its file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def choose_size(width: int, height: int, unit: int, min_side: int) -> tuple[int, int]:
    """The size to draw for a picture of `width` x `height` pixels: multiples of `unit`, and at least that large.

    A picture whose shorter side is below `min_side` is drawn larger in both directions alike.
    """
    scale = max(1.0, min_side / min(width, height))
    return -(-round(width * scale) // unit) * unit, -(-round(height * scale) // unit) * unit


def fit_picture(image: Image, width: int, height: int, unit: int) -> Image:
    """The middle of a picture, `width` x `height` pixels; scaled before, unless it is larger by less than `unit`."""
    from PIL import Image, ImageOps

    spare_x, spare_y = image.width - width, image.height - height
    if not (0 <= spare_x < unit and 0 <= spare_y < unit):
        return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    left, top = spare_x // 2, spare_y // 2
    return image.crop((left, top, left + width, top + height))


def encode_png(image: Image) -> bytes:
    """A PNG of RGB with 8 bits. It holds no time and no text, so equal pixels have equal files."""
    file = io.BytesIO()
    image.convert("RGB").save(file, "PNG", compress_level=6)
    return file.getvalue()
