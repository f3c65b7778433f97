"""Tables for the tests of the copula."""

from __future__ import annotations

import numpy as np
import pandas as pd


def make_payments(rows: int = 4_000, seed: int = 0) -> pd.DataFrame:
    """Payments of which about 2 % are fraud: amounts with many zeros, joint nulls, a date, and a category of text."""
    generator = np.random.default_rng(seed)
    latent = generator.standard_normal((rows, 6))
    latent[:, 1:] += 0.7 * latent[:, :1]
    lost = 0.4 * latent[:, 0] + generator.standard_normal(rows)
    fraud = generator.random(rows) < 0.02
    days = (latent[:, 4] * 40 + 200).astype(int)
    places = np.clip((latent[:, 3] * 1.5 + 3).astype(int), 0, 5)
    return pd.DataFrame(
        {
            "amount": np.round(np.exp(latent[:, 0] + 3 + 1.5 * fraud), 2),
            "balance": latent[:, 1] * 100 + 50 * fraud,
            "fee": np.where(latent[:, 2] < 0.3, 0.0, np.round(np.abs(latent[:, 2]) * 10, 1)),
            "shop": np.array(list("dafceb"))[places],
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D"),
            "score": np.where(lost > 1.2, np.nan, latent[:, 5]),
            "rating": np.where(lost > 1.0, np.nan, np.clip((latent[:, 1] + 3).astype(int), 1, 5)),
            "is_fraud": fraud,
        }
    )
