"""The budget: Opacus' own figures, releases that compose to no more than it, and refusals before a release."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

pytest.importorskip("opacus")

from opacus.accountants import PRVAccountant, RDPAccountant

from workbench.errors import WorkbenchError
from workbench.synthesizers.privacy.accounting import PrivacyAccountant

BUDGET = 3.0
DELTA = 1e-5


def _ask_opacus(accountant: PrivacyAccountant, history: list[tuple[float, float, int]]) -> float:
    opacus = PRVAccountant()
    opacus.history = history
    return float(opacus.get_epsilon(accountant.composition_delta, eps_error=0.01))


def _find_exact_delta(sigma: float, epsilon: float) -> float:
    """Delta of one Gaussian release, by Balle and Wang (2018), theorem 8: known exactly, unlike a composition."""
    shift = 1 / (2 * sigma)
    return float(norm.cdf(shift - epsilon * sigma) - math.exp(epsilon) * norm.cdf(-shift - epsilon * sigma))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_epsilon_of_releases_is_what_opacus_says_of_them_one_by_one() -> None:
    accountant = PrivacyAccountant(BUDGET, DELTA)
    shares = [0.1, 0.2, 0.05, 0.3]
    for share in shares:
        accountant.release_gaussian(np.zeros(4), 1.0, share)
    history = [(accountant.find_sigma(share), 1.0, 1) for share in shares]
    assert accountant.epsilon == pytest.approx(_ask_opacus(accountant, history), abs=0.01)
    alone = RDPAccountant()
    alone.history = history
    together = RDPAccountant()
    together.history = [(accountant.find_sigma(sum(shares)), 1.0, 1)]
    assert alone.get_epsilon(1e-6) == pytest.approx(together.get_epsilon(1e-6))


@given(
    epsilon=st.floats(0.3, 20),
    delta=st.sampled_from([1e-4, 1e-6, 1e-9]),
    shares=st.lists(st.floats(0.01, 1), min_size=1, max_size=8),
)
@settings(max_examples=8, deadline=None)
def test_releases_of_the_whole_budget_stay_within_it(epsilon: float, delta: float, shares: list[float]) -> None:
    accountant = PrivacyAccountant(epsilon, delta)
    for share in shares:
        accountant.release_gaussian(np.zeros(2), 1.0, share / sum(shares))
    assert accountant.remaining_share == pytest.approx(0.0)
    assert accountant.epsilon <= epsilon + 1e-9
    sigma = accountant.find_sigma(1.0)
    assert _find_exact_delta(sigma, epsilon) <= accountant.composition_delta
    # Nor is more noise added than needed: a fortieth less epsilon would not hold.
    assert _find_exact_delta(sigma, epsilon * 0.975) > accountant.composition_delta


def test_releases_and_training_together_stay_within_the_budget() -> None:
    accountant = PrivacyAccountant(BUDGET, DELTA)
    accountant.release_gaussian(np.zeros(3), 2.0, 0.1)
    noise = accountant.plan_training(0.05, 200, 0.7)
    accountant.release_gaussian(np.zeros(3), 1.0, 0.15)
    accountant.note_training(noise, 0.05, 200)
    accountant.release_gaussian(np.zeros(3), 1.0, accountant.remaining_share)
    assert 0.98 * BUDGET < accountant.epsilon <= BUDGET


def test_two_trainings_together_stay_within_the_budget() -> None:
    accountant = PrivacyAccountant(BUDGET, DELTA)
    for share in (0.4, 0.6):
        accountant.note_training(accountant.plan_training(0.05, 50, share), 0.05, 50)
    assert 0.98 * BUDGET < accountant.epsilon <= BUDGET


def test_a_training_that_stops_early_has_spent_less() -> None:
    accountant = PrivacyAccountant(BUDGET, DELTA)
    noise = accountant.plan_training(0.05, 200, 1.0)
    assert accountant.epsilon == 0
    accountant.note_training(noise, 0.05, 50)
    assert 0 < accountant.epsilon < 0.8 * BUDGET


def test_an_overrun_is_refused_before_anything_is_released() -> None:
    accountant = PrivacyAccountant(BUDGET, DELTA)
    accountant.release_gaussian(np.zeros(1), 1.0, 0.8)
    spent = accountant.epsilon
    with pytest.raises(WorkbenchError, match="would be exceeded; nothing was released"):
        accountant.release_gaussian(np.zeros(1), 1.0, 0.3)
    with pytest.raises(WorkbenchError, match="would be exceeded"):
        accountant.plan_training(0.1, 10, 0.3)
    with pytest.raises(WorkbenchError, match="would exceed the privacy budget"):
        accountant.note_training(1.0, 0.1, 10)
    assert accountant.epsilon == spent


def test_a_budget_that_nothing_fits_into_is_refused() -> None:
    with pytest.raises(WorkbenchError, match="too small to learn anything"):
        PrivacyAccountant(1e-7, 1e-9).release_gaussian(np.zeros(1), 1.0, 0.5)


def test_noise_has_the_deviation_it_is_accounted_with_and_comes_from_no_seed() -> None:
    noisy = []
    for _ in range(2):
        np.random.seed(3)
        accountant = PrivacyAccountant(BUDGET, DELTA)
        noisy.append(accountant.release_gaussian(np.full(20_000, 5.0), 2.0, 0.25))
    assert not np.array_equal(*noisy)
    assert np.std(noisy[0]) == pytest.approx(accountant.find_sigma(0.25, 2.0), rel=0.03)
    assert np.mean(noisy[0]) == pytest.approx(5.0, abs=0.2)


def test_what_an_earlier_start_spent_counts_once() -> None:
    first = PrivacyAccountant(BUDGET, DELTA)
    first.release_gaussian(np.zeros(1), 1.0, 0.4)
    second = PrivacyAccountant(BUDGET, DELTA)
    second.load_state(first.get_state())
    second.load_state(first.get_state())
    assert second.epsilon == first.epsilon
    third = PrivacyAccountant(BUDGET, DELTA)
    third.release_gaussian(np.zeros(1), 1.0, 0.7)
    with pytest.raises(WorkbenchError, match="exceeded"):
        third.load_state(first.get_state())


def test_the_report_names_the_library_and_what_was_accounted() -> None:
    accountant = PrivacyAccountant(BUDGET, DELTA)
    accountant.release_gaussian(np.zeros(1), 1.0, 0.2)
    accountant.note_training(accountant.plan_training(0.1, 20, 0.5), 0.1, 5)
    told = accountant.describe()
    assert told.startswith("Opacus 1.")
    assert "1 Gaussian release and" in told
    assert "5 steps of DP-SGD" in told


def test_an_attacker_who_knows_all_other_rows_is_right_no_more_often_than_promised() -> None:
    """For each event, P(event | row) <= exp(epsilon) P(event | no row) + delta: here on many releases."""
    accountant = PrivacyAccountant(1.0, 1e-3)
    generator = np.random.default_rng(5)
    sigma = accountant.find_sigma(1.0)
    without, within = np.array([40.0, 7.0]), np.array([40.0, 8.0])
    draws = 200_000
    samples = [
        counts + generator.standard_normal((draws, 4, 2)).sum(axis=1) / 2 * sigma for counts in (without, within)
    ]
    for threshold in np.linspace(-2 * sigma, 3 * sigma, 12):
        absent, present = (float((noisy[:, 1] > 7.5 + threshold).mean()) for noisy in samples)
        error = 4 * math.sqrt(max(present, 1e-4) / draws)
        assert present <= math.exp(1.0) * absent + accountant.delta + error
        assert 1 - absent <= math.exp(1.0) * (1 - present) + accountant.delta + error


def test_without_opacus_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opacus", None)
    with pytest.raises(WorkbenchError, match="needs the package opacus") as caught:
        PrivacyAccountant(BUDGET, DELTA)
    assert "synthetic-workbench[privacy]" in caught.value.solution
