"""Chance by counter: slices, keys and the random order of rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.columns.streams import Draws, derive_key, make_scattered_words, permute


def draws(start: int, stop: int, **changes: object) -> Draws:
    return Draws(**{"seed": 3, "table": "t", "column": "c", "rows": np.arange(start, stop), **changes})  # type: ignore[arg-type]


@given(st.integers(0, 10_000_000_000), st.integers(0, 40), st.integers(1, 40))
def test_a_range_of_rows_alone_is_the_slice_of_a_larger_range(start: int, before: int, length: int) -> None:
    whole = draws(start, start + before + length + 3).bits()
    alone = draws(start + before, start + before + length).bits()
    assert (whole[before : before + length] == alone).all()


@given(st.lists(st.integers(0, 300), min_size=1, unique=True))
def test_scattered_rows_draw_what_they_draw_among_all_rows(rows: list[int]) -> None:
    chosen = np.array(sorted(rows))
    assert (draws(0, 301).uniform()[chosen] == draws(0, 1, rows=chosen).uniform()).all()


@pytest.mark.parametrize("change", [{"seed": 4}, {"table": "u"}, {"column": "d"}, {"branch": "s"}, {"attempt": 1}])
def test_each_part_of_the_key_changes_the_stream(change: dict[str, object]) -> None:
    assert not (draws(0, 100).bits() == draws(0, 100, **change).bits()).any()


def test_purposes_are_streams_of_their_own() -> None:
    assert not (draws(0, 100).bits("value") == draws(0, 100).bits("missing")).any()


def test_uniform_numbers_are_uniform_and_never_0_or_1() -> None:
    from scipy.stats import kstest

    numbers = draws(0, 200_000).uniform()
    assert numbers.min() > 0
    assert numbers.max() < 1
    assert kstest(numbers, "uniform").pvalue > 1e-3


def test_streams_of_neighbouring_columns_are_uncorrelated() -> None:
    first, second = draws(0, 100_000).uniform(), draws(0, 100_000, column="d").uniform()
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.015


def test_no_rows_draw_nothing() -> None:
    assert len(draws(5, 5).bits()) == 0


def test_the_streams_have_not_changed_since_the_first_release() -> None:
    """Datasets are identified by their seed: this value may only change together with `fingerprint.SCHEME`."""
    assert draws(0, 3).bits().tolist() == GOLDEN


@given(st.integers(1, 3000), st.integers(0, 2**32))
def test_permute_is_a_permutation_of_any_size(size: int, seed: int) -> None:
    places = permute(np.arange(size), size, derive_key(seed))
    assert sorted(places.tolist()) == list(range(size))


def test_permute_answers_for_single_rows_and_far_ones() -> None:
    key = derive_key("order")
    whole = permute(np.arange(1000), 1000, key)
    assert permute(np.array([17, 900]), 1000, key).tolist() == whole[[17, 900]].tolist()
    assert 0 <= permute(np.array([9_999_999_999]), 10_000_000_000, key)[0] < 10_000_000_000


def test_permute_spreads_neighbours_evenly() -> None:
    from scipy.stats import chisquare

    size, chosen = 2_000, 200
    counts = np.zeros(size)
    for seed in range(600):
        counts += permute(np.arange(size), size, derive_key(seed)) < chosen
    assert chisquare(counts).pvalue > 1e-4


GOLDEN = [9498667286364379580, 8830829365637721270, 3622085704662324806]


@given(st.integers(0, 2**63), st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_scattered_rows_get_the_words_of_the_stream(seed: int, rows: list[int]) -> None:
    asked = np.array(sorted(set(rows)))
    scattered = make_scattered_words(derive_key(seed, "t", "c"), asked)
    for row, word in zip(asked.tolist(), scattered.tolist(), strict=True):
        alone = np.random.Philox(key=derive_key(seed, "t", "c"), counter=row // 4).random_raw(4)
        assert int(alone[row % 4]) == word


def test_rows_far_apart_are_drawn_as_they_are_in_a_whole_block() -> None:
    whole = Draws(1, "t", "c", np.arange(10_000)).bits()
    assert (Draws(1, "t", "c", np.array([3, 9_998])).bits() == whole[[3, 9_998]]).all()
