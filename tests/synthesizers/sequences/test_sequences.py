"""Sequences: order, bounds, constants of an entity, conditions, and the same entity in whatever company."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import UsageError, WorkbenchError
from workbench.synthesizers import fit, load
from workbench.synthesizers.profile import read_table
from workbench.synthesizers.sequences.fitted import FittedSequences
from workbench.synthesizers.sequences.measuring import find_distance

ENTITIES = 200


def make_visits(seed: int = 0, entities: int = ENTITIES) -> pd.DataFrame:
    """Patients of two kinds, whose visits come at irregular times; a rising counter, a pressure that lingers."""
    generator = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for entity in range(entities):
        severe = bool(generator.random() < 0.3)
        start = pd.Timestamp("2023-01-01") + pd.Timedelta(days=int(generator.integers(0, 100)))
        day, counter = 0, 0.0
        pressure = 120 + 20 * severe + generator.normal(0, 8)
        for visit in range(1 + generator.poisson(5 if severe else 2)):
            if visit:
                day += 1 + int(generator.exponential(20))
                pressure = 0.8 * pressure + 0.2 * (120 + 20 * severe) + generator.normal(0, 4)
                counter += float(generator.exponential(500))
            rows.append(
                {
                    "patient": f"P{entity:05d}",
                    "day": start + pd.Timedelta(days=day),
                    "severe": severe,
                    "ward": "ICU" if severe and generator.random() < 0.5 else "A",
                    "pressure": None if generator.random() < 0.05 else round(pressure, 1),
                    "spent": round(counter, 2),
                    "note": f"N-{generator.integers(10**9):09d}",
                }
            )
    return pd.DataFrame(rows).sample(frac=1, random_state=1).reset_index(drop=True)


@pytest.fixture(scope="module")
def visits() -> pd.DataFrame:
    return make_visits()


@pytest.fixture(scope="module")
def fitted(visits: pd.DataFrame) -> FittedSequences:
    return fit(visits, "sequence", entity="patient", order_by="day", seed=3)


@pytest.fixture(scope="module")
def made(fitted: FittedSequences) -> pd.DataFrame:
    return fitted.sample(ENTITIES, seed=1)


def list_gaps(frame: pd.DataFrame) -> pd.Series:
    gaps = frame.groupby("patient")["day"].apply(lambda days: days.diff().dropna().dt.days)
    return gaps.astype(int)


def test_columns_and_types_are_those_of_the_real_records(visits: pd.DataFrame, made: pd.DataFrame) -> None:
    assert list(made.columns) == list(visits.columns)
    assert made.dtypes.to_dict() == visits.dtypes.to_dict()


def test_records_of_an_entity_stand_together_in_order_of_time(made: pd.DataFrame) -> None:
    assert (list_gaps(made) >= 0).all()
    assert made["patient"].ne(made["patient"].shift()).sum() == made["patient"].nunique() == ENTITIES


def test_two_records_of_an_entity_are_never_at_one_time_if_no_real_ones_are(made: pd.DataFrame) -> None:
    assert list_gaps(made).min() >= 1


def test_lengths_and_gaps_are_distributed_like_the_real_ones(visits: pd.DataFrame, made: pd.DataFrame) -> None:
    ordered = visits.sort_values(["patient", "day"])
    lengths = [frame.groupby("patient").size().to_numpy() for frame in (ordered, made)]
    assert find_distance(*lengths) < 0.08
    assert find_distance(list_gaps(ordered).to_numpy(), list_gaps(made).to_numpy()) < 0.12


def test_what_never_changes_within_an_entity_does_not_change(fitted: FittedSequences, made: pd.DataFrame) -> None:
    assert fitted.plan.fixed == ("severe",)
    assert (made.groupby("patient")["severe"].nunique() == 1).all()


def test_the_share_of_what_never_changes_is_kept_over_entities(visits: pd.DataFrame, made: pd.DataFrame) -> None:
    shares = [frame.groupby("patient")["severe"].first().mean() for frame in (visits, made)]
    assert shares[1] == pytest.approx(shares[0], abs=0.03)


def test_a_length_made_otherwise_has_records_too(fitted: FittedSequences) -> None:
    parents = np.arange(20, dtype=np.int64)
    lengths = np.arange(20, dtype=np.int64) % 4
    records = fitted.draw_records(parents, lengths, {}, (1, "other"))
    severe = records["severe"].data
    owner = np.repeat(parents, lengths)
    assert len(severe) == lengths.sum()
    assert all(len(set(severe[owner == number])) == 1 for number in set(owner.tolist()))


def test_what_is_the_same_in_an_entity_bears_on_its_length(made: pd.DataFrame) -> None:
    lengths = made.groupby("patient").agg(severe=("severe", "first"), length=("day", "size"))
    means = lengths.groupby("severe")["length"].mean()
    assert means[True] > 1.4 * means[False]


def test_a_value_follows_the_one_before_as_in_the_real_records(fitted: FittedSequences) -> None:
    pressure = fitted.report.figures["following"]["pressure"]
    assert pressure["made"] == pytest.approx(pressure["real"], abs=0.12)


def test_a_counter_never_falls(fitted: FittedSequences, made: pd.DataFrame) -> None:
    assert "spent" in fitted.plan.steps
    assert (made.groupby("patient")["spent"].diff().dropna() >= 0).all()


def test_bounds_nulls_and_categories_are_kept(visits: pd.DataFrame, made: pd.DataFrame) -> None:
    for name in ("day", "pressure", "spent"):
        assert made[name].min() >= visits[name].min()
        assert made[name].max() <= visits[name].max()
    assert made["pressure"].isna().mean() == pytest.approx(0.05, abs=0.02)
    assert set(made["ward"]) == {"A", "ICU"}
    assert not ((made["ward"] == "ICU") & ~made["severe"]).mean() > 0.02


def test_identifiers_are_made_anew(visits: pd.DataFrame, made: pd.DataFrame) -> None:
    for name in ("patient", "note"):
        assert not set(made[name]) & set(visits[name])
    assert made["patient"].str.fullmatch(r"P\d{5}").all()
    assert made["note"].str.fullmatch(r"N-\d{9}").all()


def test_an_entity_is_the_same_in_whatever_company(fitted: FittedSequences, made: pd.DataFrame) -> None:
    parents = np.arange(ENTITIES, dtype=np.int64)
    some = parents[::7]
    lengths = fitted.draw_lengths(some, {}, (1, "sample"))
    assert lengths.tolist() == made.groupby("patient", sort=False).size().to_numpy()[::7].tolist()
    records = fitted.draw_records(some, lengths, {}, (1, "sample"))
    chosen = made["patient"].drop_duplicates().to_numpy()[::7]
    expected = made[made["patient"].isin(set(chosen))]
    for name in ("day", "spent", "ward", "note"):
        assert records[name].data.tolist() == read_table(expected[[name]]).columns[name].data.tolist()


def test_more_entities_begin_with_the_same_ones(fitted: FittedSequences, made: pd.DataFrame) -> None:
    few = fitted.sample(40, seed=1)
    own = few.columns.difference(["patient"])
    pd.testing.assert_frame_equal(few[own], made.loc[: len(few) - 1, own])


def test_conditions_hold_in_all_records_and_the_rest_follows(fitted: FittedSequences) -> None:
    mild, severe = (fitted.sample(60, {"severe": value}, seed=2) for value in (False, True))
    assert severe["severe"].all()
    assert not mild["severe"].any()
    assert len(severe) > 1.4 * len(mild)
    assert severe["pressure"].mean() > mild["pressure"].mean() + 8
    wards = fitted.sample(20, {"ward": ["ICU", "A"] * 10}, seed=2)
    assert (wards.groupby("patient", sort=False)["ward"].first() == ["ICU", "A"] * 10).all()


def test_a_stored_model_makes_the_same_records(fitted: FittedSequences, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert isinstance(again, FittedSequences)
    pd.testing.assert_frame_equal(again.sample(30, seed=5), fitted.sample(30, seed=5))
    assert again.report == fitted.report


def test_no_real_identifier_is_stored(fitted: FittedSequences, visits: pd.DataFrame, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    text = "".join(path.read_text() for path in (tmp_path / "model").rglob("*.json"))
    assert not any(value in text for value in [*visits["patient"].unique(), *visits["note"]])


def test_a_damaged_model_is_told(fitted: FittedSequences, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    (tmp_path / "next" / "model.json").write_text("{}")
    with pytest.raises(WorkbenchError, match="damaged"):
        load(tmp_path)


def test_no_entities_give_no_records(fitted: FittedSequences) -> None:
    assert len(fitted.sample(0)) == 0


def test_single_records_make_single_records() -> None:
    frame = pd.DataFrame({"id": range(30), "t": range(30), "x": np.linspace(0, 1, 30)})
    made = fit(frame, "sequence", entity="id", order_by="t").sample(50)
    assert (made.groupby("id").size() == 1).all()


def test_regular_gaps_stay_regular() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"id": np.repeat(range(40), 12), "t": np.tile(np.arange(0, 60, 5), 40), "x": generator.normal(size=480)}
    )
    fitted = fit(frame, "sequence", entity="id", order_by="t")
    made = fitted.sample(30)
    assert fitted.plan.timing.mode == "gaps"
    assert (made.groupby("id")["t"].diff().dropna() == 5).all()
    assert (made.groupby("id").size() == 12).all()


def test_states_last_as_long_as_the_real_ones_whatever_their_names() -> None:
    generator = np.random.default_rng(0)
    states = list("cabed")
    rows = []
    for entity in range(150):
        state = generator.choice(states)
        for step in range(12):
            state = state if generator.random() < 0.8 else generator.choice(states)
            rows.append({"id": entity, "t": step, "state": state})
    fitted = fit(pd.DataFrame(rows), "sequence", entity="id", order_by="t")
    follow = fitted.report.figures["following"]["state"]
    assert fitted.plan.states == ("state",)
    assert follow["made"] == pytest.approx(follow["real"], abs=0.06)
    held = fitted.sample(10, {"state": list("abcde") * 2})
    assert (held.groupby("id")["state"].nunique() == 1).all()


@settings(max_examples=10, deadline=None)
@given(
    records=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(-5, 5),
            st.one_of(st.none(), st.floats(-9, 9)),
            st.sampled_from(["u", "v", None]),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_any_small_table_gives_ordered_records_within_its_bounds(records: list[tuple[Any, ...]]) -> None:
    frame = pd.DataFrame(records, columns=["id", "t", "x", "kind"])
    made = fit(frame, "sequence", entity="id", order_by="t").sample(12, seed=1)
    assert list(made.columns) == list(frame.columns)
    assert (made.groupby("id")["t"].diff().dropna() >= 0).all()
    assert made["t"].between(frame["t"].min(), frame["t"].max()).all()
    assert set(made["kind"].dropna()) <= set(frame["kind"].dropna())
    known = frame["x"].dropna().astype(float)
    if len(known):
        assert made["x"].dropna().between(known.min(), known.max()).all()


def test_only_the_first_records_are_learned_where_a_longest_length_is_set(visits: pd.DataFrame) -> None:
    made = fit(visits, "sequence", entity="patient", order_by="day", longest=2).sample(100)
    assert made.groupby("patient").size().max() == 2


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"entity": "pateint", "order_by": "day"}, "patient"),
        ({"entity": "patient", "order_by": "ward"}, "neither numbers nor moments"),
        ({"entity": "day", "order_by": "day"}, "both"),
        ({"entity": "patient", "order_by": "day", "model": "sequence"}, "another type"),
        ({"entity": "patient", "order_by": "day", "model": "gaussian"}, "gaussian_copula"),
        ({"entity": "patient", "order_by": "day", "settings": {"epoch": 3}}, "no setting"),
        ({"entity": "patient", "order_by": "day", "given": ["day"]}, "cannot be given"),
        ({"entity": "patient", "order_by": "day", "differential_privacy": {"max_epsilon": 1}}, "all rows of a person"),
        ({"entity": "patient"}, "order_by"),
    ],
)
def test_sequences_that_cannot_be_learned_are_explained(
    visits: pd.DataFrame, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(UsageError, match=word):
        fit(visits, "sequence", **options)


def test_conditions_that_cannot_hold_are_explained(fitted: FittedSequences) -> None:
    with pytest.raises(UsageError, match="orders the records"):
        fitted.sample(3, {"day": "2023-01-01"})
    with pytest.raises(UsageError, match="no value of the real table"):
        fitted.sample(3, {"ward": "Z"})
    with pytest.raises(UsageError, match="number of entities"):
        fitted.sample(-1)


def test_records_without_entity_or_time_are_left_out_with_a_note(visits: pd.DataFrame) -> None:
    some = visits[:300].copy()
    some.loc[:9, "patient"] = None
    fitted = fit(some, "sequence", entity="patient", order_by="day")
    assert any("10 records without" in note for note in fitted.report.notes)
    assert fitted.report.rows == 290
