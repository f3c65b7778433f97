"""Tokens are drawn by a row's own numbers and in proportion to their probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from workbench.providers.transformers.sampling import Sampling, choose_tokens, draw_uniforms

SETTINGS = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 0.3, 1.0, 2.5]),
    top_p=st.sampled_from([1.0, 0.9, 0.4, 0.01]),
    top_k=st.sampled_from([None, 1, 7, 4000]),
    min_p=st.sampled_from([None, 0.05, 0.5]),
)


def make_scores(rows: int, words: int, seed: int) -> torch.Tensor:
    return 3 * torch.randn(rows, words, generator=torch.Generator().manual_seed(seed))


def test_the_numbers_of_a_seed_are_uniform_and_longer_rows_begin_alike() -> None:
    numbers = draw_uniforms(2**64 - 1, 20_000)
    assert np.array_equal(draw_uniforms(2**64 - 1, 10), numbers[:10])
    assert 0 < numbers.min() < numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.01
    assert abs(np.histogram(numbers, 10)[0] - 2000).max() < 200


@settings(deadline=None, max_examples=60)
@given(sampling=SETTINGS, seed=st.integers(0, 1000), words=st.sampled_from([5, 259, 3000]))
def test_a_row_draws_the_same_in_any_company_and_by_either_way(sampling: Sampling, seed: int, words: int) -> None:
    scores = make_scores(6, words, seed)
    uniforms = torch.tensor(draw_uniforms(seed, 6))
    together = choose_tokens(scores, uniforms, sampling)
    assert torch.equal(choose_tokens(scores, uniforms, sampling, exact=True), together)
    for row in range(6):
        assert choose_tokens(scores[row : row + 1], uniforms[row : row + 1], sampling)[0] == together[row]


@settings(deadline=None, max_examples=30)
@given(sampling=SETTINGS.filter(lambda each: each.temperature > 0), seed=st.integers(0, 100))
def test_shares_are_those_that_the_filters_of_transformers_leave(sampling: Sampling, seed: int) -> None:
    scores = make_scores(1, 40, seed)
    filters = LogitsProcessorList([TemperatureLogitsWarper(sampling.temperature)])
    if sampling.top_k is not None:
        filters.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        filters.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p is not None:
        filters.append(MinPLogitsWarper(sampling.min_p))
    wanted = filters(torch.zeros(1, 1, dtype=torch.long), scores.clone())[0].softmax(dim=-1)
    count = 20_000
    uniforms = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    chosen = choose_tokens(scores.expand(count, -1), uniforms, sampling)
    shares = torch.bincount(chosen, minlength=40) / count
    assert torch.allclose(shares, wanted, atol=2e-4)


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(top_p=0.9), Sampling(top_k=3), Sampling(min_p=0.1)])
def test_what_is_forbidden_is_never_drawn(sampling: Sampling) -> None:
    scores = torch.full((1000, 300), float("-inf"))
    scores[:, 17], scores[:, 299] = 1.0, 1.0
    edges = [2.0**-53, 1 - 2.0**-53, 0.5]
    uniforms = torch.cat([torch.tensor(edges, dtype=torch.float64), torch.tensor(draw_uniforms(1, 997))])
    assert set(choose_tokens(scores, uniforms, sampling).tolist()) == {17, 299}
