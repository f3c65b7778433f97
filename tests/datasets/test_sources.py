"""Splitting real data: exact shares, the same each time, and equal rows never on both sides."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.datasets.sources import read_source, split_rows
from workbench.errors import UsageError
from workbench.spec.model import SourceConfig


def read(folder: Path, text: str, seed: int = 1, **options: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    (folder / "real.csv").write_text(text)
    real = read_source(SourceConfig.model_validate({"path": "real.csv", **options}), folder, seed)
    return real.train, real.holdout


def test_the_split_is_the_same_each_time_and_another_with_another_seed() -> None:
    source = SourceConfig(packaged="breast_cancer", holdout=0.3, stratify_by="diagnosis")
    first, again, other = (read_source(source, Path(), seed) for seed in (7, 7, 8))
    assert first.train.equals(again.train)
    assert first.holdout.equals(again.holdout)
    assert not first.holdout.equals(other.holdout)
    assert first.digest == other.digest
    assert len(first.digest) == 64


def test_each_class_is_held_out_by_its_exact_share() -> None:
    source = SourceConfig(packaged="breast_cancer", holdout=0.3, stratify_by="diagnosis")
    real = read_source(source, Path(), 7)
    assert real.rows == len(real.train) + len(real.holdout) == 569
    assert len(real.holdout) == round(0.3 * 569)
    assert real.holdout["diagnosis"].value_counts().to_dict() == {"benign": 107, "malignant": 64}


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abc")), min_size=12, max_size=80),
    share=st.floats(0.05, 0.9),
    seed=st.integers(0, 2**63 - 1),
)
def test_equal_rows_are_never_on_both_sides_and_no_row_is_lost(
    values: list[tuple[int, str]], share: float, seed: int
) -> None:
    frame = pd.DataFrame(values, columns=["x", "label"])
    try:
        train, holdout = split_rows(frame, share, "label", seed)
    except UsageError:
        return  # every class is one repeated row, or none can spare one
    sides = [set(side.itertuples(index=False, name=None)) for side in (train, holdout)]
    assert not sides[0] & sides[1]
    assert sorted([*train["x"], *holdout["x"]]) == sorted(frame["x"])
    assert len(holdout) <= round(share * len(frame))
    assert set(frame["label"]) == set(train["label"])


def test_a_row_keeps_its_side_when_the_rows_are_sorted() -> None:
    frame = pd.DataFrame({"x": range(100)})
    _, holdout = split_rows(frame, 0.2, None, 3)
    _, of_reversed = split_rows(frame.iloc[::-1].reset_index(drop=True), 0.2, None, 3)
    assert set(holdout["x"]) == set(of_reversed["x"])


def test_a_holdout_of_0_keeps_all_rows_for_training(tmp_path: Path) -> None:
    train, holdout = read(tmp_path, "x\n1\n2\n", holdout=0)
    assert (len(train), len(holdout)) == (2, 0)
    assert list(holdout.columns) == ["x"]


def test_only_the_columns_asked_for_are_read_in_their_order(tmp_path: Path) -> None:
    train, _ = read(tmp_path, "a,b,c\n" + "\n".join(f"{i},{i},{i}" for i in range(20)), columns=["c", "a"])
    assert list(train.columns) == ["c", "a"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"columns": ["amont"]}, "amount"),
        ({"stratify_by": "amont"}, "amount"),
        ({"stratify_by": "amount"}, "too many to split by"),
        ({"columns": ["kind"], "stratify_by": "amount"}, "leaves out"),
        ({"columns": []}, "empty"),
    ],
)
def test_columns_that_cannot_be_used_are_explained(tmp_path: Path, options: dict[str, object], word: str) -> None:
    text = "amount,kind\n" + "\n".join(f"{i},{i % 2}" for i in range(20))
    with pytest.raises(UsageError, match=word):
        read(tmp_path, text, **options)


def test_one_row_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too few"):
        read(tmp_path, "x\n1\n", holdout=0.5)


def test_a_file_is_known_by_the_digest_of_its_content(tmp_path: Path) -> None:
    text = "x\n" + "".join(f"{number}\n" for number in range(10))
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(text)
    digests = {read_source(SourceConfig(path=name), tmp_path, 0).digest for name in ("a.csv", "b.csv")}
    assert len(digests) == 1
