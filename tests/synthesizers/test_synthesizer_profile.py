"""What is seen in a real table, whatever pandas holds it in, and how made numbers become values again."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.columns.values import Values
from workbench.errors import UsageError
from workbench.synthesizers.frames import make_frame
from workbench.synthesizers.profile import decode_codes, decode_numbers, find_codes, find_numbers, read_table


@pytest.mark.parametrize(
    ("values", "kind", "role"),
    [
        (pd.Series([1, 2, None], dtype="Int64"), "int64", "number"),
        (pd.Series([True, None, False], dtype="boolean"), "bool", "category"),
        (pd.Series([True, None, False], dtype=object), "bool", "category"),
        (pd.Series([1, None, 3], dtype=object), "int64", "number"),
        (pd.Series([1, 2.5, None], dtype=object), "double", "number"),
        (pd.Series([Decimal("1.10"), None, Decimal("2.25")], dtype=object), "double", "number"),
        (pd.Series([datetime.date(2024, 1, 1), None], dtype=object), "timestamp", "number"),
        (pd.Series(pd.date_range("2024-01-01", periods=3, tz="Asia/Tokyo")), "timestamp", "number"),
        (pd.Series(["a", None], dtype="string"), "string", "category"),
        (pd.Series(pd.Categorical(["a", "b", None])), "string", "category"),
        (pd.Series(pd.Categorical([1, 2, None])), "int64", "number"),
        (pd.Series(pd.to_timedelta([1, 2], "h")), "double", "number"),
        (pd.Series([0.1, 2.5], dtype="float32"), "double", "number"),
        (pd.Series([2**64 - 1, 5], dtype="uint64"), "double", "number"),
        (pd.Series([10**30, 5], dtype=object), "double", "number"),
        (pd.Series([1, "a", None], dtype=object), "string", "category"),
        (pd.Series([[1], {"a": 2}], dtype=object), "string", "category"),
        (pd.Series(pd.arrays.SparseArray([0.0, 0.0, 1.5])), "double", "number"),
        (pd.Series([datetime.date(2024, 1, 1)] * 2, dtype="date32[pyarrow]"), "timestamp", "number"),
        (pd.Series([None, None], dtype=object), "string", "empty"),
        (pd.Series([np.inf, -np.inf]), "double", "empty"),
    ],
)
def test_each_type_of_pandas_is_read_as_what_its_values_are(values: pd.Series, kind: str, role: str) -> None:
    column = read_table(values.to_frame("x")).profile.columns["x"]

    assert (column.kind, column.role) == (kind, role)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 2, 2], dtype="int8"),
        pd.Series([0.1, 0.25, 3.7], dtype="float32"),
        pd.Series([1, None, 2], dtype="Int32"),
        pd.Series([True, None], dtype="boolean"),
        pd.Series(["a", None], dtype="string"),
        pd.Series(["a", None], dtype="str"),
        pd.Series(pd.Categorical(["b", "a", None])),
        pd.Series(pd.Categorical([2, 1, None])),
        pd.Series(pd.date_range("2024-03-30", periods=4, freq="12h", tz="Europe/Berlin")),
        pd.Series(["2024-01-01", None], dtype="datetime64[s]"),
        pd.Series([1, None], dtype="int64[pyarrow]"),
    ],
)
def test_values_come_back_in_the_type_that_they_had(values: pd.Series) -> None:
    frame = values.to_frame("x")
    table = read_table(frame)

    pd.testing.assert_frame_equal(make_frame(table.profile, dict(table.columns)), frame)


def test_what_changes_values_is_told_in_a_note() -> None:
    frame = pd.DataFrame(
        {
            "wait": pd.to_timedelta([1, 2], "h"),
            "lists": pd.Series([[1], [2]], dtype=object),
            "ratio": [1.0, np.inf],
            "none": pd.Series([None, None], dtype="str"),
        }
    )

    notes = read_table(frame).profile.notes

    for name, word in {"wait": "seconds", "lists": "texts", "ratio": "1 infinite", "none": "empty"}.items():
        assert any(name in note and word in note for note in notes)


def test_texts_that_hardly_repeat_are_identifiers_only_in_enough_rows() -> None:
    few = read_table(pd.DataFrame({"x": [f"name {row}" for row in range(10)]}))
    many = read_table(pd.DataFrame({"x": [f"name {row}" for row in range(40)]}))

    assert few.profile.columns["x"].role == "category"
    assert many.profile.columns["x"].role == "identifier"


def test_levels_come_by_frequency_with_their_shares() -> None:
    column = read_table(pd.DataFrame({"x": ["b", "a", "b", None, "c", "a", "b"]})).profile.columns["x"]

    assert column.levels == ("b", "a", "c")
    assert column.shares.tolist() == pytest.approx([3 / 6, 2 / 6, 1 / 6])
    assert column.missing == pytest.approx(1 / 7)


@pytest.mark.parametrize(
    ("numbers", "decimals"),
    [([1.0, 2.0], 0), ([1.25, 2.5], 2), ([0.1 + 0.2, 1 / 3], None), ([1e300, 0.5], 1), ([-1.5, None], 1)],
)
def test_decimals_are_the_fewest_that_all_numbers_can_be_written_with(
    numbers: list[float | None], decimals: int | None
) -> None:
    assert read_table(pd.DataFrame({"x": numbers})).profile.columns["x"].decimals == decimals


def test_decimals_that_few_rows_have_are_seen_in_a_long_table() -> None:
    numbers = np.arange(50_000) / 2
    numbers[1] = 0.123

    assert read_table(pd.DataFrame({"x": numbers})).profile.columns["x"].decimals == 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40),
    st.lists(st.floats(allow_nan=True), min_size=1, max_size=20),
)
def test_whole_numbers_of_any_size_decode_within_the_real_bounds(values: list[int], drawn: list[float]) -> None:
    column = read_table(pd.DataFrame({"x": np.array(values, np.int64)})).profile.columns["x"]

    made = decode_numbers(column, np.array(drawn))

    present = made.data if made.valid is None else made.data[made.valid]
    assert made.count_nulls() == np.isnan(drawn).sum()
    assert all(min(values) <= value <= max(values) for value in present.tolist())
    if len(set(values)) <= 20:
        assert set(present.tolist()) <= set(values)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_real_numbers_of_any_size_decode_to_themselves(values: list[float]) -> None:
    table = read_table(pd.DataFrame({"x": values}))

    made = decode_numbers(table.profile.columns["x"], table.numbers("x"))

    assert made.data.tolist() == values


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), min_size=1, max_size=30))
def test_any_texts_decode_to_themselves(texts: list[str | None]) -> None:
    table = read_table(pd.DataFrame({"x": pd.Series(texts, dtype=object)}))
    column = table.profile.columns["x"]
    if column.role != "category":
        return

    made = decode_codes(column, find_codes(column, table.columns["x"]))

    assert made.to_list() == texts


def test_moments_decode_on_their_grain() -> None:
    table = read_table(pd.DataFrame({"at": pd.date_range("2024-01-01", periods=40, freq="D")}))
    column = table.profile.columns["at"]

    made = decode_numbers(column, find_numbers(table.columns["at"]) + 3.6e9)

    assert column.step == 86_400_000_000
    np.testing.assert_array_equal(made.data, table.columns["at"].data)


def test_a_value_that_is_no_level_has_the_code_of_none() -> None:
    column = read_table(pd.DataFrame({"x": ["a", "b", "a"]})).profile.columns["x"]

    codes = find_codes(column, Values(np.array(["b", "c", "a"], object), np.array([True, True, False])))

    assert codes.tolist() == [1, -1, -1]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame(), "no rows"),
        (pd.DataFrame({"x": []}), "no rows"),
        (pd.DataFrame(index=range(3)), "no rows"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "Two columns have the name “x”"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "Two columns have the name “1”"),
        (pd.DataFrame({"x": [1j]}), "complex"),
        ({"x": [1]}, "is no table"),
        (None, "is no table"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_a_reason(frame: pd.DataFrame, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_table(frame)

    assert words in str(caught.value)
    assert caught.value.solution


def test_an_unknown_column_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="“amount”"):
        read_table(pd.DataFrame({"amount": [1]}), ["amuont"])
