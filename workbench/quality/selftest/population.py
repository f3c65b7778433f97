"""A simulated population to plant defects in: its law is known, so that any number of fresh rows can be drawn.

People who ask for credit: 20 columns, numbers, categories, moments and missing values that depend on one another.
`repaid`, the label, depends on money alone: within what somebody earns and owes it is the same for every sex and
region, so a difference between these is a planted one. Few people found firms, far from all others in several columns:
an edge case. No row describes anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LABEL = "repaid"
GROUPS = ("sex", "region")
FOUNDERS = 0.015
"""Share of people who found a firm: large, long credits and many accounts, a small group far from all others."""


def draw_people(rows: int, seed: int) -> pd.DataFrame:
    """`rows` independent people, shape (rows, 20), the same for the same seed."""
    import pandas as pd

    draw = np.random.Generator(np.random.Philox(seed))
    age = np.clip(draw.gamma(6.0, 4.2, rows) + 18, 18, 95)
    skill = draw.normal(0, 1, rows) + 0.015 * (age - 45)
    income = np.exp(7.6 + 0.35 * skill + draw.normal(0, 0.25, rows))
    years = np.floor(np.clip(age - 18, 0, None) * draw.beta(2, 3, rows))
    founds = draw.random(rows) < FOUNDERS
    amount = income * np.exp(np.where(founds, draw.normal(2.6, 0.3, rows), draw.normal(0.6, 0.7, rows)))
    months = np.where(founds, 84, draw.choice([12, 24, 36, 48, 60], rows, p=[0.2, 0.3, 0.25, 0.15, 0.1]))
    debt = np.where(draw.random(rows) < 0.35, 0.0, income * draw.gamma(1.2, 1.5, rows))
    burden = (amount / months + debt / 24) / income
    late = draw.poisson(np.clip(0.3 + 2.5 * burden, 0, 6))
    odds = 4.6 - 16.0 * burden - 0.8 * late + 0.8 * skill
    repaid = draw.random(rows) < 1 / (1 + np.exp(-odds))
    job = np.select(
        [age > 67, skill > 1.1, skill > 0, skill > -1.2], ["retired", "manager", "skilled", "assistant"], "unemployed"
    )
    housing = np.where(draw.random(rows) < np.clip((age - 20) / 70, 0.05, 0.8), "own", "rent")
    housing = np.where((age < 28) & (draw.random(rows) < 0.3), "family", housing)
    purpose = draw.choice(["car", "kitchen", "studies", "repairs", "business", "boat"], rows,
                          p=[0.36, 0.24, 0.14, 0.14, 0.1, 0.02])  # fmt: skip
    purpose = np.where(founds, "business", purpose)
    accounts = 1 + draw.poisson(np.where(founds, 6.0, 1.5))
    savings = np.where(draw.random(rows) < 0.12, np.nan, np.exp(5 + 0.5 * skill + draw.normal(0, 1, rows)))
    score = np.where(np.isnan(savings), np.nan, 500 + 60 * skill - 25 * late + draw.normal(0, 25, rows))
    asked = np.datetime64("2024-01-01T08:00", "s") + draw.integers(0, 2 * 365 * 86_400, rows).astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "age": np.floor(age).astype(np.int64),
            "sex": draw.choice(["female", "male"], rows, p=[0.48, 0.52]),
            "region": draw.choice(["north", "south", "east", "west"], rows, p=[0.4, 0.3, 0.2, 0.1]),
            "job": job,
            "housing": housing,
            "income": np.round(income, 2),
            "years_employed": years.astype(np.int64),
            "amount": np.round(amount, 2),
            "months": months.astype(np.int64),
            "rate": np.round(amount / months, 2),
            "debt": np.round(debt, 2),
            "burden": np.round(burden, 4),
            "late_payments": late.astype(np.int64),
            "accounts": accounts.astype(np.int64),
            "purpose": purpose,
            "savings": np.round(savings, 2),
            "score": np.round(score, 1),
            "online": draw.random(rows) < 0.6,
            "asked_at": pd.Series(asked).astype("datetime64[us]"),
            LABEL: repaid,
        }
    )
