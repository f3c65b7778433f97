"""Figures of privacy on six planted data sets, worked out before and apart from this code, to the digits given."""

import numpy as np
import pandas as pd
import pytest

from workbench.quality.checks.near_copies import measure_isolation, measure_ratio
from workbench.quality.distances import Points, find_nearest
from workbench.quality.privacy.membership import attack_membership
from workbench.quality.privacy.shares import measure_share
from workbench.quality.rows import hash_rows

MEASURES = ["mean radius", "mean texture", "mean smoothness", "mean concavity", "worst area", "worst symmetry"]
ROWS = 284
Frames = tuple[pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame]]


@pytest.fixture(scope="module")
def frames() -> Frames:
    """Training and holdout rows of nuclei, and six data sets that stand for what a synthesizer may do wrong."""
    from sklearn.datasets import load_breast_cancer

    cells = load_breast_cancer(as_frame=True).frame
    whole = cells[MEASURES].assign(target=np.where(cells["target"] == 0, "malignant", "benign"))
    order = np.random.default_rng(7).permutation(569)
    train, holdout = (whole.iloc[part].reset_index(drop=True) for part in (order[:ROWS], order[ROWS : 2 * ROWS]))
    columns = [*MEASURES, "target"]
    draw = np.random.default_rng(11)
    independent = pd.DataFrame({name: train[name].to_numpy()[draw.integers(0, ROWS, ROWS)] for name in columns})
    draw = np.random.default_rng(11)
    classes = []
    for name in ("benign", "malignant"):
        rows = train.loc[train["target"] == name, MEASURES].to_numpy()
        drawn = draw.multivariate_normal(rows.mean(axis=0), np.cov(rows.T), len(rows))
        classes.append(pd.DataFrame(drawn, columns=MEASURES).assign(target=name))
    draw = np.random.default_rng(11)
    uniform = pd.DataFrame({name: draw.uniform(train[name].min(), train[name].max(), ROWS) for name in MEASURES})
    uniform["target"] = draw.choice(["benign", "malignant"], ROWS)
    draw = np.random.default_rng(11)
    jitter = train.copy()
    for name in MEASURES:
        jitter[name] = train[name] + 0.02 * train[name].std(ddof=0) * draw.standard_normal(ROWS)
    planted = {
        "holdout": holdout,
        "gauss": pd.concat(classes, ignore_index=True),
        "indep": independent,
        "uniform": uniform,
        "jitter": jitter,
        "copy": train,
    }
    return train, holdout, planted


@pytest.mark.parametrize(
    ("name", "share", "spread", "p", "ratio", "isolation", "auc", "rate"),
    [
        ("holdout", 0, 0.022, 1, 1.00, (0.885, 0), 0, 0),
        ("gauss", 0.5106, 0.031, 0.39, 1.094, (0.870, 0.866), 0.466, 0.007),
        ("indep", 0.5493, 0.042, 0.13, 1.564, (0.919, 0.915), 0.498, 0.014),
        ("uniform", 0.4366, 0.069, 0.84, 5.634, (0.956, 0.939), 0.488, 0.025),
        ("jitter", 1, 0.022, 0.0005, 0.078, (0.068, 0.872), 1, 1),
        ("copy", 1, 0.022, 0.0005, 0, (0, 0.871), 1, 1),
    ],
)
def test_the_figures_of_privacy_are_the_known_ones(
    frames: Frames,
    name: str,
    share: float,
    spread: float,
    p: float,
    ratio: float,
    isolation: tuple[float, float],
    auc: float,
    rate: float,
) -> None:
    train, holdout, planted = frames
    points = Points.fit(train, holdout, list(train.columns))
    real, held, made = (points.transform(frame) for frame in (train, holdout, planted[name]))
    near, far = find_nearest(made, real, 2), find_nearest(made, held, 2)
    nearest = [(found[0][:, :1], found[1][:, :1]) for found in (near, far)]
    found = measure_share(nearest[0], nearest[1], ROWS, np.random.default_rng(0))
    assert found.value == pytest.approx(share, abs=5e-5)
    assert found.sd == pytest.approx(spread, abs=0.002)
    assert found.p == pytest.approx(p, abs=0.03)
    base = find_nearest(held, real)[0][:, 0]
    assert measure_ratio(near[0][:, 0], base) == pytest.approx(ratio, abs=5e-4 if ratio not in (0, 1) else 5e-3)
    assert measure_isolation(near[0]) == pytest.approx(isolation[0], abs=1.5e-3)
    assert measure_isolation(far[0]) == pytest.approx(isolation[1], abs=1.5e-3)
    attack = attack_membership(find_nearest(real, made)[0][:, 0], find_nearest(held, made)[0][:, 0])
    assert attack.auc == pytest.approx(auc, abs=5e-4)
    assert attack.tpr == pytest.approx(rate, abs=5e-4)


@pytest.mark.parametrize(
    ("name", "equal"),
    [
        ("holdout", (0, 1)),
        ("gauss", (0, 0)),
        ("indep", (0, 0)),
        ("uniform", (0, 0)),
        ("jitter", (0, 0)),
        ("copy", (1, 0)),
    ],
)
def test_the_shares_of_equal_rows_are_the_known_ones(frames: Frames, name: str, equal: tuple[float, float]) -> None:
    train, holdout, planted = frames
    columns = list(train.columns)
    made = hash_rows(planted[name], columns)
    assert tuple(np.isin(made, hash_rows(real, columns)).mean() for real in (train, holdout)) == equal


def test_distances_are_those_of_scikit_learn(frames: Frames) -> None:
    from sklearn.metrics import pairwise_distances, roc_auc_score

    train, holdout, planted = frames
    points = Points.fit(train, holdout, list(train.columns))
    made, real, held = (points.transform(frame) for frame in (planted["gauss"], train, holdout))
    every = pairwise_distances(made.astype(np.float64), real.astype(np.float64), metric="manhattan")
    distances, numbers = find_nearest(made, real, 3)
    assert distances == pytest.approx(np.sort(every, axis=1)[:, :3], abs=1e-6)
    assert (numbers == np.argsort(every, axis=1)[:, :3]).mean() > 0.99
    near, far = find_nearest(real, made)[0][:, 0], find_nearest(held, made)[0][:, 0]
    expected = roc_auc_score(np.repeat([1, 0], ROWS), -np.concatenate([near, far]))
    assert attack_membership(near, far).auc == pytest.approx(expected, abs=1e-9)
