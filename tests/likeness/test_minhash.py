"""MinHash finds the families of near duplicates that comparing every pair finds, but for few near the limit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.quality.notes import draw_notes
from workbench.likeness.minhash import cut_shingles, find_families, find_largest, find_repeats, find_set_families
from workbench.likeness.ngrams import Sequences, hash_words, roll, split_words


def measure(sets: Sequences, one: int, other: int) -> float:
    """The Jaccard similarity of two of the sets."""
    held = [set(sets.flat[sets.starts[place] : sets.starts[place + 1]].tolist()) for place in (one, other)]
    return len(held[0] & held[1]) / len(held[0] | held[1])


def make_sets(groups: list[set[int]]) -> Sequences:
    """Sets of numbers as one array."""
    flat = np.array([each for group in groups for each in sorted(group)], np.uint64)
    return Sequences(flat, np.concatenate([[0], np.cumsum([len(group) for group in groups])]).astype(np.int64))


def test_no_two_texts_of_one_family_are_unlike_and_nearly_all_alike_ones_are_joined() -> None:
    random = np.random.default_rng(3)
    texts = draw_notes(150, 1)
    for text in texts[:60]:
        words = text.split()
        words[int(random.integers(len(words)))] = "otherwise"
        texts.append(" ".join(words))
    labels = find_families(texts)
    sets = cut_shingles([split_words(text, digits=False) for text in texts])
    alike = [(one, other) for one in range(len(texts)) for other in range(one) if measure(sets, one, other) >= 0.75]
    joined = [labels[one] == labels[other] for one, other in alike]
    assert len(alike) >= 40
    assert np.mean(joined) > 0.95
    for place in find_repeats(labels):
        family = np.flatnonzero(labels == labels[place])
        assert any(measure(sets, int(place), int(other)) >= 0.75 for other in family if other != place)


@given(st.lists(st.sets(st.integers(0, 30), max_size=12), max_size=25))
def test_families_hold_equal_sets_always_and_unlike_ones_only_through_others(groups: list[set[int]]) -> None:
    labels = find_set_families(make_sets(groups))
    for one, own in enumerate(groups):
        assert labels[one] <= one
        for other in range(one):
            if own and own == groups[other]:
                assert labels[one] == labels[other]
        if labels[one] != one:
            near = [
                len(own & each) / len(own | each)
                for other, each in enumerate(groups)
                if other != one and labels[other] == labels[one]
            ]
            assert max(near) >= 0.75


def test_numbers_case_and_punctuation_make_no_difference() -> None:
    texts = ["Order 17 is late!", "order 4 is late", "another order came", "Order 17 is late!", ""]
    assert find_families(texts).tolist() == [0, 0, 2, 0, 4]


def test_one_other_word_or_letter_makes_a_near_duplicate_in_short_and_long_texts() -> None:
    assert find_families(["the printer does not print pages", "the printer does not print page"]).tolist() == [0, 0]
    for count in (25, 90):
        text = " ".join(" ".join(draw_notes(12, 5)).split()[:count])
        other = text.replace(text.split()[count // 2], "x", 1)
        assert find_families([text, other]).tolist() == [0, 0]


def test_texts_without_words_stand_alone() -> None:
    assert find_families(["", "!!", "!!", "?", "\ud800", "\ud800"]).tolist()[:4] == [0, 1, 2, 3]
    assert find_families([]).tolist() == []
    assert find_largest(find_families([])).tolist() == []


def test_the_largest_family_is_found_among_many_texts() -> None:
    texts = draw_notes(2_000, 2)
    texts[500:600] = [f"We bought a kettle number {row} in {row} days, and the lid of it does not close well at all"
                      for row in range(100)]  # fmt: skip
    assert find_largest(find_families(texts)).tolist() == list(range(500, 600))


def test_runs_of_words_stay_within_their_text() -> None:
    rolled = roll(hash_words([["a", "b", "c"], ["b", "c"], ["c"], []]), 2)
    assert rolled.lengths.tolist() == [2, 1, 0, 0]
    assert rolled.flat[1] == rolled.flat[2] != rolled.flat[0]
    assert rolled.find_owners().tolist() == [0, 0, 1]
