"""Can a model tell synthetic rows from real ones? The two-sample classifier test (Lopez-Paz and Oquab 2017).

Boosted trees see what no figure of single columns or pairs shows; a linear model is blind to joint shapes and stands
beside them for comparison only. The model is fitted on four fifths of both tables and scores the last, in turn.

An area under the curve of 0.5 is undetectable. One *far below* 0.5 is no better than that, but a leak: a synthetic row
that nearly equals a real one is scored by a model that has seen its twin under the other name.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.quality.features import Features

if TYPE_CHECKING:
    import pandas as pd

Model = Literal["trees", "linear"]
_FOLDS = 5
_ROUNDS = 50
_SEEDS = 2**32
_FEWEST_VALUES = 10


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Real rows (label 0) above the others (label 1), with what each feature is and which column it is of."""

    matrix: NDArray[np.float64]
    labels: NDArray[np.int64]
    categorical: list[bool]
    owners: list[str]


@dataclass(frozen=True, slots=True)
class Detection:
    """`auc` with its 95 % interval (DeLong 1988); `propensity_error` is the mean of (p - share)^2, 0 at best (pMSE)."""

    auc: float
    interval: tuple[float, float]
    propensity_error: float


def detect(
    real: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str], seed: int, model: Model = "trees"
) -> Detection:
    """How well the rows of `other` are told from those of `real`; both need five rows or more."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    prepared = _prepare(real, other, columns, model)
    matrix, labels = prepared.matrix, prepared.labels
    if not matrix.shape[1]:
        return Detection(0.5, (0.5, 0.5), 0.0)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed % _SEEDS)
    # Small trees are fitted faster by one thread than by several that wait for one another on a busy machine.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # a linear model that has not converged is one more fair opponent
        scores = cross_val_predict(
            _make_model(model, prepared.categorical, seed), matrix, labels, cv=folds, method="predict_proba"
        )[:, 1]
    auc, interval = measure_auc(scores[labels == 1], scores[labels == 0])
    return Detection(auc, interval, float(np.mean((scores - labels.mean()) ** 2)))


def find_telltale(real: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str], seed: int) -> str | None:
    """The column whose values, shuffled, cost the trees most of what they can tell; None where there is nothing."""
    from threadpoolctl import threadpool_limits

    prepared = _prepare(real, other, columns, "trees")
    matrix, labels = prepared.matrix, prepared.labels
    generator = np.random.Generator(np.random.Philox(seed))
    held = generator.permutation(len(labels)) < len(labels) // _FOLDS
    if not matrix.shape[1] or len(set(labels[held])) < 2 or len(set(labels[~held])) < 2:
        return None
    with threadpool_limits(1):
        model = _make_model("trees", prepared.categorical, seed).fit(matrix[~held], labels[~held])

    def score(rows: NDArray[np.float64]) -> float:
        chances = model.predict_proba(rows)[:, 1]
        return measure_auc(chances[labels[held] == 1], chances[labels[held] == 0])[0]

    whole = score(matrix[held])
    losses = {}
    for name in dict.fromkeys(prepared.owners):
        shuffled = matrix[held].copy()
        places = [place for place, owner in enumerate(prepared.owners) if owner == name]
        shuffled[:, places] = shuffled[generator.permutation(len(shuffled))][:, places]
        losses[name] = whole - score(shuffled)
    worst = max(losses, key=lambda name: losses[name], default=None)
    return worst if worst is not None and losses[worst] > 0 else None


def measure_auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> tuple[float, tuple[float, float]]:
    """The chance that a positive score is above a negative one, ties half, with its 95 % interval (DeLong 1988).

    The variance is found by ranks (Sun and Xu 2014). Both need two scores or more for the interval.
    """
    from scipy.stats import rankdata

    n, m = len(positive), len(negative)
    together = rankdata(np.concatenate([positive, negative]))
    above = (together[:n] - rankdata(positive)) / m
    below = 1 - (together[n:] - rankdata(negative)) / n
    auc = float(above.mean())
    error = float(np.sqrt(above.var(ddof=1) / n + below.var(ddof=1) / m)) if min(n, m) > 1 else 1.0
    return auc, (max(0.0, auc - 1.959964 * error), min(1.0, auc + 1.959964 * error))


def _prepare(real: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str], model: Model) -> _Prepared:
    features = Features.fit(real, columns, one_hot=model == "linear")
    matrix = np.concatenate([features.transform(real), features.transform(other)])
    labels = np.concatenate([np.zeros(len(real), np.int64), np.ones(len(other), np.int64)])
    # Trees cannot be fitted to a fold in which a feature has no value at all.
    kept = np.flatnonzero((~np.isnan(matrix)).sum(axis=0) >= _FEWEST_VALUES)
    categorical, owners = features.categorical, features.owners
    return _Prepared(matrix[:, kept], labels, [categorical[place] for place in kept], [owners[place] for place in kept])


def _make_model(model: Model, categorical: list[bool], seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if model == "linear":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return HistGradientBoostingClassifier(
        max_iter=_ROUNDS, early_stopping=False, categorical_features=categorical, random_state=seed % _SEEDS
    )
