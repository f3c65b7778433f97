"""Six tables made from one real one, each spoiled in a known way, to compare measures on; and folders of them.

The recipe is fixed to the last draw, so that anybody gets the same rows: `load_breast_cancer` of scikit-learn, six
columns and the target, halved; the seeds are in the code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

MEASURES = (
    "mean_radius", "mean_texture", "mean_smoothness", "mean_concavity", "worst_area", "worst_symmetry",
)  # fmt: skip
TARGET = "target"


@dataclass(frozen=True, slots=True)
class Tables:
    """Real rows to learn from, as many that nothing was learned from, and made tables by their name."""

    name: str
    train: pd.DataFrame
    holdout: pd.DataFrame
    made: Mapping[str, pd.DataFrame]
    target: str


def plant_six() -> Tables:
    """A holdout, a normal distribution per class, independent columns, uniform noise, moved rows and a plain copy."""
    from sklearn.datasets import load_breast_cancer

    loaded = load_breast_cancer(as_frame=True)
    frame = loaded.data.rename(columns=lambda name: name.replace(" ", "_"))[list(MEASURES)].assign(
        **{TARGET: np.where(loaded.target == 1, "benign", "malignant").astype(object)}
    )
    order = np.random.default_rng(7).permutation(len(frame))
    rows = 284
    train = frame.iloc[order[:rows]].reset_index(drop=True)
    holdout = frame.iloc[order[rows : 2 * rows]].reset_index(drop=True)
    draw = np.random.default_rng(11)
    indep = pd.DataFrame({name: train[name].to_numpy()[draw.integers(0, rows, rows)] for name in frame.columns})
    draw, normal = np.random.default_rng(11), []
    for level in ("benign", "malignant"):
        own = train[train[TARGET] == level][list(MEASURES)].to_numpy()
        values = draw.multivariate_normal(own.mean(axis=0), np.cov(own.T), len(own))
        normal.append(pd.DataFrame(values, columns=list(MEASURES)).assign(**{TARGET: level}))
    draw = np.random.default_rng(11)
    uniform = pd.DataFrame({name: draw.uniform(train[name].min(), train[name].max(), rows) for name in MEASURES})
    uniform[TARGET] = draw.choice(["benign", "malignant"], rows)
    draw, jitter = np.random.default_rng(11), train.copy()
    for name in MEASURES:
        jitter[name] = train[name] + 0.02 * train[name].std(ddof=0) * draw.standard_normal(rows)
    made = {
        "holdout": holdout.copy(),
        "gauss": pd.concat(normal, ignore_index=True),
        "indep": indep,
        "uniform": uniform,
        "jitter": jitter,
        "copy": train.copy(),
    }
    return Tables("six planted sets", train, holdout, made, TARGET)


def write_tables(tables: Tables, folder: Path) -> Path:
    """A folder as `peers/quality_oracles.py` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    tables.train.to_parquet(folder / "train.parquet", index=False)
    tables.holdout.to_parquet(folder / "holdout.parquet", index=False)
    for name, frame in tables.made.items():
        frame.to_parquet(folder / f"made-{name}.parquet", index=False)
    kinds = {str(name): find_kind(tables.train[name]) for name in tables.train.columns}
    (folder / "kinds.json").write_text(json.dumps({"kinds": kinds, "target": tables.target}))
    return folder


def find_kind(column: pd.Series) -> str:
    """SDMetrics' word for a column: categorical, datetime or numerical."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return "datetime"
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return "numerical" if is_number else "categorical"
