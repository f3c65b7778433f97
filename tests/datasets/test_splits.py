"""Splits: exact shares, the same every time, and nothing of one side on another."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.datasets.conftest import CARDS, TICKETS, Build, make_cards, make_tickets
from workbench.datasets.finishing import finish_dataset
from workbench.datasets.quotas import assign, share_out, share_out_classes
from workbench.datasets.row_hashes import hash_rows, hash_values
from workbench.datasets.splitting import split_tables

SPLITS = "splits: {train: 0.8, validation: 0.1, test: 0.1%s}\n"


def test_shares_are_exact_in_all_and_in_each_class(build: Build) -> None:
    folder, manifest, spec = build(TICKETS + SPLITS % ", stratify_by: urgent", make_tickets(1003))
    manifest = finish_dataset(folder, manifest, spec)
    assert manifest.splits == {"tickets": {"train": 803, "validation": 100, "test": 100}}
    urgent = {
        split: int(pd.read_parquet(folder / "splits" / split)["urgent"].sum()) for split in manifest.splits["tickets"]
    }
    assert urgent == {"train": 81, "validation": 10, "test": 10}


def test_every_row_is_in_one_split_as_it_was(build: Build) -> None:
    table = make_tickets(500)
    folder, manifest, spec = build(TICKETS + SPLITS % "", table)
    manifest = finish_dataset(folder, manifest, spec)
    parts = [pq.read_table(folder / "splits" / split) for split in ("train", "validation", "test")]
    joined = pa.concat_tables(parts).sort_by("id")
    assert joined.equals(table)
    assert all(part["id"].to_pylist() == sorted(part["id"].to_pylist()) for part in parts)


def test_rows_of_equal_content_are_in_one_split_and_shares_stay_near(build: Build) -> None:
    folder, manifest, spec = build(TICKETS + SPLITS % ", stratify_by: urgent", make_tickets(1000, repeats=3))
    sides = split_tables(folder, manifest, spec)["tickets"]
    assert all(len(set(sides[start : start + 3])) == 1 for start in range(0, 999, 3))
    assert np.abs(np.bincount(sides) - [800, 100, 100]).max() <= 2


def test_children_go_where_their_parent_goes(build: Build) -> None:
    folder, manifest, spec = build(CARDS + SPLITS % ", stratify_by: fraud", make_cards())
    manifest = finish_dataset(folder, manifest, spec)
    assert manifest.splits["cards"] == {"train": 240, "validation": 30, "test": 30}
    owners = {}
    for split in manifest.splits["payments"]:
        cards = set(pd.read_parquet(next((folder / "splits" / split).glob("cards-*")))["card"])
        payments = pd.read_parquet(next((folder / "splits" / split).glob("payments-*")))
        assert set(payments["card"]) <= cards
        owners[split] = set(payments.loc[payments["fraud"], "card"])
    tables = make_cards()
    with_fraud = len(set(tables["payments"].to_pandas().query("fraud")["card"]))
    assert {split: len(cards) for split, cards in owners.items()}.keys() == {"train", "validation", "test"}
    assert abs(len(owners["test"]) - 0.1 * with_fraud) < 1
    assert abs(len(owners["train"]) - 0.8 * with_fraud) < 1


def test_a_plain_reference_keeps_rows_of_one_parent_together_too(build: Build) -> None:
    folder, manifest, spec = build(CARDS.replace(", per_parent: 3", "") + SPLITS % "", make_cards())
    sides = split_tables(folder, manifest, spec)
    tables = make_cards()
    side_of = dict(zip(tables["cards"]["card"].to_pylist(), sides["cards"].tolist(), strict=True))
    assert [side_of[card] for card in tables["payments"]["card"].to_pylist()] == sides["payments"].tolist()


def test_rows_without_a_parent_are_drawn(build: Build) -> None:
    tables = make_cards()
    payments = tables["payments"]
    missing = [None if at % 2 else card for at, card in enumerate(payments["card"].to_pylist())]
    payments = payments.set_column(2, "card", pa.array(missing, pa.string()))
    tables["payments"] = payments.append_column("amount", pa.array(range(2000)))
    folder, manifest, spec = build(
        CARDS + "      - {name: amount, type: uniform_int, low: 0, high: 9}\n" + SPLITS % "", tables
    )
    alone = np.bincount(split_tables(folder, manifest, spec)["payments"][1::2], minlength=3) / 1000
    assert alone == pytest.approx([0.8, 0.1, 0.1], abs=0.04)


def test_another_seed_gives_another_split_and_the_same_seed_the_same(build: Build) -> None:
    table = make_tickets()
    folder, manifest, spec = build(TICKETS + SPLITS % "", table)
    first, again = (split_tables(folder, manifest, spec)["tickets"] for _ in range(2))
    other = split_tables(folder, manifest, spec.model_copy(update={"seed": 6}))["tickets"]
    assert (first == again).all()
    assert (first != other).sum() > 100


def test_a_number_with_many_values_is_stratified_by_tenths(build: Build) -> None:
    table = make_tickets(5000)
    folder, manifest, spec = build(TICKETS + SPLITS % ", stratify_by: size", table)
    sides = split_tables(folder, manifest, spec)["tickets"]
    sizes = table["size"].to_pandas()
    highest = sizes > sizes.quantile(0.9)
    assert np.bincount(sides[highest]).tolist() == pytest.approx([400, 50, 50], abs=2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=1, max_size=400),
    st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.5), (1.0,), (0.7, 0.3)]),
)
def test_equal_hashes_are_never_apart_and_no_split_is_far_off(
    rows: list[tuple[int, int]], shares: tuple[float, ...]
) -> None:
    hashes = np.array([key * 2**58 for key, _ in rows], np.uint64)
    sides = assign(hashes, np.array([kind for _, kind in rows], np.int32), shares)
    sides_of: dict[int, set[int]] = {}
    for key, side in zip(hashes.tolist(), sides.tolist(), strict=True):
        sides_of.setdefault(key, set()).add(side)
    assert all(len(found) == 1 for found in sides_of.values())
    largest = max(Counter(hashes.tolist()).values())
    counts = np.bincount(sides, minlength=len(shares))
    assert np.abs(counts - np.array(shares) * len(rows)).max() <= 5 * largest + 4


@given(st.lists(st.integers(1, 200), min_size=1, max_size=12), st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.3, 0.2)]))
def test_shares_are_of_whole_rows_and_within_one_of_exact(sizes: list[int], shares: tuple[float, ...]) -> None:
    counts = share_out_classes(sizes, shares)
    assert [sum(row) for row in counts] == sizes
    assert all(
        abs(count - size * share) < 2
        for size, row in zip(sizes, counts, strict=True)
        for count, share in zip(row, shares, strict=True)
    )
    assert [sum(column) for column in zip(*counts, strict=True)] == share_out(sum(sizes), shares)


def test_a_hash_is_of_values_and_neither_of_batches_nor_of_signs_of_zero() -> None:
    table = pa.table(
        {"s": ["x", None, "y", "x"], "f": [0.0, 1.5, None, -0.0], "t": [{"a": 1}, None, {"a": None}, {"a": 1}]}
    )
    whole = hash_rows(table.to_batches()[0], ["s", "f", "t"])
    alone = [hash_rows(table.slice(at, 1).combine_chunks().to_batches()[0], ["s", "f", "t"])[0] for at in range(4)]
    assert whole.tolist() == alone
    assert whole[0] == whole[3]
    assert len(set(whole.tolist())) == 3
    assert hash_values(pa.array(["workbench", ""])).tolist() == hash_values(pa.array(["workbench", ""])).tolist()
