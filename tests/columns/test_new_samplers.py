"""gamma, beta, scipy and timedelta: distributions, cuts, rounding, nulls, ranges of rows, and every refusal."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.columns.column_type import Maker, TableContext
from workbench.columns.registry import COLUMNS
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.spec.yaml_nodes import load_plain

Make = Callable[..., Values]
Compile = Callable[..., Maker]

GAMMA, BETA = stats.gamma(2, scale=450), stats.beta(2, 5)
WEIBULL, STUDENT = stats.weibull_min(1.5, scale=900), stats.t(4)
CONTINUOUS = {
    "type: gamma, shape: 2, scale: 450": (GAMMA, -math.inf, math.inf),
    "type: gamma, shape: 0.1, scale: 3": (stats.gamma(0.1, scale=3), -math.inf, math.inf),
    "type: gamma, shape: 2, scale: 450, min: 500, max: 900": (GAMMA, 500, 900),
    "type: gamma, shape: 2, scale: 450, min: 9000": (GAMMA, 9000, math.inf),
    "type: beta, alpha: 2, beta: 5": (BETA, -math.inf, math.inf),
    "type: beta, alpha: 0.5, beta: 0.5, low: -1, high: 3": (stats.beta(0.5, 0.5, -1, 4), -math.inf, math.inf),
    "type: beta, alpha: 2, beta: 5, min: 0.1, max: 0.3": (BETA, 0.1, 0.3),
    "type: beta, alpha: 2, beta: 5, min: 0.8": (BETA, 0.8, 1),
    "type: scipy, dist: weibull_min, args: {c: 1.5, scale: 900}": (WEIBULL, -math.inf, math.inf),
    "type: scipy, dist: weibull_min, args: {c: 1.5, scale: 900}, min: 100, max: 2000": (WEIBULL, 100, 2000),
    "type: scipy, dist: t, args: {df: 4}": (STUDENT, -math.inf, math.inf),
    "type: scipy, dist: t, args: {df: 4}, min: 3": (STUDENT, 3, math.inf),
}


@pytest.mark.parametrize("line", CONTINUOUS)
def test_numbers_follow_their_distribution_between_min_and_max(make: Make, line: str) -> None:
    distribution, low, high = CONTINUOUS[line]
    numbers = make(f"{{name: x, {line}}}").data
    assert numbers.dtype == np.float64
    assert numbers.min() >= low
    assert numbers.max() <= high
    upper = distribution.sf(low) if math.isfinite(low) else 1.0
    inside = upper - (distribution.sf(high) if math.isfinite(high) else 0.0)
    assert stats.kstest(numbers, lambda x: (upper - distribution.sf(x)) / inside).pvalue > 1e-3


@pytest.mark.parametrize(("line", "distribution", "low", "high"), [
    ("dist: nbinom, args: {n: 5, p: 0.4}", stats.nbinom(5, 0.4), 0, 60),
    ("dist: nbinom, args: {n: 5, p: 0.4}, min: 3, max: 8", stats.nbinom(5, 0.4), 3, 8),
    ("dist: nbinom, args: {n: 5, p: 0.4}, min: 15, max: 18", stats.nbinom(5, 0.4), 15, 18),
    ("dist: binom, args: {n: 6, p: 0.3, loc: 10}", stats.binom(6, 0.3, 10), 10, 16),
    ("dist: randint, args: {low: -2, high: 3}", stats.randint(-2, 3), -2, 2),
])  # fmt: skip
def test_a_discrete_distribution_gives_whole_numbers_in_its_proportions(
    make: Make, line: str, distribution: stats.rv_discrete, low: int, high: int
) -> None:
    counts = make(f"{{name: x, type: scipy, {line}}}").data
    assert counts.dtype == np.int64
    assert counts.min() >= low
    assert counts.max() <= high
    shares = distribution.pmf(np.arange(low, high + 1))
    expected = shares / shares.sum() * len(counts)
    often = expected > 20
    observed = np.bincount(counts - low, minlength=high - low + 1)
    observed, expected = observed[often], expected[often]
    assert stats.chisquare(observed, expected / expected.sum() * observed.sum()).pvalue > 1e-3


@pytest.mark.parametrize("line", [line for line in CONTINUOUS if "beta: 5, m" not in line])
@pytest.mark.parametrize("decimals", [0, 2])
def test_decimals_round_and_missing_leaves_the_other_values_alone(make: Make, line: str, decimals: int) -> None:
    whole = make(f"{{name: x, {line}, decimals: {decimals}}}", 3_000)
    assert whole.data.dtype == (np.int64 if decimals == 0 else np.float64)
    assert (np.round(whole.data, decimals) == whole.data).all()
    some = make(f"{{name: x, {line}, decimals: {decimals}, missing: 0.3}}", 3_000)
    assert abs(some.count_nulls() / 3_000 - 0.3) < 0.05
    assert all(value in (None, other) for value, other in zip(some.to_list(), whole.to_list(), strict=True))


@pytest.mark.parametrize(("line", "bounds"), [
    ("type: gamma, shape: 2, scale: 450, max: 10", (0, 10)),
    ("type: beta, alpha: 2, beta: 5, low: 2, high: 4, min: 2.55, decimals: 1", (2.6, 4)),
    ("type: scipy, dist: weibull_min, args: {c: 1.5}", (0, math.inf)),
    ("type: scipy, dist: binom, args: {n: 6, p: 0.3}, min: 2", (2, 6)),
])  # fmt: skip
def test_bounds_are_known_before_the_run(compile_line: Compile, line: str, bounds: tuple[float, float]) -> None:
    assert compile_line(f"{{name: x, {line}}}").bounds == pytest.approx(bounds)


RANGED = [
    *CONTINUOUS,
    "type: scipy, dist: nbinom, args: {n: 5, p: 0.4}, missing: 0.2",
    "type: timedelta, since: start, low: -3, high: 9, unit: h, missing: 0.2",
    "type: timedelta, since: start, mean: 2.5, unit: D",
]
MOMENTS = Values(np.arange(90).astype("datetime64[h]").astype("datetime64[us]"), np.arange(90) % 7 > 0)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(RANGED), st.integers(0, 90), st.integers(0, 90))
def test_any_range_of_rows_made_alone_is_that_part_of_the_whole(line: str, start: int, count: int) -> None:
    data = load_plain(f"{{name: x, {line}}}")
    entry = COLUMNS.get(data["type"])
    assert entry is not None
    since = Maker("timestamp", lambda draws, inputs: MOMENTS)
    maker = entry.make(entry.config.model_validate(data), TableContext({"start": since}))
    rows = np.arange(90)
    part = rows[start : start + count]
    whole = maker.values(Draws(1, "t", "c", rows), {"start": MOMENTS}).to_list()
    assert maker.values(Draws(1, "t", "c", part), {"start": MOMENTS.take(part)}).to_list() == [whole[i] for i in part]


REFUSED = {
    "type: gamma, shape: 0, scale: 1": "greater than 0",
    "type: gamma, shape: 1, scale: -1": "greater than 0",
    "type: gamma, shape: 2, scale: 1, max: 0": "max is not above 0, and all values are",
    "type: gamma, shape: 2, scale: 1, min: 5000": "min and max leave nothing of the distribution",
    "type: gamma, shape: 2, scale: 1, min: 5, max: 4": "min 5 is above max 4",
    "type: gamma, shape: 2, scale: 1, min: 0.2, max: 0.8, decimals: 0": "no number with 0 decimals lies between",
    "type: gamma, shape: .nan, scale: 1": "shape",
    "type: beta, alpha: 0, beta: 1": "greater than 0",
    "type: beta, alpha: 1, beta: 1, low: 3, high: 3": "low 3 is not below high 3",
    "type: beta, alpha: 1, beta: 1, min: 2": "min, max and decimals leave no value between low and high",
    "type: beta, alpha: 1, beta: 1, low: 0.2, high: 0.8, decimals: 0": "leave no value between low and high",
    "type: beta, alpha: 100000, beta: 1, max: 0.1": "min and max leave nothing of the distribution",
    "type: scipy, dist: weibul_min, args: {c: 1}": "scipy.stats has no distribution “weibul_min”.*weibull_min",
    "type: scipy, dist: kstest": "scipy.stats has no distribution “kstest”",
    "type: scipy, dist: __class__": "pattern",
    "type: scipy, dist: weibull_min, args: {k: 1}": "weibull_min has no parameter “k”",
    "type: scipy, dist: weibull_min, args: {c: 1, scael: 1}": "no parameter “scael”.*scale",
    "type: scipy, dist: binom, args: {n: 3, p: 0.5, scale: 2}": "binom has no parameter “scale”",
    "type: scipy, dist: nbinom, args: {n: 3}": "nbinom needs the parameter p under args",
    "type: scipy, dist: beta": "beta needs the parameter a and b under args",
    "type: scipy, dist: weibull_min, args: {c: -1}": "these parameters are outside what weibull_min allows",
    "type: scipy, dist: norm, args: {scale: 0}": "these parameters are outside what norm allows",
    "type: scipy, dist: weibull_min, args: {c: 1}, max: -1": "min and max leave nothing of weibull_min",
    "type: scipy, dist: norm, min: 60": "min and max leave nothing of the distribution",
    "type: scipy, dist: randint, args: {low: 0, high: 5}, min: 9": "min and max leave nothing of randint",
    "type: scipy, dist: weibull_min, args: {c: x}": "valid number",
    "type: timedelta, since: start": "give low and high, or mean",
    "type: timedelta, since: start, low: 1": "give low and high, or mean",
    "type: timedelta, since: start, low: 1, high: 2, mean: 3": "give low and high, or mean",
    "type: timedelta, since: start, low: 1, mean: 3": "give low and high, or mean",
    "type: timedelta, since: start, low: 3, high: 2": "low 3 is above high 2",
    "type: timedelta, since: start, low: 0, high: 2000000": "less than or equal to 1000000",
    "type: timedelta, since: start, mean: 0": "greater than 0",
    "type: timedelta, since: start, mean: 1, unit: fortnight": "unit",
    "type: timedelta, since: amount, mean: 1": "“amount” is no moment in time",
}


@pytest.mark.parametrize(("line", "message"), REFUSED.items(), ids=list(REFUSED))
def test_what_cannot_work_is_refused_with_its_reason(compile_line: Compile, line: str, message: str) -> None:
    makers = {
        "start": Maker("timestamp", lambda draws, inputs: MOMENTS),
        "amount": Maker("double", lambda d, i: MOMENTS),
    }
    with pytest.raises(ValueError, match=message):
        compile_line(f"{{name: x, {line}}}", makers)


def test_a_distribution_that_is_searched_for_each_number_is_refused(compile_line: Compile) -> None:
    with pytest.raises(ValueError, match="studentized_range is too slow to draw from with these parameters"):
        compile_line("{name: x, type: scipy, dist: studentized_range, args: {k: 3, df: 10}}")


def test_a_delay_is_a_whole_number_of_units_and_reaches_both_ends_evenly(make: Make) -> None:
    start = datetime.datetime(2026, 1, 31, 12)
    moments = make("{name: x, type: timedelta, since: start, low: -1, high: 3, unit: D}", start=[start] * 20_000)
    days = (moments.data - np.datetime64(start)) / np.timedelta64(1, "D")
    assert sorted(set(days.tolist())) == [-1, 0, 1, 2, 3]
    assert stats.chisquare(np.unique(days, return_counts=True)[1]).pvalue > 1e-3


@pytest.mark.parametrize(("unit", "microseconds"), [
    ("D", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000),
])  # fmt: skip
def test_every_unit_has_its_length(make: Make, unit: str, microseconds: int) -> None:
    start = datetime.datetime(2026, 1, 1)
    later = make(f"{{name: x, type: timedelta, since: start, low: 2, high: 2, unit: {unit}}}", start=[start]).to_list()
    assert later == [start + datetime.timedelta(microseconds=2 * microseconds)]


def test_a_wait_is_exponential_around_its_mean(make: Make) -> None:
    start = datetime.datetime(2026, 1, 1)
    moments = make("{name: x, type: timedelta, since: start, mean: 4.5, unit: h}", start=[start] * 20_000).data
    hours = (moments - np.datetime64(start)) / np.timedelta64(1, "h")
    assert stats.kstest(hours, stats.expon(scale=4.5).cdf).pvalue > 1e-3


def test_after_a_null_moment_comes_null_and_missing_adds_to_it(make: Make) -> None:
    start = [None, datetime.datetime(2026, 1, 1)] * 2_000
    plain = make("{name: x, type: timedelta, since: start, mean: 1}", start=start).to_list()
    assert all((value is None) == (moment is None) for value, moment in zip(plain, start, strict=True))
    some = make("{name: x, type: timedelta, since: start, mean: 1, missing: 0.5}", start=start).to_list()
    assert all(value is None for value in some[::2])
    assert abs(sum(value is None for value in some[1::2]) / 2_000 - 0.5) < 0.06
    assert all(value in (None, other) for value, other in zip(some, plain, strict=True))


def test_the_earliest_and_latest_moment_follow_from_those_of_the_other(compile_line: Compile) -> None:
    since = Maker("timestamp", lambda draws, inputs: MOMENTS, bounds=(0, 10**6))
    line = "{name: x, type: timedelta, since: start, low: -1, high: 2, unit: s}"
    assert compile_line(line, {"start": since}).bounds == (-(10**6), 3 * 10**6)
    assert compile_line("{name: x, type: timedelta, since: start, mean: 2}", {"start": since}).bounds is None
