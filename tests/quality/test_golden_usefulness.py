"""Known figures of train on synthetic, test on real: a packaged table, with defects whose seeds are given."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import r2_score, roc_auc_score

from workbench.quality.usefulness.arms import Arm, Task, score_arm
from workbench.quality.usefulness.bootstrap import (
    Resamples,
    adjust_by_holm,
    find_interval,
    measure_areas,
    measure_class_areas,
    measure_explained,
)
from workbench.quality.usefulness.models import FOREST, MODELS

COLUMNS = ["mean radius", "mean texture", "mean smoothness", "mean concavity", "worst area", "worst symmetry"]
TASK = Task("target", ("benign", "malignant"), tuple(COLUMNS), ())
ROWS = 284


@cache
def split() -> tuple[pd.DataFrame, pd.DataFrame]:
    packaged = load_breast_cancer(as_frame=True)
    frame = packaged.frame[COLUMNS].assign(target=np.where(packaged.target == 1, "benign", "malignant"))
    order = np.random.default_rng(7).permutation(569)
    return frame.iloc[order[:ROWS]].reset_index(drop=True), frame.iloc[order[ROWS : 2 * ROWS]].reset_index(drop=True)


def make(kind: str) -> pd.DataFrame:
    train, _ = split()
    draw = np.random.default_rng(11)
    if kind == "real":
        return train
    if kind == "independent":
        return pd.DataFrame({name: train[name].to_numpy()[draw.integers(0, ROWS, ROWS)] for name in train})
    if kind == "uniform":
        noise = pd.DataFrame({name: draw.uniform(train[name].min(), train[name].max(), ROWS) for name in COLUMNS})
        return noise.assign(target=draw.choice(["benign", "malignant"], ROWS))
    parts = []
    for label in ("benign", "malignant"):
        rows = train[train["target"] == label][COLUMNS].to_numpy()
        drawn = draw.multivariate_normal(rows.mean(0), np.cov(rows.T), len(rows))
        parts.append(pd.DataFrame(drawn, columns=COLUMNS).assign(target=label))
    return pd.concat(parts, ignore_index=True)


def score(kind: str) -> tuple[list[np.ndarray], Arm]:
    test = TASK.make_arm(split()[1])
    return [score_arm(TASK, model, TASK.make_arm(make(kind)), [test], 0)[0] for model in MODELS], test


@pytest.mark.parametrize(
    ("kind", "areas"),
    [
        ("real", (0.9944, 0.9934, 0.9892)),
        ("gauss", (0.992, 0.989, 0.989)),
        ("independent", (0.473, 0.644, 0.467)),
        ("uniform", (0.326, 0.397, 0.425)),
    ],
)
def test_areas_under_the_curve_are_the_published_ones(kind: str, areas: tuple[float, ...]) -> None:
    scores, test = score(kind)
    assert [TASK.measure_one(test, each) for each in scores] == pytest.approx(areas, abs=0.005)


@pytest.mark.parametrize(
    ("kind", "interval"),
    [("gauss", (-0.010, -0.000)), ("independent", (-0.416, -0.287)), ("uniform", (-0.674, -0.518))],
)
def test_intervals_of_a_forests_gap_are_the_published_ones(kind: str, interval: tuple[float, float]) -> None:
    test = TASK.make_arm(split()[1])
    resamples = Resamples.draw(len(test), np.random.default_rng(0))
    reached = [
        TASK.measure(test, score_arm(TASK, FOREST, TASK.make_arm(make(each)), [test], 0)[0], resamples.weights)
        for each in ("real", kind)
    ]
    assert find_interval((reached[1] - reached[0])[1:]) == pytest.approx(interval, abs=0.01)


def test_weighted_areas_and_explained_shares_equal_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(3)
    positive, score = draw.random(400) < 0.3, np.round(draw.normal(size=400), 1)  # with many ties
    weights = Resamples.draw(400, draw, 20).weights
    areas = measure_areas(positive, score, weights)
    assert areas[0] == pytest.approx(roc_auc_score(positive, score), abs=1e-12)
    for column in range(21):
        assert areas[column] == pytest.approx(
            roc_auc_score(positive, score, sample_weight=weights[:, column]), abs=1e-9
        )
    codes, scores = draw.integers(0, 3, 400), draw.dirichlet(np.ones(3), 400)
    assert measure_class_areas(codes, scores, weights)[0] == pytest.approx(
        roc_auc_score(codes, scores, multi_class="ovr"), abs=1e-9
    )
    values = draw.normal(size=400)
    guessed = values + draw.normal(size=400) / 3
    explained = measure_explained(values, guessed, weights)
    for column in range(21):
        assert explained[column] == pytest.approx(r2_score(values, guessed, sample_weight=weights[:, column]), abs=1e-5)


def test_rows_of_one_kind_alone_have_an_area_of_a_half() -> None:
    weights = np.ones((5, 2), np.float32)
    assert measure_areas(np.ones(5, np.bool_), np.arange(5.0), weights).tolist() == [0.5, 0.5]
    assert measure_explained(np.ones(5), np.arange(5.0), weights).tolist() == [0.0, 0.0]


def test_p_values_of_a_family_are_adjusted_by_holm() -> None:
    adjusted = adjust_by_holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
