"""What a defect is: a change that spoils clean data in one way, the checks it must trip and those that it may.

A scene makes the clean data; defects of a scene register themselves in the modules of `defects`. What a defect may
trip besides is named with the reason, so that a check that warns of everything is not taken for a good one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from workbench.quality.evidence import Evidence
from workbench.spec.registry import Registry

MakeScene = Callable[[int, int, Path], Evidence]
"""(seed, rows, folder for files) to clean evidence."""
Plant = Callable[[Evidence, np.random.Generator], Evidence]


@dataclass(frozen=True, slots=True)
class Scene:
    """Clean data of one kind. `most_rows` is as many rows as it needs, where it does not need those of a table."""

    name: str
    description: str
    make: MakeScene
    most_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Defect:
    """`plant` spoils evidence of `scene`; every check of `expected` has to trip on it.

    `consequences` maps names of further checks, or patterns of them such as `usefulness.*`, to the reason why the
    defect rightly trips them.
    """

    name: str
    description: str
    scene: str
    plant: Plant
    expected: tuple[str, ...]
    consequences: Mapping[str, str]

    def allows(self, check: str) -> bool:
        """Whether a check may trip on this defect."""
        return any(fnmatchcase(check, pattern) for pattern in (*self.expected, *self.consequences))


SCENES: Registry[Scene] = Registry("workbench.quality_scenes")
DEFECTS: Registry[Defect] = Registry("workbench.quality_defects")


def register_scene(name: str, description: str, *, most_rows: int | None = None) -> Callable[[MakeScene], MakeScene]:
    """Decorator that makes a function of (seed, rows, folder) the scene of that name."""

    def register(make: MakeScene) -> MakeScene:
        SCENES.add(name, Scene(name, description, make, most_rows))
        return make

    return register


def register_defect(
    name: str,
    description: str,
    *,
    scene: str,
    trips: tuple[str, ...],
    consequences: Mapping[str, str] | None = None,
) -> Callable[[Plant], Plant]:
    """Decorator that makes a function of (clean evidence, random numbers) the defect of that name."""

    def register(plant: Plant) -> Plant:
        DEFECTS.add(name, Defect(name, description, scene, plant, trips, consequences or {}))
        return plant

    return register
