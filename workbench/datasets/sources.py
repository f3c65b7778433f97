"""Real data: read, checked and split into a part to learn from and a holdout that is only measured on.

The split depends on the seed and on what a row holds, not on where it stands: a row keeps its side when rows are
added or sorted, and rows that are equal to one another are always on the same side. Otherwise a model could have seen
a holdout row word by word in training.

With `group_by` whole groups of rows, such as those of one customer, stand on one side. A group's side depends on the
seed and its key alone, so that two sources with a key in common, parents and their children, are split alike.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.manifest import NOT_STATED, hash_file
from workbench.datasets.packaged import hash_table, load_packaged
from workbench.datasets.reading import read_table
from workbench.datasets.source_paths import find_source_file
from workbench.errors import UsageError
from workbench.files import clean_text
from workbench.spec.model import SourceConfig
from workbench.spec.problems import suggest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class RealData:
    """`train` and `holdout` have the same columns and a fresh index each; together they are all `rows` of the source.

    `digest` is the SHA-256 (hex) of the file, or of the canonical CSV of a packaged table. `train_numbers` are the
    numbers that the rows of `train` have in the source, from 0; None where that is not known.
    """

    train: pd.DataFrame
    holdout: pd.DataFrame
    digest: str
    rows: int
    origin: str
    licence: str
    train_numbers: NDArray[np.int64] | None = None


def read_source(source: SourceConfig, folder: Path, seed: int) -> RealData:
    """Read `source` (its path taken relative to `folder`) and split it. The same input and seed give the same split.

    `UsageError` where the data cannot be read, is empty, lacks a column that is asked for, or cannot be split.
    """
    if source.packaged is not None:
        dataset, frame = load_packaged(source.packaged)
        digest, origin, licence = hash_table(frame), dataset.origin, dataset.licence
    else:
        path = find_source_file(str(source.path), folder)
        frame = read_table(path)
        digest = hash_file(path)
        origin, licence = path.name, NOT_STATED
    chosen = _choose_columns(frame, source, origin)
    if source.group_by is None:
        held = _hold_rows(chosen, source.holdout, source.stratify_by, seed)
    else:
        held = _hold_groups(chosen, frame[source.group_by], source.holdout, seed)
    train, holdout = _part(chosen, held)
    numbers = np.flatnonzero(~np.array(held, np.bool_))
    return RealData(train, holdout, digest, len(frame), origin, source.licence or licence, numbers)


def split_rows(
    frame: pd.DataFrame, share: float, stratify_by: str | None, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split into (train, holdout) with round(`share` * n) holdout rows, each class as near to its own share as can be.

    Classes are the values of `stratify_by`, a missing value being a class too. A class gets its holdout rows by the
    largest remainder, and keeps at least one row in train. Equal rows stay together, so heavy repetition can leave
    the holdout a little short. Rows keep their order.
    """
    return _part(frame, _hold_rows(frame, share, stratify_by, seed))


def split_groups(
    frame: pd.DataFrame, keys: pd.Series[Any], share: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split into (train, holdout) so that rows with an equal value of `keys`, shape (rows,), are on one side.

    A group is held out where the hash of its key under `seed` falls below `share`, so `share` is that of the groups
    and is met on average: by n groups with a standard deviation of sqrt(share * (1 - share) / n). A key has the same
    side in any table, as a whole number, a real one without a fraction, or a text. If no group falls on a side, the
    nearest one does. A row without a key is a group of its own. Equal rows of different groups may stand apart.
    Rows keep their order. Raises UsageError where there is but one group.
    """
    return _part(frame, _hold_groups(frame, keys, share, seed))


def _hold_rows(frame: pd.DataFrame, share: float, stratify_by: str | None, seed: int) -> list[bool]:
    """For each row whether it is held out; see `split_rows`."""
    classes = _class_of_rows(frame, stratify_by)
    keys = _hash_rows(frame, seed)
    members: dict[str, dict[bytes, list[int]]] = defaultdict(lambda: defaultdict(list))
    for position, (name, key) in enumerate(zip(classes, keys, strict=True)):
        members[name][key].append(position)
    quotas = _share_out(Counter(classes), share)
    held: set[int] = set()
    for name, groups in members.items():
        left = quotas[name]
        for _, positions in sorted(groups.items()):
            if len(positions) <= left:
                held.update(positions)
                left -= len(positions)
    if share > 0 and not held:
        raise UsageError(
            f"{len(frame)} rows are too few to hold {share:.0%} of them out.", "Give more rows, or set holdout: 0."
        )
    return [position in held for position in range(len(frame))]


def _hold_groups(frame: pd.DataFrame, keys: pd.Series[Any], share: float, seed: int) -> list[bool]:
    """For each row whether it is held out; see `split_groups`."""
    names = [_write_key(key) for key in keys]
    rows = _hash_rows(frame, seed) if "" in names else []
    places = [
        _find_place(rows[position] if name == "" else name.encode("utf-8", "surrogatepass"), seed)
        for position, name in enumerate(names)
    ]
    if share <= 0:
        return [False] * len(frame)
    different = sorted(set(places))
    if len(different) < 2:
        raise UsageError(
            f"All rows have one value of “{clean_text(str(keys.name))}”: none of them can be held out.",
            "Give rows of more groups, or set holdout: 0.",
        )
    limit = min(max(share, different[1]), different[-1])
    return [place < limit for place in places]


def _part(frame: pd.DataFrame, held: list[bool]) -> tuple[pd.DataFrame, pd.DataFrame]:
    train, holdout = frame[[not side for side in held]], frame[held]
    return train.reset_index(drop=True), holdout.reset_index(drop=True)


def _choose_columns(frame: pd.DataFrame, source: SourceConfig, origin: str) -> pd.DataFrame:
    known = [str(name) for name in frame.columns]
    wanted = source.columns if source.columns is not None else known
    for name in [*wanted, *(name for name in (source.stratify_by, source.group_by) if name)]:
        if name not in known:
            raise UsageError(f"{origin} has no column “{clean_text(name)}”.", suggest(name, known))
    if not wanted:
        raise UsageError("The source's list of columns is empty.", "Name columns, or leave “columns” out to read all.")
    if source.stratify_by and source.stratify_by not in wanted:
        raise UsageError(
            f"The source is split by “{source.stratify_by}”, which its list of columns leaves out.",
            "Add it to columns, or leave stratify_by out.",
        )
    if source.stratify_by and source.group_by:
        raise UsageError(
            "The source is split by whole groups, so that the shares of a column cannot be kept on both sides.",
            "Leave out stratify_by or group_by.",
        )
    return frame[list(dict.fromkeys(wanted))]


def _class_of_rows(frame: pd.DataFrame, stratify_by: str | None) -> list[str]:
    if stratify_by is None:
        return [""] * len(frame)
    classes = [_plain(value) for value in frame[stratify_by]]
    different = len(set(classes))
    if different > max(1, len(classes) // 2):
        raise UsageError(
            f"“{stratify_by}” has {different} different values in {len(classes)} rows: too many to split by.",
            "Choose a column with few values, each in many rows, as stratify_by.",
        )
    return classes


def _share_out(sizes: Counter[str], share: float) -> dict[str, int]:
    """Holdout rows per class by the largest remainder, at most all but one of a class."""
    total = round(share * sum(sizes.values()))
    quotas = {name: min(int(share * size), size - 1) for name, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda name: (quotas[name] - share * sizes[name], name))
    for name in by_remainder:
        if sum(quotas.values()) < total and quotas[name] < sizes[name] - 1:
            quotas[name] += 1
    return quotas


def _hash_rows(frame: pd.DataFrame, seed: int) -> list[bytes]:
    """128 bits per row, the same for equal rows: BLAKE2b over the values as text, keyed by the seed."""
    key = f"holdout {seed}".encode()
    columns = [[_plain(value) for value in frame[name]] for name in frame.columns]
    return [
        hashlib.blake2b("\x1f".join(values).encode("utf-8", "surrogatepass"), key=key, digest_size=16).digest()
        for values in zip(*columns, strict=True)
    ]


def _find_place(key: bytes, seed: int) -> float:
    """Where a key stands between 0 and 1: 53 bits of its BLAKE2b hash, keyed by the seed."""
    digest = hashlib.blake2b(key, key=f"groups {seed}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) * 2.0**-53


def _write_key(value: object) -> str:
    """A key as text: a column of whole numbers with gaps is read as real ones, and must give the same texts."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _plain(value)


def _plain(value: object) -> str:
    """A value as text; all marks of a missing one (None, NaN, NaT, NA) are the same."""
    missing = value is None or value != value or str(value) in {"<NA>", "NaT"}
    return "" if missing else str(value)
