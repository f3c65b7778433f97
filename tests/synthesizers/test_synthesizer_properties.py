"""What every type of synthesizer keeps of a real table: columns, types, bounds, grain, levels, nulls and shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.synthesizers.real_frames import ROW_TYPES, fit_mixed, fit_tiny, make_mixed_frame
from workbench.synthesizers import FittedTable, load
from workbench.synthesizers.fidelity import measure_shares
from workbench.synthesizers.profile import decode_codes

FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def mixed() -> pd.DataFrame:
    """A table with columns of every role and kind."""
    return make_mixed_frame()


@pytest.fixture(params=ROW_TYPES)
def fitted(request: pytest.FixtureRequest) -> FittedTable:
    """A tiny fit of each type to `mixed`."""
    return fit_mixed(request.param)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Tables of 5 to 80 rows with 1 to 6 columns of mixed types, some with nulls."""
    rows = draw(st.integers(5, 80))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    columns = {}
    for place in range(draw(st.integers(1, 6))):
        column = draw(st.sampled_from(MAKERS))(generator, rows)
        share = draw(st.sampled_from([0.0, 0.0, 0.1, 0.6]))
        column = column.mask(generator.random(rows) < share) if share else column
        columns[f"column {place}"] = column.cat.remove_unused_categories() if column.dtype == "category" else column
    return pd.DataFrame(columns)


MAKERS = [
    lambda generator, rows: pd.Series(np.round(generator.normal(-500, 200, rows), 2)),
    lambda generator, rows: pd.Series(generator.lognormal(0, 3, rows)),
    lambda generator, rows: pd.Series(generator.normal(0, 1e300, rows)),
    lambda generator, rows: pd.Series(generator.integers(-(2**62), 2**62, rows), dtype="Int64"),
    lambda generator, rows: pd.Series(generator.integers(0, 4, rows), dtype="Int64"),
    lambda generator, rows: pd.Series(generator.integers(-1000, 1000, rows), dtype="Int32"),
    lambda generator, rows: pd.Series(generator.choice([0.5, 1.25, 1e6], rows)),
    lambda generator, rows: pd.Series(generator.random(rows) < 0.2, dtype="boolean"),
    lambda generator, rows: pd.Series(
        generator.choice(["a", "b", "", "long text\n", "ü"], rows, p=[0.6, 0.2, 0.1, 0.06, 0.04])
    ),
    lambda generator, rows: pd.Series(pd.Categorical(generator.choice(list("xyz"), rows))),
    lambda generator, rows: pd.Series(
        pd.Timestamp("1960-02-29") + pd.to_timedelta(generator.integers(0, 40_000, rows), "D")
    ),
    lambda generator, rows: pd.Series(
        pd.Timestamp("2024-01-01", tz="Asia/Tokyo") + pd.to_timedelta(generator.integers(0, 10**6, rows), "s")
    ),
    lambda generator, rows: pd.Series(generator.random(rows).astype(np.float32)),
]


@FEW
@given(frames(), st.integers(0, 3))
def test_any_table_keeps_its_columns_types_bounds_grain_and_levels(frame: pd.DataFrame, seed: int) -> None:
    made = fit_tiny(frame).sample(150, seed=seed)

    assert_like(frame, made)


def test_each_type_keeps_columns_types_bounds_grain_and_levels(fitted: FittedTable, mixed: pd.DataFrame) -> None:
    made = fitted.sample(1500)

    assert_like(mixed, made)
    assert set(made["doors"]) <= {2, 3, 5}
    assert (made["currency"] == "EUR").all()
    assert made["note"].isna().all()


def test_each_type_keeps_the_rate_of_missing_values(fitted: FittedTable, mixed: pd.DataFrame) -> None:
    made = fitted.sample(3000)

    for name in mixed:
        rate = mixed[name].isna().mean()
        assert made[name].isna().mean() == pytest.approx(rate, abs=0.05), name
        assert rate or made[name].notna().all(), name


def test_each_type_keeps_the_share_of_a_rare_label_in_every_chunk(fitted: FittedTable, mixed: pd.DataFrame) -> None:
    size = fitted.chunk_rows
    labels = fitted.sample(2 * size)["is_fraud"].to_numpy()

    exact = mixed["is_fraud"].mean() * size
    for chunk in (labels[:size], labels[size:]):
        assert abs(chunk.sum() - exact) <= 1


def test_each_type_keeps_the_shares_of_all_levels_within_a_tenth_of_themselves(fitted: FittedTable) -> None:
    made = fitted.draw_rows(np.arange(20_000), {}, ("shares",))

    for name, found in measure_shares(fitted.profile, made).items():
        assert found["largest_error"] < 0.1, name


def test_each_type_tells_how_well_shares_are_kept(fitted: FittedTable) -> None:
    shares = fitted.report.shares

    assert set(shares) == {"country", "is_fraud", "doors", "opted_in", "plan"}
    assert shares["is_fraud"]["rarest"]["value"] is True
    assert shares["is_fraud"]["largest_error"] < 0.1
    assert 0 <= fitted.report.fidelity["score"] <= 1


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(fitted: FittedTable) -> None:
    first = fitted.sample(50, seed=3)

    pd.testing.assert_frame_equal(first, fitted.sample(50, seed=3))
    assert not first.equals(fitted.sample(50, seed=4))


def test_a_longer_sample_begins_with_the_shorter_one(fitted: FittedTable) -> None:
    longer = fitted.sample(fitted.chunk_rows + 60, seed=5)

    for rows in (1, 40, fitted.chunk_rows + 3):
        pd.testing.assert_frame_equal(fitted.sample(rows, seed=5), longer.head(rows))


def test_a_longer_sample_begins_with_the_shorter_one_given_conditions(fitted: FittedTable, mixed: pd.DataFrame) -> None:
    given = mixed[["country", "amount", "is_fraud"]]
    longer = fitted.sample(len(given), given, seed=5)

    pd.testing.assert_frame_equal(fitted.sample(30, given.head(30), seed=5), longer.head(30))


def test_a_row_is_the_same_in_whatever_company_it_is_made(fitted: FittedTable) -> None:
    size = fitted.chunk_rows
    codes = np.arange(2 * size) % 3 - 1
    conditions = {"country": decode_codes(fitted.profile.columns["country"], codes)}
    some = np.array([0, 3, 4, size - 1, size + 7])

    whole = fitted.draw_rows(np.arange(2 * size), conditions, ("names",))
    apart = fitted.draw_rows(some, {"country": conditions["country"].take(some)}, ("names",))

    for name, values in apart.items():
        assert values.to_list() == whole[name].take(some).to_list(), name


def test_a_saved_and_loaded_model_makes_the_same_rows(fitted: FittedTable, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    again = load(tmp_path / "model")

    conditions = {"is_fraud": True, "country": None}
    pd.testing.assert_frame_equal(again.sample(30, seed=2), fitted.sample(30, seed=2))
    pd.testing.assert_frame_equal(again.sample(30, conditions), fitted.sample(30, conditions))
    assert again.report == fitted.report


def test_no_real_identifier_is_made_again(fitted: FittedTable, mixed: pd.DataFrame) -> None:
    made = fitted.sample(1000)["code"]

    assert made.str.fullmatch(r"C-[0-9]{6}").all()
    assert not set(made) & set(mixed["code"])


@pytest.mark.parametrize("name", ROW_TYPES)
def test_the_same_fit_twice_gives_the_same_rows(name: str, mixed: pd.DataFrame) -> None:
    frame = mixed[["amount", "country", "is_fraud"]].head(150)

    pd.testing.assert_frame_equal(fit_tiny(frame, name).sample(20), fit_tiny(frame, name).sample(20))


def test_a_copula_keeps_relations_and_what_follows_from_conditions(mixed: pd.DataFrame) -> None:
    copula = fit_mixed("gaussian_copula")
    made = copula.sample(3000)

    real = mixed[["amount", "balance"]].corr("spearman").iloc[0, 1]
    assert made[["amount", "balance"]].corr("spearman").iloc[0, 1] == pytest.approx(real, abs=0.1)
    fraud = copula.sample(500, {"is_fraud": True})["amount"].median()
    honest = copula.sample(500, {"is_fraud": False})["amount"].median()
    assert fraud > 3 * honest


def assert_like(real: pd.DataFrame, made: pd.DataFrame) -> None:
    """Every made value is one that its real column could hold."""
    assert list(made.columns) == list(real.columns)
    for name in real:
        before, after = real[name], made[name].dropna()
        if before.notna().any():
            assert made[name].dtype == before.dtype, name
        assert made[name].isna().sum() == 0 or before.isna().any(), name
        if not len(after) or name == "code":
            continue
        if pd.api.types.is_numeric_dtype(before.dtype) or pd.api.types.is_datetime64_any_dtype(before.dtype):
            assert before.min() <= after.min() <= after.max() <= before.max(), name
        if before.nunique() <= 20 or pd.api.types.is_string_dtype(before.dtype):
            assert set(after) <= set(before.dropna()), name
        if pd.api.types.is_datetime64_any_dtype(before.dtype) and before.dt.tz is None:
            whole = (before.dropna() == before.dropna().dt.floor("D")).all()
            assert not whole or (after == after.dt.floor("D")).all(), name
        cents = before.dtype == "float64" and before.abs().max() < 1e12  # rounding larger ones is not exact
        if cents and (before.dropna().round(2) == before.dropna()).all():
            assert (after.round(2) == after).all(), name
