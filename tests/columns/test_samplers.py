"""Every sampler: its distribution, its bounds, its nulls, its type, and that slices are slices."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from workbench.columns.column_type import Maker
from workbench.columns.registry import COLUMNS
from workbench.columns.values import Values
from workbench.spec.yaml_nodes import load_plain

Make = Callable[..., Values]

DISTRIBUTIONS = {
    "{name: x, type: uniform, low: -2, high: 3}": stats.uniform(-2, 5),
    "{name: x, type: uniform, low: -2, high: 3, min: 0, max: 1}": stats.uniform(0, 1),
    "{name: x, type: normal, mean: 10, stddev: 2}": stats.norm(10, 2),
    "{name: x, type: normal, mean: 10, stddev: 2, min: 9, max: 11}": stats.truncnorm(-0.5, 0.5, 10, 2),
    "{name: x, type: normal, mean: 0, stddev: 1, min: 12}": stats.truncnorm(12, math.inf),
    "{name: x, type: normal, mean: 0, stddev: 1, max: -12}": stats.truncnorm(-math.inf, -12),
    "{name: x, type: lognormal, mean: 1, stddev: 0.5}": stats.lognorm(0.5, scale=math.e),
    "{name: x, type: exponential, mean: 4}": stats.expon(scale=4),
    "{name: x, type: exponential, mean: 4, min: 3, max: 9}": stats.truncexpon(6 / 4, 3, 4),
}


@pytest.mark.parametrize(("line", "distribution"), DISTRIBUTIONS.items(), ids=list(DISTRIBUTIONS))
def test_numbers_follow_their_distribution(make: Make, line: str, distribution: stats.rv_continuous) -> None:
    values = make(line)
    assert values.data.dtype == np.float64
    assert stats.kstest(values.data, distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize("mean", [0.3, 4, 700, 1e6])
def test_poisson_counts_follow_their_distribution(make: Make, mean: float) -> None:
    counts = make(f"{{name: x, type: poisson, mean: {mean}}}").data
    assert counts.dtype == np.int64
    assert abs(counts.mean() - mean) < 5 * math.sqrt(mean / len(counts))
    assert abs(counts.var() / mean - 1) < 0.08
    middle = stats.poisson(mean).ppf(0.5)
    share = stats.poisson(mean).cdf(middle)
    assert abs((counts <= middle).mean() - share) < 5 * math.sqrt(share * (1 - share) / len(counts)) + 1e-12


def test_a_cut_poisson_keeps_the_proportions_inside(make: Make) -> None:
    counts = make("{name: x, type: poisson, mean: 3, min: 1, max: 4}").data
    expected = stats.poisson(3).pmf([1, 2, 3, 4])
    observed = np.bincount(counts, minlength=5)[1:]
    assert counts.min() == 1
    assert counts.max() == 4
    assert stats.chisquare(observed, expected / expected.sum() * len(counts)).pvalue > 1e-3


def test_uniform_int_reaches_both_ends_evenly(make: Make) -> None:
    whole = make("{name: x, type: uniform_int, low: -1, high: 3}").data
    assert whole.dtype == np.int64
    assert stats.chisquare(np.bincount(whole + 1)).pvalue > 1e-3


def test_the_widest_uniform_int_stays_inside(make: Make) -> None:
    whole = make("{name: x, type: uniform_int, low: -1000000000000000, high: 1000000000000000}").data
    assert abs(whole).max() <= 10**15
    assert len(set(whole.tolist())) == len(whole)


def test_bernoulli_is_true_with_its_probability(make: Make) -> None:
    truths = make("{name: x, type: bernoulli, p: 0.02}").data
    assert truths.dtype == np.bool_
    assert abs(truths.mean() - 0.02) < 0.005
    assert not make("{name: x, type: bernoulli, p: 0}").data.any()
    assert make("{name: x, type: bernoulli, p: 1}").data.all()


def test_moments_lie_on_the_grid_of_their_unit_with_both_ends(make: Make) -> None:
    days = make("{name: x, type: datetime, start: 2026-01-01, end: 2026-01-03, unit: D}").to_list()
    assert set(days) == {datetime.datetime(2026, 1, day) for day in (1, 2, 3)}
    seconds = make("{name: x, type: datetime, start: 2026-01-01, end: 2026-06-30}").data
    assert seconds.dtype == np.dtype("datetime64[us]")
    assert stats.kstest(seconds.astype(np.int64) / 1e6, stats.uniform(1767225600, 180 * 86400).cdf).pvalue > 1e-3


def test_a_moment_with_a_zone_is_kept_in_utc(make: Make) -> None:
    line = '{name: x, type: datetime, start: "2026-01-01T02:00:00+02:00", end: "2026-01-01T00:00:00Z"}'
    assert make(line, 1).to_list() == [datetime.datetime(2026, 1, 1)]


def test_ids_count_from_start_in_their_pattern(make: Make) -> None:
    assert make("{name: x, type: id}", 3).to_list() == [1, 2, 3]
    assert make("{name: x, type: id, pattern: 'C{n:06d}', start: 7}", (10, 12)).to_list() == ["C000017", "C000018"]
    assert make("{name: x, type: id, pattern: '100%{n:02X}{{}}'}", (254, 255)).to_list() == ["100%FF{}"]


@pytest.mark.parametrize("decimals", [0, 1, 3])
def test_decimals_round_and_zero_makes_whole_numbers(make: Make, decimals: int) -> None:
    values = make(f"{{name: x, type: normal, mean: 5, stddev: 2, min: 0.35, max: 9.9, decimals: {decimals}}}").data
    assert values.dtype == (np.int64 if decimals == 0 else np.float64)
    assert (np.round(values, decimals) == values).all()
    assert values.min() >= 0.35
    assert values.max() <= 9.9


SAMPLER_LINES = [
    entry.example
    for _, entry in COLUMNS.items()
    if entry.group == "samplers" and not entry.config.model_validate(load_plain(entry.example)).references()
]
MISSING_LINES = [line[:-1] + ", missing: 0.3}" for line in SAMPLER_LINES if "type: id" not in line]


@pytest.mark.parametrize("line", MISSING_LINES)
def test_missing_makes_its_share_null_and_leaves_the_other_values_alone(make: Make, line: str) -> None:
    rows = 300 if "faker" in line else 20_000
    values = make(line, rows)
    assert abs(values.count_nulls() / rows - 0.3) < 0.1
    whole = make(line.replace(", missing: 0.3", ""), rows).to_list()
    assert all(value in (None, other) for value, other in zip(values.to_list(), whole, strict=True))


@pytest.mark.parametrize("line", [*SAMPLER_LINES, *MISSING_LINES])
def test_rows_made_alone_equal_the_same_rows_of_the_whole(make: Make, line: str) -> None:
    whole = make(line, 103).to_list()
    assert make(line, (37, 90)).to_list() == whole[37:90]
    assert make(line, (102, 103)).to_list() == whole[102:]


@pytest.mark.parametrize("line", SAMPLER_LINES)
def test_another_seed_gives_other_values(make: Make, line: str) -> None:
    if "type: id" not in line:
        assert make(line, 200).to_list() != make(line, 200, seed=2).to_list()


@pytest.mark.parametrize(("line", "bounds"), [
    ("{name: x, type: uniform, low: 0, high: 1, min: 0.25, decimals: 1}", (0.3, 1.0)),
    ("{name: x, type: uniform_int, low: 0, high: 9, max: 4}", (0, 4)),
    ("{name: x, type: normal, mean: 0, stddev: 1, min: 1.5, max: 4.5, decimals: 0}", (2.0, 4.0)),
    ("{name: x, type: exponential, mean: 1}", (0.0, math.inf)),
])  # fmt: skip
def test_bounds_are_known_before_the_run(
    compile_line: Callable[..., Maker], line: str, bounds: tuple[float, float]
) -> None:
    assert compile_line(line).bounds == pytest.approx(bounds)


@pytest.mark.parametrize("line", [
    "{name: x, type: uniform, low: 2, high: 1}",
    "{name: x, type: uniform, low: 0, high: 1, min: 2}",
    "{name: x, type: uniform, low: -1.0e+308, high: 1.5e+308}",
    "{name: x, type: uniform_int, low: 0, high: 3, min: 4}",
    "{name: x, type: uniform_int, low: 0, high: 1000000000000001}",
    "{name: x, type: normal, mean: 0, stddev: -1}",
    "{name: x, type: normal, mean: 0, stddev: 0, min: 1}",
    "{name: x, type: normal, mean: 0, stddev: 1, min: 38}",
    "{name: x, type: normal, mean: 0, stddev: 1, min: 3, max: 2}",
    "{name: x, type: normal, mean: 0, stddev: 1, min: 0.2, max: 0.8, decimals: 0}",
    "{name: x, type: normal, mean: .nan, stddev: 1}",
    "{name: x, type: lognormal, mean: 0, stddev: 1, max: 0}",
    "{name: x, type: exponential, mean: 0}",
    "{name: x, type: poisson, mean: 3, min: 1000}",
    "{name: x, type: poisson, mean: 1.0e+10}",
    "{name: x, type: bernoulli, p: 1.5}",
    "{name: x, type: datetime, start: 2026-02-01, end: 2026-01-01}",
    "{name: x, type: id, pattern: same}",
    "{name: x, type: id, pattern: '{m}'}",
    "{name: x, type: id, pattern: '{n:99999999d}'}",
    "{name: x, type: id, pattern: '{n'}",
    "{name: x, type: id, pattern: '{n.real}'}",
])  # fmt: skip
def test_parameters_that_cannot_work_are_refused(compile_line: Callable[..., Maker], line: str) -> None:
    with pytest.raises(ValidationError):
        compile_line(line)


def test_a_lognormal_beyond_all_numbers_is_null(make: Make) -> None:
    values = make("{name: x, type: lognormal, mean: 600, stddev: 200}")
    assert values.count_nulls() > 0
    assert all(value is None or math.isfinite(value) for value in values.to_list())
