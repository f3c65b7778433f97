"""`struct`: columns of the row under one name, with their own nulls."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench.columns.column_type import Maker, TableContext
from workbench.columns.streams import Draws
from workbench.columns.struct import StructConfig
from workbench.columns.struct import make as make_struct
from workbench.columns.values import Values

LISTED = "{name: address, type: struct, fields: [street, number]}"


def unused(draws: Draws, inputs: object) -> Values:
    """Stands for a column that is only asked for its kind."""
    raise AssertionError


def test_members_have_the_names_and_values_of_their_columns(make: Callable[..., Values]) -> None:
    values = make(LISTED, street=["Elm", "Oak"], number=[4, 7])
    assert values.to_list() == [{"street": "Elm", "number": 4}, {"street": "Oak", "number": 7}]


def test_a_mapping_gives_members_other_names(make: Callable[..., Values]) -> None:
    line = "{name: stay, type: struct, fields: {town: city, from: arrival}}"
    day = datetime.datetime(2026, 3, 1)
    assert make(line, city=["Ulm"], arrival=[day]).to_list() == [{"town": "Ulm", "from": day}]


def test_one_column_may_be_two_members_of_a_mapping(make: Callable[..., Values]) -> None:
    assert make("{name: x, type: struct, fields: {a: n, b: n}}", n=[1]).to_list() == [{"a": 1, "b": 1}]


def test_nulls_stay_inside_and_the_struct_itself_is_never_null(make: Callable[..., Values]) -> None:
    values = make(LISTED, street=["Elm", None], number=[None, 3])
    assert values.to_list() == [{"street": "Elm", "number": None}, {"street": None, "number": 3}]
    assert values.count_nulls() == 0


def test_a_single_member_is_still_a_struct(make: Callable[..., Values]) -> None:
    assert make("{name: x, type: struct, fields: [n]}", n=[1, 2]).to_list() == [{"n": 1}, {"n": 2}]


def test_its_kind_and_those_of_its_members_are_known(compile_line: Callable[..., Maker]) -> None:
    maker = compile_line(LISTED, {"street": Maker("string", unused), "number": Maker("int64", unused)})
    assert (maker.kind, maker.members) == ("struct", {"street": "string", "number": "int64"})


def test_it_refers_to_the_columns_and_not_to_the_names_inside() -> None:
    config = StructConfig.model_validate({"name": "x", "type": "struct", "fields": {"town": "city"}})
    assert config.references() == {"city"}


def test_a_struct_in_a_struct_is_refused(compile_line: Callable[..., Maker]) -> None:
    inner = Maker("struct", unused, members={"n": "int64"})
    with pytest.raises(ValueError, match="“street” is nested itself"):
        compile_line(LISTED, {"street": inner, "number": Maker("int64", unused)})


@pytest.mark.parametrize(("fields", "message"), [
    (["a", "a"], "a column stands in it twice"),
    ([], "at least one column"),
    ({}, "at least one column"),
    ({"a": "not a name"}, "pattern"),
])  # fmt: skip
def test_fields_that_cannot_work_are_refused(fields: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        StructConfig.model_validate({"name": "x", "type": "struct", "fields": fields})


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.text(max_size=5), max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_any_range_of_rows_made_alone_is_that_part_of_the_whole(
    plain: list[str | None], start: int, count: int
) -> None:
    data = np.empty(len(plain), object)
    data[:] = ["" if text is None else text for text in plain]
    texts = Values(data, np.array([text is not None for text in plain], np.bool_))
    config = StructConfig.model_validate({"name": "x", "type": "struct", "fields": {"inside": "text"}})
    maker = make_struct(config, TableContext({"text": Maker("string", unused)}))
    rows = np.arange(len(plain))
    part = slice(start, start + count)
    alone = maker.values(Draws(1, "t", "c", rows[part]), {"text": texts.take(rows[part])}).to_list()
    assert alone == [{"inside": text} for text in plain[part]]
