"""The noise that comes in and the solver that takes it out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.synthesizers.types.diffusion.noise import add_noise, solve


@settings(max_examples=30, deadline=None)
@given(time=st.floats(0, 1), clean=st.floats(-4, 4), noise=st.floats(-4, 4))
def test_a_clean_value_follows_from_noisy_value_and_velocity(time: float, clean: float, noise: float) -> None:
    noisy, velocity = add_noise(
        torch.tensor([[clean]], dtype=torch.float64),
        torch.tensor([[noise]], dtype=torch.float64),
        torch.tensor([time], dtype=torch.float64),
    )

    angle = time * math.pi / 2
    assert (math.cos(angle) * noisy - math.sin(angle) * velocity).item() == pytest.approx(clean, abs=1e-9)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1.5, 0.3), (-2.0, 0.05)])
def test_the_solver_makes_a_normal_distribution_given_its_exact_velocity(mean: float, deviation: float) -> None:
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((20_000, 1)))

    def find_velocity(values: torch.Tensor, time: float) -> torch.Tensor:
        cosine, sine = math.cos(time * math.pi / 2), math.sin(time * math.pi / 2)
        pull = cosine * deviation**2 / (cosine**2 * deviation**2 + sine**2)
        clean = mean + pull * (values - cosine * mean)
        return cosine * (values - cosine * clean) / sine - sine * clean

    made = solve(noise, find_velocity, 20)

    assert made.mean().item() == pytest.approx(mean, abs=0.02)
    assert made.std().item() == pytest.approx(deviation, rel=0.06, abs=0.005)


def test_the_solver_calls_for_a_velocity_once_a_step() -> None:
    called: list[float] = []

    def find_velocity(values: torch.Tensor, time: float) -> torch.Tensor:
        called.append(time)
        return torch.zeros_like(values)

    solve(torch.zeros(2, 1), find_velocity, 7)

    assert len(called) == 7
    assert called == sorted(called, reverse=True)
