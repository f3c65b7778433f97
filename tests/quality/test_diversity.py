"""Texts that repeat themselves are warned of, varied ones are not, and real texts of the same name set the scale."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.quality.notes import draw_notes, load_table, make_evidence
from workbench.quality.check import Finding
from workbench.quality.checks.diversity import check_diversity, measure_diversity

LETTERS = list("abcdefghijklmnopqrstuvwxyz")


def write_texts(count: int, seed: int = 1, words: int = 12) -> list[str]:
    """Texts of random words."""
    random = np.random.default_rng(seed)
    return [" ".join("".join(random.choice(LETTERS, 5)) for _ in range(words)) for _ in range(count)]


def fill_template(count: int) -> list[str]:
    """Texts that differ by a number."""
    return [f"Dear customer, your parcel {number} is late and we are very sorry." for number in range(count)]


def check(frame: pd.DataFrame, *real: list[str]) -> list[Finding]:
    """What the check finds in a table, beside real texts of training and of a holdout."""
    return check_diversity(make_evidence(frame, *real))


def test_texts_of_one_template_are_warned_of_with_the_rows() -> None:
    (finding,) = check(pd.DataFrame({"row_id": range(200), "note": fill_template(200)}))
    assert (finding.verdict, finding.value) == ("warn", 199 / 200)
    assert len(set(finding.examples)) == 199
    assert finding.detail.startswith("note: near duplicates 99.5%")
    assert finding.fix


def test_varied_texts_pass() -> None:
    (finding,) = check(pd.DataFrame({"row_id": range(200), "note": write_texts(200)}))
    assert (finding.verdict, finding.value) == ("pass", 0.0)


def test_real_texts_that_repeat_as_much_set_the_scale() -> None:
    (finding,) = check(pd.DataFrame({"note": fill_template(200)}), fill_template(60), fill_template(60))
    assert (finding.verdict, finding.rows) == ("pass", 120)
    assert finding.columns["note"]["real_near_duplicates"] == 119 / 120


def test_texts_of_few_words_over_and_over_are_less_varied_than_the_real_ones() -> None:
    words = ["we", "sent", "it", "back", "and", "it", "broke", "again"]
    few = [" ".join(np.random.default_rng(row).permutation(words)) for row in range(300)]
    (finding,) = check(pd.DataFrame({"note": few}), draw_notes(300, 1), draw_notes(300, 2))
    own = finding.columns["note"]
    assert finding.verdict == "warn"
    assert (own["vendi"] or 0) < 0.1 * (own["real_vendi"] or 0)
    assert (own["distinct_1"] or 0) < (own["real_distinct_1"] or 0)


def test_few_texts_are_not_assessed_and_none_are_not_asked() -> None:
    (finding,) = check(pd.DataFrame({"note": fill_template(8)}))
    assert finding.verdict == "not assessed"
    assert check(pd.DataFrame({"note": [None] * 40})) == []
    pictures = [f"media/t/picture/{row}.png" for row in range(40)]
    assert check(pd.DataFrame({"row_id": range(40), "picture": pictures})) == []


def test_the_column_that_repeats_most_is_judged_and_all_are_listed() -> None:
    frame = pd.DataFrame({"note": write_texts(100), "body": fill_template(100), "short": ["yes", "no"] * 50})
    (finding,) = check(frame)
    assert finding.detail.startswith("body: near duplicates 99.0%")
    assert set(finding.columns) == {"note", "body"}


def test_texts_of_a_template_of_the_spec_are_told_and_not_judged() -> None:
    columns = '{name: note, type: template, template: "Dear customer, your parcel is late and we are very sorry."}'
    evidence = make_evidence(pd.DataFrame({"note": fill_template(100)}), spec=load_table(columns))
    (finding,) = check_diversity(evidence)
    assert finding.verdict == "pass"
    assert finding.columns["note"]["near_duplicates"] == 0.99


def test_each_figure_tells_varied_texts_from_one_template() -> None:
    varied, same = measure_diversity(draw_notes(1_500, 1))[0], measure_diversity(fill_template(1_500))[0]
    # Of other texts, varied ones and one template, self-BLEU was .83 and .99, compression 8 and 37, Vendi 206 and 25.
    assert 2 * (varied["compression"] or 0) < (same["compression"] or 0)
    assert 0.5 < (varied["self_bleu"] or 0) < 0.95 < (same["self_bleu"] or 0)
    assert (varied["vendi"] or 0) > 40 > 4 > (same["vendi"] or 0)
    assert (varied["self_similarity"] or 0) < 0.3 < 0.9 < (same["self_similarity"] or 0)


def test_the_vendi_score_counts_equal_groups_of_texts_with_nothing_in_common() -> None:
    words = [word for text in write_texts(5) for word in text.split()[:1]]
    figures = measure_diversity(words * 8)[0]
    assert round(figures["vendi"] or 0, 6) == 5
    assert round(figures["self_similarity"] or 0, 6) == round(7 / 39, 6)


def test_the_figures_of_words_have_a_fixed_budget() -> None:
    texts = write_texts(2_000)
    few, many = measure_diversity(texts[:900])[0], measure_diversity(texts)[0]
    for figure in ("distinct_1", "distinct_2", "distinct_3", "compression"):
        assert few[figure] == many[figure]


def test_one_text_of_one_word_is_measured() -> None:
    figures, repeats = measure_diversity(["word"])
    assert (figures["near_duplicates"], figures["distinct_1"], repeats) == (0.0, 1.0, [])
    assert all(figures[name] is None for name in ("distinct_2", "distinct_3", "self_bleu", "vendi", "self_similarity"))
