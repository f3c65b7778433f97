"""Texts that repeat themselves are warned of, varied ones are not, and real texts of the same name set the scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from workbench.datasets.sources import RealData
from workbench.quality.check import Finding
from workbench.quality.checks.diversity import check_diversity, measure_diversity
from workbench.quality.evidence import Evidence
from workbench.spec.loading import load_spec
from workbench.synthesizers.registry import spec_types

SPEC = """
name: t
rows: 200
columns:
  - {name: row_id, type: id}
  - {name: picture, type: image, prompt: "a red circle"}
  - {name: note, type: llm_text, prompt: "Write a note."}
"""
LETTERS = list("abcdefghijklmnopqrstuvwxyz")


def write_texts(count: int, seed: int = 1, words: int = 12) -> list[str]:
    """Texts of random words."""
    random = np.random.default_rng(seed)
    return [" ".join("".join(random.choice(LETTERS, 5)) for _ in range(words)) for _ in range(count)]


def fill_template(count: int) -> list[str]:
    """Texts that differ by a number."""
    return [f"Dear customer, your parcel {number} is late and we are very sorry." for number in range(count)]


def check(frame: pd.DataFrame, real: RealData | None = None) -> list[Finding]:
    """What the check finds in a table."""
    loaded = load_spec(SPEC, spec_types())
    assert loaded.spec, loaded.problems
    return check_diversity(Evidence("t", loaded.spec.tables["t"], frame, real))


def test_texts_of_one_template_are_warned_of_with_the_rows() -> None:
    (finding,) = check(pd.DataFrame({"row_id": range(200), "note": fill_template(200)}))
    assert (finding.verdict, finding.value) == ("warn", 199 / 200)
    assert list(finding.examples) == list(range(1, 200))
    assert finding.detail.startswith("note: 99.5% near duplicates, distinct-2 0.")


def test_varied_texts_pass() -> None:
    (finding,) = check(pd.DataFrame({"row_id": range(200), "note": write_texts(200)}))
    assert (finding.verdict, finding.value) == ("pass", 0.0)


def test_real_texts_that_repeat_as_much_set_the_scale() -> None:
    real = pd.DataFrame({"note": fill_template(60)})
    (finding,) = check(pd.DataFrame({"note": fill_template(200)}), RealData(real, real, "", 60, "", ""))
    assert (finding.verdict, finding.rows, finding.value, finding.reference) == ("pass", 60, 59 / 60, 59 / 60)
    assert "; real: 98.3% near duplicates" in finding.detail
    assert finding.columns["note"]["real_near_duplicates"] == 59 / 60


def test_few_texts_are_not_assessed_and_none_are_not_asked() -> None:
    (finding,) = check(pd.DataFrame({"note": fill_template(8)}))
    assert finding.verdict == "not assessed"
    assert check(pd.DataFrame({"note": [None] * 40})) == []
    assert (
        check(pd.DataFrame({"row_id": range(40), "picture": [f"media/t/picture/{row}.png" for row in range(40)]})) == []
    )


def test_the_column_that_repeats_most_is_judged_and_all_are_listed() -> None:
    frame = pd.DataFrame({"note": write_texts(100), "body": fill_template(100), "short": ["yes", "no"] * 50})
    (finding,) = check(frame)
    assert finding.detail.startswith("body: 99.0% near duplicates")
    assert set(finding.columns) == {"note", "body"}


def test_each_figure_tells_varied_texts_from_one_template() -> None:
    varied, same = measure_diversity(write_texts(300))[0], measure_diversity(fill_template(300))[0]
    assert (varied["distinct_2"] or 0) > 2 * (same["distinct_2"] or 0)
    assert (varied["compression"] or 0) < (same["compression"] or 0) / 2
    assert (varied["self_similarity"] or 0) < 0.2 < 0.9 < (same["self_similarity"] or 0)


def test_the_figures_of_words_have_a_fixed_budget() -> None:
    texts = write_texts(2_000)
    few, many = measure_diversity(texts[:900])[0], measure_diversity(texts)[0]
    assert few["distinct_2"] == many["distinct_2"]
    assert few["compression"] == many["compression"]


def test_one_text_of_one_word_is_measured(tmp_path: Path) -> None:
    assert measure_diversity(["word"]) == (
        {"near_duplicates": 0.0, "distinct_2": None, "compression": measure_diversity(["word"])[0]["compression"],
         "self_similarity": None},
        [],
    )  # fmt: skip
