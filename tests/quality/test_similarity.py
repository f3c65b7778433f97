"""The figures against those of SciPy, against golden numbers, and against what chance does."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from workbench.quality.rows import find_wilson_interval, hash_rows
from workbench.quality.similarity import (
    bootstrap_similarity,
    bound_noise,
    encode_columns,
    find_kind,
    measure_similarity,
)


def measure(a: pd.Series, b: pd.Series) -> float:
    return measure_similarity(encode_columns(a, b, find_kind(a)))


@settings(max_examples=50, deadline=None)
@given(
    a=st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3), min_size=1, max_size=50),
    b=st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3), min_size=1, max_size=50),
)
def test_the_similarity_of_numbers_is_one_minus_the_ks_distance(a: list[float], b: list[float]) -> None:
    left, right = pd.Series(a, dtype="float64"), pd.Series(b, dtype="float64")
    assert measure(left, right) == pytest.approx(1 - ks_2samp(a, b).statistic, abs=1e-12)
    assert measure(left, right) == pytest.approx(measure(right, left))


def test_the_similarity_of_categories_is_one_minus_the_total_variation() -> None:
    a, b = pd.Series(["x"] * 50 + ["y"] * 50), pd.Series(["x"] * 20 + ["y"] * 60 + ["z"] * 20)
    assert measure(a, b) == pytest.approx(1 - 0.5 * (0.3 + 0.1 + 0.2))


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 2, None], dtype="Int64"),
        pd.Series([True, False, None], dtype="boolean"),
        pd.Series(pd.to_datetime(["2026-01-01", "2026-02-01", None])),
        pd.Series(pd.to_timedelta(["1h", "2h", None])),
        pd.Series(["a", "b", None]),
        pd.Series([None, None]),
    ],
)
def test_a_column_of_any_type_is_like_itself(values: pd.Series) -> None:
    assert measure(values, values) == 1.0


def test_dates_of_another_resolution_or_zone_are_the_same_dates() -> None:
    a = pd.Series(pd.date_range("2026-01-01", periods=40, unit="us"))
    assert measure(a, a.astype("datetime64[ns]")) == 1.0
    assert measure(a, a.dt.tz_localize("UTC")) == 1.0


def test_a_column_that_is_missing_more_often_is_less_alike() -> None:
    a = pd.Series([1.0] * 100)
    assert measure(a, pd.Series([1.0] * 70 + [None] * 30)) == pytest.approx(0.7)
    assert measure(a, pd.Series([None] * 100, dtype="float64")) == 0.0


def test_numbers_against_texts_are_compared_as_texts() -> None:
    assert measure(pd.Series([1, 2]), pd.Series(["1", "2"])) == 1.0
    assert measure(pd.Series([1, 2]), pd.Series(["x", "y"])) == 0.0


def test_texts_are_compared_by_their_length() -> None:
    a = pd.Series([f"{n:06d}" for n in range(100)])
    assert find_kind(a) == "text"
    assert measure(a, a.str[::-1]) == 1.0
    assert measure(a, a + "!") == 0.0


def test_two_samples_of_one_population_stay_within_the_noise_bound() -> None:
    generator = np.random.default_rng(0)
    beyond = 0
    for _ in range(200):
        numbers = [pd.Series(generator.normal(size=size)) for size in (100, 60)]
        letters = [pd.Series(generator.choice(list("abcd"), size=size)) for size in (100, 60)]
        for a, b in (numbers, letters):
            codes = encode_columns(a, b, find_kind(a))
            beyond += measure_similarity(codes) < 1 - bound_noise(codes, comparisons=2, chance=0.01)
    assert beyond <= 4  # one in a hundred pairs of columns at most


def test_the_bootstrap_interval_holds_the_figure_and_depends_on_the_seed_alone() -> None:
    generator = np.random.default_rng(1)
    a, b = pd.Series(generator.normal(size=300)), pd.Series(generator.normal(0.3, size=200))
    codes = encode_columns(a, b, "number")
    low, high = bootstrap_similarity(codes, seed=5)
    assert 0 <= low < measure_similarity(codes) < high <= 1
    assert (low, high) == bootstrap_similarity(codes, seed=5)
    assert (low, high) != bootstrap_similarity(codes, seed=6)


def test_the_wilson_interval_has_its_textbook_figures() -> None:
    assert find_wilson_interval(0, 100) == pytest.approx((0.0, 0.0370), abs=1e-4)
    assert find_wilson_interval(10, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert find_wilson_interval(0, 0) == (0.0, 1.0)


def test_rows_are_equal_by_value_whatever_type_holds_it() -> None:
    a = pd.DataFrame({"n": [1, 2], "s": ["Hello  World", None], "b": [True, False]})
    b = pd.DataFrame({"n": [1.0, 2.0], "s": ["hello world ", None], "b": pd.Series([True, False], dtype="boolean")})
    names = list(a.columns)
    assert (hash_rows(a, names) == hash_rows(b, names)).all()
    assert len(set(hash_rows(a, names))) == 2
