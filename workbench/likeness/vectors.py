"""Near duplicates by meaning: the cosine of the vectors of two texts, compared with all earlier ones.

Vectors are kept as float32 of length 1: 1.5 kB for one of 384 numbers. A vector of zeros is like nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError

Vector = NDArray[np.float32]

_CHUNK = 16_384
_FIRST_ROOM = 256


class VectorIndex:
    """Vectors, and whether a new one has a cosine above `max_similarity` to one of them."""

    def __init__(self, max_similarity: float) -> None:
        self.max_similarity = max_similarity
        self._room: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def has_near(self, vector: Vector) -> bool:
        """Whether one of the vectors is more alike than allowed. Raises WorkbenchError if it has another length."""
        self._check(vector)
        for start in range(0, self._count, _CHUNK):
            stop = min(start + _CHUNK, self._count)
            if float((self._room[start:stop] @ vector).max()) > self.max_similarity:
                return True
        return False

    def add(self, vector: Vector) -> None:
        """Add a vector. Raises WorkbenchError if it has another length than the others."""
        self._check(vector)
        if self._count == len(self._room):
            grown = np.empty((max(_FIRST_ROOM, 2 * self._count), len(vector)), np.float32)
            grown[: self._count] = self._room[: self._count] if self._count else 0
            self._room = grown
        self._room[self._count] = vector
        self._count += 1

    def shorten(self, count: int) -> None:
        """Forget all vectors but the first `count`."""
        self._count = min(self._count, count)

    def _check(self, vector: Vector) -> None:
        if self._count and len(vector) != self._room.shape[1]:
            raise WorkbenchError(
                f"A model made a vector of {len(vector)} numbers after vectors of {self._room.shape[1]}.",
                "Name a model whose vectors all have the same length.",
            )


def scale_vector(numbers: Sequence[float]) -> Vector:
    """The vector at length 1; zeros stay zeros."""
    exact = np.array(numbers, np.float64)
    length = float(np.linalg.norm(exact))
    return (exact / length if length else exact).astype(np.float32)
