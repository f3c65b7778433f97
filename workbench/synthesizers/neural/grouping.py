"""Levels of a category in at most a hundred groups, so that a network's size does not depend on how many there are.

Frequent levels are groups of their own. The others share buckets with levels whose rows are alike in the rest of the
table; a network decides on the bucket, and within it a level is drawn by its real share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_GROUPS = 100
"""Categories with at most so many levels are kept level by level."""

BUCKETS = 36
"""Buckets for the levels that are not frequent."""

SHRINKAGE = 10.0
"""Rows by which a level's mean is drawn towards that of all levels: a level seen twice says little (ridge prior)."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelGroups:
    """`group_of` and `shares`, both of shape (levels,): the group of each level and its share among the values."""

    group_of: NDArray[np.int32]
    shares: NDArray[np.float64]

    @property
    def count(self) -> int:
        """How many groups there are."""
        return int(self.group_of.max()) + 1 if len(self.group_of) else 0

    def sum_shares(self) -> NDArray[np.float64]:
        """The share of each group, shape (groups,)."""
        return np.bincount(self.group_of, self.shares, self.count).astype(np.float64)

    def draw_levels(self, groups: NDArray[np.int64], uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """A level of each group, by its share within the group; `uniforms` in [0, 1) has the shape of `groups`."""
        if self.count == len(self.group_of):
            alone = np.empty(self.count, np.int64)
            alone[self.group_of] = np.arange(self.count)
            return alone[groups]
        order = np.argsort(self.group_of, kind="stable")
        ends = np.cumsum(self.shares[order])
        sizes = np.bincount(self.group_of, minlength=self.count)
        last = np.cumsum(sizes) - 1
        first = last - sizes + 1
        starts = np.where(first > 0, ends[first - 1], 0.0)
        target = starts[groups] + uniforms * (ends[last] - starts)[groups]
        places = np.clip(np.searchsorted(ends, target, side="right"), first[groups], last[groups])
        return order[places]


def group_levels(
    shares: NDArray[np.float64], features: NDArray[np.float64] | None, counts: NDArray[np.float64]
) -> LevelGroups:
    """Group levels, the most frequent first, with `shares` of shape (levels,).

    `features` (levels, features) are sums over the `counts` rows of each level of what the rest of their rows looks
    like; None groups by frequency alone, which looks at no row.
    """
    levels = len(shares)
    if levels <= MOST_GROUPS:
        return LevelGroups(np.arange(levels, dtype=np.int32), shares)
    alone = MOST_GROUPS - BUCKETS
    group_of = np.arange(levels, dtype=np.int32)
    weights = shares[alone:]
    if features is None or not features.shape[1]:
        ends = np.cumsum(weights)
        buckets = np.minimum((ends - weights / 2) / ends[-1] * BUCKETS, BUCKETS - 1).astype(np.int32)
        buckets = np.unique(buckets, return_inverse=True)[1].astype(np.int32)
    else:
        centre = features.sum(0) / counts.sum()
        means = (features + SHRINKAGE * centre) / (counts[:, None] + SHRINKAGE)
        buckets = _split_levels(means[alone:], weights)
    group_of[alone:] = alone + buckets
    return LevelGroups(group_of, shares)


def _split_levels(means: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.int32]:
    """Buckets by splitting, again and again, the one with the most spread at the weighted median of its widest axis."""
    parts = [np.arange(len(means))]
    spreads = [_find_spread(means, weights)]
    while len(parts) < min(BUCKETS, len(means)):
        at = int(np.argmax([spread for spread, _ in spreads]))
        part, (_, axis) = parts[at], spreads[at]
        if len(part) < 2:
            break
        order = part[np.argsort(means[part, axis], kind="stable")]
        ends = np.cumsum(weights[order])
        cut = int(np.clip(np.searchsorted(ends, ends[-1] / 2) + 1, 1, len(order) - 1))
        for index, half in ((at, order[:cut]), (len(parts), order[cut:])):
            spread = _find_spread(means[half], weights[half])
            if index < len(parts):
                parts[index], spreads[index] = half, spread
            else:
                parts.append(half)
                spreads.append(spread)
    buckets = np.empty(len(means), np.int32)
    for number, part in enumerate(parts):
        buckets[part] = number
    return buckets


def _find_spread(means: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, int]:
    """The weighted sum of squares along the widest axis and that axis; -1 where there is nothing to split."""
    if len(means) < 2:
        return -1.0, 0
    centre = np.average(means, axis=0, weights=weights + 1e-12)
    squares = (weights + 1e-12) @ np.square(means - centre)
    axis = int(np.argmax(squares))
    return float(squares[axis]), axis
