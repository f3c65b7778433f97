"""Encoding of tables for networks: what goes in comes back, whatever the columns are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.synthesizers.labels import choose_label, spread_evenly
from workbench.synthesizers.neural.calibration import Calibration, fit_biases, fit_map
from workbench.synthesizers.neural.conditioning import ConditionSampler, draw_label, stratify
from workbench.synthesizers.neural.dependence import DependenceScore
from workbench.synthesizers.neural.encoding import TableEncoder, fit_encoder
from workbench.synthesizers.neural.grouping import MOST_GROUPS, group_levels
from workbench.synthesizers.neural.numbers import fit_modes, fit_scores
from workbench.synthesizers.profile import RealTable, find_numbers, read_table


def make_table(rows: int = 600, seed: int = 0) -> RealTable:
    generator = np.random.default_rng(seed)
    amount = np.round(np.exp(generator.normal(3, 1, rows)), 2)
    amount[generator.random(rows) < 0.1] = np.nan
    gains = np.where(generator.random(rows) < 0.8, 0.0, generator.exponential(500, rows))
    frame = pd.DataFrame(
        {
            "amount": amount,
            "gains": gains,
            "city": generator.choice(["Bonn", "Köln", None], rows, p=[0.5, 0.3, 0.2]),
            "flag": generator.random(rows) < 0.1,
            "grade": generator.integers(1, 6, rows),
            "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(generator.integers(0, 10**6, rows), unit="s"),
        }
    )
    return read_table(frame)


@pytest.mark.parametrize("numbers", ["modes", "scores"])
def test_what_is_encoded_decodes_to_itself(numbers: str) -> None:
    table = make_table()
    encoder = fit_encoder(table, numbers, np.random.default_rng(0))  # type: ignore[arg-type]
    made = encoder.decode(encoder.encode(table), np.random.default_rng(1))
    for name in ("city", "flag", "grade"):
        assert made[name].to_list() == table.columns[name].to_list()
    for name in ("amount", "gains", "at"):
        real, again = table.numbers(name), find_numbers(made[name])
        assert np.array_equal(np.isnan(real), np.isnan(again))
        spread = np.nanmax(real) - np.nanmin(real)
        assert np.nanquantile(np.abs(real - again), 0.98) < 0.01 * spread


@pytest.mark.parametrize("numbers", ["modes", "scores"])
def test_an_encoder_restored_from_its_state_encodes_alike(numbers: str) -> None:
    table = make_table()
    encoder = fit_encoder(table, numbers, np.random.default_rng(0))  # type: ignore[arg-type]
    state, arrays = encoder.get_state()
    again = TableEncoder.restore(table.profile, state, arrays)
    assert np.array_equal(encoder.encode(table).codes, again.encode(table).codes)
    assert np.array_equal(encoder.encode(table).numbers, again.encode(table).numbers)


def test_conditions_are_kept_word_by_word_and_told_apart_from_the_rest() -> None:
    table = make_table()
    encoder = fit_encoder(table, "modes", np.random.default_rng(0))
    kept = {"amount": table.columns["amount"].take(np.arange(50)), "city": table.columns["city"].take(np.arange(50))}
    rows, told = encoder.encode_conditions(kept, 50)
    assert [name for name, known in zip(encoder.names, told, strict=True) if known] == ["amount", "city"]
    made = encoder.decode(rows, np.random.default_rng(0), kept)
    assert made["amount"].to_list() == kept["amount"].to_list()
    assert made["city"].to_list() == kept["city"].to_list()


def test_a_frequent_value_of_a_number_is_a_mode_of_its_own_and_comes_back_exactly() -> None:
    numbers = np.concatenate([np.zeros(500), np.random.default_rng(0).exponential(0.7, 500)])
    modes = fit_modes(numbers, np.random.default_rng(0))
    assert modes.spikes.tolist() == [0.0]
    codes, places = modes.encode(numbers)
    assert (modes.decode(codes.astype(np.int64), places)[:500] == 0.0).all()
    assert np.abs(places).max() <= 1.0


def test_the_width_does_not_grow_with_the_levels_of_a_category() -> None:
    generator = np.random.default_rng(0)
    levels = np.minimum(generator.zipf(1.2, 20_000), 5_000)
    frame = pd.DataFrame({"shop": [f"s{level}" for level in levels], "amount": levels + generator.normal(size=20_000)})
    table = read_table(frame)
    encoder = fit_encoder(table, "modes", np.random.default_rng(0))
    assert encoder.sizes[0] <= MOST_GROUPS
    made = encoder.decode(encoder.encode(table), np.random.default_rng(1))
    real = frame["shop"].value_counts(normalize=True)
    again = pd.Series(made["shop"].data).value_counts(normalize=True)
    assert (real - again.reindex(real.index).fillna(0)).abs().max() < 0.003


@settings(max_examples=25, deadline=None)
@given(levels=st.integers(1, 400), seed=st.integers(0, 99), alike=st.booleans())
def test_groups_cover_all_levels_and_draw_only_their_own(levels: int, seed: int, alike: bool) -> None:
    generator = np.random.default_rng(seed)
    counts = np.sort(generator.integers(1, 1000, levels))[::-1].astype(np.float64)
    features = generator.normal(size=(levels, 3)) * counts[:, None] if alike else None
    groups = group_levels(counts / counts.sum(), features, counts)
    assert groups.count <= MOST_GROUPS
    assert set(groups.group_of.tolist()) == set(range(groups.count))
    wanted = generator.integers(0, groups.count, 200)
    assert np.array_equal(groups.group_of[groups.draw_levels(wanted, generator.random(200))], wanted)


@settings(max_examples=10, deadline=None)
@given(numbers=st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=80))
def test_numbers_stay_in_their_bounds_however_they_are_encoded(numbers: list[float]) -> None:
    real = np.array(numbers)
    scores = fit_scores(real)
    again = scores.decode(scores.encode(real))
    assert again.min() >= real.min()
    assert again.max() <= real.max()
    modes = fit_modes(real, np.random.default_rng(0))
    codes, places = modes.encode(real)
    assert (codes < modes.count).all()
    assert np.isfinite(modes.decode(codes.astype(np.int64), places)).all()


def test_a_private_encoder_looks_at_no_row() -> None:
    table = make_table()
    other = RealTable(
        table.profile, {name: values.take(np.zeros(600, np.int64)) for name, values in table.columns.items()}
    )
    first = fit_encoder(table, "modes", np.random.default_rng(0), private=True)
    second = fit_encoder(other, "modes", np.random.default_rng(0), private=True)
    assert first.get_state()[0] == second.get_state()[0]
    assert all(
        np.array_equal(first.get_state()[1][name], array, equal_nan=True)
        for name, array in second.get_state()[1].items()
    )


def test_sampled_rows_show_rare_levels_often_and_tell_what_was_picked() -> None:
    table = make_table(4_000)
    encoder = fit_encoder(table, "modes", np.random.default_rng(0))
    sampler = ConditionSampler(encoder, encoder.encode(table), "flag")
    index, told = sampler.sample(np.random.default_rng(1), 8_000)
    flag = encoder.names.index("flag")
    alone = told[:, flag] & (told.sum(1) == 1)
    assert 0.4 < alone.mean() < 0.55
    rare = table.columns["flag"].data[index]
    assert rare[alone].mean() > 0.35
    assert 0.05 < rare[told.sum(1) == 0].mean() < 0.15
    numbers = [column.levels is None for column in encoder.columns]
    assert (told.any(1) & ~told[:, np.logical_not(numbers)].any(1)).any()
    assert told.any(0).all()


def test_the_label_is_the_category_with_the_rarest_level_and_its_shares_are_exact() -> None:
    table = make_table(2_000)
    assert choose_label(table.profile, None) == "flag"
    assert choose_label(table.profile, "city") == "city"
    column = table.profile.columns["city"]
    values = draw_label(column, np.random.default_rng(0), 1_000)
    assert abs(values.count_nulls() - 1_000 * column.missing) <= 1
    for level, share in zip(column.levels or (), column.shares, strict=True):
        assert abs(values.to_list().count(level) - 1_000 * share * (1 - column.missing)) <= 1


def test_dependence_is_one_for_the_real_rows_and_low_where_columns_were_shuffled() -> None:
    generator = np.random.default_rng(0)
    ill = generator.random(2_000) < 0.05
    frame = pd.DataFrame(
        {"ill": ill, "age": generator.normal(np.where(ill, 70, 40), 8), "ward": np.where(ill, "A", "B")}
    )
    table = read_table(frame)
    judge = DependenceScore(table)
    assert judge.is_known
    assert judge.score(table.columns) == pytest.approx(1.0)
    shuffled = {name: values.take(generator.permutation(2_000)) for name, values in table.columns.items()}
    assert judge.score(shuffled) < 0.1
    independent = read_table(pd.DataFrame({"a": generator.normal(size=500), "b": generator.normal(size=500)}))
    assert not DependenceScore(independent).is_known


def test_stratified_uniforms_have_one_in_each_part() -> None:
    uniforms = stratify(np.random.default_rng(0), 100)
    assert sorted((uniforms * 100).astype(int).tolist()) == list(range(100))


def test_biases_bring_every_share_to_the_real_one() -> None:
    table = make_table()
    encoder = fit_encoder(table, "modes", np.random.default_rng(0))
    logits = np.random.default_rng(3).normal(0, 2, (4_000, encoder.codes))

    def measure(biases: np.ndarray) -> np.ndarray:
        parts = np.split(np.exp(logits + biases), encoder.starts[1:], axis=1)
        return np.concatenate([(part / part.sum(1, keepdims=True)).mean(0) for part in parts])

    made = measure(fit_biases(encoder, measure))
    assert (np.abs(made - encoder.shares) < 0.02 * encoder.shares + 1e-6).all()


def test_a_map_moves_made_numbers_to_the_real_quantiles_in_the_same_order() -> None:
    generator = np.random.default_rng(0)
    drawn, real = generator.normal(5, 2, 4_000), generator.exponential(3, 4_000)
    calibration = Calibration(np.zeros(1), {"x": fit_map(drawn, real)})
    moved = calibration.adjust("x", np.append(drawn, np.nan))
    assert np.isnan(moved[-1])
    assert np.allclose(np.quantile(moved[:-1], [0.1, 0.5, 0.9]), np.quantile(real, [0.1, 0.5, 0.9]), rtol=0.05)
    assert moved[:-1].min() >= real.min()
    assert moved[:-1].max() <= real.max()
    order = np.argsort(drawn)
    assert (np.diff(moved[:-1][order]) >= 0).all()


@pytest.mark.parametrize("count", [16, 100, 1024])
def test_any_first_part_of_a_chunk_is_spread_evenly(count: int) -> None:
    uniforms = spread_evenly(np.random.default_rng(3), count)
    assert sorted((uniforms * count).astype(int).tolist()) == list(range(count))
    for first in range(1, count + 1):
        assert abs(np.count_nonzero(uniforms[:first] < 0.2) - 0.2 * first) <= 4
