"""The risk of an attack: how much more often it succeeds on training rows than on rows that nothing was learned from.

The definition is that of Giomi et al., "A Unified Framework for Quantifying Privacy Risk in Synthetic Data" (2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.quality.rows import centre_share

VOID = 0.90
"""Above this rate of success on rows never seen an attack tells nothing: what it guesses is known anyway, and dividing
by what is left of 1 turns chance into a risk. At 0.95 three of 170 splits of a real table were warned of."""
WARN_RISK = 0.10
_SURE = 3.3


@dataclass(frozen=True, slots=True)
class Tries:
    """One round of attacks: how many succeeded, of how many, on training rows and as control on holdout rows."""

    hits: int
    attacks: int
    control_hits: int
    control_attacks: int


@dataclass(frozen=True, slots=True)
class Risk:
    """`value` with its 95 % interval, the rates of success behind it, and whether it is above zero beyond chance."""

    value: float
    interval: tuple[float, float]
    attack: float
    control: float
    attacks: int
    is_sure: bool

    @property
    def is_high(self) -> bool:
        """Whether the lower end of the interval is above 0.10."""
        return self.is_sure and self.interval[0] > WARN_RISK


def measure_risk(rounds: Sequence[Tries], *, rows: int | None = None, spread: float = 0.0) -> Risk | None:
    """(a - c) / (1 - c) with a the rate on training and c that on holdout rows; None where c says nothing is secret.

    The value is the median of the rounds, as one round depends on the attacks it drew. The interval takes all rounds
    together: Wilson's for both rates, carried on to the risk to first order. Where rounds attack the same `rows` of a
    side again, there are no more than these; `spread`, a standard deviation of a - c, is the least it may be.
    """
    rounds = [each for each in rounds if each.attacks and each.control_attacks]
    if not rounds:
        return None
    hits, attacks = sum(each.hits for each in rounds), sum(each.attacks for each in rounds)
    control_hits, controls = sum(each.control_hits for each in rounds), sum(each.control_attacks for each in rounds)
    attack, control = hits / attacks, control_hits / controls
    if control > VOID:
        return None
    a, a_error = centre_share(attack, min(attacks, rows or attacks))
    c, c_error = centre_share(control, min(controls, rows or controls))
    error = float(np.hypot(a_error / (1 - c), c_error * (1 - a) / (1 - c) ** 2))
    error = max(error, 1.96 * spread / (1 - c))
    centre = (a - c) / (1 - c)
    value = max(0.0, float(np.median([_find_risk(each) for each in rounds])))
    interval = min(value, max(0.0, centre - error)), max(value, min(1.0, centre + error))
    return Risk(value, interval, attack, control, attacks, centre - error / 1.96 * _SURE > 0)


def _find_risk(tries: Tries) -> float:
    a, c = tries.hits / tries.attacks, tries.control_hits / tries.control_attacks
    return (a - c) / (1 - c) if c < 1 else 0.0
