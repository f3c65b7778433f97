"""Real rows that come back: copied, moved a little, or with the number that tells one customer from another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_defect
from workbench.quality.selftest.scenes.people import ACCOUNT

if TYPE_CHECKING:
    import pandas as pd

COPIED = 0.005
MOVED = 0.02
LEAKED = 0.01


@register_defect(
    "copied_rows",
    "0.5 % of the rows are real training rows, word by word",
    scene="customers",
    trips=("privacy.copies",),
    consequences={
        "privacy.near_copies": "an equal row is a near one too",
        "privacy.replay": "a copied row brings its account number along",
    },
)
def copy_rows(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put real training rows in the place of some rows."""
    real, frame = _read_train(evidence), evidence.frame.copy()
    count = max(1, round(COPIED * len(frame)))
    chosen = draw.choice(len(frame), count, replace=False)
    frame.iloc[chosen] = real.iloc[draw.choice(len(real), count, replace=False)][list(frame.columns)].to_numpy(object)
    return replace(evidence, frame=frame.astype(evidence.frame.dtypes.to_dict()))


@register_defect(
    "moved_rows",
    "every row is a real training row whose numbers are moved by 2 % of their spread",
    scene="customers",
    trips=("privacy.near_copies", "privacy.membership", "fidelity.detection"),
    consequences={
        "privacy.*": "each attack finds the real row that a row was made from",
        "fidelity.accuracy": "the rows fit the training rows better than fresh real rows could",
        "rules": "a rate that is moved may exceed its amount",
    },
)
def move_rows(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Take the training rows, with fresh account numbers, and add noise to all numbers with decimals."""
    moved = _read_train(evidence).head(len(evidence.frame)).copy()
    for name in moved.select_dtypes("float64").columns:
        spread = float(moved[name].std(ddof=0))
        decimals = 4 if name == "burden" else 2
        noise = MOVED * spread * draw.standard_normal(len(moved))
        moved[name] = (moved[name] + noise.round(decimals)).where(moved[name] != 0, 0.0)  # who owes nothing still does
    positive = ["income", "amount", "rate", "burden", "savings"]
    moved[positive] = moved[positive].clip(lower=0.01)
    frame = moved.assign(**{ACCOUNT: evidence.frame[ACCOUNT].head(len(moved))})
    return replace(evidence, frame=frame.reset_index(drop=True))


@register_defect(
    "leaked_key",
    "1 % of the rows carry the account number of a real customer",
    scene="customers",
    trips=("privacy.replay",),
)
def leak_keys(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put account numbers of training rows into rows that have nothing else of them."""
    real, frame = _read_train(evidence), evidence.frame.copy()
    count = max(1, round(LEAKED * len(frame)))
    chosen = draw.choice(len(frame), count, replace=False)
    frame.loc[chosen, ACCOUNT] = real[ACCOUNT].to_numpy(object)[draw.choice(len(real), count, replace=False)]
    return replace(evidence, frame=frame)


def _read_train(evidence: Evidence) -> pd.DataFrame:
    if evidence.real is None:
        raise ValueError("this defect needs real rows")
    return evidence.real.train
