"""Rows of one entity are alike: clean tables of entities trip nothing, real defects in them still do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.sources import RealData
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Finding
from workbench.quality.clusters import Clusters, correlate_levels, correlate_values, measure_size
from workbench.quality.evidence import Evidence
from workbench.quality.selftest.population import draw_people
from workbench.quality.similarity import bound_noise, encode_columns
from workbench.spec.loading import load_spec
from workbench.spec.model import QualityConfig
from workbench.synthesizers.registry import spec_types

KNOWN = dict(CHECKS.items())
CHEAP = ("fidelity.columns", "fidelity.coverage")
ALL = (*CHEAP, "fidelity.pairs", "fidelity.accuracy", "fidelity.classes", "trust.edge_cases")
SEQUENCE = """\
name: grid
sources: {readings: {path: readings.csv, holdout: 0.5, group_by: meter}}
tables:
  meters:
    rows: 10
    primary_key: meter
    columns: [{name: meter, type: id}]
  readings:
    foreign_keys: [{column: meter, table: meters}]
    synthesizer: {type: sequence, source: readings, entity: meter, order_by: at}
"""
CHILD = SEQUENCE.replace(
    "type: sequence, source: readings, entity: meter, order_by: at", "type: gaussian_copula, source: readings"
)
GROUPED = CHILD.replace("    foreign_keys: [{column: meter, table: meters}]\n", "")

Change = Callable[[pd.DataFrame], pd.DataFrame]


def draw_meters(seed: int, entities: int = 60, each: int = 50, icc: float = 0.6, first: int = 0) -> pd.DataFrame:
    """Readings of meters, of which the share `icc` of the variance lies between meters."""
    draw = np.random.default_rng(seed)
    owner = np.repeat(np.arange(entities), each)

    def mix(share: float) -> np.ndarray:
        own = draw.normal(size=entities)[owner]
        return np.sqrt(share) * own + np.sqrt(1 - share) * draw.normal(size=len(owner))

    level = mix(icc)
    days = draw.integers(0, 300, entities)[owner] + draw.uniform(0, 60, len(owner))
    return pd.DataFrame(
        {
            "meter": [f"m{first + number:05d}" for number in owner],
            "at": np.datetime64("2024-01-01", "s") + (days * 86_400).astype("timedelta64[s]"),
            "level": level,
            "load": 0.6 * level + 0.8 * mix(icc),
            "price": np.exp(0.8 * mix(icc / 2)),
            "kind": np.array(["house", "flat", "shop", "farm"])[np.digitize(mix(icc), [-0.3, 0.7, 1.4])],
            "state": np.where(mix(icc) + 0.5 * level > 0.3, "on", "off"),
        }
    )


def draw_sides(seed: int, entities: int = 60, each: int = 50, icc: float = 0.6) -> list[pd.DataFrame]:
    """Dataset, training and holdout, of entities of their own."""
    return [draw_meters(1_000 * seed + side, entities, each, icc, side * entities) for side in range(3)]


def make_evidence(frame: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame, text: str = SEQUENCE) -> Evidence:
    loaded = load_spec(text, spec_types())
    assert loaded.spec is not None, loaded.problems
    gates = QualityConfig.model_validate({"label": "state"})
    real = RealData(train, holdout, "", 0, "", "")
    return Evidence("readings", loaded.spec.tables["readings"], frame, real, gates, seed=1, spec=loaded.spec)


def check(evidence: Evidence, names: tuple[str, ...] = ALL) -> dict[str, Finding]:
    return {finding.name: finding for name in names for finding in ask(KNOWN[name], evidence)}


def find_tripped(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if finding.verdict in ("warn", "fail")}


@cache
def draw_some(seed: int) -> tuple[pd.DataFrame, ...]:
    return tuple(draw_sides(seed))


def test_clean_entities_hardly_ever_trip_a_check() -> None:
    tripped = Counter(name for seed in range(25) for name in find_tripped(check(make_evidence(*draw_some(seed)))))
    assert tripped.total() == 0, tripped


def test_as_many_rows_taken_for_independent_trip_most_checks() -> None:
    tripped: Counter[str] = Counter()
    for seed in range(5):
        alone = [frame.drop(columns="meter") for frame in draw_some(seed)]
        tripped.update(find_tripped(check(make_evidence(*alone, text=GROUPED), CHEAP)))
    assert tripped["fidelity.columns"] >= 3


@pytest.mark.parametrize("text", [SEQUENCE, CHILD, GROUPED], ids=["sequence", "foreign key", "group_by"])
@pytest.mark.parametrize(("entities", "each", "icc"), [(60, 20, 0.9), (200, 10, 0.3), (60, 50, 0.02)])
def test_clean_entities_of_other_sizes_and_likeness_trip_nothing(
    text: str, entities: int, each: int, icc: float
) -> None:
    assert not find_tripped(check(make_evidence(*draw_sides(7, entities, each, icc), text=text)))


def test_rows_drawn_alone_beside_real_entities_trip_nothing() -> None:
    for seed in range(3):
        _, train, holdout = draw_some(seed)
        frame = draw_meters(500 + seed, 3_000, 1).drop(columns="meter")
        assert not find_tripped(check(make_evidence(frame, train, holdout, GROUPED)))


def shift(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(level=frame["level"] + 1.2)


def lose_category(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(kind=frame["kind"].replace("flat", "house"))


def lose_rare_category(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(kind=frame["kind"].replace("shop", "flat"))


def invent_category(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(kind=frame["kind"].where(np.arange(len(frame)) % 20 > 0, "moon"))


def cut_range(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(level=frame["level"].clip(-0.7, 0.7))


def leave_range(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(price=frame["price"] * np.where(np.arange(len(frame)) % 10, 1, 200))


def break_pair(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(load=np.random.default_rng(3).permutation(frame["load"].to_numpy()))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (shift, "fidelity.columns"),
        (lose_category, "fidelity.columns"),
        (lose_category, "fidelity.coverage"),
        (lose_rare_category, "fidelity.coverage"),
        (invent_category, "fidelity.coverage"),
        (cut_range, "fidelity.coverage"),
        (leave_range, "fidelity.coverage"),
        (break_pair, "fidelity.pairs"),
    ],
)
def test_a_defect_in_a_table_of_entities_still_trips_its_check(change: Change, name: str) -> None:
    for seed in range(3):
        frame, train, holdout = draw_some(seed)
        found = check(make_evidence(change(frame), train, holdout), (name,))[name]
        assert found.verdict == "warn", (seed, found)


def test_columns_that_do_not_fit_their_class_still_trip() -> None:
    sides = [side.assign(state=np.where(side["level"] > 0.2, "on", "off")) for side in draw_some(1)]
    assert check(make_evidence(*sides), ("fidelity.classes",))["fidelity.classes"].verdict == "pass"
    broken = sides[0].assign(state=np.random.default_rng(1).permutation(sides[0]["state"].to_numpy()))
    assert check(make_evidence(broken, *sides[1:]), ("fidelity.classes",))["fidelity.classes"].verdict == "warn"


def test_copied_entities_are_nearer_to_the_training_rows_than_chance_allows() -> None:
    _, train, holdout = draw_some(2)
    found = check(make_evidence(train, train, holdout), ("fidelity.accuracy",))["fidelity.accuracy"]
    assert found.verdict == "warn"
    assert "learned by heart" in found.detail


def test_an_edge_that_many_entities_reach_is_missed_where_it_is_cut_off() -> None:
    frame, train, holdout = draw_sides(3, 500, 8)
    assert check(make_evidence(frame, train, holdout), ("trust.edge_cases",))["trust.edge_cases"].verdict == "pass"
    cut = frame.assign(level=frame["level"].clip(upper=1.2))
    assert check(make_evidence(cut, train, holdout), ("trust.edge_cases",))["trust.edge_cases"].verdict == "warn"


def test_every_finding_names_the_effective_rows() -> None:
    for finding in check(make_evidence(*draw_some(0))).values():
        effective = finding.figures["effective_rows"]
        assert effective is not None
        assert 20 <= effective < 3_000
        assert "rows of one meter are alike" in finding.detail


def test_tables_without_entities_name_no_effective_rows() -> None:
    people = [draw_people(300, seed) for seed in range(3)]
    evidence = make_evidence(*people)
    assert evidence.clusters.owners == ()
    for finding in check(evidence, (*CHEAP, "fidelity.pairs", "fidelity.accuracy", "trust.edge_cases")).values():
        assert "effective_rows" not in finding.figures


@pytest.mark.parametrize("icc", [0.0, 0.3, 0.8])
def test_the_icc_is_the_share_of_variance_between_entities(icc: float) -> None:
    frame = draw_meters(4, 2_000, 10, icc)
    owner = pd.factorize(frame["meter"])[0]
    assert correlate_values(frame["level"].to_numpy(), owner) == pytest.approx(icc, abs=0.03)
    # Of a Gaussian cut in two at its middle: 2 / pi * arcsin(icc) (Sheppard 1899).
    halves = (frame["level"].to_numpy() > 0).astype(np.int64)
    assert correlate_levels(halves, owner) == pytest.approx(2 / np.pi * np.arcsin(icc), abs=0.03)
    assert correlate_levels(halves, owner) == pytest.approx(correlate_values(halves.astype(float), owner), abs=1e-9)


def test_the_design_effect_is_the_growth_of_the_variance_of_a_mean() -> None:
    draws = [draw_meters(seed, 40, 10) for seed in range(300)]
    grown = np.var([frame["level"].mean() for frame in draws]) * 400
    owner = pd.factorize(draws[0]["meter"])[0]
    effects = [Clusters(("meter",), ((owner, owner, owner),)).find_effects(frame["level"].to_numpy())[1]
               for frame in draws[:50]]  # fmt: skip
    assert np.mean(effects) == pytest.approx(grown, rel=0.2)


def test_the_size_of_entities_is_that_which_a_row_sees() -> None:
    assert measure_size(np.array([0, 0, 0, 1])) == pytest.approx((9 + 1) / 4)
    assert measure_size(np.empty(0, np.int64)) == 0


def test_rows_without_an_entity_are_entities_of_their_own() -> None:
    frame, train, holdout = draw_some(0)
    train = train.assign(meter=train["meter"].where(np.arange(len(train)) >= 1_000))
    clusters = make_evidence(frame, train, holdout).clusters
    assert len(np.unique(clusters.owners[0][0])) == 1_000 + 40


def test_without_entities_noise_bounds_are_those_of_independent_rows() -> None:
    frame, train, _ = draw_some(0)
    codes = encode_columns(train["level"], frame["level"], "number")
    assert Clusters().weigh(codes) is codes
    clusters = make_evidence(*draw_some(0)).clusters
    assert bound_noise(clusters.weigh(codes), 1) > 3 * bound_noise(codes, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.iloc[:0],
        lambda frame: frame.iloc[:1],
        lambda frame: frame.assign(meter=None),
        lambda frame: frame.assign(meter="one"),
        lambda frame: frame.assign(meter=[[number] for number in range(len(frame))]),
        lambda frame: frame.assign(level=np.inf, kind=None, state="on"),
        lambda frame: pd.concat([frame, frame[["meter"]]], axis=1),
    ],
    ids=["empty", "one row", "no entity", "one entity", "lists", "constant", "two columns of one name"],
)
@pytest.mark.parametrize("side", [0, 1, 2])
def test_odd_entities_never_raise(change: Change, side: int) -> None:
    sides = [frame.iloc[:200] for frame in draw_some(0)]
    sides[side] = change(sides[side])
    assert set(check(make_evidence(*sides))) <= set(ALL)
