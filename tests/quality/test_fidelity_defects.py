"""Each defect planted into a fresh sample of a simulated population trips its check; the fresh sample trips none."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom
from sklearn.metrics import roc_auc_score

from workbench.datasets.sources import RealData
from workbench.quality.accuracy import expect_distance
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Finding
from workbench.quality.checks.coverage import bound_unknown, find_chance, find_range_coverage
from workbench.quality.detection import find_telltale, measure_auc
from workbench.quality.evidence import Evidence
from workbench.quality.selftest.population import LABEL, draw_people
from workbench.spec.model import QualityConfig, TableConfig

ALL = ("columns", "pairs", "accuracy", "missing", "coverage", "classes", "detection")
KNOWN = dict(CHECKS.items())
ROWS = 2_000
TRAIN, HOLDOUT, FRESH = (draw_people(ROWS, seed) for seed in (1, 2, 3))
TABLE = TableConfig.model_validate({"rows": 10, "columns": [{"name": "row_id", "type": "id"}]})

Plant = Callable[[pd.DataFrame], pd.DataFrame]


def check(frame: pd.DataFrame, *asked: str, holdout: pd.DataFrame = HOLDOUT, **gates: float) -> dict[str, Finding]:
    config = QualityConfig.model_validate({"label": LABEL, **gates})
    evidence = Evidence("people", TABLE, frame, RealData(TRAIN, holdout, "", 0, "", ""), config, seed=4)
    found = [finding for name in asked for finding in ask(KNOWN[f"fidelity.{name}"], evidence)]
    return {finding.name.removeprefix("fidelity."): finding for finding in found}


def find_tripped(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if finding.verdict in ("warn", "fail")}


def shuffle(column: pd.Series, seed: int = 5) -> np.ndarray:
    return column.to_numpy()[np.random.default_rng(seed).permutation(len(column))]


def make_independent(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: shuffle(frame[name], seed) for seed, name in enumerate(frame.columns)})


def swap_correlation(frame: pd.DataFrame) -> pd.DataFrame:
    """Whoever earns most gets the least debt that there is: the shapes stay, one correlation changes its sign."""
    ranks = frame["debt"].rank(method="first").astype(int).to_numpy() - 1
    return frame.assign(debt=np.sort(frame["debt"].to_numpy())[::-1][ranks])


def shuffle_labels(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{LABEL: shuffle(frame[LABEL])})


def collapse_category(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(purpose=frame["purpose"].replace("boat", "car"))


def lose_gaps_together(frame: pd.DataFrame) -> pd.DataFrame:
    filled = frame["savings"].fillna(frame["savings"].median())
    return frame.assign(savings=filled.where(np.random.default_rng(6).random(len(frame)) > 0.12))


def invent_category(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(job=frame["job"].where(frame.index % 50 > 0, "astronaut"))


def clip_range(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(income=frame["income"].clip(upper=frame["income"].quantile(0.96)))


def leave_range(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(age=frame["age"].where(frame.index % 20 > 0, 150))


def scale_column(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(amount=frame["amount"] * 1.5)


def drop_values(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(accounts=frame["accounts"].where(frame.index % 4 > 0))


def draw_uniformly(frame: pd.DataFrame) -> pd.DataFrame:
    draw = np.random.default_rng(7)
    numbers = frame.select_dtypes("number").columns
    return frame.assign(**{name: draw.uniform(frame[name].min(), frame[name].max(), len(frame)) for name in numbers})


@pytest.mark.parametrize(
    ("plant", "tripped", "quiet"),
    [
        (make_independent, {"pairs", "classes", "missing"}, {"columns", "coverage"}),
        (swap_correlation, {"pairs"}, {"columns", "coverage", "missing"}),
        (shuffle_labels, {"classes"}, {"columns", "coverage", "missing", "accuracy"}),
        (collapse_category, {"coverage"}, {"pairs", "missing", "classes", "accuracy"}),
        (lose_gaps_together, {"missing"}, {"pairs", "coverage", "classes", "accuracy"}),
        (invent_category, {"coverage"}, {"columns", "pairs", "missing", "classes", "accuracy"}),
        (clip_range, {"coverage"}, {"columns", "pairs", "missing", "classes", "accuracy"}),
        (leave_range, {"coverage"}, {"pairs", "missing", "classes"}),
        (scale_column, {"columns"}, {"missing", "classes"}),
        (drop_values, {"columns"}, {"pairs", "coverage", "missing", "classes"}),
        (draw_uniformly, {"columns", "pairs", "accuracy"}, set()),
    ],
)
def test_each_defect_trips_its_checks_and_leaves_others_quiet(plant: Plant, tripped: set[str], quiet: set[str]) -> None:
    findings = check(plant(FRESH), *tripped, *quiet)
    assert find_tripped(findings) == tripped
    assert all(findings[name].fix for name in tripped)


@pytest.mark.parametrize("rows", [60, 300, ROWS])
def test_fresh_rows_of_the_population_pass_every_check(rows: int) -> None:
    findings = check(FRESH.head(rows), *ALL)
    assert set(findings) == set(ALL)
    assert {name: finding.verdict for name, finding in findings.items()} == dict.fromkeys(ALL, "pass")
    assert all(finding.source for finding in findings.values())


def test_fresh_rows_pass_without_a_holdout() -> None:
    findings = check(FRESH, *ALL, holdout=HOLDOUT.head(0))
    assert {finding.verdict for finding in findings.values()} == {"pass"}
    assert {finding.reference for finding in findings.values()} == {None}


def test_trees_tell_independent_columns_from_real_rows_and_a_linear_model_does_not() -> None:
    finding = check(make_independent(FRESH), "detection")["detection"]
    assert finding.verdict == "warn"
    assert finding.value is not None
    assert finding.value > 0.9
    assert finding.figures["linear"] == pytest.approx(0.5, abs=0.05)


def test_classes_are_the_same_whatever_type_holds_their_numbers() -> None:
    def number(frame: pd.DataFrame, dtype: str) -> pd.DataFrame:
        return frame.assign(**{LABEL: frame[LABEL].astype(int).astype(dtype)})

    real = RealData(number(TRAIN, "int64"), number(HOLDOUT, "int64"), "", 0, "", "")
    for plant, verdict in ((lambda frame: frame, "pass"), (shuffle_labels, "warn")):
        frame = number(plant(FRESH), "float64")
        evidence = Evidence("people", TABLE, frame, real, QualityConfig(label=LABEL))
        finding = ask(KNOWN["fidelity.classes"], evidence)[0]
        assert finding.verdict == verdict
        assert finding.figures["share of 1"] == pytest.approx(frame[LABEL].mean())


def test_copied_rows_are_a_privacy_failure_of_detection_and_above_the_ceiling() -> None:
    findings = check(TRAIN.copy(), "detection", "accuracy")
    assert findings["detection"].verdict == "fail"
    assert "privacy failure" in findings["detection"].detail
    assert findings["detection"].figures["leak"] == 1
    assert findings["accuracy"].verdict == "warn"
    assert findings["accuracy"].value == 1
    assert "learned by heart" in findings["accuracy"].detail


@pytest.mark.parametrize(
    ("name", "gates"),
    [
        ("columns", {"min_fidelity": 0.99}),
        ("pairs", {"min_pair_fidelity": 0.999}),
        ("detection", {"max_detection_auc": 0.5}),
    ],
)
def test_a_missed_gate_fails_and_is_the_threshold(name: str, gates: dict[str, float]) -> None:
    finding = check(make_independent(FRESH), name, **gates)[name]
    assert (finding.verdict, finding.gated, finding.threshold) == ("fail", True, next(iter(gates.values())))
    assert finding.source == "the spec's gate"


def test_values_that_are_never_reached_are_named_with_the_rows_of_invented_ones() -> None:
    assert "purpose never is boat" in check(collapse_category(FRESH), "coverage")["coverage"].detail
    invented = check(invent_category(FRESH), "coverage")["coverage"]
    assert "astronaut" in invented.detail
    assert list(invented.examples) == list(range(0, 1000, 50))


def test_the_swapped_column_is_named() -> None:
    assert "debt" in check(swap_correlation(FRESH), "pairs")["pairs"].detail
    assert find_telltale(TRAIN, scale_column(FRESH), ["sex", "amount"], 0) == "amount"


def test_the_area_under_the_curve_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    positive, negative = draw.integers(0, 9, 60) + 1.0, draw.integers(0, 9, 80) + 0.0
    auc, (low, high) = measure_auc(positive, negative)
    labels = [1] * 60 + [0] * 80
    assert auc == pytest.approx(roc_auc_score(labels, np.concatenate([positive, negative])))
    assert low < auc < high


def test_the_chance_that_the_outermost_rows_are_all_of_one_side_is_the_hypergeometric_one() -> None:
    assert find_chance(4, 50, 70) == pytest.approx(hypergeom(120, 50, 4).pmf(4))
    assert (find_chance(0, 50, 70), find_chance(51, 50, 70)) == (1.0, 0.0)


def test_unknown_categories_are_bounded_and_expected_where_all_are_rare() -> None:
    assert bound_unknown(np.array([200.0, 190.0, 1.0]), 1, 200, 200) > 0.3
    assert 1e-8 < bound_unknown(np.array([200.0, 190.0, 20.0]), 20, 200, 200) < 1e-4
    assert bound_unknown(np.ones(300), 140, 150, 150) == 1.0


def test_the_ceiling_is_what_random_parts_of_the_rows_reach() -> None:
    draw = np.random.default_rng(1)
    pooled = np.array([1, 1, 2, 5, 40, 300, 251])
    bins = np.repeat(np.arange(len(pooled)), pooled)
    distances = []
    for _ in range(400):
        mixed = draw.permutation(bins)
        first, second = (np.bincount(part, minlength=len(pooled)) / len(part) for part in (mixed[:200], mixed[200:]))
        distances.append(np.abs(first - second).sum())
    assert expect_distance(pooled, 200, 400) == pytest.approx(np.mean(distances), abs=0.01)


def test_the_range_coverage_is_that_of_sdmetrics() -> None:
    real = np.array([0.0, 10.0])
    assert find_range_coverage(real, np.array([1.0, 8.0])) == pytest.approx(0.7)
    assert find_range_coverage(real, np.array([-5.0, 20.0])) == 1.0
    assert find_range_coverage(real, np.array([50.0])) == 0.0
