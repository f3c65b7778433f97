"""Faker on the patient table of `benchmarks/generation.py`, and on the fields of a person. Prints JSON.

    python faker_patients.py ROWS

Its nearest methods are taken. `without weights` switches its weighting of names off, which makes it faster.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version

from faker import Faker

DIAGNOSES = {
    "er": ["sepsis", "fracture", "burn"],
    "oncology": ["lymphoma", "melanoma"],
    "cardiology": ["arrhythmia", "angina"],
}
START, END = datetime(2026, 1, 1), datetime(2026, 12, 31)


def make_patient(fake: Faker) -> dict[str, object]:
    """One row of the patient table."""
    department = fake.random_element(tuple(DIAGNOSES))
    return {
        "patient_id": fake.numerify("P#######"),
        "department": department,
        "diagnosis": fake.random_element(DIAGNOSES[department]),
        "age": fake.pyint(min_value=0, max_value=105),
        "smoker": fake.boolean(chance_of_getting_true=21),
        "admitted": fake.date_time_between(START, END),
        "visits": fake.pyint(min_value=0, max_value=9),
        "cost": fake.pyfloat(min_value=0, max_value=20_000, right_digits=2),
        "temperature": fake.pyfloat(min_value=35.5, max_value=41.0, right_digits=1),
    }


def make_person(fake: Faker) -> dict[str, str]:
    """The fields of a person."""
    return {
        "name": fake.name(),
        "email": fake.email(),
        "phone": fake.phone_number(),
        "address": fake.address(),
    }


def measure(make: Callable[[Faker], object], rows: int, *, weights: bool, locale: str = "en_US") -> float:
    """Rows per second of CPU time, the better of two passes."""
    fake = Faker(locale, use_weighting=weights)
    best = float("inf")
    for _ in range(2):
        begin = time.process_time()
        for _ in range(rows):
            make(fake)
        best = min(best, time.process_time() - begin)
    return rows / best


if __name__ == "__main__":
    asked = int(sys.argv[1])
    rates = {"samplers": measure(make_patient, asked, weights=False)}
    for locale in ("en_US", "de_DE"):
        rates[f"person {locale}"] = measure(make_person, asked, weights=True, locale=locale)
        rates[f"person {locale}, without weights"] = measure(make_person, asked, weights=False, locale=locale)
    print(json.dumps({"peer": f"faker {version('faker')}", "rates": rates}))
