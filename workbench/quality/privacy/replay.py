"""Values of people that a dataset gives back: identifiers, values of personal columns, and keys of real rows.

Only values that no holdout row has count, so that a name that many people share is no leak. Nothing here keeps or
tells a value: only how many there are, of what kind, and in which synthetic rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.quality.cells import read_texts
from workbench.quality.personal import Identifiers, find_identifiers, name_personal
from workbench.quality.privacy.excess import Excess, measure_excess

if TYPE_CHECKING:
    import pandas as pd

_FEWEST_KEYS = 20

Columns = Mapping[str, "pd.Series[Any]"]


@dataclass(frozen=True, slots=True)
class Replay:
    """One kind of value: how many of training rows were met, and in which synthetic rows (places in the sample).

    `certain` says that not even one may be met: an identifier that no two real rows share, in a column that learned.
    """

    what: str
    excess: Excess
    rows: NDArray[np.int64]
    certain: bool

    def is_leak(self, tests: int) -> bool:
        met, held = self.excess.matched
        return (self.certain and met > 0 and held == 0) or self.excess.is_leak(tests)


def find_replays(
    made: Columns, train: Columns, holdout: Columns, invented: set[str], generator: np.random.Generator
) -> list[Replay]:
    """Every kind of identifier, personal column and key that training rows have, with what of it was met.

    The columns are those of text and whole numbers. In `invented` ones no real row had a part, so a value that is
    met there needs the test: Faker draws the same first names that people have.
    """
    sides = [{name: find_identifiers(column) for name, column in each.items()} for each in (made, train, holdout)]
    found = []
    for kind in sorted({kind for each in sides[1].values() for kind in each.values}):
        found.append(_replay_kind(kind, sides[0], sides[1], sides[2], invented, generator))
    for name in sorted(set(made) & set(train) & set(holdout or train)):
        if sides[1][name].values:
            continue
        texts = [_fold(each[name]) if name in each else np.empty(0, str) for each in (made, train, holdout)]
        what = name_personal(name, train[name])
        if what is None and _is_key(*texts):
            what = "key or unique number"
        if what is not None and len(texts[1]):
            excess = measure_excess(texts[0], texts[1], texts[2], generator)
            only = np.setdiff1d(texts[1], texts[2])
            found.append(Replay(what, excess, np.flatnonzero(np.isin(_fold_all(made[name]), only)), False))
    return found


def _replay_kind(
    kind: str,
    made: Mapping[str, Identifiers],
    train: Mapping[str, Identifiers],
    holdout: Mapping[str, Identifiers],
    invented: set[str],
    generator: np.random.Generator,
) -> Replay:
    values = [_join(each.values(), kind) for each in (made, train, holdout)]
    excess = measure_excess(values[0], values[1], values[2], generator)
    only = np.setdiff1d(values[1], values[2])
    rows = [found.find_rows(kind, only) for found in made.values()]
    learned = _join((found for name, found in made.items() if name not in invented), kind)
    shared = _rows_share(train.values(), kind) or _rows_share(holdout.values(), kind)
    certain = not shared and bool(np.isin(only, learned).any())
    return Replay(kind, excess, np.unique(np.concatenate([*rows, np.empty(0, np.int64)])).astype(np.int64), certain)


def _join(found: Iterable[Identifiers], kind: str) -> NDArray[Any]:
    parts = [each.values[kind] for each in found if kind in each.values]
    return np.concatenate(parts).astype(str) if parts else np.empty(0, str)


def _rows_share(found: Iterable[Identifiers], kind: str) -> bool:
    """Whether an identifier stands in more than one row: then another row of the same person may be a fresh one."""
    for each in found:
        if kind not in each.values:
            continue
        rows = np.bincount(each.codes[each.codes >= 0])
        values, places = each.values[kind].astype(str), each.places[kind]
        pairs = np.unique(np.array([values, places.astype(str)]), axis=1)
        if (rows[places] > 1).any() or len(np.unique(pairs[0])) < pairs.shape[1]:
            return True
    return False


def _is_key(made: NDArray[Any], train: NDArray[Any], holdout: NDArray[Any]) -> bool:
    """Whether no two real rows have the same value, and the synthetic rows do not merely count."""
    real = np.concatenate([train, holdout])
    if len(real) < _FEWEST_KEYS or len(np.unique(real)) < len(real) or not len(made):
        return False
    return not _counts(made)


def _counts(texts: NDArray[Any]) -> bool:
    """Whether the values are 1, 2, 3 or C001, C002, C003: numbers without a gap."""
    import pandas as pd

    digits = pd.Series(texts).astype(str).str.extract(r"([0-9]{1,15})\D*$")[0]
    if digits.isna().any():
        return False
    numbers = np.unique(digits.astype("int64").to_numpy())
    return bool(numbers[-1] - numbers[0] + 1 == len(numbers) == len(np.unique(texts)))


def _fold(column: pd.Series[Any]) -> NDArray[Any]:
    """The values that are there as plain text, whatever their case."""
    folded = _fold_all(column)
    return np.asarray(folded[folded != ""])


def _fold_all(column: pd.Series[Any]) -> NDArray[Any]:
    folded = ["" if text is None else str(text).casefold().strip() for text in read_texts(column)]
    return np.array(folded, dtype=np.str_)
