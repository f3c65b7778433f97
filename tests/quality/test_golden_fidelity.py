"""Fidelity against golden numbers: SDMetrics 0.32 and scikit-learn on one packaged table and six stand-ins for it.

SDMetrics' report cuts the numbers of each table by that table's own range, so that a shifted column goes unseen, and
leaves out pairs of numbers whose real correlation is at most 0.5; both are redone here to meet its figures.
"""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from workbench.quality.cells import take_column
from workbench.quality.detection import detect
from workbench.quality.pairs import compare_pairs
from workbench.quality.similarity import encode_columns, find_kind, measure_similarity

NUMBERS = ["mean radius", "mean texture", "mean smoothness", "mean concavity", "worst area", "worst symmetry"]
SHAPES = {"holdout": 0.9462, "gauss": 0.9326, "indep": 0.9542, "uniform": 0.6187, "jitter": 0.9834, "copy": 1.0}
TRENDS = {"holdout": 0.8802, "gauss": 0.7795, "indep": 0.6848, "uniform": 0.5340, "jitter": 0.9876, "copy": 1.0}
CORRELATIONS = {"holdout": 0.0623, "gauss": 0.0309, "indep": 0.3625, "uniform": 0.3791, "jitter": 0.0011, "copy": 0.0}
TREES = {"holdout": 0.475, "gauss": 0.576, "indep": 0.913, "uniform": 0.991, "jitter": 0.080, "copy": 0.037}
LINEAR = {"holdout": 0.538, "gauss": 0.502, "indep": 0.478, "uniform": 0.940, "jitter": 0.378, "copy": 0.378}


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return split()[0]


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    train, holdout = split()
    rows = len(train)
    draw = np.random.default_rng(11)
    indep = pd.DataFrame({name: train[name].to_numpy()[draw.integers(0, rows, rows)] for name in train.columns})
    draw, parts = np.random.default_rng(11), []
    for level in ("benign", "malignant"):
        own = train.loc[train["target"] == level, NUMBERS]
        values = draw.multivariate_normal(own.mean(), np.cov(own.T), len(own))
        parts.append(pd.DataFrame(values, columns=NUMBERS).assign(target=level))
    draw = np.random.default_rng(11)
    uniform = pd.DataFrame({name: draw.uniform(train[name].min(), train[name].max(), rows) for name in NUMBERS})
    uniform["target"] = draw.choice(["benign", "malignant"], rows)
    draw, jitter = np.random.default_rng(11), train.copy()
    for name in NUMBERS:
        jitter[name] = train[name] + 0.02 * train[name].std(ddof=0) * draw.standard_normal(rows)
    return {
        "holdout": holdout,
        "gauss": pd.concat(parts, ignore_index=True),
        "indep": indep,
        "uniform": uniform,
        "jitter": jitter,
        "copy": train.copy(),
    }


def split() -> tuple[pd.DataFrame, pd.DataFrame]:
    data = load_breast_cancer(as_frame=True)
    frame = data.data[NUMBERS].assign(target=np.where(data.target == 0, "malignant", "benign"))
    order = np.random.default_rng(7).permutation(len(frame))
    return frame.iloc[order[:284]].reset_index(drop=True), frame.iloc[order[284:568]].reset_index(drop=True)


def cut_by_own_range(frame: pd.DataFrame) -> pd.DataFrame:
    cut = {name: np.digitize(frame[name], np.histogram_bin_edges(frame[name])).astype(str) for name in NUMBERS}
    return pd.DataFrame({**cut, "target": frame["target"]})


@pytest.mark.parametrize("name", SHAPES)
def test_column_shapes_equal_those_of_sdmetrics(real: pd.DataFrame, tables: dict[str, pd.DataFrame], name: str) -> None:
    figures = [
        measure_similarity(encode_columns(real[column], tables[name][column], find_kind(real[column])))
        for column in real.columns
    ]
    assert np.mean(figures) == pytest.approx(SHAPES[name], abs=6e-5)


@pytest.mark.parametrize("name", TRENDS)
def test_pairs_equal_the_column_pair_trends_of_sdmetrics(
    real: pd.DataFrame, tables: dict[str, pd.DataFrame], name: str
) -> None:
    strong = {pair for pair in combinations(NUMBERS, 2) if abs(real[pair[0]].corr(real[pair[1]])) > 0.5}
    numbers = [pair.similarity for pair in compare_pairs(real, tables[name], None, NUMBERS) if pair.names in strong]
    cut, other = cut_by_own_range(real), cut_by_own_range(tables[name])
    mixed = [pair.similarity for pair in compare_pairs(cut, other, None, list(cut.columns)) if "target" in pair.names]
    assert np.mean([*numbers, *mixed]) == pytest.approx(TRENDS[name], abs=6e-5)


@pytest.mark.parametrize("name", CORRELATIONS)
def test_correlations_are_as_far_off_as_measured_by_numpy(
    real: pd.DataFrame, tables: dict[str, pd.DataFrame], name: str
) -> None:
    pairs = compare_pairs(real, tables[name], None, NUMBERS)
    assert len(pairs) == 15
    assert np.mean([2 * (1 - pair.similarity) for pair in pairs]) == pytest.approx(CORRELATIONS[name], abs=6e-5)


@pytest.mark.parametrize("name", TREES)
def test_rows_are_told_apart_as_well_as_by_the_reference(
    real: pd.DataFrame, tables: dict[str, pd.DataFrame], name: str
) -> None:
    columns = list(real.columns)
    assert detect(real, tables[name], columns, 0).auc == pytest.approx(TREES[name], abs=0.02)
    assert detect(real, tables[name], columns, 0, "linear").auc == pytest.approx(LINEAR[name], abs=0.02)


def test_a_contingency_cuts_both_tables_at_the_real_places(real: pd.DataFrame) -> None:
    shifted = real.assign(**{"mean texture": real["mean texture"] + 100})
    pair = compare_pairs(real, shifted, None, ["mean texture", "target"])[0]
    edges = np.histogram_bin_edges(real["mean texture"])
    edges[0], edges[-1] = -np.inf, np.inf
    counts = [
        pd.crosstab(np.digitize(take_column(table, "mean texture"), edges), table["target"], normalize="all")
        for table in (real, shifted)
    ]
    first, second = counts[0].align(counts[1], fill_value=0)
    assert pair.similarity == pytest.approx(1 - (first - second).abs().to_numpy().sum() / 2, abs=1e-12)
