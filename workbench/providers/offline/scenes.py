"""What a prompt asks to be drawn, as data: figures with counts, colours and places, a background, or a road.

Only listed words are understood. A figure is read with what stands before it: “two large red circles”. The words
between two figures give their places: “left of”, “right of”, “above”, “below”.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40), "green": (40, 160, 70), "blue": (40, 90, 210), "yellow": (245, 205, 50),
    "orange": (240, 130, 30), "purple": (130, 60, 170), "pink": (240, 140, 180), "brown": (130, 80, 40),
    "black": (20, 20, 20), "white": (245, 245, 245), "gray": (130, 130, 130), "grey": (130, 130, 130),
    "cyan": (50, 190, 210), "teal": (20, 130, 130), "beige": (232, 220, 190), "navy": (20, 30, 90),
}  # fmt: skip
COUNTS = {
    "a": 1, "an": 1, "one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
SIZES = {"tiny": 0.35, "small": 0.5, "little": 0.5, "medium": 0.75, "large": 1.0, "big": 1.0, "huge": 1.0}
FIGURES = {
    "circle": "circle", "dot": "circle", "ball": "circle", "disc": "circle", "square": "square", "box": "square",
    "rectangle": "rectangle", "triangle": "triangle", "star": "star", "diamond": "diamond", "hexagon": "hexagon",
    "pentagon": "pentagon", "ring": "ring", "cross": "cross", "car": "car", "truck": "truck", "pedestrian": "person",
    "person": "person", "child": "person", "man": "person", "woman": "person", "cyclist": "cyclist",
    "bicycle": "cyclist", "bike": "cyclist", "tree": "tree", "house": "house", "sun": "sun", "moon": "moon",
}  # fmt: skip
PLURALS = {"children": "child", "people": "person", "men": "man", "women": "woman", "boxes": "box", "crosses": "cross"}
ON_ROADS = frozenset({"car", "truck", "person", "cyclist"})
_ROADS = frozenset({"road", "street", "motorway", "highway", "crossing", "crosswalk", "junction"})
_WEATHER = {"rain": "rain", "rainy": "rain", "raining": "rain", "wet": "rain", "snow": "snow", "snowy": "snow",
            "snowing": "snow", "fog": "fog", "foggy": "fog", "mist": "fog", "misty": "fog"}  # fmt: skip
_LIGHT = {"night": "night", "dark": "night", "dusk": "dusk", "dawn": "dusk", "evening": "dusk", "sunset": "dusk"}
_RELATIONS = {"left": (1, 0), "right": (-1, 0), "above": (0, 1), "over": (0, 1), "below": (0, -1), "under": (0, -1),
              "beneath": (0, -1)}  # fmt: skip
_MOST = 12
_WORD = re.compile(r"[a-z]+|\d+")
_GROUND = re.compile(
    r"([a-z]+)\s+(?:colou?red\s+)?(?:background|backdrop|ground|canvas)|background\s+(?:is|in|of)\s+([a-z]+)"
)


@dataclass(frozen=True, slots=True)
class Group:
    """Equal figures: `colour` is None where the prompt names none. `cell` is (column, row) of a grid, any integers."""

    figure: str
    count: int
    colour: str | None
    size: float
    cell: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scene:
    """`background` is the name of a colour, `weather` rain, snow or fog, `light` night or dusk; None where unsaid."""

    groups: tuple[Group, ...]
    background: str | None = None
    road: bool = False
    weather: str | None = None
    light: str | None = None


@dataclass(slots=True)
class _Reading:
    """What has been read since the last figure."""

    count: int | None = None
    colour: str | None = None
    size: float = 0.75
    relation: tuple[int, int] | None = None
    groups: list[Group] = field(default_factory=list)


@lru_cache(maxsize=1024)
def read_scene(prompt: str) -> Scene:
    """The scene of a prompt; without a known word it has no groups."""
    text = prompt.lower()
    found = [next(word for word in pair if word) for pair in _GROUND.findall(text)]
    background = next((word for word in found if word in COLOURS), None)
    reading = _Reading()
    words = _WORD.findall(_GROUND.sub(" ", text))
    for word in words:
        _read_word(word, reading)
    return Scene(
        tuple(reading.groups),
        background,
        any(word in _ROADS for word in words),
        next((_WEATHER[word] for word in words if word in _WEATHER), None),
        next((_LIGHT[word] for word in words if word in _LIGHT), None),
    )


def _read_word(word: str, reading: _Reading) -> None:
    if word in COUNTS:
        reading.count = COUNTS[word]
    elif word.isdigit():
        reading.count = max(1, min(int(word[:3]), _MOST))
    elif word in COLOURS:
        reading.colour = word
    elif word in SIZES:
        reading.size = SIZES[word]
    elif word in _RELATIONS:
        reading.relation = _RELATIONS[word]
    else:
        word = PLURALS.get(word, word)
        plural = word not in FIGURES and word.endswith("s") and word[:-1] in FIGURES
        figure = FIGURES.get(word[:-1] if plural else word)
        if figure is None:
            return
        count = reading.count or (2 if plural else 1)
        cell = _find_cell(reading)
        reading.groups.append(Group(figure, count, reading.colour, reading.size, cell))
        reading.count = reading.colour = reading.relation = None
        reading.size = 0.75


def _find_cell(reading: _Reading) -> tuple[int, int]:
    """Beside the last group, on the side that the words between them say; else to its right."""
    if not reading.groups:
        return (0, 0)
    across, down = reading.relation or (1, 0)
    taken = {group.cell for group in reading.groups}
    column, row = reading.groups[-1].cell
    while (column, row) in taken:
        column, row = column + across, row + down
    return column, row
