"""`fixed_combinations`: which combinations of values may occur, and drawing one of them for all columns at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Maker, Row
from workbench.columns.streams import Draws
from workbench.columns.values import COMPOUND_KINDS, DTYPES, Values, find_kind, make_text_array
from workbench.spec.constraints import FixedCombinationsConfig
from workbench.spec.problems import suggest

if TYPE_CHECKING:
    import pandas as pd

Combination = tuple[Any, ...]
_MOST = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class JointDraw:
    """Columns that are drawn together: combination k with a probability of ends[k] - ends[k - 1]."""

    columns: tuple[str, ...]
    ends: NDArray[np.float64]
    pools: Mapping[str, Any]

    def decide(self, name: str, draws: Draws, values: Values) -> Values:
        """The values of a column; a row that is null stays so."""
        joint = Draws(draws.seed, draws.table, "\x1e".join(self.columns), draws.rows, attempt=draws.attempt)
        return Values(self.pools[name][np.searchsorted(self.ends, joint.uniform(), side="right")], values.valid)


def list_combinations(
    config: FixedCombinationsConfig, makers: Mapping[str, Maker], read_source: Callable[[str], pd.DataFrame]
) -> list[Combination]:
    """The combinations that may occur and that the columns can have, each once.

    Raises ValueError where a value is not of its column's kind, the source has no such column, or none is possible.
    """
    for name in config.columns:
        if makers[name].kind in COMPOUND_KINDS:
            raise ValueError(f"“{name}” holds several values; name the columns it is made of")
    if config.source is not None:
        frame = read_source(config.source)
        for name in config.columns:
            if name not in frame.columns:
                raise ValueError(
                    f"the source “{config.source}” has no column “{name}”. {suggest(name, map(str, frame.columns))}"
                )
        listed = frame[config.columns].dropna().drop_duplicates().itertuples(index=False, name=None)
        combinations = [tuple(_plain(value) for value in row) for row in listed]
    else:
        combinations = [tuple(row) for row in config.values or []]
    if len(combinations) > _MOST:
        raise ValueError(f"there are {len(combinations):,} combinations and {_MOST:,} is the limit")
    for combination in combinations:
        for name, value in zip(config.columns, combination, strict=True):
            kind, wanted = find_kind(value), makers[name].kind
            if kind != wanted and (kind, wanted) != ("int64", "double"):
                raise ValueError(f"“{value}” is not of the kind of the values of “{name}”")
    options = [makers[name].options for name in config.columns]
    possible = [
        combination
        for combination in dict.fromkeys(combinations)
        if all(known is None or value in known for value, known in zip(combination, options, strict=True))
    ]
    if not possible:
        raise ValueError("the columns have none of its combinations among their values")
    return possible


def encode_rows(names: tuple[str, ...], combinations: list[Combination], row: Row) -> NDArray[np.int64]:
    """The position of each row's combination, -1 where it is not among them, and 0 where one of its values is null."""
    index = {combination: position for position, combination in enumerate(combinations)}
    values = zip(*(row[name].to_list() for name in names), strict=True)
    return np.array([0 if None in each else index.get(each, -1) for each in values], np.int64)


def plan_joint_draw(
    columns: tuple[str, ...], combinations: list[Combination], makers: Mapping[str, Maker]
) -> JointDraw | None:
    """The combinations as one draw, if the columns are independent ones whose shares are known; else None.

    A combination is drawn with the product of its values' shares, divided by the sum of these products: the same
    distribution that drawing again until a combination is allowed would give.
    """
    tables = []
    for name in columns:
        maker = makers[name]
        if maker.options is None or maker.shares is None:
            return None
        tables.append(dict(zip(maker.options, maker.shares, strict=True)))
    weights = np.array(
        [np.prod([table[value] for table, value in zip(tables, each, strict=True)]) for each in combinations]
    )
    ends = np.cumsum(weights / weights.sum())
    ends[-1] = 1.0
    pools = {}
    for position, name in enumerate(columns):
        values, kind = [each[position] for each in combinations], makers[name].kind
        pools[name] = make_text_array(values) if kind == "string" else np.array(values, DTYPES[kind])
    return JointDraw(columns, ends, pools)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
