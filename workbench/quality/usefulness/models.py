"""The models that rows are judged by: a linear one, a forest and boosted trees, with settings that never change.

Three kinds, since each is blind to something: a linear model to joint effects, trees to weak trends. No setting is
tuned, so that no side has an advantage by it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TREES = 200
_ROUNDS = 100
_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class Model:
    """`make(is_class, categorical, seed)` gives an estimator of scikit-learn; `one_hot` is how it takes categories."""

    name: str
    one_hot: bool
    make: Callable[[bool, Sequence[bool], int], Any]


def _make_linear(is_class: bool, categorical: Sequence[bool], seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return LogisticRegression(max_iter=300, tol=1e-3) if is_class else Ridge()


def _make_forest(is_class: bool, categorical: Sequence[bool], seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    if is_class:
        return RandomForestClassifier(_TREES, n_jobs=threads, random_state=seed)
    # A third of the features at each split, as Breiman (2001) has it for regression, and a third of the time.
    return RandomForestRegressor(_TREES, n_jobs=threads, random_state=seed, max_features=1 / 3, min_samples_leaf=3)


def _make_boosting(is_class: bool, categorical: Sequence[bool], seed: int, rounds: int = _ROUNDS) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if is_class else HistGradientBoostingRegressor
    return kind(
        max_iter=rounds, early_stopping=False, categorical_features=np.asarray(categorical, np.bool_), random_state=seed
    )


LINEAR = Model("linear", True, _make_linear)
FOREST = Model("forest", False, _make_forest)
BOOSTING = Model("boosting", False, _make_boosting)
MODELS = (LINEAR, FOREST, BOOSTING)
MIXING = Model("boosting, 30 rounds", False, partial(_make_boosting, rounds=30))
"""Quick enough to be fitted to each point of a curve, several times."""


def fit_and_score(
    model: Model,
    train: NDArray[np.float64],
    label: NDArray[Any],
    tests: Sequence[NDArray[np.float64]],
    classes: int,
    categorical: Sequence[bool] = (),
    seed: int = 0,
) -> list[NDArray[np.float64]]:
    """What a model fitted to `train`, shape (rows, features), says of the rows of each of `tests`.

    With `classes` above 0 `label` holds codes below it, and the scores are probabilities of shape (rows, classes), 0
    for a class that `train` lacks; else they are predicted values, shape (rows,). A label of one value alone is
    predicted as such, without a model.
    """
    # Boosted trees cannot take a column without a single value.
    filled = np.asarray(~np.isnan(train).all(axis=0), np.bool_)
    train, tests = train[:, filled], [test[:, filled] for test in tests]
    categorical = (
        [coded for coded, kept in zip(categorical, filled.tolist(), strict=True) if kept] if categorical else []
    )
    if classes:
        present = np.unique(label)
        if len(present) < 2 or not train.shape[1]:
            shares = np.bincount(label, minlength=classes) / max(len(label), 1)
            return [np.tile(shares, (len(test), 1)) for test in tests]
    elif not train.shape[1]:
        return [np.full(len(test), float(np.mean(label))) for test in tests]
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    estimator = model.make(classes > 0, categorical, seed)
    # One thread: on arms of this size several gain little, and on a busy machine they wait for one another for minutes.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # a linear model that stops before its optimum is still the same for all sides
        estimator.fit(train, label)
        if not classes:
            return [np.asarray(estimator.predict(test), np.float64) for test in tests]
        scores = []
        for test in tests:
            full = np.zeros((len(test), classes))
            full[:, estimator.classes_] = estimator.predict_proba(test)
            scores.append(full)
    return scores
