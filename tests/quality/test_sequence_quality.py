"""Each defect of ordered records trips its figure, fresh real entities trip none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.quality.media_scenes import find, find_tripped
from workbench.datasets.sources import RealData
from workbench.quality.evidence import Evidence
from workbench.quality.sequences import find_figures, measure_distances, read_records
from workbench.spec.loading import load_spec
from workbench.synthesizers.registry import spec_types

VISITS = """\
name: clinic
sources: {visits: {path: visits.csv, holdout: 0.5, group_by: patient}}
tables:
  patients:
    rows: 10
    primary_key: patient
    columns: [{name: patient, type: id}]
  visits:
    primary_key: visit
    foreign_keys: [{column: patient, table: patients}]
    columns: [{name: visit, type: id}]
    synthesizer: {type: sequence, source: visits, entity: patient, order_by: day}
"""
UNORDERED = VISITS.replace(
    "type: sequence, source: visits, entity: patient, order_by: day", "type: gaussian_copula, source: visits"
)

Change = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


def draw_visits(patients: int, seed: int, first: int = 0) -> pd.DataFrame:
    """Visits whose gaps, weights and stages depend on the patient and on the visit before."""
    draw = np.random.default_rng(seed)
    sizes = 2 + draw.poisson(4, patients)
    owner = np.repeat(np.arange(patients), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    gaps = draw.exponential(1.0, len(owner)) * draw.gamma(3, 3, patients)[owner] + 1
    gaps[starts] = draw.uniform(0, 300, patients)
    days = np.cumsum(gaps)
    days -= np.repeat(days[starts] - gaps[starts], sizes)
    drift = np.cumsum(draw.normal(0, 1, len(owner)))
    drift -= np.repeat(drift[starts], sizes)
    weight = 70 + 12 * draw.normal(size=patients)[owner] + drift
    stage = np.minimum(np.arange(len(owner)) - np.repeat(starts, sizes) + draw.integers(0, 2, len(owner)), 4)
    return pd.DataFrame(
        {
            "visit": np.arange(len(owner)),
            "patient": owner + first,
            "day": (pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")).astype("datetime64[us]"),
            "weight": weight,
            "stage": np.array(["first", "early", "middle", "late", "last"])[stage],
        }
    )


def make_evidence(seed: int = 0, patients: int = 200, text: str = VISITS) -> Evidence:
    loaded = load_spec(text, spec_types())
    assert loaded.spec is not None, loaded.problems
    frame, train, holdout = (draw_visits(patients, 3 * seed + side, 10_000 * side) for side in range(3))
    return Evidence(
        "visits",
        loaded.spec.tables["visits"],
        frame,
        RealData(train, holdout, "", 0, "", ""),
        spec=loaded.spec,
        seed=seed,
    )


def spread_gaps(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    first = frame.groupby("patient")["day"].transform("min")
    return frame.assign(day=first + (frame["day"] - first) * 2)


def cut_short(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    return frame.groupby("patient").head(3).reset_index(drop=True)


def swap_values(name: str) -> Change:
    def change(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
        return frame.assign(**{name: draw.permutation(frame[name].to_numpy())})

    return change


def shuffle_within(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    order = np.lexsort((draw.random(len(frame)), frame["patient"]))
    return frame.assign(weight=frame["weight"].to_numpy()[order])


def test_fresh_real_entities_pass() -> None:
    found = find("sequences", make_evidence())
    assert {name: finding.verdict for name, finding in found.items()} == {
        "sequences": "pass",
        "sequences.order": "pass",
    }
    assert set(found["sequences"].columns) == {
        "records per entity", "gaps of day", "autocorrelation of weight", "persistence of weight",
        "transitions of stage",
    }  # fmt: skip
    assert found["sequences"].reference is not None


def test_fresh_real_entities_hardly_ever_raise_an_alarm() -> None:
    assert (
        sum(
            "sequences" in find_tripped("sequences", make_evidence(seed, [40, 100, 200][seed % 3]))
            for seed in range(60)
        )
        == 0
    )


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        (spread_gaps, "gaps of day"),
        (cut_short, "records per entity"),
        (swap_values("weight"), "persistence of weight"),
        (shuffle_within, "autocorrelation of weight"),
        (swap_values("stage"), "transitions of stage"),
    ],
    ids=["gaps", "lengths", "owners", "course", "transitions"],
)
def test_each_defect_trips_its_figure(change: Change, figure: str) -> None:
    evidence = make_evidence()
    evidence = replace(evidence, frame=change(evidence.frame, np.random.default_rng(1)))
    assert find_tripped("sequences", evidence) == {"sequences"}
    found = find("sequences", evidence)["sequences"]
    assert found.columns[figure]["distance"] > found.columns[figure]["threshold"]  # type: ignore[operator]
    assert figure in found.detail


def test_time_that_runs_backwards_is_named_by_its_rows() -> None:
    evidence = make_evidence()
    frame = evidence.frame.copy()
    frame.loc[[1, 2], "day"] = frame.loc[[2, 1], "day"].to_numpy()
    assert frame["patient"][1] == frame["patient"][2] == frame["patient"][0]
    found = find("sequences", replace(evidence, frame=frame))
    assert found["sequences.order"].verdict == "warn"
    assert list(found["sequences.order"].examples) == [2]
    assert found["sequences"].verdict == "pass"


def test_rows_of_one_entity_need_not_stand_together() -> None:
    evidence = make_evidence()
    frame = evidence.frame.sort_values("day", kind="stable").reset_index(drop=True)
    assert find_tripped("sequences", replace(evidence, frame=frame)) == set()


def test_without_real_rows_only_the_order_is_judged() -> None:
    found = find("sequences", replace(make_evidence(), real=None))
    assert (found["sequences"].verdict, found["sequences.order"].verdict) == ("not assessed", "pass")


def test_real_rows_that_were_split_within_entities_are_put_together() -> None:
    evidence = make_evidence()
    rows = draw_visits(400, 7)
    side = np.random.default_rng(1).random(len(rows)) < 0.5
    real = RealData(rows[side].reset_index(drop=True), rows[~side].reset_index(drop=True), "", 0, "", "")
    found = find("sequences", replace(evidence, real=real))["sequences"]
    assert found.verdict == "pass"
    assert "put together" in found.detail


def test_a_table_with_owners_and_moments_is_asked_whatever_made_it() -> None:
    evidence = make_evidence(text=UNORDERED)
    assert find("sequences", evidence).keys() == {"sequences"}
    evidence = replace(evidence, frame=spread_gaps(evidence.frame, np.random.default_rng(1)))
    assert find_tripped("sequences", evidence) == {"sequences"}


def test_a_table_of_other_rows_is_not_asked() -> None:
    evidence = make_evidence(text=UNORDERED)
    assert find("sequences", replace(evidence, frame=evidence.frame.drop(columns="day"))) == {}
    assert find("sequences", replace(evidence, real=None)) == {}


def test_the_lag_one_autocorrelation_is_that_of_the_definition() -> None:
    draw = np.random.default_rng(1)
    values = draw.normal(size=(30, 8)).cumsum(axis=1)
    frame = pd.DataFrame({"who": np.repeat(np.arange(30), 8), "when": np.tile(np.arange(8), 30), "x": values.ravel()})
    other = frame.assign(x=0.0)
    records = read_records([frame, other], ["who", "who"], "when")
    figure = next(each for each in find_figures(records, ["x"], [], "when") if each.name == "autocorrelation of x")
    centred = values - values.mean(axis=1, keepdims=True)
    expected = ((centred[:, 1:] * centred[:, :-1]).sum(axis=1) / (centred**2).sum(axis=1)).mean()
    found = measure_distances([figure], records, draw, 3.0)[0]
    assert found.value == pytest.approx(abs(expected))


def test_at_most_the_longest_records_of_an_entity_are_compared() -> None:
    frame = draw_visits(20, 1)
    records = read_records([frame, frame], ["patient", "patient"], "day", longest=2)
    assert records.lengths.tolist() == [2] * 40


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.head(0),
        lambda frame: frame.head(1),
        lambda frame: frame.assign(day=pd.NaT),
        lambda frame: frame.assign(day="never", weight=None),
        lambda frame: frame.assign(weight=float("inf"), stage=None),
        lambda frame: frame.assign(weight=1.0, stage="same"),
        lambda frame: frame.assign(patient=None),
        lambda frame: frame.assign(patient="é"),
        lambda frame: frame.assign(stage=[["a"], {"b": 1}] * (len(frame) // 2) + ["c"] * (len(frame) % 2)),
        lambda frame: frame.assign(weight=pd.Series([10**30] * len(frame), dtype=object)),
        lambda frame: frame.assign(
            day=frame["day"].dt.tz_localize("Europe/Berlin", nonexistent="shift_forward", ambiguous=True)
        ),
        lambda frame: frame.drop(columns=["weight", "stage"]),
        lambda frame: pd.concat([frame, frame[["weight"]]], axis=1),
    ],
)
@pytest.mark.parametrize("side", ["frame", "train", "holdout"])
def test_bad_records_never_raise(change: Callable[[pd.DataFrame], Any], side: str) -> None:
    evidence = make_evidence(patients=60)
    assert evidence.real is not None
    if side == "frame":
        evidence = replace(evidence, frame=change(evidence.frame))
    else:
        evidence = replace(evidence, real=replace(evidence.real, **{side: change(getattr(evidence.real, side))}))
    assert all(each.detail for each in find("sequences", evidence).values())
