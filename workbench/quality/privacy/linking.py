"""Linking and inferring: what the nearest synthetic row betrays of a person of whom something is known.

After Giomi et al. (2023). Linking: somebody holds two lists of people, with half of the columns each; a person's rows
are linked if both halves have the same nearest synthetic row. Inferring: somebody knows all of a person but one
column, and guesses that of the nearest synthetic row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.quality.distances import find_nearest
from workbench.quality.privacy.risk import Tries

Points = NDArray[np.float32]
_TOLERANCE = 0.05
"""How near a guessed number counts as right, relative to the true one."""


def link_halves(
    made: Points, train: Points, holdout: Points, spans: Sequence[slice], attacks: int, generator: np.random.Generator
) -> Tries:
    """At most `attacks` rows of each side, on two random halves of the columns; `spans` are these in the points."""
    if len(spans) < 2:
        return Tries(0, 0, 0, 0)
    order = generator.permutation(len(spans))
    halves = [_take(spans, part) for part in (order[: len(spans) // 2], order[len(spans) // 2 :])]
    hits = []
    tried = []
    for rows in (train, holdout):
        targets = rows[generator.permutation(len(rows))[:attacks]]
        found = [find_nearest(targets[:, half], made[:, half])[1][:, 0] for half in halves]
        hits.append(int((found[0] == found[1]).sum()))
        tried.append(len(targets))
    return Tries(hits[0], tried[0], hits[1], tried[1])


def infer_column(
    points: tuple[Points, Points, Points],
    secrets: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    span: slice,
    ordered: bool,
    attacks: int,
    generator: np.random.Generator,
) -> Tries:
    """Guess the column at `span` of at most `attacks` rows. Sides are (made, train, holdout), `secrets` their values.

    A category is guessed if it is the same, a number if it is within 5 % of the true one.
    """
    others = np.r_[0 : span.start, span.stop : points[0].shape[1]]
    made = points[0][:, others]
    hits = []
    tried = []
    for rows, truth in ((points[1], secrets[1]), (points[2], secrets[2])):
        chosen = generator.permutation(len(rows))[:attacks]
        nearest = find_nearest(rows[chosen][:, others], made)[1][:, 0]
        guess, right = secrets[0][nearest], truth[chosen]
        with np.errstate(invalid="ignore"):
            same = (np.abs(guess - right) <= _TOLERANCE * np.abs(right)) if ordered else (guess == right)
        hits.append(int((same | (np.isnan(guess) & np.isnan(right))).sum()))
        tried.append(len(chosen))
    return Tries(hits[0], tried[0], hits[1], tried[1])


def _take(spans: Sequence[slice], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.r_[spans[number]] for number in np.sort(chosen)])
