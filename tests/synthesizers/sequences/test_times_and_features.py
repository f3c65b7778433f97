"""The arithmetic of gaps, and which columns a record is drawn from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from workbench.synthesizers.profile import read_table
from workbench.synthesizers.sequences.selecting import select_features
from workbench.synthesizers.sequences.timing import Timing, find_gap, find_timing, find_uniform, limit_gap


@given(st.floats(0, 0.999), st.integers(2, 50), st.floats(1, 1e6))
def test_a_gap_comes_back_from_what_is_learned_of_it(share: float, left: int, free: float) -> None:
    gap, room, number = np.array([share * free]), np.array([free]), np.array([float(left)])
    again = find_gap(find_uniform(gap, room, number), room, number)
    # Of a gap that takes nearly all, u is 1 to within rounding and says no more of it.
    assert abs(again[0] - gap[0]) <= 1e-6 * free or find_uniform(gap, room, number)[0] > 1 - 1e-9


@given(st.floats(0, 1), st.floats(1, 1e6))
def test_the_last_gap_takes_all_the_time_that_is_left(uniform: float, free: float) -> None:
    assert find_gap(np.array([uniform]), np.array([free]), np.array([1.0]))[0] == free


def test_in_a_poisson_process_what_is_learned_of_a_gap_is_uniform_and_independent_of_how_many_follow() -> None:
    generator = np.random.default_rng(0)
    for number in (2, 5, 20):
        times = np.sort(generator.random((4000, number + 1)), axis=1)
        first = times[:, 1] - times[:, 0]
        free = times[:, -1] - times[:, 0]
        uniform = np.sort(find_uniform(first, free, np.full(4000, float(number))))
        assert np.abs(uniform - (np.arange(4000) + 0.5) / 4000).max() < 0.035


@given(
    st.lists(st.floats(0, 300), min_size=1, max_size=20), st.floats(0, 100), st.integers(0, 30), st.sampled_from([0, 1])
)
def test_gaps_leave_time_for_those_that_follow(gaps: list[float], now: float, more: int, grain: int) -> None:
    timing = Timing("gaps", grain, 0, 5.0, 0.0, 200.0, windowed=False)
    start = now
    for place, gap in enumerate(gaps):
        after = np.array([float(len(gaps) - 1 - place + more)])
        now += float(limit_gap(timing, np.array([gap]), np.array([now]), after)[0])
    assert start <= now <= 200 + 1e-9


def test_clocks_have_gaps_and_events_have_shares() -> None:
    generator = np.random.default_rng(0)
    lengths = np.full(100, 10)
    ticks = np.concatenate([np.cumsum(generator.normal(600, 60, 10)) for _ in lengths])
    events = np.concatenate([np.cumsum(generator.exponential(600, 10)) for _ in lengths])
    modes = []
    for times in (ticks, events):
        frame = pd.DataFrame({"t": np.round(times).astype(np.int64)})
        modes.append(find_timing(read_table(frame).profile.columns["t"], frame["t"].to_numpy(float), lengths).mode)
    assert modes == ["gaps", "shares"]


def test_features_that_say_nothing_are_left_out() -> None:
    generator = np.random.default_rng(0)
    cause, noise = generator.normal(size=(2, 3000))
    group = generator.choice(["a", "b", "c"], 3000)
    missing = generator.random(3000) < np.where(cause > 1, 0.5, 0.01)
    frame = pd.DataFrame(
        {
            "noise": noise,
            "copy": cause + 0.01 * generator.normal(size=3000),
            "cause": cause,
            "group": group,
            "other": generator.choice(["x", "y"], 3000),
            "value": np.exp(cause + (group == "c") + generator.normal(size=3000)),
            "gap": pd.Series(noise).mask(missing),
        }
    )
    assert select_features(read_table(frame), ["value"]) in (["cause", "group"], ["copy", "group"])
    chosen = select_features(read_table(frame.drop(columns="copy")), ["value", "gap"])
    assert chosen == ["noise", "cause", "group"]
    assert select_features(read_table(frame[["other", "noise"]]), ["other"]) == []
