"""Splitting real data by groups: each stands on one side, and tables with a key in common agree."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.datasets.sources import read_source, split_groups
from workbench.errors import UsageError
from workbench.spec.model import SourceConfig


def read(folder: Path, frame: pd.DataFrame, **options: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    frame.to_csv(folder / "real.csv", index=False)
    real = read_source(SourceConfig.model_validate({"path": "real.csv", **options}), folder, 1)
    return real.train, real.holdout


@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(st.integers(0, 9), min_size=2, max_size=60).filter(lambda keys: len(set(keys)) > 1),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 2**63 - 1),
)
def test_a_group_is_never_on_both_sides_and_no_row_is_lost(keys: list[int], share: float, seed: int) -> None:
    frame = pd.DataFrame({"key": keys, "row": range(len(keys))})
    train, holdout = split_groups(frame, frame["key"], share, seed)
    assert not set(train["key"]) & set(holdout["key"])
    assert sorted([*train["row"], *holdout["row"]]) == frame["row"].tolist()
    assert 0 < len(train) < len(keys)


def test_two_tables_with_a_key_in_common_are_split_alike_even_where_some_keys_are_in_one_alone(tmp_path: Path) -> None:
    parents = pd.DataFrame({"id": range(500), "age": range(500)})
    children = pd.DataFrame({"parent": [key for key in range(0, 600, 3) for _ in range(4)], "x": range(800)})
    of_parents = read(tmp_path, parents, group_by="id")
    of_children = read(tmp_path, children, group_by="parent")
    for side, other in ((0, 1), (1, 0)):
        assert not set(of_parents[side]["id"]) & set(of_children[other]["parent"])


def test_a_key_has_one_side_as_whole_number_real_number_and_text() -> None:
    whole = pd.Series(range(300), name="key")
    sides = []
    for keys in (whole, whole.astype(float), whole.astype(str)):
        sides.append(split_groups(pd.DataFrame({"row": range(300)}), keys, 0.3, 5)[1]["row"].tolist())
    assert sides[0] == sides[1] == sides[2]


def test_the_share_of_groups_is_met_within_chance() -> None:
    frame = pd.DataFrame({"key": range(10_000)})
    _, holdout = split_groups(frame, frame["key"], 0.2, 3)
    assert abs(len(holdout) / 10_000 - 0.2) < 4 * (0.2 * 0.8 / 10_000) ** 0.5


def test_a_group_keeps_its_side_when_other_groups_are_added() -> None:
    frame = pd.DataFrame({"key": range(100)})
    _, few = split_groups(frame[:50], frame["key"][:50], 0.4, 3)
    _, many = split_groups(frame, frame["key"], 0.4, 3)
    assert set(few["key"]) == {key for key in many["key"] if key < 50}


def test_rows_without_a_key_are_groups_of_their_own() -> None:
    frame = pd.DataFrame({"key": [None] * 400, "row": range(400)})
    train, holdout = split_groups(frame, frame["key"], 0.5, 1)
    assert 120 < len(train) < 280
    assert len(train) + len(holdout) == 400


def test_the_column_of_the_groups_may_be_left_out_of_the_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame({"key": [row // 2 for row in range(100)], "x": [row // 2 for row in range(100)]})
    train, holdout = read(tmp_path, frame, group_by="key", columns=["x"])
    assert list(train.columns) == ["x"]
    assert not set(train["x"]) & set(holdout["x"])


def test_a_holdout_of_0_keeps_all_groups(tmp_path: Path) -> None:
    train, holdout = read(tmp_path, pd.DataFrame({"key": [1, 1]}), group_by="key", holdout=0)
    assert (len(train), len(holdout)) == (2, 0)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"group_by": "custmer"}, "customer"),
        ({"group_by": "customer", "stratify_by": "kind"}, "whole groups"),
        ({"group_by": "same"}, "one value"),
    ],
)
def test_groups_that_cannot_be_split_are_explained(tmp_path: Path, options: dict[str, object], word: str) -> None:
    frame = pd.DataFrame({"customer": range(20), "kind": [row % 2 for row in range(20)], "same": 1})
    with pytest.raises(UsageError, match=word):
        read(tmp_path, frame, **options)
