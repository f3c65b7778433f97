"""Two curves: what adding synthetic rows to all real ones does, and what putting them in the place of real ones does.

They are different questions. Adding may help although each synthetic row is worth less than a real one; replacing
shows how much less. Each point is drawn several times, rows and model anew, since neighbouring points of one draw
differ by 0.01 of chance alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.quality.usefulness.arms import Arm, Encoder, Task, join_arms
from workbench.quality.usefulness.bootstrap import Resamples, adjust_by_holm
from workbench.quality.usefulness.models import Model, fit_and_score

SEEDS = 5
ADDED = (0.25, 1.0, 3.0, 10.0)
"""Synthetic rows added, as a multiple of the real ones."""
REPLACED = (0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
"""Share of the real rows that synthetic ones take the place of."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve against real rows alone: the mean figure over seeds and its spread, the mean gain with its
    standard error, and the p-value of no gain, adjusted for the points of its curve (Holm 1979)."""

    share: float
    mean: float
    spread: float
    gain: float
    error: float
    p_value: float

    @property
    def words(self) -> str:
        """helps, hurts, or no difference shown."""
        if self.p_value >= 0.05:
            return "no difference shown"
        return "helps" if self.gain > 0 else "hurts"


@dataclass(frozen=True, slots=True)
class Curves:
    """`alone` is what real rows reach without any other."""

    alone: Point
    added: list[Point]
    replaced: list[Point]


def draw_curves(
    task: Task, model: Model, arms: tuple[Arm, Arm, Arm], size: int, generator: np.random.Generator
) -> Curves:
    """Both curves with `size` real rows, of the arms (real, synthetic, test). Points for which there are not enough
    rows are left out.

    How much differs by the luck of the draw is measured on rows of both sides that are dealt anew into two arms.
    Categories are coded once for all points, which gives trees nothing of what rows they do not see hold.
    """
    real, made, test = arms
    pool = join_arms(real, made)
    encoder = Encoder.fit(task, pool.frame, one_hot=model.one_hot)
    rows, tests = encoder.transform(pool.frame), encoder.transform(test.frame)
    resamples = Resamples.draw(len(test), generator, 400)
    # The orders of rows are the same for all points of a seed, so that their differences are paired.
    orders = [
        (generator.permutation(len(real))[:size], len(real) + generator.permutation(len(made))) for _ in range(SEEDS)
    ]

    def reach(pick: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
        """Shape (seeds, draws + 1)."""
        found = []
        for seed, chosen in enumerate(pick):
            scores = fit_and_score(
                model, rows[chosen], pool.label[chosen], [tests], len(task.classes), encoder.categorical, seed
            )[0]
            found.append(task.measure(test, scores, resamples.weights))
        return np.asarray(found)

    alone = reach([first for first, _ in orders])
    deals = [generator.permutation(len(pool)) for _ in range(SEEDS)]
    dealt = reach([deal[:size] for deal in deals]) - reach([deal[size : 2 * size] for deal in deals])
    luck = float((dealt[:, 0] ** 2).mean()) / 2
    used = (size / len(real), min(1.0, size / len(made)))
    adding = [share for share in ADDED if round(share * size) <= len(made)]
    replacing = [share for share in REPLACED if round(share * size) <= len(made)]
    added = [reach([np.append(first, second[: round(share * size)]) for first, second in orders]) for share in adding]
    replaced = [
        reach([np.append(first[round(share * size) :], second[: round(share * size)]) for first, second in orders])
        for share in replacing
    ]
    return Curves(
        Point(0.0, float(alone[:, 0].mean()), float(alone[:, 0].std(ddof=1)), 0.0, 0.0, 1.0),
        _compare(adding, added, alone, [luck * _weigh_added(share, used) for share in adding], generator),
        _compare(replacing, replaced, alone, [luck * share * sum(used) for share in replacing], generator),
    )


def _weigh_added(ratio: float, used: tuple[float, float]) -> float:
    """How much of the luck of the draw is in a gain by rows added in this ratio, which resampling does not show.

    As if a model were the mean of what its rows say: the luck of the real ones then weighs 1 / (1 + ratio) instead of
    1, that of the added ones ratio / (1 + ratio), by as many rows. Of either, seeds show what is not `used` each time.
    """
    made = min(1.0, ratio * used[1])
    return (used[0] * ratio**2 + made * ratio) / (1 + ratio) ** 2


def _compare(
    shares: Sequence[float],
    reached: Sequence[NDArray[np.float64]],
    alone: NDArray[np.float64],
    luck: Sequence[float],
    generator: np.random.Generator,
) -> list[Point]:
    """Bootstrap of test rows and, nested in it, of seeds; p-values by Student's t.

    `luck` is the variance of what rows of one population reach, added since all seeds draw from the same few rows: how
    lucky these are is nothing that resampling them shows. It and the part of the seeds are known from few draws, which
    decides how many degrees of freedom there are (Satterthwaite 1946).
    """
    from scipy.stats import t

    if not shares:
        return []
    drawn_seeds = generator.integers(0, SEEDS, (alone.shape[1], SEEDS))
    gains, errors, p_values = [], [], []
    for each, lucky in zip(reached, luck, strict=True):
        difference = each - alone
        nested = difference[drawn_seeds, np.arange(alone.shape[1])[:, None]].mean(axis=1)[1:]
        of_seeds = float(difference[:, 0].var(ddof=1)) / SEEDS
        # Resampling n seeds shows (n - 1) / n of their variance.
        total = float(nested.var()) + of_seeds / SEEDS + lucky
        uncertain = of_seeds**2 / (SEEDS - 1) + lucky**2 / SEEDS
        freedom = total**2 / uncertain if uncertain > 0 else np.inf
        gain, error = float(difference[:, 0].mean()), float(np.sqrt(total))
        gains.append(gain)
        errors.append(error)
        p_values.append(2 * float(t.sf(abs(gain) / error, min(freedom, 1e6))) if error > 0 else float(gain == 0))
    adjusted = adjust_by_holm(np.array(p_values)).tolist()
    return [
        Point(share, float(each[:, 0].mean()), float(each[:, 0].std(ddof=1)), gain, error, p_value)
        for share, each, gain, error, p_value in zip(shares, reached, gains, errors, adjusted, strict=True)
    ]
