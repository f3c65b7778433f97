"""Are values of training rows met more often than chance explains?

Two kinds of chance are known: the same count on holdout rows, which nothing was learned from, and how often real
rows repeat one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.002
"""A test of this family that gives a smaller p-value speaks of a leak: five tests (copies, near copies, distances,
membership, values) at 0.01 together (Bonferroni)."""
_SUSPECT, _UNLIKELY = 0.005, 0.05


@dataclass(frozen=True, slots=True)
class Excess:
    """How many different values of (train, holdout) were met, of how many.

    `p` is the chance of as many in train if nothing was learned, from the holdout; `p_repeats` the same, from how
    often a value of one real row is that of another. `p_pairs` is 1 unless no two real rows have the same value.
    """

    matched: tuple[int, int]
    sizes: tuple[int, int]
    p: float
    p_repeats: float
    p_pairs: float

    def is_leak(self, tests: int = 1, *, may_repeat: bool = False) -> bool:
        """Far beyond the chance of the holdout, or beyond both kinds of chance; without a holdout by repeats alone.

        With `may_repeat` two real rows might well have the same value, and are not kept from it as keys are; then that
        no two have it is evidence too. `tests` is how many such questions are asked at once. A small holdout cannot
        show much by itself: 25 copies of 4,000 training rows against none of 1,000 held out have p = 0.004.
        """
        if not self.matched[0]:
            return False
        if not self.sizes[1]:
            return self.p_repeats < LEVEL / tests
        if self.p < LEVEL / tests or (self.p < _SUSPECT and self.p_repeats < LEVEL / tests):
            return True
        return may_repeat and self.p < _UNLIKELY and self.p_pairs < LEVEL / tests

    def describe(self, what: str) -> str:
        """The counts in words; `what` names the values in the plural."""
        found = f"{self.matched[0]:,} of {self.sizes[0]:,} training {what} met"
        if self.sizes[1]:
            found += f" against {self.matched[1]:,} of {self.sizes[1]:,} never seen"
        return found


def measure_excess(
    made: NDArray[Any], train: NDArray[Any], holdout: NDArray[Any], generator: np.random.Generator
) -> Excess:
    """Count the different values of `train` and of `holdout` among `made`, all of shape (rows,) and of one type.

    Where the holdout has more rows than train, as many of it are drawn: of more rows a smaller share of the different
    values is common, so the test would favour the smaller side.
    """
    if len(holdout) > len(train):
        holdout = holdout[np.sort(generator.choice(len(holdout), len(train), replace=False))]
    sides = np.unique(train), np.unique(holdout)
    matched = int(np.isin(sides[0], made).sum()), int(np.isin(sides[1], made).sum())
    sizes = len(sides[0]), len(sides[1])
    repeats = _test_repeats(made, train, holdout, generator) if matched[0] else 1.0
    pairs = 1.0
    if matched[0] and not matched[1] and len(sides[0]) == len(train) and len(sides[1]) == len(holdout):
        pairs = _test_pairs(matched[0], len(made), len(train), len(holdout))
        pairs = 1.0 if np.isin(sides[0], sides[1]).any() else pairs
    return Excess(matched, sizes, find_excess(matched, sizes), repeats, pairs)


def find_excess(matched: tuple[int, int], sizes: tuple[int, int]) -> float:
    """One-sided exact p-value that training rows are met more often than holdout rows.

    `matched` and `sizes` count different rows of (train, holdout). If nothing was copied, each matched row is one of
    train with chance train / (train + holdout), so the count in train is binomial; P(X >= k) is the incomplete beta
    function. Without a holdout nothing can be told: 1 where no row is matched, and 0 where one is.
    """
    from scipy.special import betainc

    count, total = matched[0], sum(matched)
    if count == 0:
        return 1.0
    if sizes[1] == 0:
        return 0.0
    return float(betainc(count, total - count + 1, sizes[0] / sum(sizes)))


def _test_repeats(
    made: NDArray[Any], train: NDArray[Any], holdout: NDArray[Any], generator: np.random.Generator
) -> float:
    """One-sided p-value that training values are met more often among `made` than among as many other real rows.

    Each training value is looked for twice, so what counts are those found on one side alone (McNemar 1947, exact).
    """
    from scipy.special import betainc

    pool = np.concatenate([train, holdout])
    rows = min(len(made), len(pool))
    values, first = np.unique(train, return_index=True)
    drawn = generator.choice(len(pool), rows, replace=False)
    others = pool[np.setdiff1d(drawn, first)]
    chosen = made[generator.choice(len(made), rows, replace=False)]
    among_made, among_others = np.isin(values, chosen), np.isin(values, others)
    count = int((among_made & ~among_others).sum())
    total = count + int((among_others & ~among_made).sum())
    return float(betainc(count, total - count + 1, 0.5)) if count else 1.0


def _test_pairs(met: int, made: int, train: int, holdout: int) -> float:
    """The chance that all pairs of equal rows are pairs of a synthetic and a training row, if any pair were as likely.

    There are `met` such pairs, and none of a synthetic and a holdout row or of two real rows.
    """
    real = train + holdout
    pairs = made * train
    return float((pairs / (pairs + made * holdout + real * (real - 1) / 2)) ** met)
