"""Rows per CPU-second of generation, beside Faker making the same patient table, in one process and on one core.

    python benchmarks/generation.py [--rows 500000] [--json]

`samplers` is the table of nine samplers; `with derived columns` adds an expression and a template; `written` includes
encoding the blocks as Parquet. Faker is timed on fewer rows, since its time per row is constant.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from workbench.generation.blocks import BLOCK_ROWS, make_block
from workbench.generation.packing import encode_block
from workbench.generation.check import check_text
from workbench.generation.plan import Plan

SAMPLERS = """
version: 1
name: patients
seed: 7
rows: {rows}
primary_key: patient_id
columns:
  - {{name: patient_id, type: id, pattern: "P{{n:07d}}"}}
  - {{name: department, type: category, values: {{er: 0.4, oncology: 0.25, cardiology: 0.35}}}}
  - name: diagnosis
    type: category
    given: department
    values: {{er: [sepsis, fracture, burn], oncology: [lymphoma, melanoma], cardiology: [arrhythmia, angina]}}
  - {{name: age, type: normal, mean: 54, stddev: 18, min: 0, max: 105, decimals: 0}}
  - {{name: smoker, type: bernoulli, p: 0.21}}
  - {{name: admitted, type: datetime, start: 2026-01-01, end: 2026-12-31}}
  - {{name: visits, type: poisson, mean: 2.4}}
  - {{name: cost, type: lognormal, mean: 7.2, stddev: 0.9, decimals: 2}}
  - {{name: temperature, type: uniform, low: 35.5, high: 41.0, decimals: 1}}
"""
DERIVED = """
  - {{name: cost_per_visit, type: expression, expression: "round(cost / max(visits, 1), 2)"}}
  - {{name: note, type: template, template: "{{{{ age }}}} year old with {{{{ diagnosis }}}}, {{{{ visits }}}} visits"}}
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    samplers, derived = (_plan(text.format(rows=options.rows)) for text in (SAMPLERS, SAMPLERS + DERIVED))
    rates = {
        "samplers": _measure(lambda: _make(samplers, write=False), options.rows),
        "samplers, written": _measure(lambda: _make(samplers, write=True), options.rows),
        "with derived columns": _measure(lambda: _make(derived, write=False), options.rows),
        "faker": _measure(lambda: _make_with_faker(5_000), 5_000),
    }
    if options.json:
        print(json.dumps({"unit": "rows per CPU-second", "rows": options.rows, "rates": rates}))
        return
    for name, rate in rates.items():
        print(f"{name:24} {rate:12,.0f} rows per CPU-second {rate / rates['faker']:8.1f} x Faker")


def _plan(text: str) -> Plan:
    checked = check_text(text, Path.cwd())
    if checked.plan is None:
        raise SystemExit(str(checked.problems))
    return checked.plan


def _make(plan: Plan, *, write: bool) -> None:
    table = plan.tables["patients"]
    for start in range(0, table.rows, BLOCK_ROWS):
        block = make_block(plan, "patients", start, min(start + BLOCK_ROWS, table.rows))
        if write:
            encode_block(table, block, {})


def _make_with_faker(rows: int) -> None:
    """The same nine columns by Faker's nearest methods, without its weighting of names, which none of them needs."""
    from datetime import datetime

    from faker import Faker

    fake = Faker(use_weighting=False)
    diagnoses = {
        "er": ["sepsis", "fracture", "burn"],
        "oncology": ["lymphoma", "melanoma"],
        "cardiology": ["arrhythmia", "angina"],
    }
    start, end = datetime(2026, 1, 1), datetime(2026, 12, 31)
    table = []
    for _ in range(rows):
        department = fake.random_element(tuple(diagnoses))
        table.append(
            {
                "patient_id": fake.numerify("P#######"),
                "department": department,
                "diagnosis": fake.random_element(diagnoses[department]),
                "age": fake.pyint(min_value=0, max_value=105),
                "smoker": fake.boolean(chance_of_getting_true=21),
                "admitted": fake.date_time_between(start, end),
                "visits": fake.pyint(min_value=0, max_value=9),
                "cost": fake.pyfloat(min_value=0, max_value=20_000, right_digits=2),
                "temperature": fake.pyfloat(min_value=35.5, max_value=41.0, right_digits=1),
            }
        )


def _measure(work: Callable[[], None], rows: int) -> float:
    """Rows per second of this process's CPU time: the better of two passes, so that imports are not counted."""
    best = float("inf")
    for _ in range(2):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return rows / best


if __name__ == "__main__":
    main()
