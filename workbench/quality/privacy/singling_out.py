"""Singling out: does a description that fits one synthetic row alone fit one training row alone?

Descriptions are made from the synthetic rows, as in Giomi et al. (2023). Of one column: the only row with a value, or
with the smallest or largest. Of several: values of a row in random columns, numbers as "at least" or "at most", away
from the median. Each is then tried on as many training and holdout rows.

Descriptions are alike, in tables of few columns nearly all of them, so they succeed and fail together. How far the two
sides differ by chance is therefore found by permuting which rows are training rows, not by counting descriptions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.quality.privacy.risk import Tries

Table = NDArray[np.float64]
"""Shape (columns, rows). Categories are the numbers of their levels."""

Description = tuple[tuple[int, str, float], ...]
"""Column, how it is compared, and the value, for each of its terms."""

_COLUMNS = (3, 4, 5)
_DRAWS_PER_ATTACK = 12
_PERMUTATIONS = 200


def describe_by_one(
    made: Table, ordered: NDArray[np.bool_], attacks: int, generator: np.random.Generator
) -> list[Description]:
    """At most `attacks` descriptions of one column. `ordered` tells which columns are numbers, shape (columns,)."""
    found: list[Description] = []
    for number, column in enumerate(made):
        values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        if int(np.isnan(column).sum()) == 1:
            found.append(((number, "missing", 0.0),))
        if len(values) and ordered[number]:
            found += [((number, "least", float(values[0])),)] * int(counts[0] == 1)
            found += [((number, "most", float(values[-1])),)] * int(counts[-1] == 1)
        found += [((number, "equal", float(value)),) for value in values[counts == 1]]
    return [found[index] for index in generator.permutation(len(found))[:attacks]]


def describe_by_several(
    made: Table, ordered: NDArray[np.bool_], attacks: int, generator: np.random.Generator
) -> list[Description]:
    """At most `attacks` different descriptions of 3 to 5 columns, from a dozen times as many draws."""
    columns = len(made)
    if columns < 2:
        return []
    medians = [float(np.median(column[~np.isnan(column)])) if not np.isnan(column).all() else 0.0 for column in made]
    found: dict[Description, None] = {}
    draws = attacks * _DRAWS_PER_ATTACK
    rows = generator.integers(made.shape[1], size=draws)
    orders = generator.random((draws, columns)).argsort(axis=1)
    counts = np.minimum(generator.choice(_COLUMNS, draws), columns)
    for draw, row in enumerate(rows):
        if len(found) == attacks or (draw == attacks and not found):
            break
        chosen = np.sort(orders[draw, : counts[draw]])
        terms = tuple(
            _describe(int(number), float(made[number, row]), medians[number], bool(ordered[number]))
            for number in chosen
        )
        if len(_find_matches(made, terms)) == 1:
            found[terms] = None
    return list(found)


def try_descriptions(
    rounds: Sequence[Sequence[Description]], train: Table, holdout: Table, generator: np.random.Generator
) -> tuple[list[Tries], float]:
    """How many descriptions of each round fit one row alone on each side, and the spread of chance.

    The spread is the standard deviation, over permutations of the rows of both sides, of the difference of the two
    rates of success of all rounds together.
    """
    both = np.concatenate([train, holdout], axis=1)
    matches = [_find_matches(both, description) for each in rounds for description in each]
    total = len(matches)
    if not total:
        return [Tries(0, 0, 0, 0) for _ in rounds], 0.0
    rows = np.concatenate(matches)
    owners = np.repeat(np.arange(total), [len(each) for each in matches])
    sizes = np.bincount(owners, minlength=total)
    in_train = np.arange(both.shape[1]) < train.shape[1]

    def find_hits(labels: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        fitting = np.bincount(owners, weights=labels[rows], minlength=total)
        return fitting == 1, sizes - fitting == 1

    hits, control_hits = find_hits(in_train)
    tries = []
    start = 0
    for each in rounds:
        part = slice(start, start + len(each))
        tries.append(Tries(int(hits[part].sum()), len(each), int(control_hits[part].sum()), len(each)))
        start += len(each)
    differences = []
    for _ in range(_PERMUTATIONS):
        permuted = find_hits(generator.permutation(in_train))
        differences.append(float(permuted[0].mean() - permuted[1].mean()))
    return tries, float(np.std(differences))


def _describe(number: int, value: float, median: float, ordered: bool) -> tuple[int, str, float]:
    if np.isnan(value):
        return number, "missing", 0.0
    if not ordered:
        return number, "equal", value
    return number, "most" if value > median else "least", value


def _find_matches(rows: Table, description: Description) -> NDArray[np.int64]:
    """The numbers of the rows that a description fits."""
    matched = _match(rows, *description[0])
    for term in description[1:]:
        matched &= _match(rows, *term)
    return np.flatnonzero(matched)


def _match(rows: Table, number: int, how: str, value: float) -> NDArray[np.bool_]:
    column = rows[number]
    if how == "missing":
        return np.asarray(np.isnan(column))
    if how == "equal":
        return np.asarray(column == value)
    return np.asarray(column >= value if how == "most" else column <= value)
