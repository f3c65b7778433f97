"""Tables and settings that are odd or wrong: each a clear error, or a handling that the report states."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.synthesizers.real_frames import ROW_TYPES, fit_tiny, make_mixed_frame
from workbench.errors import UsageError
from workbench.synthesizers import fit


@pytest.mark.parametrize("name", ROW_TYPES)
def test_a_table_with_nothing_to_learn_is_made_as_it_is(name: str) -> None:
    frame = pd.DataFrame({"one": ["a"] * 30, "two": [7] * 30, "none": pd.Series([None] * 30, dtype="str")})

    made = fit_tiny(frame, name).sample(5)

    assert (made["one"] == "a").all()
    assert (made["two"] == 7).all()
    assert made["none"].isna().all()


@pytest.mark.parametrize("name", ROW_TYPES)
def test_a_single_row_is_made_again_and_again(name: str) -> None:
    made = fit_tiny(make_mixed_frame(1), name).sample(3)

    assert len(made) == 3
    assert made["amount"].nunique() == 1


@pytest.mark.parametrize("name", ROW_TYPES)
def test_two_rows_are_enough(name: str) -> None:
    frame = make_mixed_frame(60).drop(columns="code").head(2)

    made = fit_tiny(frame, name).sample(20)

    assert frame["amount"].min() <= made["amount"].min() <= made["amount"].max() <= frame["amount"].max()


@pytest.mark.parametrize("name", ROW_TYPES)
@pytest.mark.parametrize(
    "values",
    [
        pd.Series([5.0] * 20 + [None] * 20),
        pd.Series(["a"] * 39 + [None]),
        pd.Series([None] * 39 + [1.5]),
        pd.Series([True, False] * 20),
        pd.Series([0.0, 1.0] * 20),
    ],
)
def test_one_column_of_hardly_any_values_is_learned(name: str, values: pd.Series) -> None:
    made = fit_tiny(values.to_frame("x"), name).sample(600)["x"]

    assert set(made.dropna()) <= set(values.dropna())
    assert made.isna().any() == values.isna().any()


@pytest.mark.parametrize("name", ROW_TYPES)
def test_a_label_that_never_varies_is_no_hindrance(name: str) -> None:
    frame = make_mixed_frame(60)[["amount", "country", "currency"]]

    made = fit_tiny(frame, name, label="currency").sample(5)

    assert (made["currency"] == "EUR").all()


def test_infinite_numbers_become_missing_and_the_report_says_so() -> None:
    frame = pd.DataFrame({"x": [np.inf, -np.inf, *np.arange(58.0).tolist()], "y": range(60)})

    fitted = fit_tiny(frame)
    made = fitted.sample(500)["x"]

    assert any("2 infinite" in note for note in fitted.report.notes)
    assert 0 <= made.min() <= made.max() <= 57
    assert 0 < made.isna().mean() < 0.12


def test_columns_of_mixed_types_and_of_lists_are_texts_and_the_report_says_so() -> None:
    frame = pd.DataFrame({"mixed": [1, "a", None, 2.5] * 20, "lists": [[1], [2, 3], {"k": 1}, [1]] * 20})

    fitted = fit_tiny(frame)
    made = fitted.sample(200)

    assert set(made["mixed"].dropna()) <= {"1", "a", "2.5"}
    assert set(made["lists"]) <= {"[1]", "[2, 3]", "{'k': 1}"}
    assert sum("taken as texts" in note for note in fitted.report.notes) == 2


def test_odd_names_of_columns_are_kept() -> None:
    names = [
        "",
        " ",
        "a b",
        "größe",
        "1",
        2,
        "[bold]x[/bold]",
        "<script>",
        "x.y",
        "x/y",
        "a\nb",
        "{{ x }}",
        "😀",
        ("m", 1),
    ]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, len(names))), columns=pd.Index(names, dtype=object))

    fitted = fit_tiny(frame)

    assert list(fitted.sample(3)) == [str(name) for name in names]
    assert list(fitted.sample(3, {"[bold]x[/bold]": 0.0})["[bold]x[/bold]"]) == [0.0] * 3


def test_a_label_and_what_is_given_may_have_odd_names_too() -> None:
    frame = make_mixed_frame(60)[["amount", "country", "is_fraud"]].set_axis(
        ["amount", "home country", "fraud?"], axis=1
    )

    fitted = fit_tiny(frame, label="fraud?", given=["home country"], columns=["amount", "fraud?"])

    assert list(fitted.sample(3)) == ["home country", "amount", "fraud?"]
    assert fitted.report.settings["label"] == "fraud?"


def test_halves_of_surrogate_pairs_are_kept(tmp_path: Any) -> None:
    frame = pd.DataFrame({"x": pd.Series(["\ud800", "b", "c"] * 20, dtype=object), "y": range(60)})

    fitted = fit_tiny(frame)
    fitted.save(tmp_path)
    from workbench.synthesizers import load

    assert set(load(tmp_path).sample(60)["x"]) == {"\ud800", "b", "c"}


def test_an_index_is_no_column_and_may_be_anything() -> None:
    frame = make_mixed_frame(60)
    frame.index = pd.Index([3] * 60)

    pd.testing.assert_frame_equal(fit_tiny(frame).sample(5), fit_tiny(frame.reset_index(drop=True)).sample(5))


def test_the_frame_is_left_as_it_was() -> None:
    frame = make_mixed_frame(60)

    fit_tiny(frame)

    pd.testing.assert_frame_equal(frame, make_mixed_frame(60))


def test_columns_choose_what_is_learned_with_what_is_given_first() -> None:
    fitted = fit_tiny(make_mixed_frame(60), columns=["doors", "amount"], given=["country"])

    assert set(fitted.sample(3)) == {"country", "doors", "amount"}


def test_a_thousand_columns_are_learned() -> None:
    generator = np.random.default_rng(0)
    base = generator.normal(size=(300, 1))
    frame = pd.DataFrame(base + generator.normal(size=(300, 1000)))

    fitted = fit_tiny(frame)

    assert fitted.sample(10).shape == (10, 1000)
    assert fitted.report.fidelity["score"] > 0.7


@pytest.mark.parametrize(
    ("frame", "settings", "words"),
    [
        (pd.DataFrame(), {}, "no rows"),
        (pd.DataFrame({"x": []}), {}, "no rows"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), {}, "Two columns"),
        ([[1, 2]], {}, "is no table"),
        (None, {"type": "gausian_copula"}, "Did you mean “gaussian_copula”"),
        (None, {"lable": "country"}, "Did you mean “label”"),
        (None, {"label": "contry"}, "Did you mean “country”"),
        (None, {"label": "amount"}, "too many different values"),
        (None, {"label": "code"}, "too many different values"),
        (None, {"label": "note"}, "no value in any row"),
        (None, {"columns": ["contry"]}, "Did you mean “country”"),
        (None, {"columns": "amount"}, "“columns” cannot be used"),
        (None, {"given": ["contry"]}, "Did you mean “country”"),
        (None, {"given": "country"}, "“given” cannot be used"),
        (None, {"label": 5}, "“label” cannot be used"),
        (None, {"differential_privacy": {"max_epsilon": -1}}, "“differential_privacy.max_epsilon” cannot be used"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_a_reason(frame: Any, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        fit(make_mixed_frame(60) if frame is None else frame, **settings)

    assert words in str(caught.value)
    assert caught.value.solution


LARGE = """
import numpy as np, pandas as pd
from workbench.synthesizers import fit

generator = np.random.default_rng(0)
rows = 300_000
city = np.minimum(generator.zipf(1.2, rows), 10**9) % 50_000
seen = np.r_[np.arange(50_000), generator.integers(0, 50_000, 250_000)]
frame = pd.DataFrame(
    {
        "city": pd.Series([f"city {place:05d}" for place in city]),
        "seen": pd.Series([f"place {place}" for place in seen]),
        "amount": np.round(generator.lognormal(3, 1, rows), 2),
        "is_fraud": generator.random(rows) < 0.02,
        "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 10**7, rows), "s"),
    }
)
made = fit(frame, "gaussian_copula", label="is_fraud").sample(300_000)
assert set(made["seen"]) <= set(frame["seen"])
assert made["seen"].nunique() > 40_000
"""


@pytest.mark.slow
def test_a_category_of_fifty_thousand_values_in_a_long_table_needs_little_memory() -> None:
    subprocess.run([sys.executable, "-c", LARGE], check=True, timeout=230)

    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 4 * 2**20  # KiB
