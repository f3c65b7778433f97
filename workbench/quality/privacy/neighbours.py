"""Nearest neighbours between synthetic, training and holdout rows, found once for all checks."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.quality.check import Finding
from workbench.quality.distances import Points, find_nearest
from workbench.quality.evidence import Evidence
from workbench.quality.personal import find_learned_columns

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 100
"""Below this many rows on any side, 1 % of them is less than a row."""
MOST_ROWS = 10_000
MOST_QUERIES = 5_000

Nearest = tuple[NDArray[np.float32], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Sides:
    """The points of a sample of each side. `rows` are the numbers of the synthetic ones."""

    names: list[str]
    rows: NDArray[np.int64]
    made: NDArray[np.float32]
    train: NDArray[np.float32]
    holdout: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Distances (and numbers) of nearest rows, shape (rows, 2) for the first four and (rows,) for the others.

    `queries` is how many synthetic rows were looked from. `shares` are the nearest rows in as many training as holdout
    rows: distances and numbers, shape (queries, 1), of each side; `equal` is how many these are.
    """

    sides: Sides
    queries: int
    made_to_train: Nearest
    made_to_holdout: Nearest
    holdout_to_train: Nearest
    train_to_holdout: Nearest
    train_to_made: NDArray[np.float32]
    holdout_to_made: NDArray[np.float32]
    shares: tuple[Nearest, Nearest]
    equal: int


def draw_sides(evidence: Evidence, most: int = MOST_ROWS) -> Sides | str | None:
    """At most `most` rows of each side as points.

    None where no column is a number or a category, so that there are no distances; where there are too few rows, what
    is missing in words.
    """
    real = evidence.real
    assert real is not None
    if not len(real.holdout):
        return "there is no holdout: no real rows that nothing was learned from"
    names = find_learned_columns(evidence)
    points = Points.fit(real.train, real.holdout, names)
    if not points.columns:
        return None
    counts = (len(evidence.frame), len(real.train), len(real.holdout))
    if min(counts) < FEWEST:
        return f"{min(counts)} rows on one side are too few, {FEWEST} are needed"
    most = min(most, evidence.gates.sample_rows)

    def draw(frame: pd.DataFrame, side: str) -> pd.DataFrame:
        return evidence.sample(frame[points.names], f"privacy {side}", most)

    made = draw(evidence.frame, "made")
    return Sides(
        points.names,
        made.index.to_numpy(np.int64),
        points.transform(made),
        points.transform(draw(real.train, "train")),
        points.transform(draw(real.holdout, "holdout")),
    )


def find_neighbours(evidence: Evidence) -> Neighbours | str | None:
    """The neighbours of a table's rows; None or words as of `draw_sides`. The last ones are kept for the next check."""
    global _last
    if _last is not None and _last[0]() is evidence:
        return _last[1]
    sides = draw_sides(evidence)
    found = _measure(sides, evidence) if isinstance(sides, Sides) else sides
    _last = (weakref.ref(evidence), found)
    return found


_last: tuple[weakref.ref[Evidence], Neighbours | str | None] | None = None


def _measure(sides: Sides, evidence: Evidence) -> Neighbours:
    draw = evidence.draw("privacy queries")

    def choose(points: NDArray[np.float32], most: int) -> NDArray[np.float32]:
        return points if len(points) <= most else points[np.sort(draw.choice(len(points), most, replace=False))]

    made, train, holdout = sides.made, sides.train, sides.holdout
    queries = made if len(made) <= MOST_QUERIES else made[_spread(len(made), MOST_QUERIES)]
    to_train, to_holdout = find_nearest(queries, train, 2), find_nearest(queries, holdout, 2)
    equal = min(len(train), len(holdout))
    if len(train) == len(holdout):
        shares = (_first(to_train), _first(to_holdout))
    else:
        shares = (find_nearest(queries, choose(train, equal)), find_nearest(queries, choose(holdout, equal)))
    return Neighbours(
        sides,
        len(queries),
        to_train,
        to_holdout,
        find_nearest(choose(holdout, MOST_QUERIES), train, 2),
        find_nearest(choose(train, MOST_QUERIES), holdout, 2),
        find_nearest(train, made)[0][:, 0],
        find_nearest(holdout, made)[0][:, 0],
        shares,
        equal,
    )


def _first(nearest: Nearest) -> Nearest:
    return nearest[0][:, :1], nearest[1][:, :1]


def _spread(rows: int, most: int) -> NDArray[np.int64]:
    """`most` row numbers at even steps: the rows are a sample already."""
    return np.arange(most, dtype=np.int64) * rows // most


def find_query_rows(neighbours: Neighbours) -> NDArray[np.int64]:
    """The numbers of the synthetic rows that were looked from, shape (queries,)."""
    rows = neighbours.sides.rows
    return rows if len(rows) == neighbours.queries else rows[_spread(len(rows), neighbours.queries)]


def explain_missing(
    name: str, question: str, evidence: Evidence, reason: str | None, gated: bool = False
) -> list[Finding]:
    """What a check answers without neighbours: nothing where no column has distances, else what is missing."""
    if reason is None and not gated:
        return []
    detail = reason or "no column is a number or a category, so there are no distances"
    fix = "Hold real rows out: set “holdout:” of the source." if "holdout" in detail else "Give more rows."
    return [Finding(name, question, "not assessed", len(evidence.frame), gated=gated, detail=detail, fix=fix)]


def tell_sample(evidence: Evidence, rows: int) -> str:
    """Words on how many of the synthetic rows were looked at, where it was not all of them."""
    return "" if len(evidence.frame) <= rows else f" (sample of {rows:,} rows)"
