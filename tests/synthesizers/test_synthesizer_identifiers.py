"""New identifiers have the shapes of the real ones and say nothing else about them."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.synthesizers.identifiers import learn_shapes


def test_new_texts_have_the_shapes_of_the_real_ones_in_their_shares() -> None:
    shapes = learn_shapes([f"DE-{n:04d}" for n in range(300)] + [f"x{n:03d}" for n in range(100)], 0.0)

    made = shapes.draw(np.random.default_rng(0), 2000).to_list()

    short = [text for text in made if len(text) == 4]
    assert len(short) / len(made) == pytest.approx(0.25, abs=0.04)
    assert all(text[1:].isdigit() for text in short)
    assert all(text[2] == "-" and text[3:].isdigit() for text in made if len(text) == 7)


def test_a_letter_or_digit_that_all_texts_of_a_shape_have_is_kept() -> None:
    shapes = learn_shapes([f"DE-{n:04d}{'xyz'[n % 3]}" for n in range(300)], 0.0)

    made = shapes.draw(np.random.default_rng(0), 500).to_list()

    assert {text[:4] for text in made} == {"DE-0"}
    assert len({text[-1] for text in made}) > 20


def test_no_real_text_is_made_again_even_where_half_of_all_are_taken() -> None:
    real = [f"{n:03d}" for n in range(0, 1000, 2)]

    made = learn_shapes(real, 0.0).draw(np.random.default_rng(0), 3000).to_list()

    assert not set(made) & set(real)


def test_what_is_kept_of_the_real_texts_fits_many_others_too() -> None:
    real = [f"{n:09d}" for n in np.random.default_rng(0).integers(0, 10**9, 500)]
    shapes = learn_shapes(real, 0.0)

    from workbench.synthesizers.identifiers import hash_text

    others = [hash_text(f"{n:09d}", shapes.bits) in shapes.taken for n in range(4000)]
    assert 0.03 < np.mean(others) < 0.25


def test_a_shape_of_few_texts_is_not_used() -> None:
    shapes = learn_shapes([f"a{n}" for n in range(10, 60)] + ["Zoë-Maria von und zu"], 0.0)

    assert shapes.shapes == (("a", "0123456789", "0123456789"),)


def test_texts_that_share_no_shape_get_a_plain_one() -> None:
    shapes = learn_shapes(["a", "bb", "CCC", "1-1"], 0.0)

    assert len(shapes.draw(np.random.default_rng(0), 5)) == 5
    assert len(shapes.shapes) == 1


def test_a_private_model_learns_nothing_of_the_texts() -> None:
    shapes = learn_shapes([f"DE-{n:04d}" for n in range(300)], 0.1, private=True)

    assert not shapes.taken
    assert not any("DE-" in (text or "") for text in shapes.draw(np.random.default_rng(0), 100).to_list())


def test_nulls_keep_their_rate_and_the_same_chance_gives_the_same_texts() -> None:
    shapes = learn_shapes([f"{n:05d}" for n in range(100)], 0.3)

    made = shapes.draw(np.random.default_rng(1), 1000)

    assert made.count_nulls() == pytest.approx(300, abs=60)
    assert made.to_list() == shapes.draw(np.random.default_rng(1), 1000).to_list()
