"""A PNG of a scene: flat figures in the colours and places that the prompt names, with seeded places and grain.

Text and image of a pair then really agree, which is what a demo of such pairs must show. The bytes are the same for
the same release of Pillow and zlib; they hold no date.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.providers.offline.chance import Chance
from workbench.providers.offline.figures import Colour, draw_figure
from workbench.providers.offline.scenes import COLOURS, FIGURES, ON_ROADS, Group, Scene, read_scene
from workbench.providers.requests import ImageRequest

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_GRAIN = 4  # of 255, either way
_PALETTE = ("red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "cyan", "teal")
_SKIES = {"night": (18, 22, 44), "dusk": (196, 128, 110), None: (150, 196, 232)}
_GRASS = {"night": (18, 34, 24), "dusk": (84, 92, 56), None: (98, 150, 82)}
_ASPHALT = {"night": (38, 38, 42), "dusk": (82, 78, 80), None: (104, 104, 108)}


def draw_picture(request: ImageRequest) -> bytes:
    """The bytes of a PNG, RGB with 8 bits."""
    from PIL import Image, ImageDraw

    chance = Chance("image", request.seed)
    scene = read_scene(request.prompt)
    width, height = request.width, request.height
    ground = _pick_ground(scene, chance)
    image = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(image)
    if scene.road:
        _draw_road(draw, scene, width, height)
    groups = scene.groups or (() if scene.road else _invent(chance))
    _draw_groups(draw, scene, groups, ground, (width, height), chance)
    _draw_weather(draw, scene, width, height, chance)
    pixels = _add_grain(np.asarray(image), chance.bits(), veil=scene.weather == "fog")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=6)
    return file.getvalue()


def _pick_ground(scene: Scene, chance: Chance) -> Colour:
    if scene.background is not None:
        return COLOURS[scene.background]
    if scene.road or scene.light is not None:
        return _SKIES[scene.light]
    used = {group.colour for group in scene.groups}
    return COLOURS[chance.pick([name for name in ("white", "beige", "gray", "black") if name not in used])]


def _invent(chance: Chance) -> tuple[Group, ...]:
    """Something to look at where the prompt names nothing known."""
    shapes = sorted({figure for figure in FIGURES.values() if figure not in ON_ROADS})
    return tuple(
        Group(chance.pick(shapes), chance.between(1, 3), chance.pick(_PALETTE), 0.75, (place, 0))
        for place in range(chance.between(1, 3))
    )


def _draw_groups(
    draw: ImageDraw, scene: Scene, groups: tuple[Group, ...], ground: Colour, size: tuple[int, int], chance: Chance
) -> None:
    """Each group in its cell of the grid, so that no figure covers another."""
    if not groups:
        return
    lefts, tops = [group.cell[0] for group in groups], [group.cell[1] for group in groups]
    wide, high = max(lefts) - min(lefts) + 1, max(tops) - min(tops) + 1
    # On a road what drives and walks stands below the horizon.
    sky = 0.45 if scene.road and any(group.figure in ON_ROADS for group in groups) else 0.0
    top, cell_width, cell_height = size[1] * sky, size[0] / wide, size[1] * (1 - sky) / high
    used = {group.colour for group in groups} | {scene.background}
    for group in groups:
        free = [name for name in _PALETTE if name not in used and COLOURS[name] != ground]
        colour = COLOURS[group.colour or chance.pick(free or list(_PALETTE))]
        left = (group.cell[0] - min(lefts)) * cell_width
        _fill_cell(draw, group, colour, (left, top + (group.cell[1] - min(tops)) * cell_height),
                   (cell_width, cell_height), chance)  # fmt: skip


def _fill_cell(
    draw: ImageDraw,
    group: Group,
    colour: Colour,
    corner: tuple[float, float],
    size: tuple[float, float],
    chance: Chance,
) -> None:
    columns = min(group.count, max(1, round(math.sqrt(group.count * size[0] / size[1]))))
    rows = math.ceil(group.count / columns)
    width, height = size[0] / columns, size[1] / rows
    radius = 0.42 * min(width, height) * group.size * chance.uniform(0.85, 1.0)
    for number in range(group.count):
        row, column = divmod(number, columns)
        slack_x, slack_y = width / 2 - radius - 1, height / 2 - radius - 1
        x = corner[0] + (column + 0.5) * width + chance.uniform(-0.8, 0.8) * max(slack_x, 0)
        y = corner[1] + (row + 0.5) * height + chance.uniform(-0.8, 0.8) * max(slack_y, 0)
        draw_figure(draw, group.figure, x, y, radius, colour)


def _draw_road(draw: ImageDraw, scene: Scene, width: int, height: int) -> None:
    """Grass from the horizon on, and a road that runs towards it with a broken line."""
    horizon = round(height * 0.4)
    draw.rectangle((0, horizon, width, height), fill=_GRASS[scene.light])
    draw.polygon([(width * 0.44, horizon), (width * 0.56, horizon), (width * 0.95, height), (width * 0.05, height)],
                 fill=_ASPHALT[scene.light])  # fmt: skip
    for number in range(6):
        low, high = (number / 6) ** 1.5, ((number + 0.5) / 6) ** 1.5
        draw.line(
            (width / 2, horizon + (height - horizon) * low, width / 2, horizon + (height - horizon) * high),
            fill=(225, 225, 215),
            width=max(1, round(width * 0.012 * (0.3 + high))),
        )


def _draw_weather(draw: ImageDraw, scene: Scene, width: int, height: int, chance: Chance) -> None:
    for _ in range(90 if scene.weather in ("rain", "snow") else 0):
        x, y = chance.uniform(0, width), chance.uniform(0, height)
        if scene.weather == "rain":
            draw.line((x, y, x - width * 0.01, y + height * 0.04), fill=(188, 202, 222), width=1)
        else:
            size = max(1.0, width * 0.004)
            draw.ellipse((x - size, y - size, x + size, y + size), fill=(244, 246, 250))


def _add_grain(pixels: NDArray[np.uint8], seed: int, *, veil: bool) -> NDArray[np.uint8]:
    """The pixels, shape (height, width, 3), each a little lighter or darker; under a veil, half of it is fog."""
    height, width, _ = pixels.shape
    words = np.arange(height * width, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    grain = ((words >> np.uint64(33)) % np.uint64(2 * _GRAIN + 1)).astype(np.int16) - _GRAIN
    lit = pixels.astype(np.int16)
    if veil:
        lit = (lit + 205) // 2
    grained: NDArray[np.uint8] = np.clip(lit + grain.reshape(height, width, 1), 0, 255).astype(np.uint8)
    return grained
