"""Real-looking frames and tiny fits for the tests that hold for every type of synthesizer."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from workbench.synthesizers import FittedTable, fit
from workbench.synthesizers.registry import SYNTHESIZERS

TINY: dict[str, dict[str, Any]] = {
    "gaussian_copula": {},
    "ctgan": {"epochs": 1, "batch_size": 100},
    "tvae": {"epochs": 1, "batch_size": 100},
    "diffusion": {"steps": 20, "batch_size": 100, "hidden_dim": 32},
    "language_model": {"epochs": 1, "hidden_size": 16, "layers": 1},
}
"""Settings under which a type learns a few hundred rows in seconds; of these, those that it has are used."""

ROW_TYPES = [entry.name for entry in map(SYNTHESIZERS.get, SYNTHESIZERS.names()) if entry and entry.fit is not None]
"""The types that make rows one by one."""


def fit_tiny(frame: pd.DataFrame, name: str = "gaussian_copula", **settings: Any) -> FittedTable:
    """A fit of the type with as little work as it can do."""
    entry = SYNTHESIZERS.get(name)
    assert entry is not None
    known = entry.config.model_fields
    tiny = {setting: value for setting, value in TINY.get(name, {}).items() if setting in known}
    fitted = fit(frame, name, seed=1, **{**tiny, **settings})
    assert isinstance(fitted, FittedTable)
    return fitted


@cache
def fit_mixed(name: str = "gaussian_copula") -> FittedTable:
    """A tiny fit to the mixed frame, made once per process."""
    return fit_tiny(make_mixed_frame(), name, label="is_fraud")


def make_mixed_frame(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Columns of every role and kind, some with nulls, some related: `is_fraud` is rare and has large amounts."""
    generator = np.random.default_rng(seed)
    fraud = np.zeros(rows, np.bool_)
    fraud[generator.permutation(rows)[: max(rows // 40, 1)]] = True
    amount = np.round(generator.lognormal(3 + 2 * fraud, 0.5), 2)
    country = generator.choice(["DE", "FR", "IT", "ES"], rows, p=[0.55, 0.3, 0.1, 0.05])
    days = generator.integers(0, 365, rows)
    return pd.DataFrame(
        {
            "amount": amount,
            "balance": pd.Series(np.round(amount * 10 + generator.normal(0, 50, rows), 1)).mask(
                generator.random(rows) < 0.2
            ),
            "country": pd.Series(country).mask(generator.random(rows) < 0.1),
            "is_fraud": fraud,
            "doors": generator.choice([2, 3, 5], rows, p=[0.2, 0.5, 0.3]),
            "visits": pd.array(generator.poisson(40, rows), "Int64"),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(days, "D"),
            "seen": pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(days * 1440 + 17, "min")).mask(
                generator.random(rows) < 0.15
            ),
            "opted_in": pd.array(np.where(generator.random(rows) < 0.1, None, generator.random(rows) < 0.4), "boolean"),
            "plan": pd.Categorical(generator.choice(["basic", "gold"], rows)),
            "code": [f"C-{number:06d}" for number in generator.permutation(10**6)[:rows]],
            "currency": "EUR",
            "note": pd.Series([None] * rows, dtype="str"),
        }
    )
