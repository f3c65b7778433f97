"""`uuid`: the form of RFC 9562, no repeats, and the same value for a row in whatever company it is made."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench.columns.column_type import Maker, TableContext
from workbench.columns.streams import Draws
from workbench.columns.uuid import UuidConfig
from workbench.columns.uuid import make as make_uuid
from workbench.columns.values import Values

LINE = "{name: x, type: uuid}"


def test_every_one_is_of_version_4_and_of_the_variant_of_rfc_9562(make: Callable[..., Values]) -> None:
    texts = make(LINE, 5_000).to_list()
    read = [uuid.UUID(text) for text in texts]
    assert {each.version for each in read} == {4}
    assert {each.variant for each in read} == {uuid.RFC_4122}
    assert [str(each) for each in read] == texts


def test_none_of_200_000_rows_repeats(make: Callable[..., Values]) -> None:
    assert len(set(make(LINE, 200_000).data.tolist())) == 200_000


def test_every_free_bit_is_even(make: Callable[..., Values]) -> None:
    words = np.frombuffer(b"".join(uuid.UUID(text).bytes for text in make(LINE).to_list()), np.uint8)
    shares = np.unpackbits(words.reshape(-1, 16), axis=1).mean(axis=0)
    fixed = [48, 49, 50, 51, 64, 65]
    assert shares[fixed].tolist() == [0, 1, 0, 0, 1, 0]
    assert np.abs(np.delete(shares, fixed) - 0.5).max() < 0.02


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**12), st.integers(0, 40), st.integers(0, 40))
def test_any_range_of_rows_made_alone_is_that_part_of_the_whole(first: int, start: int, count: int) -> None:
    maker = make_uuid(UuidConfig(name="x", type="uuid"), TableContext())
    rows = np.arange(first, first + 80)
    whole = maker.values(Draws(1, "t", "c", rows), {}).to_list()
    assert maker.values(Draws(1, "t", "c", rows[start : start + count]), {}).to_list() == whole[start : start + count]


def test_it_is_known_as_unique_unless_some_are_missing(compile_line: Callable[..., Maker]) -> None:
    assert compile_line(LINE).unique
    assert not compile_line("{name: x, type: uuid, missing: 0.1}").unique


def test_another_option_is_refused() -> None:
    with pytest.raises(ValidationError, match="version"):
        UuidConfig.model_validate({"name": "x", "type": "uuid", "version": 7})
