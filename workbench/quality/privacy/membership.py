"""The distance attack on membership: an attacker says that real rows near to a synthetic one were learned from.

It is a weak attacker, so what it finds is a lower bound; finding nothing proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.quality.detection import measure_auc

_FALSE_ALARMS = 0.01


@dataclass(frozen=True, slots=True)
class Attack:
    """`auc` with its 95 % interval; `tpr` is the share of members named, `named` of them, at 1 % of others, `wrong`."""

    auc: float
    interval: tuple[float, float]
    tpr: float | None
    named: int = 0
    wrong: int = 0


def attack_membership(members: NDArray[np.float32], others: NDArray[np.float32]) -> Attack:
    """How well distances to the nearest synthetic row, shape (rows,) of each side, tell members from others.

    AUC: the chance that a member is nearer than another, ties by half. The interval is that of DeLong et al. (1988),
    which a bootstrap of both sides gives too, for many times the work. The rate at 1 % is None below 100 others, where
    it is less than one row; where many are equally near, the attacker names some of them at random.
    """
    a, b = members.astype(np.float64), others.astype(np.float64)
    auc, interval = measure_auc(-a, -b)
    if len(others) < 1 / _FALSE_ALARMS:
        return Attack(auc, interval, None)
    cut = np.quantile(b, _FALSE_ALARMS)
    named, wrong = int((a <= cut).sum()), int((b <= cut).sum())
    if wrong <= 2 * _FALSE_ALARMS * len(b) + 1:
        return Attack(auc, interval, named / len(a), named, wrong)
    nearer, nearer_wrong = int((a < cut).sum()), int((b < cut).sum())
    share = (_FALSE_ALARMS * len(b) - nearer_wrong) / (wrong - nearer_wrong)  # of those at the cut, taken at random
    return Attack(auc, interval, (nearer + share * (named - nearer)) / len(a), nearer, nearer_wrong)


def find_rate_excess(attack: Attack, sizes: tuple[int, int], rate: float) -> float:
    """One-sided exact p-value that members are named more often than `rate`, at 1 % of others.

    `sizes` count members and others. Given how many rows are named at all, the members among them are binomial; so
    the chance in where the cut falls is part of the test.
    """
    from scipy.special import betainc

    if not attack.named:
        return 1.0
    share = rate * sizes[0] / (rate * sizes[0] + _FALSE_ALARMS * sizes[1])
    return float(betainc(attack.named, attack.wrong + 1, share))
