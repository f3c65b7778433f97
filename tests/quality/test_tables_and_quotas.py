"""Links, quotas and every constraint, judged on the rows as they were read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.store import Dataset
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Finding
from workbench.quality.evidence import Evidence
from workbench.quality.run import check_dataset
from workbench.spec.loading import load_spec
from workbench.spec.model import Spec
from workbench.synthesizers.registry import spec_types

Make = Callable[[str], Dataset]

SPEC = """name: shop
seed: 2
tables:
  cards:
    rows: 300
    primary_key: id
    columns:
      - {name: id, type: id}
      - {name: country, type: category, values: [DE, FR]}
  payments:
    foreign_keys: [{column: card, table: cards, per_parent: 4}]
    columns:
      - {name: city, type: category, values: [Berlin, Paris, Rome]}
      - {name: land, type: category, values: [DE, FR, IT]}
      - {name: amount, type: uniform, low: 1, high: 50, missing: 0.1}
      - {name: car, type: bernoulli, p: 0.5}
      - {name: bus, type: bernoulli, p: 0.5}
      - {name: code, type: uniform_int, low: 1, high: 900000}
      - {name: fraud, type: bernoulli, p: 0.1}
      - {name: region, type: category, values: [n, s]}
      - {name: at, type: datetime, start: 2026-01-01, end: 2026-02-01}
      - {name: paid, type: timedelta, since: at, low: 1, high: 9, unit: h}
    constraints:
      - {type: fixed_combinations, columns: [city, land], values: [[Berlin, DE], [Paris, FR], [Rome, IT]]}
      - {type: fixed_increments, column: amount, increment: 0.25}
      - {type: one_hot, columns: [car, bus]}
      - {type: unique, columns: [code]}
      - {type: expression, expression: "amount < 40 or region == 'n'"}
      - {type: inequality, low: at, high: paid, strict: true}
    balance: [{column: region, shares: {n: 0.75, s: 0.25}}]
    parity: [{outcome: fraud, across: land, max_gap: 0.01}]
"""


@pytest.fixture(scope="module")
def spec() -> Spec:
    loaded = load_spec(SPEC, spec_types())
    assert loaded.spec is not None, loaded.problems
    return loaded.spec


def ask(spec: Spec, frame: pd.DataFrame, check: str, keys: pd.Series[Any] | None = None) -> list[Finding]:
    entry = CHECKS.get(check)
    assert entry is not None
    parents = {} if keys is None else {"card": keys}
    return entry.find(Evidence("payments", spec.tables["payments"], frame, parent_keys=parents))


def test_a_dataset_of_two_tables_fails_no_check(make: Make, context: Any) -> None:
    dataset = make(SPEC)
    report = check_dataset(dataset, None, context)
    assert [check for check in report["checks"] if check["verdict"] == "fail"] == []
    named = {check["name"] for check in report["checks"] if check["table"] == "payments"}
    assert {"links", "balance.region", "parity.fraud", "rules", "schema"} <= named


BREAK: dict[str, tuple[str, Any, str]] = {
    "a combination": ("land", "IT", "combinations of city, land"),
    "a step": ("amount", 7.1, "amount in steps of 0.25"),
    "one of two": ("car", True, "one of car, bus"),
    "a repeat": ("code", 5, "code is unique"),
    "an expression": ("amount", 45.0, "amount < 40 or region == 'n'"),
    "an order": ("at", pd.Timestamp("2026-03-01"), "at < paid"),
}


@pytest.mark.parametrize(("column", "value", "rule"), BREAK.values(), ids=BREAK)
def test_rows_that_break_a_constraint_are_counted(make: Make, spec: Spec, column: str, value: Any, rule: str) -> None:
    frame = make(SPEC).read("payments")
    assert ask(spec, frame, "rules")[0].verdict == "pass"
    broken = frame.copy()
    broken[column] = broken[column].where(np.arange(len(frame)) >= 40, value)
    finding = ask(spec, broken, "rules")[0]
    assert finding.verdict == "fail"
    assert rule in finding.detail
    assert min(finding.examples) < 40


def test_a_key_that_leads_nowhere_fails(make: Make, spec: Spec, tmp_path: Path) -> None:
    dataset = make(SPEC)
    frame, keys = dataset.read("payments"), dataset.read("cards")["id"]
    assert ask(spec, frame, "links", keys)[0].verdict == "pass"
    finding = ask(spec, frame, "links", keys[:-1])[0]
    assert finding.verdict == "fail"
    assert "card: 4 of" in finding.detail


def test_shares_and_rates_that_are_off_fail_with_the_worst_of_them(make: Make, spec: Spec) -> None:
    frame = make(SPEC).read("payments")
    tilted = frame.copy()
    tilted["region"] = tilted["region"].where(np.arange(len(frame)) >= 60, "s")
    finding = ask(spec, tilted, "balance")[0]
    assert finding.verdict == "fail"
    assert "25.00% asked" in finding.detail or "75.00% asked" in finding.detail
    tilted["fraud"] = tilted["fraud"] | ((tilted["land"] == "DE") & (np.arange(len(frame)) % 3 == 0))
    finding = ask(spec, tilted, "parity")[0]
    assert finding.verdict == "fail"
    assert finding.detail.startswith("DE: ")
    assert ask(spec, tilted.head(20), "parity")[0].verdict == "not assessed"
