"""Scores of levels, correlations under them, curves, and latents within limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.synthesizers.types.gaussian_copula.conditional import (
    SWEEPS,
    draw_within,
    split_correlation,
    start_latents,
    sweep_latents,
)
from workbench.synthesizers.types.gaussian_copula.correlation import correlate_scores, make_regular, undo_coarseness
from workbench.synthesizers.types.gaussian_copula.families import fit_curve, fit_empirical, fit_shifted
from workbench.synthesizers.types.gaussian_copula.marginals import stack_curves, stack_levels

NO_ATOMS = np.empty(0)


@pytest.mark.parametrize("true", [-0.6, 0.0, 0.4, 0.8, 0.95])
@pytest.mark.parametrize("cuts", [([0.0], [0.0]), ([1.0], [1.3]), ([-1.0, 0.0, 0.5], [0.2, 1.0]), ([], [0.8])])
def test_the_correlation_of_latents_is_found_from_levels(true: float, cuts: tuple[list[float], list[float]]) -> None:
    generator = np.random.default_rng(3)
    latents = generator.multivariate_normal(np.zeros(2), [[1, true], [true, 1]], 60_000)
    scores, coefficients = [], []
    for column, ends in zip(latents.T, cuts, strict=True):
        if ends:
            places = np.searchsorted(ends, column)
            counts = np.bincount(places).astype(float)
            found = stack_levels(counts[None], np.ones(1), counts / counts.sum()).score(0, places)
        else:
            curve = fit_empirical(np.sort(column), NO_ATOMS)
            found = stack_curves([curve], NO_ATOMS, column.min(), column.max()).score(0, column)
        scores.append(found[0])
        coefficients.append(found[1])
    observed, _ = correlate_scores(np.stack(scores, axis=1))
    assert undo_coarseness(observed, np.stack(coefficients))[0, 1] == pytest.approx(true, abs=0.03)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 8), st.integers(0, 1000))
def test_any_symmetric_matrix_becomes_a_correlation_matrix(size: int, seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-1, 1, (size, size))
    matrix = np.triu(noise, 1)
    regular = make_regular(matrix + matrix.T + np.eye(size))
    assert np.linalg.eigvalsh(regular)[0] > 0
    assert np.allclose(np.diag(regular), 1)
    assert np.abs(regular).max() <= 1 + 1e-9


@pytest.mark.parametrize(
    ("family", "values"),
    [
        ("normal", stats.norm(5, 2)),
        ("lognormal", stats.lognorm(1.0, scale=20)),
        ("gamma", stats.gamma(3.0, scale=2)),
        ("uniform", stats.uniform(2, 3)),
        ("exponential", stats.expon(scale=4)),
    ],
)
def test_a_known_family_is_found_or_told_apart_by_nobody(family: str, values: stats.rv_continuous) -> None:
    drawn = np.sort(values.rvs(1_000, random_state=1))
    curve = fit_curve(drawn, NO_ATOMS, drawn[0], drawn[-1], "auto")
    assert curve.family in (family, "gamma", "beta", "lognormal")
    reached = np.interp(drawn, curve.values, curve.uniforms)
    assert np.abs(reached - np.arange(1_000) / 1_000).max() < 0.035


def test_no_family_is_taken_for_values_of_two_peaks() -> None:
    generator = np.random.default_rng(2)
    values = np.sort(np.concatenate([generator.normal(-3, 0.5, 700), generator.normal(3, 0.5, 300)]))
    curve = fit_curve(values, NO_ATOMS, values[0], values[-1], "auto")
    assert curve.family == "kernel"
    drawn = np.interp(generator.random(20_000), curve.uniforms, curve.values)
    assert stats.ks_2samp(drawn, values).statistic < 0.05


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 1)), min_size=1, max_size=60),
    st.sampled_from(["auto", "empirical", "kernel", "parametric"]),
)
def test_a_curve_rises_within_the_bounds_and_reaches_both_ends(values: list[float], way: str) -> None:
    ordered = np.sort(np.array(values))
    curve = fit_curve(ordered, NO_ATOMS, ordered[0], ordered[-1], way)  # type: ignore[arg-type]
    assert (np.diff(curve.uniforms) >= 0).all()
    assert (np.diff(curve.values) >= 0).all()
    assert curve.values[0] >= ordered[0]
    assert curve.values[-1] <= ordered[-1]
    assert (curve.uniforms[0], curve.uniforms[-1]) == (0.0, 1.0)


def test_atoms_come_back_with_their_shares() -> None:
    values = np.sort(np.concatenate([np.zeros(300), np.random.default_rng(0).uniform(1, 9, 600), np.full(100, 5.0)]))
    curve = fit_curve(values, np.array([0.0, 5.0]), 0.0, 9.0, "auto")
    drawn = np.interp((np.arange(10_000) + 0.5) / 10_000, curve.uniforms, curve.values)
    assert (drawn == 0).mean() == pytest.approx(0.3, abs=0.002)
    assert (drawn == 5).mean() == pytest.approx(0.1, abs=0.002)


def test_a_few_values_shift_the_pooled_curve() -> None:
    pooled = fit_empirical(np.sort(np.random.default_rng(0).normal(0, 1, 2_000)), NO_ATOMS)
    shifted = fit_shifted(pooled, np.array([1.9, 2.0, 2.1, 2.2, 1.8]))
    assert 0.8 < np.interp(0.5, shifted.uniforms, shifted.values) < 2.2
    assert fit_shifted(pooled, np.empty(0)).uniforms == pytest.approx(pooled.uniforms, abs=1e-6)


def test_draws_within_limits_far_in_the_tail_stay_within() -> None:
    lower, upper = np.array([7.0, -9.0, -np.inf, 0.0]), np.array([8.0, -8.0, np.inf, 1e-9])
    drawn, _ = draw_within(lower, upper, np.array([0.3, 0.9, 0.5, 0.5]))
    assert ((drawn >= lower) & (drawn <= upper)).all()


def test_latents_given_intervals_have_the_moments_of_the_truncated_normal() -> None:
    generator = np.random.default_rng(5)
    correlation = np.array([[1.0, 0.6, 0.4], [0.6, 1.0, 0.5], [0.4, 0.5, 1.0]])
    rows = 40_000
    split = split_correlation(correlation, np.array([0, 1, 2]), np.array([], np.int64))
    lower = np.repeat([[0.5], [-np.inf], [0.2]], rows, axis=1)
    upper = np.repeat([[np.inf], [-0.2], [0.2]], rows, axis=1)
    latents, log_likelihood = start_latents(lower, upper, split.root, generator.random((3, rows)))
    free = np.array([0, 1])
    component = np.zeros(rows, np.int64)
    sweep_latents(latents, lower, upper, split.precision[None], component, free, generator.random((SWEEPS, 2, rows)))
    exact = generator.multivariate_normal(np.zeros(3), correlation, 4_000_000)
    near = exact[(exact[:, 0] > 0.5) & (exact[:, 1] < -0.2) & (np.abs(exact[:, 2] - 0.2) < 0.05)]
    assert (latents[2] == 0.2).all()
    assert latents.mean(axis=1) == pytest.approx(near.mean(axis=0), abs=0.03)
    assert np.corrcoef(latents[0], latents[1])[0, 1] == pytest.approx(np.corrcoef(near[:, :2].T)[0, 1], abs=0.04)
    density = len(near) / len(exact) / 0.1
    assert np.exp(log_likelihood).mean() * stats.norm.pdf(0.2) == pytest.approx(density, rel=0.05)
