"""The indexes of near duplicates find exactly what a comparison with every text finds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.likeness.shingles import ShingleIndex, cut_shingles, measure_jaccard
from workbench.likeness.vectors import VectorIndex, scale_vector

WORDS = st.lists(st.sampled_from(["card", "late", "my", "parcel", "is", "7", "12", "the", "A"]), max_size=8)
TEXTS = st.lists(st.one_of(WORDS.map(" ".join), st.text(max_size=6)), max_size=30)
LIMITS = st.sampled_from([0.0, 0.2, 0.5, 0.7, 0.75, 0.9, 0.99])


@given(TEXTS, LIMITS)
def test_the_shingle_index_agrees_with_comparing_every_pair(texts: list[str], limit: float) -> None:
    index, kept = ShingleIndex(limit), list[set[str]]()
    for text in texts:
        own = cut_shingles(text)
        shingles = index.read(text)
        assert index.has_near(shingles) == any(measure_jaccard(own, other) > limit for other in kept)
        index.add(shingles)
        kept.append(own)


@given(TEXTS, TEXTS, LIMITS, st.integers(0, 30))
def test_what_is_forgotten_is_as_if_it_never_was(texts: list[str], later: list[str], limit: float, count: int) -> None:
    index, plain = ShingleIndex(limit), ShingleIndex(limit)
    for text in texts:
        index.add(index.read(text))
    for text in texts[:count]:
        plain.add(plain.read(text))
    index.shorten(count)
    assert len(index) == len(plain)
    for text in later:
        assert index.has_near(index.read(text)) == plain.has_near(plain.read(text))
        index.add(index.read(text))
        plain.add(plain.read(text))


def test_many_texts_are_found_again_after_the_order_of_shingles_has_changed() -> None:
    random = np.random.default_rng(1)
    words = ["".join(random.choice(list("abcdefghij"), 5)) for _ in range(60)]
    texts = [" ".join(random.choice(words, 8)) for _ in range(1_500)]
    index, sets = ShingleIndex(0.5), list[set[str]]()
    for number, text in enumerate(texts):
        own, shingles = cut_shingles(text), index.read(text)
        if number % 20 == 0 or number > 1_450:
            assert index.has_near(shingles) == any(measure_jaccard(own, other) > 0.5 for other in sets)
        index.add(shingles)
        sets.append(own)


def test_case_gaps_and_numbers_make_no_difference() -> None:
    assert cut_shingles("Order  17 is late") == cut_shingles("order 4\nis LATE ")
    assert measure_jaccard(cut_shingles("a chair"), cut_shingles("two red tables")) < 0.2


@given(st.lists(st.lists(st.floats(-1, 1, width=16), min_size=4, max_size=4), max_size=20), st.floats(0, 0.95))
def test_the_vector_index_agrees_with_comparing_every_pair(rows: list[list[float]], limit: float) -> None:
    index, kept = VectorIndex(limit), list[np.ndarray]()
    for row in rows:
        vector = scale_vector(row)
        cosines = [float(vector.astype(np.float64) @ other) for other in kept]
        if all(abs(cosine - limit) > 1e-5 for cosine in cosines):
            assert index.has_near(vector) == any(cosine > limit for cosine in cosines)
        index.add(vector)
        kept.append(vector.astype(np.float64))


def test_the_vector_index_forgets_and_refuses_other_lengths() -> None:
    index = VectorIndex(0.5)
    vectors = [scale_vector(row) for row in np.eye(600)[:, :600].tolist()]
    for vector in vectors:
        assert not index.has_near(vector)
        index.add(vector)
    index.shorten(300)
    assert [index.has_near(vectors[place]) for place in (0, 299, 300, 599)] == [True, True, False, False]
    with pytest.raises(WorkbenchError, match="a vector of 2 numbers after vectors of 600"):
        index.add(scale_vector([1, 0]))
    assert all(not index.has_near(other) for _, other in pairwise(vectors[300:303]))
