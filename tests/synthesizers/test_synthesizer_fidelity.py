"""Scores of made rows against real ones, and how well shares are kept."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.synthesizers.real_frames import make_mixed_frame
from workbench.synthesizers.fidelity import Fidelity, measure_shares, score_fidelity
from workbench.synthesizers.profile import RealTable, read_table


def test_the_same_rows_score_one() -> None:
    table = read_table(make_mixed_frame(300))

    assert score_fidelity(table.profile, table.columns, table.columns) == Fidelity(1.0, 1.0, 1.0)


def test_shapes_are_the_complement_of_the_kolmogorov_smirnov_statistic_and_of_total_variation() -> None:
    real, made = split(
        {"x": [1.0, 2.0, 3.0, 4.0, None], "c": ["a", "a", "b", "b", None]}, {"x": [3.0, 4.0], "c": ["a"] * 2}
    )

    found = score_fidelity(real.profile, real.columns, made.columns)

    # Half of the real numbers lie below all made ones; half of the real texts are none of the made ones.
    assert found.shapes == pytest.approx((0.5 + 0.5) / 2)


def test_two_numbers_are_compared_by_pearsons_correlation_over_rows_that_have_both() -> None:
    x = [1.0, 2.0, 3.0, 4.0, 5.0, None]
    real, made = split({"x": x, "y": [2.0, 4.0, 6.0, 8.0, 10.0, 1.0]}, {"x": x, "y": [10.0, 8.0, 6.0, 4.0, 2.0, 1.0]})

    assert score_fidelity(real.profile, real.columns, made.columns).pairs == pytest.approx(0.0)


def test_pairs_with_a_category_are_compared_by_their_combinations_with_null_as_a_level() -> None:
    real, made = split(
        {"a": ["x", "y", None, "y"], "b": [True, False, True, False]},
        {"a": ["x", "y", None, "y"], "b": [False, False, True, False]},
    )

    assert score_fidelity(real.profile, real.columns, made.columns).pairs == pytest.approx(0.75)


def test_a_model_that_collapses_to_one_value_or_to_nulls_scores_low() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=200)
    real, made = split({"x": x, "y": x + generator.normal(size=200) / 100}, {"x": [x[0]] * 200, "y": [None] * 200})

    found = score_fidelity(real.profile, real.columns, made.columns)

    assert found.pairs == pytest.approx(0.5, abs=0.01)
    assert found.shapes < 0.5


def test_one_column_has_a_score_without_pairs_and_no_column_scores_zero() -> None:
    real, made = split({"x": [1.0, 2.0]}, {"x": [1.0, 2.0]})
    empty, _ = split({"x": [None, None]}, {"x": [1.0, 2.0]})

    assert score_fidelity(real.profile, real.columns, made.columns).as_json() == {"shapes": 1.0, "score": 1.0}
    assert score_fidelity(real.profile, empty.columns, made.columns) == Fidelity(0.0, None, 0.0)


def test_only_columns_of_the_profile_count() -> None:
    table = read_table(make_mixed_frame(100))
    narrow = read_table(make_mixed_frame(100)[["amount", "country"]])
    other = dict(table.columns) | {"is_fraud": table.columns["opted_in"]}

    assert score_fidelity(narrow.profile, table.columns, other).score == 1.0


def test_a_thousand_rows_of_twenty_columns_are_scored_while_training() -> None:
    frame = pd.concat([make_mixed_frame(1000, seed).add_suffix(f" {seed}") for seed in (1, 2)], axis=1)
    table = read_table(frame.drop(columns=[name for name in frame if name.startswith(("code", "note", "currency"))]))
    started = time.process_time()

    score_fidelity(table.profile, table.columns, table.columns)

    assert len(table.columns) == 20
    assert time.process_time() - started < 0.2  # 10 ms where nothing else runs


def test_of_many_columns_a_fixed_sample_of_pairs_is_compared() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(400, 300)))
    table = read_table(frame)
    real, made = table.take(np.arange(200)), table.take(np.arange(200, 400))
    started = time.process_time()

    first = score_fidelity(table.profile, real.columns, made.columns)

    assert time.process_time() - started < 2
    assert first == score_fidelity(table.profile, real.columns, made.columns)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=2, max_size=20),
    st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", ""])), min_size=20, max_size=20),
    st.integers(1, 19),
)
def test_scores_stay_between_zero_and_one_for_any_numbers(
    numbers: list[float | None], texts: list[str | None], at: int
) -> None:
    frame = pd.DataFrame({"x": pd.Series(numbers, dtype="float64"), "c": pd.Series(texts[: len(numbers)], dtype="str")})
    frame["y"] = frame["x"].iloc[::-1].to_numpy()
    table = read_table(frame)
    at = min(at, len(frame) - 1)
    real, made = table.take(np.arange(at)), table.take(np.arange(at, len(frame)))

    found = score_fidelity(table.profile, real.columns, made.columns)

    for score in (found.shapes, found.score, found.pairs or 0.0):
        assert 0 <= score <= 1 + 1e-9


def test_shares_tell_the_rarest_level_and_the_largest_relative_error() -> None:
    real, made = split(
        {"c": ["a"] * 6 + ["b"] * 3 + ["z"], "n": [1] * 5 + [2] * 5, "k": ["one"] * 10},
        {"c": ["a"] * 6 + ["b"] * 2 + ["z"] * 2, "n": [1] * 4 + [2] * 6, "k": ["one"] * 10},
    )

    found = measure_shares(real.profile, made.columns)

    assert set(found) == {"c", "n"}
    assert found["c"]["rarest"] == {"value": "z", "real": 0.1, "made": 0.2, "error": 1.0}
    assert found["c"]["largest_error"] == 1.0
    assert found["n"]["largest_error"] == pytest.approx(0.2)


def test_shares_are_ready_for_json_and_leave_columns_of_many_levels_out() -> None:
    rows = 120
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-02"] * 40),
            "flag": [True, False, None] * 40,
            "many": [f"level {row % 60}" for row in range(rows)],
        }
    )
    table = read_table(frame)

    found = json.loads(json.dumps(measure_shares(table.profile, table.columns)))

    assert set(found) == {"day", "flag"}
    assert found["day"]["rarest"]["value"].startswith("2024-01-01")
    assert found["flag"]["rarest"]["real"] == 0.5


def split(real: dict[str, object], made: dict[str, object]) -> tuple[RealTable, RealTable]:
    """Real and made rows, with the profile of the real ones."""
    first = read_table(pd.DataFrame(real))
    second = read_table(pd.DataFrame(made).astype(pd.DataFrame(real).dtypes))
    return first, RealTable(first.profile, second.columns)
