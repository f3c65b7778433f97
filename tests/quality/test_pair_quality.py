"""Shuffled captions are told from right ones, with a model that compares both and without; lone sides are counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.quality.media_scenes import (
    AGREEING,
    PICTURES,
    SOUNDS,
    change_files,
    find,
    find_tripped,
    make_pictures,
    make_sounds,
    read_evidence,
    with_frame,
)
from workbench.quality.evidence import Evidence
from workbench.quality.media.pairing import compare_scores, describe_texts, learn_agreement, shuffle_places

DROPPED = (
    PICTURES.replace('template: "x"}', 'template: "x", drop: true}')
    + '  - {name: title, type: template, template: "x"}\n'
)


def shuffle(evidence: Evidence, column: str) -> Evidence:
    return with_frame(evidence, **{column: np.random.default_rng(1).permutation(evidence.frame[column].to_numpy())})


def test_right_captions_pass_by_what_is_learned_from_the_pairs(tmp_path: Path) -> None:
    found = find("pairs", make_pictures(tmp_path, 120))
    assert {name: finding.verdict for name, finding in found.items()} == {"pairs": "pass", "pairs.whole": "pass"}
    assert (found["pairs"].value or 0) > 0.8
    assert "learned from the pairs" in found["pairs"].detail


def test_shuffled_captions_trip_agreement_alone(tmp_path: Path) -> None:
    evidence = shuffle(make_pictures(tmp_path, 120), "caption")
    found = find("pairs", evidence)
    assert find_tripped("pairs", evidence) == {"pairs"}
    assert found["pairs"].value == pytest.approx(0.5, abs=0.1)
    assert found["pairs"].fix


def test_the_model_of_an_agreement_column_is_asked(tmp_path: Path) -> None:
    evidence = make_pictures(tmp_path, 60, AGREEING)
    found = find("pairs", evidence)["pairs"]
    assert found.verdict == "pass"
    assert "scored by the model of fits" in found.detail
    assert find("pairs", shuffle(make_pictures(tmp_path, 120, AGREEING), "caption"))["pairs"].verdict == "warn"


def test_texts_that_are_read_aloud_go_with_their_sounds(tmp_path: Path) -> None:
    evidence = make_sounds(tmp_path, 110)
    assert find("pairs", evidence)["pairs"].verdict == "pass"
    assert find("pairs", shuffle(evidence, "text"))["pairs"].verdict == "warn"


def test_a_dropped_prompt_gives_way_to_the_texts_that_are_there(tmp_path: Path) -> None:
    evidence = make_pictures(tmp_path, 60)
    frame = evidence.frame.rename(columns={"caption": "title"})
    found = find("pairs", read_evidence(DROPPED, frame, tmp_path))["pairs"]
    assert found.verdict == "pass"


def test_few_pairs_without_agreement_are_not_blamed(tmp_path: Path) -> None:
    found = find("pairs", shuffle(make_pictures(tmp_path, 60), "caption"))["pairs"]
    assert found.verdict == "not assessed"
    assert "too few" in found.detail
    assert find("pairs", make_pictures(tmp_path, 20))["pairs"].verdict == "not assessed"


def test_texts_that_are_all_the_same_are_not_assessed(tmp_path: Path) -> None:
    evidence = with_frame(make_pictures(tmp_path, 40), caption="a red circle")
    assert find("pairs", evidence)["pairs"].verdict == "not assessed"


def test_rows_with_one_side_and_shared_files_are_named(tmp_path: Path) -> None:
    evidence = make_pictures(tmp_path, 60)
    paths, captions = evidence.frame["picture"].tolist(), evidence.frame["caption"].tolist()
    paths[3], captions[5], paths[8] = None, "", paths[9]
    found = find("pairs", with_frame(evidence, picture=paths, caption=captions))["pairs.whole"]
    assert found.verdict == "warn"
    assert list(found.examples) == [3, 5, 8, 9]
    assert found.figures == {"alone": 2, "shared": 2}


def test_rows_that_the_spec_skips_need_no_picture(tmp_path: Path) -> None:
    text = PICTURES.replace("height: 64}", "height: 64, skip: {when: number < 6}}")
    evidence = make_pictures(tmp_path, 60, text)
    paths = [None] * 6 + evidence.frame["picture"].tolist()[6:]
    assert find("pairs", with_frame(evidence, picture=paths))["pairs.whole"].verdict == "pass"


def test_damaged_files_are_left_out(tmp_path: Path) -> None:
    evidence = make_pictures(tmp_path, 70)
    change_files(evidence, "picture", list(range(10)), lambda _: b"no picture")
    assert find("pairs", evidence)["pairs"].rows == 60


def test_files_that_are_not_there_yet_are_not_assessed(tmp_path: Path) -> None:
    found = find("pairs", replace(make_pictures(tmp_path, 40), folder=None))
    assert found["pairs"].verdict == "not assessed"


@pytest.mark.parametrize(
    "values", [[], [None] * 40, [1.5, float("inf")] * 20, [["media/a"], {"a": 1}, 10**30, b"x"] * 10]
)
@pytest.mark.parametrize("text", [PICTURES, AGREEING, SOUNDS])
def test_strange_columns_never_raise(tmp_path: Path, text: str, values: list[Any]) -> None:
    column = pd.Series(values, dtype=object)
    frame = pd.DataFrame({"picture": column, "sound": column, "caption": column, "text": column})
    assert all(each.verdict for each in find("pairs", read_evidence(text, frame, tmp_path)).values())


def test_chance_alone_reaches_the_threshold_hardly_ever() -> None:
    draw = np.random.default_rng(3)
    missed = 0
    for _ in range(60):
        texts = [" ".join(draw.choice(list("abcdefgh"), 4)) for _ in range(100)]
        found = learn_agreement(draw.normal(size=(100, 12)), texts, draw)
        assert found is not None
        missed += found.value >= found.threshold
    assert missed <= 1


def test_scores_that_never_differ_say_nothing() -> None:
    assert compare_scores(np.ones(40), np.ones(40), np.random.default_rng(1)) is None
    found = compare_scores(np.linspace(0.5, 1, 40), np.linspace(0, 0.5, 40), np.random.default_rng(1))
    assert found is not None
    assert found.value == 1
    assert found.value > found.threshold


def test_shuffled_places_are_others_each_used_once() -> None:
    other = shuffle_places(50, np.random.default_rng(1))
    assert sorted(other) == list(range(50))
    assert not (other == np.arange(50)).any()


def test_texts_without_common_words_are_told_by_their_length() -> None:
    assert describe_texts(["a", "bb", "ccc"]).shape == (3, 1)
    assert not describe_texts(["same", "same"]).any()
