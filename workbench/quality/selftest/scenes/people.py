"""A table of people with real rows of the same law: fresh samples for the dataset, the training rows and the holdout.

Each person has an account number that nobody else has, as tables of customers do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.datasets.sources import RealData
from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_scene
from workbench.quality.selftest.population import draw_people
from workbench.quality.selftest.specs import build_evidence

if TYPE_CHECKING:
    import pandas as pd

ACCOUNT = "account"
SPEC = """
name: people
rows: 1000
sources: {customers: {path: customers.csv}}
synthesizer: {type: gaussian_copula, source: customers, label: repaid}
constraints: [{type: inequality, low: rate, high: amount}]
scenarios: [{name: founders, share: 0.004, set: {purpose: business, months: 84}}]
quality:
  label: repaid
  fairness: {across: [sex, region], outcome: repaid, favourable: true}
training:
  task: prompt_completion
  prompt: "{{ age }} years, earns {{ income }}, owes {{ debt }}, asks for {{ amount }} over {{ months }} months"
  completion: "{{ repaid }}"
  label: repaid
"""
CUSTOMERS = """
name: customers
rows: 1000
sources: {customers: {path: customers.csv}}
synthesizer: {type: gaussian_copula, source: customers}
constraints: [{type: inequality, low: rate, high: amount}]
scenarios: [{name: founders, share: 0.004, set: {purpose: business, months: 84}}]
"""


@register_scene("customers", "a table of people, with real rows of the same law and nothing to be predicted")
def make_customers(seed: int, rows: int, folder: Path) -> Evidence:
    """`rows` fresh people in each of the dataset, the training rows and the holdout. No model is trained on them, so
    that asking of them is fast.
    """
    return _make(CUSTOMERS, seed, rows)


@register_scene("people", "a table of people who repay a credit or do not, with real rows of the same law")
def make_people(seed: int, rows: int, folder: Path) -> Evidence:
    """`rows` fresh people in each of the dataset, the training rows and the holdout."""
    return _make(SPEC, seed, rows)


def _make(spec: str, seed: int, rows: int) -> Evidence:
    frame, train, holdout = (_draw_customers(rows, 3 * seed + place) for place in range(3))
    real = RealData(train, holdout, "", 2 * rows, "a simulated population", "none needed")
    return build_evidence(spec, frame, seed, real=real)


def _draw_customers(rows: int, seed: int) -> pd.DataFrame:
    draw = np.random.Generator(np.random.Philox([seed, 1]))
    letters = draw.choice(list("BCDFGHJKLMNPQRSTVWXZ"), (rows, 5)).tolist()
    numbers = draw.integers(0, 10_000, rows).tolist()
    accounts = [f"{''.join(each)}-{number:04d}" for each, number in zip(letters, numbers, strict=True)]
    return draw_people(rows, seed).assign(**{ACCOUNT: accounts})
