"""What a made table is worth: models trained on it and tested on real rows, rare shares kept, real rows not copied."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from synthesis.tables import BenchmarkTable

TREES = 100


def measure_table(table: BenchmarkTable, train: pd.DataFrame, test: pd.DataFrame, made: pd.DataFrame) -> dict[str, Any]:
    """The scores of `made`, a table learned from `train`, with `test` as real rows that it was not learned from.

    `tstr` is R2 where a number is predicted, and otherwise the mean over classes of the area under the ROC curve of
    each against the rest; `rare_precision` is the average precision for the rare class. `rare_error` is how far the
    share of the rarest class is off, relative to its share in `train`. `copies` is the share of made rows that are in
    `train` word by word.
    """
    made = _read_like(made, train)
    scores = _train_and_test(table, made, test, train)
    if not table.predicts_number:
        shares = train[table.target].value_counts(normalize=True)
        level = table.rare or shares.index[-1]
        share = float((made[table.target].astype(str) == str(level)).mean())
        scores |= {"rare_share": share, "rare_error": abs(share - shares[level]) / shares[level]}
    return scores | {"copies": find_copies(train, made)}


def find_copies(train: pd.DataFrame, rows: pd.DataFrame) -> float:
    """The share of `rows` that are in `train` with all of their values."""
    known = set(_write_rows(train))
    return float(np.mean([row in known for row in _write_rows(rows)]))


def _read_like(made: pd.DataFrame, real: pd.DataFrame) -> pd.DataFrame:
    """The columns of `real` with its types: a language model writes texts, some of which are no numbers or moments."""
    columns = {}
    for name in real.columns:
        if pd.api.types.is_datetime64_any_dtype(real[name]):
            columns[name] = pd.to_datetime(made[name], errors="coerce", format="mixed")
        else:
            columns[name] = made[name] if _is_category(real[name]) else pd.to_numeric(made[name], errors="coerce")
    return pd.DataFrame(columns)


def _train_and_test(
    table: BenchmarkTable, learned: pd.DataFrame, test: pd.DataFrame, train: pd.DataFrame
) -> dict[str, Any]:
    """Gradient boosting with the settings that scikit-learn has, categories by their levels in the real table."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.metrics import average_precision_score, r2_score, roc_auc_score

    names = [name for name in train.columns if name != table.target]
    encoded = [_encode(frame[names], train[names]) for frame in (learned, test)]
    options: dict[str, Any] = {
        "max_iter": TREES,
        "early_stopping": False,
        "random_state": 0,
        "categorical_features": [_is_category(train[name]) for name in names],
    }
    if table.predicts_number:
        known = learned[table.target].notna().to_numpy()
        model = HistGradientBoostingRegressor(**options).fit(encoded[0][known], learned[table.target][known])
        return {"tstr": float(r2_score(test[table.target], model.predict(encoded[1])))}
    truth, labels = test[table.target].astype(str).to_numpy(), learned[table.target].astype(str).to_numpy()
    levels = sorted(set(truth))
    chances = np.zeros((len(truth), len(levels)))
    if len(set(labels)) > 1:
        model = HistGradientBoostingClassifier(**options).fit(encoded[0], labels)
        for place, level in enumerate(model.classes_):
            if level in levels:
                chances[:, levels.index(level)] = model.predict_proba(encoded[1])[:, place]
    scores = [roc_auc_score(truth == level, chances[:, place]) for place, level in enumerate(levels)]
    found = {"tstr": float(np.mean(scores))}
    if table.rare is not None:
        found["rare_precision"] = float(
            average_precision_score(truth == table.rare, chances[:, levels.index(table.rare)])
        )
    return found


def _encode(frame: pd.DataFrame, real: pd.DataFrame) -> np.ndarray:
    """Numbers as they are, moments as days, categories as places among the real levels, NaN for what is none."""
    columns = []
    for name in real.columns:
        column = frame[name]
        if _is_category(real[name]):
            codes = pd.Index(sorted(set(_write(real[name].dropna())))).get_indexer(_write(column)).astype(float)
            columns.append(np.where(codes < 0, np.nan, codes))
        elif pd.api.types.is_datetime64_any_dtype(real[name]):
            columns.append((pd.to_datetime(column) - pd.Timestamp(0)).dt.total_seconds().to_numpy() / 86_400)
        else:
            columns.append(pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan))
    return np.column_stack(columns)


def _is_category(column: pd.Series) -> bool:
    return pd.api.types.is_bool_dtype(column) or not (
        pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)
    )


def _write(column: pd.Series) -> pd.Series:
    return column.astype(object).map(lambda value: "" if pd.isna(value) else str(value))


def _write_rows(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """Rows as texts: numbers to nine digits, days without a time, so that types of columns do not matter."""
    columns = []
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            columns.append(column.dt.strftime("%Y-%m-%dT%H:%M:%S").fillna("").tolist())
        elif _is_category(column):
            columns.append(_write(column).tolist())
        else:
            columns.append([f"{value:.9g}" for value in column.to_numpy(np.float64, na_value=np.nan)])
    return list(zip(*columns, strict=True))
