"""Which of the many things known of an entity a copula should draw the next record from: those that say something.

Position, length and the times are nearly functions of one another. A copula that is conditioned on all of them follows
noise along directions in which real records hardly vary, and rare levels drift. So for each column to be drawn the
others are tried in turn, the one that explains most first, as long as Schwarz's criterion (Schwarz, 1978, “Estimating
the dimension of a model”) takes one more; what no column needs is left out. Fewer conditions are also drawn faster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.synthesizers.profile import RealTable

Matrix = NDArray[np.float64]

MOST_ROWS = 10_000
MOST_LEVELS = 12
"""Levels of a category that are looked at each for itself, the most frequent ones."""


def select_features(table: RealTable, targets: list[str]) -> list[str]:
    """The columns of `table` beside `targets` that one of these depends on, in order."""
    step = max(1, table.rows // MOST_ROWS)
    some = table.take(np.arange(0, table.rows, step))
    owners: list[str] = []
    columns: list[Matrix] = []
    for name in table.columns:
        if name not in targets:
            scores = _score_column(some, name)
            owners += [name] * scores.shape[1]
            columns.append(scores)
    if not owners:
        return []
    features = np.concatenate(columns, axis=1)
    chosen: set[str] = set()
    for name in targets:
        for target in _score_column(some, name).T:
            chosen |= {owners[place] for place in _select(features, target)}
    return [name for name in table.columns if name in chosen]


def _select(features: Matrix, target: Matrix) -> list[int]:
    """Places of columns, by forward selection with orthogonalised candidates; all are of mean 0 and variance 1 or 0."""
    rows = len(target)
    left, rest = features.copy(), target.copy()
    places: list[int] = []
    while len(places) < features.shape[1]:
        lengths = (left**2).sum(axis=0)
        usable = lengths > 1e-3 * rows
        total = float(rest @ rest)
        if not usable.any() or total <= 1e-9 * rows:
            break
        explained = np.where(usable, (rest @ left) ** 2 / np.maximum(lengths, 1e-9) / total, 0.0)
        best = int(np.argmax(explained))
        if -rows * np.log1p(-min(float(explained[best]), 1 - 1e-12)) <= np.log(rows):
            break
        places.append(best)
        axis = left[:, best] / np.sqrt(lengths[best])
        rest = rest - axis * (axis @ rest)
        left = left - np.outer(axis, axis @ left)
    return places


def _score_column(table: RealTable, name: str) -> Matrix:
    """The column as numbers of mean 0 and variance 1, shape (rows, scores): normal scores or levels, and nulls."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    column = table.profile.columns[name]
    missing = table.find_missing(name)
    scores = [missing.astype(np.float64)]
    if column.role == "category":
        codes = table.codes(name)
        scores += [(codes == level).astype(np.float64) for level in range(min(len(column.levels or ()), MOST_LEVELS))]
    elif column.role == "number":
        ranks = rankdata(table.numbers(name)[~missing])
        own = np.zeros(len(missing))
        own[~missing] = ndtri((ranks - 0.5) / max(1, len(ranks)))
        scores.append(own)
    matrix = np.stack(scores, axis=1)
    matrix -= matrix.mean(axis=0)
    spread = matrix.std(axis=0)
    kept = spread > 1e-9
    standard: Matrix = matrix[:, kept] / spread[kept]
    return standard
