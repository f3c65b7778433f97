"""The privacy budget: how much noise a release needs, and what all releases and training steps cost together.

Every epsilon is computed by Opacus, never here. Its PRV accountant composes privacy loss random variables numerically
(Gopi, Lee and Wutschitz, “Numerical Composition of Differential Privacy”, 2021, arXiv:2106.02848) and gives an upper
bound, some 10 % below that of Rényi accounting for one release and for DP-SGD alike. Rényi accounting (Mironov, Talwar
and Zhang, 2019, arXiv:1908.10530) takes its place where the numerical one fails, as it may at extreme settings.

Parts of the budget are told as shares, because epsilons do not add up but the precisions 1/sigma² of Gaussian releases
do, exactly (Dong, Roth and Su, “Gaussian Differential Privacy”, 2022, corollary 3.3): a release with a share of 0.1
gets a tenth of the precision that one single release of the whole budget would have. So all Gaussian releases are one
to the accountant, however many and however small they are, which also keeps it exact where the noise of each is large.
"""

from __future__ import annotations

import contextlib
import math
import uuid
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError

THRESHOLD_SHARE = 0.1
"""The part of delta kept for thresholds, under which levels that few rows have are not released."""

_History = list[tuple[float, float, int]]
"""What Opacus accounts: noise multiplier, sampling rate and steps."""

_LEAST_ERROR, _MOST_ERROR = 0.003, 0.5
_ERROR_SHARE, _MOST_ERROR_SHARE = 1 / 300, 1 / 50
"""The error of the numerical composition, as a part of the largest epsilon; Opacus' 0.01 at an epsilon of 3."""

_MOST_POINTS = 10_000_000
"""Numerical composition on more points takes more memory and time than it is worth."""

_FEW_ORDERS = [2, 4, 8, 16, 32, 63]

_NOISE_RATIO = 1.01
"""Noise is found up to this factor, on the side that spends less."""

_LEAST_NOISE, _MOST_NOISE = 0.05, 1e5
_SLACK = 1e-9


@dataclass
class TrainingPlan:
    """DP-SGD of `steps` steps with `noise_multiplier` at `sample_rate`, of which `noted` were taken."""

    noise_multiplier: float
    sample_rate: float
    steps: int
    share: float
    noted: int = 0


class PrivacyAccountant:
    """The budget (`max_epsilon`, `delta`) of one fitted table, under adding or removing one row.

    A release or a plan that does not fit into what is left raises WorkbenchError before anything is released.
    """

    def __init__(self, max_epsilon: float, delta: float) -> None:
        import_opacus()
        self.max_epsilon = max_epsilon
        self.delta = delta
        self._released: dict[str, float] = {}
        self._plans: dict[str, TrainingPlan] = {}
        self._target = max_epsilon * (1 - 1e-6)
        self._error = min(
            max(max_epsilon * _ERROR_SHARE, min(_LEAST_ERROR, max_epsilon * _MOST_ERROR_SHARE)), _MOST_ERROR
        )

    @property
    def epsilon(self) -> float:
        """What all releases and training steps noted so far cost together, at `delta`: an upper bound."""
        history = self._add_gaussian([], sum(self._released.values()))
        history += [
            (plan.noise_multiplier, plan.sample_rate, plan.noted) for plan in self._plans.values() if plan.noted
        ]
        return self._measure(history) if history else 0.0

    @property
    def remaining_share(self) -> float:
        """The share of the budget, from 0 to 1, that neither was released nor is planned for training."""
        taken = math.fsum(self._released.values()) + math.fsum(plan.share for plan in self._plans.values())
        return max(0.0, 1.0 - taken)

    @property
    def composition_delta(self) -> float:
        """The part of `delta` at which the accountant composes."""
        return self.delta * (1 - THRESHOLD_SHARE)

    @property
    def threshold_delta(self) -> float:
        """The part of `delta` for all thresholds together."""
        return self.delta * THRESHOLD_SHARE

    @cached_property
    def unit_noise(self) -> float:
        """The noise multiplier of a single Gaussian release that costs the whole budget."""
        return self._find_noise(lambda noise: [(noise, 1.0, 1)])

    def find_sigma(self, share: float, l2_sensitivity: float = 1.0) -> float:
        """The standard deviation of the noise of a release that costs `share` of the budget."""
        return l2_sensitivity * self.unit_noise / math.sqrt(share)

    def release_gaussian(
        self,
        values: NDArray[Any],
        l2_sensitivity: float,
        share: float,
        generator: np.random.Generator | None = None,
    ) -> NDArray[np.float64]:
        """`values`, of any shape, with Gaussian noise such that this release costs `share` of the budget.

        `l2_sensitivity` is the largest Euclidean distance that one row more or less makes to `values` as a whole. The
        noise is the half sum of four draws, which hides the pattern of floating-point numbers that a single draw leaves
        (Holohan and Braghin, “Secure Random Sampling in Differential Privacy”, 2021, arXiv:2107.10138, as in Opacus'
        secure mode). Without `generator` it comes from the entropy of the operating system, as it should: noise that
        can be drawn again from a known seed protects nobody.
        """
        exact = np.asarray(values, np.float64)
        self.note_release(share)
        source = np.random.default_rng() if generator is None else generator
        noise: NDArray[np.float64] = source.standard_normal((4, *exact.shape)).sum(axis=0) / 2
        noisy: NDArray[np.float64] = exact + noise * self.find_sigma(share, l2_sensitivity)
        return noisy

    def note_release(self, share: float) -> None:
        """Spend `share` on a Gaussian release. Raises WorkbenchError where less is left."""
        self._check_share(share)
        self._released[uuid.uuid4().hex] = share

    def plan_training(self, sample_rate: float, steps: int, share: float) -> float:
        """The noise multiplier with which `steps` steps of DP-SGD at `sample_rate` cost `share`, which is set aside.

        It is the least noise at which these steps, the trainings planned before, and Gaussian releases of the whole
        rest of the budget stay below `max_epsilon` together.
        """
        self._check_share(share)
        if not 0 < sample_rate <= 1 or steps < 1:
            raise ValueError("a training needs a sampling rate in (0, 1] and at least one step")
        others = [(plan.noise_multiplier, plan.sample_rate, plan.steps) for plan in self._plans.values()]
        rest = 1.0 - share - math.fsum(plan.share for plan in self._plans.values())
        fixed = self._add_gaussian(others, rest if rest > _SLACK else 0.0)
        noise = self._find_noise(lambda noise: [*fixed, (noise, sample_rate, steps)])
        self._plans[uuid.uuid4().hex] = TrainingPlan(noise, sample_rate, steps, share)
        return noise

    def note_training(self, noise_multiplier: float, sample_rate: float, steps: int) -> None:
        """Account for `steps` steps of a planned training. Raises WorkbenchError for more than were planned."""
        for plan in self._plans.values():
            same = (plan.noise_multiplier, plan.sample_rate) == (noise_multiplier, sample_rate)
            if same and plan.noted + steps <= plan.steps:
                plan.noted += steps
                return
        raise WorkbenchError(
            f"{steps:,} more training steps would exceed the privacy budget of epsilon {self.max_epsilon:g}.",
            "Plan them, or train for fewer steps.",
        )

    def get_state(self) -> dict[str, Any]:
        """All that was released and planned, ready for JSON."""
        plans = {key: asdict(plan) for key, plan in self._plans.items()}
        return {"released": dict(self._released), "plans": plans}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Add what an earlier part of the same fit released and planned; what is known already counts once.

        Raises WorkbenchError where both together exceed the budget.
        """
        self._released |= {str(key): float(share) for key, share in state["released"].items()}
        for key, plan in state["plans"].items():
            stored = TrainingPlan(**plan)
            known = self._plans.get(key)
            stored.noted = max(stored.noted, known.noted if known else 0)
            self._plans[key] = stored
        taken = math.fsum(self._released.values()) + math.fsum(plan.share for plan in self._plans.values())
        if taken > 1 + _SLACK:
            raise self._refuse()

    def cancel_plans(self) -> None:
        """Give back the shares of trainings of which no step was taken."""
        self._plans = {key: plan for key, plan in self._plans.items() if plan.noted}

    def describe(self) -> str:
        """The library, the accountant and what was accounted, in a sentence for the report."""
        import opacus

        history = tuple(self._list_spent())
        numerical = not history or _find_epsilon(history, self.composition_delta, self._error)[1]
        method = "numerical composition (PRV)" if numerical else "Rényi (RDP)"
        count = len(self._released)
        parts = [f"{count:,} Gaussian release{'s' * (count > 1)}"] if count else []
        parts += [
            f"{plan.noted:,} steps of DP-SGD (noise multiplier {plan.noise_multiplier:.3g}, "
            f"Poisson sampling at {plan.sample_rate:.3g})"
            for plan in self._plans.values()
            if plan.noted
        ]
        spent = " and ".join(parts) or "nothing was released"
        return (
            f"Opacus {opacus.__version__}, {method}, one row added or removed, number of rows public: {spent}; "
            f"{THRESHOLD_SHARE:.0%} of delta is for levels that are kept only where frequent."
        )

    def _check_share(self, share: float) -> None:
        if share <= 0:
            raise ValueError("a share of the budget is positive")
        if share > self.remaining_share + _SLACK:
            raise self._refuse()

    def _refuse(self) -> WorkbenchError:
        return WorkbenchError(
            f"The privacy budget of epsilon {self.max_epsilon:g} would be exceeded; nothing was released.",
            "Raise max_epsilon, or start the fit anew.",
        )

    def _list_spent(self) -> _History:
        spent = [(plan.noise_multiplier, plan.sample_rate, plan.noted) for plan in self._plans.values() if plan.noted]
        return self._add_gaussian(spent, math.fsum(self._released.values()))

    def _add_gaussian(self, history: _History, share: float) -> _History:
        return [*history, (self.find_sigma(share), 1.0, 1)] if share > 0 else history

    def _find_noise(self, make_history: Callable[[float], _History]) -> float:
        """The least noise, up to _NOISE_RATIO, at which the history that it makes stays within the budget."""
        high = 1.0
        while self._measure(make_history(high)) > self._target:
            high *= 2
            if high > _MOST_NOISE:
                raise WorkbenchError(
                    f"A privacy budget of epsilon {self.max_epsilon:g} is too small to learn anything with it.",
                    "Raise max_epsilon or delta.",
                )
        low = high / 2
        while low > _LEAST_NOISE and self._measure(make_history(low)) <= self._target:
            high, low = low, low / 2
        while high / low > _NOISE_RATIO:
            middle = math.sqrt(low * high)
            if self._measure(make_history(middle)) <= self._target:
                high = middle
            else:
                low = middle
        return high

    def _measure(self, history: _History) -> float:
        """Epsilon of a history, as Opacus has it."""
        return _find_epsilon(tuple(history), self.composition_delta, self._error)[0]


def import_opacus() -> None:
    """Raises WorkbenchError where Opacus is not installed."""
    try:
        import opacus  # noqa: F401
    except ImportError:
        raise WorkbenchError(
            "Differential privacy needs the package opacus.", "Run: pip install 'synthetic-workbench[privacy]'"
        ) from None


@lru_cache(maxsize=4096)
def _find_epsilon(history: tuple[tuple[float, float, int], ...], delta: float, error: float) -> tuple[float, bool]:
    """Epsilon, and whether it was composed numerically. Kept, since a repeated fit asks for the same again."""
    from opacus.accountants import PRVAccountant, RDPAccountant

    numerical, renyi = PRVAccountant(), RDPAccountant()
    numerical.history = renyi.history = list(history)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # About how many points Opacus will put on the range of the privacy loss, at these errors.
        reach = 2 * (float(renyi.get_epsilon(delta / 4000, alphas=_FEW_ORDERS)) + 3)
        points = reach / error * math.sqrt(sum(entry[2] for entry in history) * math.log(12_000 / delta) / 2)
        epsilon = math.nan
        if points < _MOST_POINTS:
            with contextlib.suppress(RuntimeError, ValueError, IndexError, OverflowError):
                epsilon = float(numerical.get_epsilon(delta, eps_error=error))
        if math.isfinite(epsilon):
            return epsilon, True
        return float(renyi.get_epsilon(delta)), False
