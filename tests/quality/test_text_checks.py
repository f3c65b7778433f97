"""Lengths, distances, boilerplate: each planted alone trips its check, fresh texts none; bad cells raise nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.quality.notes import draw_notes, load_table, make_evidence
from tests.quality.test_duplicates_of_texts import make_family, replace_rows
from workbench.errors import WorkbenchError
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Finding
from workbench.quality.checks.boilerplate import check_boilerplate
from workbench.quality.checks.semantic_duplicates import check_semantic_duplicates
from workbench.quality.checks.text_distance import check_text_distance, count_met_families, measure_excess
from workbench.quality.checks.text_shapes import check_text_shapes, measure_distance
from workbench.quality.text.columns import find_text_columns, render_text
from workbench.quality.text.patterns import KINDS
from workbench.quality.text.readings import bound_share

MINE = [
    "diversity", "duplicates", "duplicates.text", "duplicates.near", "duplicates.semantic", "duplicates.openings",
    "duplicates.contamination", "text.shapes", "text.distance", "text.boilerplate", "code",
]  # fmt: skip
REAL = draw_notes(500, 11), draw_notes(500, 12)


def check(name: str, notes: list[str], *real: list[str], **options: Any) -> Finding:
    checks = {"shapes": check_text_shapes, "distance": check_text_distance, "boilerplate": check_boilerplate}
    (finding,) = checks[name](make_evidence(pd.DataFrame({"note": notes}), *real, **options))
    return finding


@pytest.mark.parametrize("seed", range(3))
def test_fresh_notes_trip_no_check_of_texts(seed: int) -> None:
    spec = load_table(more='training: {task: prompt_completion, prompt: "write", completion: "{{ note }}"}')
    frame = pd.DataFrame({"note": draw_notes(500, 100 + seed)})
    evidence = make_evidence(frame, *(draw_notes(250, 200 + 2 * seed + part) for part in (0, 1)), spec=spec)
    findings = [finding for name in MINE if (one := CHECKS.get(name)) for finding in ask(one, evidence)]
    assert {finding.name for finding in findings if finding.verdict in ("warn", "fail")} == set()
    assert len(findings) == len(MINE) - 1  # there is no code


def test_longer_texts_are_as_far_from_real_ones_as_their_distributions_are() -> None:
    finding = check("shapes", [f"{note} {note}" for note in draw_notes(500, 3)], *REAL)
    assert finding.verdict == "warn"
    assert (finding.value or 0) > 0.6 > 0.1 > (finding.reference or 0)
    assert "percentile" in finding.detail


def test_texts_of_one_length_are_seen_though_their_median_is_the_real_one() -> None:
    notes = [note[:200].ljust(200, "x") for note in draw_notes(500, 3)]
    assert check("shapes", notes, *REAL).verdict == "warn"


def test_blank_texts_are_counted_beside_real_ones() -> None:
    notes = [" " if row % 10 == 0 else note for row, note in enumerate(draw_notes(500, 3))]
    finding = check("shapes", notes, *REAL)
    assert (finding.verdict, finding.value) == ("warn", 0.1)


def test_lengths_without_real_texts_are_told_and_not_judged() -> None:
    finding = check("shapes", draw_notes(100, 3))
    assert finding.verdict == "not assessed"
    assert (finding.columns["note"]["median_words"] or 0) > 15


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    from scipy.stats import ks_2samp

    random = np.random.default_rng(1)
    one, other = random.normal(size=80).round(1), random.normal(0.4, size=60).round(1)
    assert measure_distance(one, other) == pytest.approx(ks_2samp(one, other).statistic)
    assert measure_excess(one, other) == pytest.approx(ks_2samp(one, other, alternative="greater").statistic)


def test_one_copied_text_in_fifty_is_found_in_excess_of_the_holdout() -> None:
    notes = replace_rows(draw_notes(500, 3), REAL[0][:12])
    finding = check("distance", notes, *REAL)
    assert finding.verdict == "warn"
    assert finding.columns["note"]["copied_families"] == 12
    assert {notes[row] for row in finding.examples} == set(REAL[0][:12])
    assert check("distance", draw_notes(500, 3), *REAL).verdict == "pass"


def test_copies_of_what_both_real_parts_hold_are_no_finding() -> None:
    common = make_family(40)
    assert count_met_families(common, [*REAL[0], common[0]], [*REAL[1], common[1]]) == (0, 0, [])


def test_texts_that_hug_the_training_texts_are_overfit() -> None:
    random = np.random.default_rng(4)
    notes = [" ".join(random.permutation(note.split())) for note in REAL[0]]
    finding = check("distance", notes, *REAL)
    assert finding.verdict == "warn"
    assert (finding.columns["note"]["overfit"] or 0) > 0.5
    assert "TF-IDF" in finding.detail


def test_texts_of_few_topics_do_not_reach_the_real_ones() -> None:
    kettles = [
        note.replace("chairs", "kettles") for note in draw_notes(3_000, 5) if "a kettle" in note and "lid" in note
    ]
    finding = check("distance", (kettles * 20)[:400], *REAL)
    assert (finding.columns["note"]["underfit"] or 0) > 0.3


def test_the_distance_needs_a_holdout() -> None:
    assert check("distance", draw_notes(100, 1)).verdict == "not assessed"
    assert check("distance", draw_notes(100, 1), draw_notes(100, 2), []).verdict == "not assessed"


def test_an_embedder_takes_the_place_of_counted_words() -> None:
    def embed(texts: Any) -> Any:
        vectors = np.random.default_rng(len(texts)).normal(size=(len(texts), 8)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    assert "an embedding model" in check("distance", draw_notes(200, 1), *REAL, embed=embed).detail


def test_an_embedder_that_fails_is_told_and_raises_nothing() -> None:
    def embed(texts: Any) -> Any:
        raise WorkbenchError("Its weights are damaged.", "Fetch it again.")

    assert "weights are damaged" in check("distance", draw_notes(60, 1), *REAL, embed=embed).detail
    (finding,) = check_semantic_duplicates(make_evidence(pd.DataFrame({"note": draw_notes(60, 1)}), embed=embed))
    assert finding.verdict == "not assessed"


PLANTED = {
    "refusals": "I'm sorry, but I can't help with that. As an AI language model I have no kettle.",
    "leftovers": "Sure, here is a note of a customer:\nMy kettle leaks.",
    "placeholders": "Dear [Customer Name], your kettle has arrived. Regards, {{ name }}",
    "control": "My kettle \x1b[31mleaks\x1b[0m all over the table.",
    "encoding": "The cafÃ© â€œKettleâ€\x9d serves no tea today.",
    "echo": "Write the angry note of a customer. My kettle leaks.",
}


@pytest.mark.parametrize("real", [(), REAL], ids=["alone", "beside real texts"])
@pytest.mark.parametrize("kind", PLANTED)
def test_each_kind_of_boilerplate_is_found_in_its_rows(kind: str, real: tuple[list[str], ...]) -> None:
    notes = replace_rows(draw_notes(400, 3), [PLANTED[kind]] * 25)
    finding = check("boilerplate", notes, *real)
    assert finding.verdict == "warn"
    assert finding.columns["note"][kind] == 25 / 400
    assert list(finding.examples) == [row for row, note in enumerate(notes) if note == PLANTED[kind]]


def test_cut_ends_are_judged_beside_real_texts_alone() -> None:
    notes = replace_rows(draw_notes(400, 3), ["I bought a kettle and then the"] * 40)
    assert check("boilerplate", notes).verdict == "pass"
    assert check("boilerplate", notes, *REAL).verdict == "warn"


def test_sound_texts_are_no_boilerplate() -> None:
    texts = [
        "Sure, I can come on Monday.", "Of course! That was the plan.", "She said [laughs] that 3 < 4 & 5 > 2.",
        "Here is where we met: by the river.", "Can you help me write a loop?", "I can't help but smile.",
        "Größe: 5 m², naïve café — “quoted” 👩‍💻", "My printer won't write to the disk.", "What is NASA?",
    ]  # fmt: skip
    assert [text for text in texts for kind, (_, pattern) in KINDS.items() if pattern.search(text)] == []


def test_texts_are_read_out_of_conversations_and_records() -> None:
    chat = [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Good day"}]
    assert render_text(chat) == render_text(np.array(chat, object)) == "Hello there\nGood day"
    assert render_text({"title": "A", "tags": ["b", "c"], "score": 3}) == "A\nb\nc"
    spec = load_table('{name: chat, type: llm_conversation, opening: "Hello"}')
    (column,) = find_text_columns(make_evidence(pd.DataFrame({"chat": [chat, None, chat]}), spec=spec))
    assert (column.texts.values[0], column.texts.rows.tolist(), column.made) == ("Hello there\nGood day", [0, 2], True)


def test_names_of_files_options_and_single_words_are_no_texts() -> None:
    spec = load_table(
        '{name: kind, type: category, values: ["a long option of five words", "another one of so many words"]}'
    )
    frame = pd.DataFrame(
        {
            "kind": ["a long option of five words"] * 100,
            "word": [f"w{row}" for row in range(100)],
            "few": ["one of two things to say", "the other of the two"] * 50,
            "number": range(100),
            "said": draw_notes(100, 1),
        }
    )
    assert [column.name for column in find_text_columns(make_evidence(frame, spec=spec))] == ["said"]


def test_a_share_beside_few_real_ones_is_given_room_and_little_beside_many() -> None:
    assert bound_share(0, 0, 200, 200) == pytest.approx(8 / 200, abs=1 / 200)
    assert bound_share(0.5, 0, 10_000, 10_000) == pytest.approx(0.522, abs=0.001)
    assert bound_share(0.1, 0.05, 10**9, 10**9) == pytest.approx(0.15, abs=1e-3)


CELLS: dict[str, list[Any]] = {
    "nothing": [],
    "one row": ["a single text of some words"],
    "nulls": [None] * 40,
    "constant": ["the same words in each of these"] * 40,
    "mixed": ["a text of some words", 3, None, 2.5, ["a"], {"b": "c"}, b"bytes", True] * 5,
    "numbers": [float("inf"), float("nan"), 10.0**300] * 15,
    "huge": [10**30] * 40,
    "scripts": ["您好，我想退货", "مرحبا كيف حالك اليوم يا صديقي", "👩‍💻" * 20, "é́́́" * 30] * 10,
    "blank": ["", " ", "\n\t"] * 15,
    "punctuation": ["?!", "...", "—" * 60] * 15,
    "lists": [[{"role": "user", "content": "Hi"}], [], [None], {"a": {"b": ["c"]}}] * 10,
    "long": ["word " * 1_000] * 31,
}


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("beside", ["alone", "itself", "others", "numbers"])
def test_bad_cells_raise_nothing(cells: str, beside: str) -> None:
    spec = load_table(more='training: {task: prompt_completion, prompt: "write", completion: "{{ note }}"}')
    column = pd.Series(CELLS[cells], dtype=object)
    frame = pd.concat([column.rename("note"), column.rename("more" if beside != "numbers" else "note")], axis=1)
    real = {
        "alone": (),
        "itself": (frame, frame),
        "others": (REAL[0][:60], REAL[1][:60]),
        "numbers": (pd.DataFrame({"note": range(50)}), pd.DataFrame({"note": range(50)})),
    }[beside]
    evidence = make_evidence(frame, *real, spec=spec)
    for name in MINE:
        for finding in CHECKS.get(name).find(evidence):  # type: ignore[union-attr]
            assert finding.verdict in ("pass", "warn", "not assessed")
            finding.as_json()
