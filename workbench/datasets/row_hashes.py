"""64-bit hashes of rows and of keys, by whole columns, so that ten million rows are compared in seconds.

Numbers are mixed by splitmix64 (Steele, Lea and Flood, 2014, “Fast splittable PRNGs”), texts by
pandas' `hash_array` (SipHash with a fixed key), each distinct text of a batch once. The same values have the same hash
on every machine with the pandas version that the manifest names. Two different rows of ten million share a hash with
a chance of 3 in a million; they would then only stand on the same side of a split.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Hashes = NDArray[np.uint64]

_TEXT_KEY = "workbench-splits"  # SipHash takes 16 characters
_NULL = np.uint64(0x9AE16A3B2F90404F)


def hash_rows(batch: pa.RecordBatch, names: list[str]) -> Hashes:
    """A hash of each row over the columns `names`; a struct counts as its members. All zeros without columns."""
    total = np.zeros(batch.num_rows, np.uint64)
    for name in names:
        total = mix(total + hash_values(batch.column(name)))
    return total


def hash_values(array: pa.Array) -> Hashes:
    """A hash of each value; nulls have one of their own. Numbers equal as int64 or double do not hash alike."""
    import pyarrow as pa

    if pa.types.is_struct(array.type):
        total = np.where(_valid(array), np.uint64(1), _NULL)
        for member in array.flatten():
            total = mix(total + hash_values(member))
        return total
    return np.where(_valid(array), mix(_read_words(array)), _NULL)


def mix(words: Hashes) -> Hashes:
    """The finalizer of splitmix64, elementwise: each bit of the result depends on every bit of the word."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _read_words(array: pa.Array) -> Hashes:
    """One word per value, anything where it is null."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_boolean(kind):
        array = array.cast(pa.uint8())
    elif pa.types.is_temporal(kind):
        array = array.cast(pa.timestamp("us")) if not pa.types.is_timestamp(kind) else array
        array = array.cast(pa.int64())
    if pa.types.is_integer(array.type):
        numbers = np.asarray(pc.fill_null(array, 0).to_numpy(zero_copy_only=False))
        return numbers.astype(np.int64, copy=False).view(np.uint64)
    if pa.types.is_floating(array.type):
        floats = np.asarray(pc.fill_null(array.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False))
        floats = np.where(np.isnan(floats), np.nan, floats + 0.0)  # one NaN, and no negative zero
        return floats.view(np.uint64)
    texts: Any = array
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        texts = pa.array([None if value is None else repr(value) for value in array.to_pylist()], pa.string())
    encoded = texts.dictionary_encode()
    distinct = np.array(encoded.dictionary.to_pylist(), dtype=object)
    if not len(distinct):
        return np.zeros(len(array), np.uint64)
    hashes: Hashes = pd.util.hash_array(distinct, hash_key=_TEXT_KEY, categorize=False)
    codes: NDArray[np.int64] = np.asarray(pc.fill_null(encoded.indices, 0).to_numpy(zero_copy_only=False))
    return hashes[codes]


def _valid(array: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False), np.bool_)
