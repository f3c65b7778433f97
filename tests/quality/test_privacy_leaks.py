"""Each leak, planted alone into fresh rows of a known population, trips what can see it; fresh rows trip nothing."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.packaged import load_packaged
from workbench.datasets.sources import RealData
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Finding
from workbench.quality.distances import Points, find_nearest
from workbench.quality.evidence import Evidence
from workbench.quality.privacy.excess import measure_excess
from workbench.quality.privacy.membership import attack_membership, find_rate_excess
from workbench.quality.privacy.risk import Tries, measure_risk
from workbench.quality.selftest.population import draw_people
from workbench.spec.loading import load_spec
from workbench.spec.model import QualityConfig
from workbench.synthesizers.registry import spec_types

SPEC = "name: people\nrows: 10\ncolumns:\n- {name: age, type: uniform_int, low: 18, high: 95}\n"
NEAREST = {"privacy.near_copies", "privacy.distance_ratio", "privacy.distance_share", "privacy.membership"}
ATTACKS = {"privacy.singling_out", "privacy.linkability", "privacy.inference"}
ALL = {"privacy.copies", "privacy.replay", *NEAREST, *ATTACKS}


def ask_all(
    made: pd.DataFrame,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    gates: QualityConfig | None = None,
    names: set[str] = ALL,
    seed: int = 0,
) -> dict[str, Finding]:
    loaded = load_spec(SPEC, spec_types())
    assert loaded.spec
    real = RealData(train.reset_index(drop=True), holdout.reset_index(drop=True), "", 0, "", "")
    frame = made.reset_index(drop=True)
    evidence = Evidence("people", loaded.spec.tables["people"], frame, real, gates or QualityConfig(), seed=seed)
    checks = dict(CHECKS.items())
    found = [finding for name in sorted(names) for finding in ask(checks[name], evidence)]
    return {finding.name: finding for finding in found}


def find_tripped(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if finding.verdict in ("warn", "fail")}


@pytest.fixture(scope="module")
def people() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return draw_people(1500, 1), draw_people(1200, 2), draw_people(800, 3)


def add_noise(frame: pd.DataFrame) -> pd.DataFrame:
    draw = np.random.default_rng(5)
    noisy = frame.copy()
    for name in frame.columns:
        if pd.api.types.is_float_dtype(frame[name].dtype):
            noisy[name] = frame[name] + 0.02 * frame[name].std() * draw.standard_normal(len(frame))
    return noisy


def test_fresh_rows_are_no_leak_and_nothing_is_called_private(
    people: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    findings = ask_all(*people)
    assert {finding.verdict for finding in findings.values()} == {"pass"}
    for finding in findings.values():
        assert "no sign of" in finding.detail
        assert "private" not in finding.detail
        assert "anonym" not in finding.detail
        assert finding.source
        assert finding.rows > 0
    assert findings.keys() == ALL - {"privacy.replay"}


def test_half_a_percent_of_copied_rows_is_seen_by_counting_alone() -> None:
    made, train, holdout = draw_people(5000, 1), draw_people(4000, 2), draw_people(1000, 3)
    copied = pd.concat([made.iloc[25:], train.iloc[:25]])
    findings = ask_all(copied, train, holdout, names={"privacy.copies", *NEAREST})
    assert find_tripped(findings) == {"privacy.copies"}
    found = findings["privacy.copies"]
    assert (found.verdict, found.value, found.reference) == ("fail", 0.005, 0.0)
    assert list(found.examples)[:2] == [4975, 4976]


def test_a_copied_row_that_got_another_number_is_a_copy(
    people: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    made, train, holdout = (
        frame.assign(account=[f"{side}-{row}" for row in range(len(frame))])
        for side, frame in zip("abc", people, strict=True)
    )
    assert ask_all(made, train, holdout, names={"privacy.copies"})["privacy.copies"].verdict == "pass"
    copied = train.iloc[:30].assign(account=[f"new-{row}" for row in range(30)])
    found = ask_all(pd.concat([made, copied]), train, holdout, names={"privacy.copies"})["privacy.copies"]
    assert (found.verdict, len(found.examples)) == ("fail", 30)


def test_rows_with_a_little_noise_are_near_copies_that_an_attacker_recognises(
    people: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    _, train, holdout = people
    findings = ask_all(add_noise(train), train, holdout)
    assert find_tripped(findings) >= {*NEAREST, "privacy.linkability", "privacy.inference"}
    assert findings["privacy.copies"].verdict == "pass"
    assert findings["privacy.near_copies"].verdict == "fail"
    assert findings["privacy.membership"].verdict == "fail"
    assert findings["privacy.membership"].value == pytest.approx(1.0, abs=0.01)
    assert findings["privacy.linkability"].value == pytest.approx(1.0, abs=0.05)


def test_a_few_near_copies_are_seen_although_the_mean_distance_hides_them() -> None:
    made, train, holdout = draw_people(3000, 1), draw_people(1500, 2), draw_people(1500, 3)
    near = pd.concat([made.iloc[90:], add_noise(train).iloc[:90]])
    findings = ask_all(near, train, holdout, names={"privacy.near_copies", "privacy.distance_share", "privacy.copies"})
    assert find_tripped(findings) == {"privacy.near_copies"}


def test_columns_shuffled_one_by_one_are_seen_by_singling_out_alone(
    people: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    _, train, holdout = people
    draw = np.random.default_rng(1)
    shuffled = pd.DataFrame({name: train[name].to_numpy()[draw.permutation(len(train))] for name in train.columns})
    assert find_tripped(ask_all(shuffled, train, holdout)) == {"privacy.singling_out"}


@pytest.mark.parametrize(
    ("gates", "name"),
    [
        (QualityConfig(max_exact_match=0.0), "privacy.copies"),
        (QualityConfig(min_dcr_ratio=0.9), "privacy.distance_ratio"),
        (QualityConfig(max_membership_auc=0.55), "privacy.membership"),
        (QualityConfig(max_risk=0.1), "privacy.linkability"),
    ],
)
def test_a_gate_fails_what_misses_it_and_lets_fresh_rows_pass(
    people: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], gates: QualityConfig, name: str
) -> None:
    made, train, holdout = people
    fresh = ask_all(made, train, holdout, gates, {name})[name]
    assert (fresh.verdict, fresh.gated) == ("pass", True)
    leaking = train if name == "privacy.copies" else add_noise(train)
    leaked = ask_all(leaking, train, holdout, gates, {name})[name]
    assert (leaked.verdict, leaked.source) == ("fail", "the spec's gate")
    none_held = ask_all(made, train, holdout.iloc[:0], gates, {name})[name]
    assert none_held.gated
    assert none_held.verdict == ("pass" if name == "privacy.copies" else "not assessed")


def test_without_a_holdout_no_distance_is_judged_and_copies_warn(
    people: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    made, train, holdout = people
    findings = ask_all(pd.concat([made, train.iloc[:30]]), train, holdout.iloc[:0])
    for name in NEAREST | ATTACKS:
        assert findings[name].verdict == "not assessed"
        assert "holdout" in findings[name].detail
    assert findings["privacy.copies"].verdict == "warn"


def test_real_rows_that_repeat_one_another_are_no_copies() -> None:
    draw = np.random.default_rng(2)
    made, train, holdout = (pd.DataFrame({"a": draw.integers(0, 40, size), "b": draw.choice(list("xyz"), size)})
                            for size in (600, 500, 100))  # fmt: skip
    findings = ask_all(made, train, holdout)
    assert find_tripped(findings) == set()
    assert findings["privacy.copies"].value == pytest.approx(1.0, abs=0.1)


def test_random_thirds_of_real_tables_show_no_leak() -> None:
    tripped = []
    for name in ("breast_cancer", "german_credit"):
        for seed in range(2):
            rows = load_packaged(name)[1].sample(frac=1, random_state=seed).iloc[:330]
            third = len(rows) // 3
            parts = (rows.iloc[:third], rows.iloc[third : 2 * third], rows.iloc[2 * third :])
            tripped += [(name, seed, each) for each in find_tripped(ask_all(parts[0], parts[1], parts[2], seed=seed))]
    assert len(tripped) <= 1, tripped


def test_the_same_seed_gives_the_same_findings() -> None:
    parts = [draw_people(200, seed) for seed in (1, 2, 3)]
    answers = [ask_all(parts[0], parts[1], parts[2], seed=3) for _ in range(2)]
    first, second = ([finding.as_json() | {"seconds": 0} for finding in each.values()] for each in answers)
    assert first == second


def spoil_mixed(frame: pd.DataFrame) -> pd.DataFrame:
    values: list[object] = ["a", 1, None, 2.5]
    nested: list[object] = [[1], {"a": 2}]
    incomes, jobs = values * (len(frame) // 4), nested * (len(frame) // 2)
    return frame.assign(income=pd.Series(incomes, dtype=object), job=pd.Series(jobs, dtype=object))


def spoil_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(income=np.inf, debt=1e300, amount=10**400, burden=np.nan)


def spoil_texts(frame: pd.DataFrame) -> pd.DataFrame:
    odd = pd.Series(["\x00\x1b[31m\u202e\ud800 \U0001f600"] * len(frame), dtype=object)
    return frame.assign(job=odd, sex=None, region="x" * 5000)


BAD: list[Callable[[pd.DataFrame], pd.DataFrame]] = [
    spoil_mixed,
    spoil_numbers,
    spoil_texts,
    lambda frame: frame.iloc[:0],
    lambda frame: frame.iloc[:1],
    lambda frame: frame.assign(**{str(name): None for name in frame.columns}),
    lambda frame: frame.assign(**{str(name): 1 for name in frame.columns}),
    lambda frame: frame.drop(columns=["income", "job"]),
    lambda frame: frame.astype(str),
    lambda frame: frame[[]],
    lambda frame: pd.concat([frame, frame[["income", "job"]]], axis=1),
    lambda frame: frame.astype({"job": "category", "age": "Int64", "online": "boolean"}),
]


@pytest.mark.parametrize("spoil", BAD)
def test_spoiled_rows_on_any_side_are_answered_and_never_raise(spoil: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    names = {*ALL, "privacy.personal", "privacy.canaries"}
    gates = QualityConfig(canaries=["a secret number 4711"])
    made, train, holdout = (draw_people(104, seed) for seed in (1, 2, 3))
    for parts in ((spoil(made), train, holdout), (spoil(made), spoil(train), spoil(holdout))):
        for finding in ask_all(parts[0], parts[1], parts[2], gates, names).values():
            assert finding.verdict in ("pass", "warn", "fail", "not assessed")
            assert finding.detail.isprintable()
            finding.as_json()


def test_a_missing_or_unknown_value_is_as_far_as_another_one() -> None:
    real = pd.DataFrame({"number": np.linspace(0, 10, 101), "kind": ["a", "b", "c"] * 33 + ["a", "b"]})
    points = Points.fit(real, real.iloc[:0], ["number", "kind"])
    rows = pd.DataFrame({"number": [0.0, 10.0, np.nan, np.nan, 5.0], "kind": ["a", "b", "a", None, "never seen"]})
    placed = points.transform(rows)
    apart = np.abs(placed[:, None] - placed[None]).sum(axis=2)
    assert apart[0] == pytest.approx([0, 1, 0.5, 1, 0.75])
    assert apart[2, 3] == pytest.approx(0.5)
    assert (np.diag(apart) == 0).all()


def test_outliers_do_not_press_all_others_together() -> None:
    incomes = np.concatenate([np.linspace(0, 100, 999), [1e9]])
    points = Points.fit(pd.DataFrame({"income": incomes}), pd.DataFrame({"income": incomes}), ["income"])
    placed = points.transform(pd.DataFrame({"income": [10.0, 90.0, 1e12, -1e12]}))[:, 0]
    assert placed[1] - placed[0] > 0.7
    assert (placed[2], placed[3]) == (2.0, -1.0)


def test_no_row_is_its_own_neighbour_and_equal_rows_give_the_first() -> None:
    rows = np.array([[0.0, 0.5], [0.0, 0.5], [0.25, 0.0]], np.float32)
    distances, numbers = find_nearest(rows, rows, 1, skip_self=True)
    assert numbers[:, 0].tolist() == [1, 0, 0]
    assert distances[:, 0].tolist() == [0, 0, 0.75]
    with pytest.raises(ValueError, match="3 neighbours"):
        find_nearest(rows, rows, 3, skip_self=True)


def test_a_small_holdout_is_helped_by_how_often_real_rows_repeat() -> None:
    train, holdout = np.arange(4000), np.arange(4000, 5000)
    made = np.concatenate([np.arange(25), np.arange(10_000, 14_975)])
    excess = measure_excess(made, train, holdout, np.random.default_rng(0))
    assert excess.p == pytest.approx(0.8**25)
    assert excess.is_leak()
    few = measure_excess(made[20:], train, holdout, np.random.default_rng(0))
    assert not few.is_leak(may_repeat=True)


def test_five_copies_in_a_table_whose_rows_never_repeat_are_too_many() -> None:
    train, holdout = np.arange(1000), np.arange(1000, 2000)
    made = np.concatenate([np.arange(5), np.arange(10_000, 10_995)])
    excess = measure_excess(made, train, holdout, np.random.default_rng(0))
    assert excess.p == pytest.approx(0.5**5)
    assert excess.p_pairs == pytest.approx((1e6 / (2e6 + 2000 * 1999 / 2)) ** 5)
    assert excess.is_leak(may_repeat=True)
    assert not excess.is_leak()
    repeating = measure_excess(made, np.append(train, 0), holdout, np.random.default_rng(0))
    assert repeating.p_pairs == 1.0


def test_rates_and_risks_have_their_known_values() -> None:
    nearer = np.linspace(0, 1, 1000, dtype=np.float32)
    attack = attack_membership(nearer * 0.5, nearer)
    assert attack.auc == pytest.approx(0.75, abs=1e-3)
    assert attack.tpr == pytest.approx(0.02, abs=2e-3)
    assert find_rate_excess(attack, (1000, 1000), 0.05) == pytest.approx(1.0, abs=0.05)
    assert find_rate_excess(attack_membership(nearer * 0.05, nearer), (1000, 1000), 0.05) < 1e-6
    same = attack_membership(np.zeros(500, np.float32), np.zeros(500, np.float32))
    assert same.auc == 0.5
    assert same.tpr == pytest.approx(0.01)
    risk = measure_risk([Tries(60, 100, 20, 100)] * 3)
    assert risk is not None
    assert risk.value == pytest.approx(0.5)
    assert risk.interval[0] < 0.5 < risk.interval[1]
    assert measure_risk([Tries(100, 100, 99, 100)]) is None
    assert measure_risk([Tries(0, 0, 0, 0)]) is None
