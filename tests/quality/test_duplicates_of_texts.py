"""Repeats, families and openings: each planted alone trips its check, and fresh notes trip none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from tests.quality.notes import draw_notes, load_table, make_evidence
from workbench.quality.check import Finding
from workbench.quality.checks.duplicates import check_duplicates, check_repeated_texts
from workbench.quality.checks.near_duplicates import check_near_duplicates
from workbench.quality.checks.openings import check_openings
from workbench.quality.checks.semantic_duplicates import check_semantic_duplicates
from workbench.quality.selftest.population import draw_people
from workbench.quality.text.templates import cut_opening, find_most_frequent, mask_template

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def make_family(count: int) -> list[str]:
    """One text with another word and another number in each."""
    return [
        f"Hello, my parcel with order {row * 7} did not arrive in {NUMBERS[row % 10]} days, and nobody at the desk "
        "could tell me where it is, so please look for it and write to me."
        for row in range(count)
    ]


def replace_rows(texts: Sequence[str], others: Sequence[str]) -> list[str]:
    """The texts with others in places spread over all."""
    changed, step = list(texts), len(texts) // len(others)
    for place, other in enumerate(others):
        changed[place * step] = other
    return changed


def check(name: str, notes: Sequence[str], *real: list[str]) -> Finding:
    checks = {
        "repeated": check_repeated_texts,
        "near": check_near_duplicates,
        "openings": check_openings,
        "semantic": check_semantic_duplicates,
    }
    (finding,) = checks[name](make_evidence(pd.DataFrame({"note": notes}), *real))
    return finding


REAL = draw_notes(400, 11), draw_notes(400, 12)


@pytest.mark.parametrize("real", [(), REAL], ids=["alone", "beside real texts"])
def test_fresh_notes_trip_nothing(real: tuple[list[str], ...]) -> None:
    notes = draw_notes(600, 3)
    assert [check(name, notes, *real).verdict for name in ("repeated", "near", "openings")] == ["pass"] * 3


@pytest.mark.parametrize("real", [(), REAL], ids=["alone", "beside real texts"])
@pytest.mark.parametrize("rows", [300, 1_000])
def test_a_family_of_a_twentieth_is_found_and_its_rows_listed(real: tuple[list[str], ...], rows: int) -> None:
    notes = replace_rows(draw_notes(rows, 3), make_family(rows // 20))
    finding = check("near", notes, *real)
    assert finding.verdict == "warn"
    assert "largest family" in finding.detail
    planted = {place for place, note in enumerate(notes) if "nobody at the desk" in note}
    assert set(finding.examples) <= planted
    assert len(finding.examples) >= 0.9 * len(planted)
    assert check("repeated", notes, *real).verdict == "pass"


def test_repeated_texts_are_listed() -> None:
    notes = draw_notes(400, 3)
    finding = check("repeated", [*notes, *notes[:100]], *REAL)
    assert (finding.verdict, list(finding.examples)[:3]) == ("warn", [400, 401, 402])
    assert check("near", [*notes, *notes[:100]], *REAL).verdict == "warn"


def test_the_gate_of_near_duplicates_is_on_all_texts() -> None:
    notes = replace_rows(draw_notes(400, 3), make_family(20))
    spec = load_table(more="quality: {max_near_duplicates: 0.01}")
    (finding,) = check_near_duplicates(make_evidence(pd.DataFrame({"note": notes}), *REAL, spec=spec))
    assert (finding.verdict, finding.gated, finding.threshold) == ("fail", True, 0.01)
    (finding,) = check_near_duplicates(make_evidence(pd.DataFrame({"note": [None] * 50}), spec=spec))
    assert (finding.verdict, finding.gated) == ("not assessed", True)


def test_rows_that_vary_one_row_are_a_family_and_fresh_rows_are_none() -> None:
    people = draw_people(900, 1)
    train, holdout = draw_people(450, 2), draw_people(450, 3)
    spec = load_table("{name: age, type: uniform_int, low: 0, high: 120}")
    (finding,) = check_near_duplicates(make_evidence(people, train, holdout, spec=spec))
    assert finding.verdict == "pass"
    for row in range(0, 900, 20):
        people.loc[row] = people.loc[0]
        people.loc[row, "income"] = 1_000.0 + row
        people.loc[row, "age"] = 20 + row % 50
    (finding,) = check_near_duplicates(make_evidence(people, train, holdout, spec=spec))
    assert finding.verdict == "warn"
    assert set(finding.examples) <= set(range(0, 900, 20))
    assert "rows" in finding.detail


def test_few_repeated_rows_beside_real_ones_without_any_are_warned_of() -> None:
    people, spec = draw_people(200, 1), load_table("{name: age, type: uniform_int, low: 0, high: 120}")
    repeated = pd.concat([people, people.head(8)], ignore_index=True)
    real = draw_people(200, 2), draw_people(200, 3)
    (finding,) = check_duplicates(make_evidence(repeated, *real, spec=spec))
    assert (finding.verdict, list(finding.examples)) == ("warn", list(range(200, 208)))
    (finding,) = check_duplicates(make_evidence(people, *real, spec=spec))
    assert finding.verdict == "pass"


def test_repeats_are_compared_among_as_many_rows() -> None:
    random = np.random.default_rng(5)
    spec = load_table("{name: a, type: uniform_int, low: 0, high: 9}")
    draw = [pd.DataFrame(random.integers(0, 10, (rows, 3)), columns=list("abc")) for rows in (2_000, 200, 200)]
    (finding,) = check_duplicates(make_evidence(*draw, spec=spec))
    assert (finding.verdict, finding.rows) == ("pass", 400)


def test_a_third_that_begins_alike_is_more_than_real_notes_do() -> None:
    notes = [f"As a loyal customer I {note}" if row % 3 == 0 else note for row, note in enumerate(draw_notes(600, 3))]
    finding = check("openings", notes, *REAL)
    assert finding.verdict == "warn"
    assert "same first four words" in finding.detail
    assert set(finding.examples) <= set(range(0, 600, 3))


def test_a_form_that_is_filled_in_is_one_template() -> None:
    names = ["Anna", "Boris Klein", "Chiara", "Deniz"]
    notes = [f"We met {names[row % 4]} in Lyon and paid {row} euros for “box {row}”." for row in range(100)]
    assert len({mask_template(note) for note in notes}) == 1
    finding = check("openings", notes)
    assert finding.verdict == "warn"
    assert finding.columns["note"]["largest_template"] == 1
    assert finding.columns["note"]["effective_templates"] == 1


def test_openings_are_four_words_and_families_are_counted_by_entropy() -> None:
    assert cut_opening("In 1984, we  met\nagain") == "in 0 we met"
    assert find_most_frequent(["a", "b", "a", "c"]) == (0.5, [0, 2], pytest.approx(2 * np.sqrt(2)))


def test_meaning_is_asked_only_where_a_model_wrote_and_an_embedder_is_there() -> None:
    assert check("semantic", draw_notes(50, 1)).verdict == "not assessed"
    spec = load_table('{name: note, type: template, template: "what is said here is always the same"}')
    assert check_semantic_duplicates(make_evidence(pd.DataFrame({"note": draw_notes(50, 1)}), spec=spec)) == []
