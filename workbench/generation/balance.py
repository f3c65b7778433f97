"""Balance: exact shares of the values of a column, or of the combinations of several.

As with scenarios, a keyed random order of the rows decides which row gets which combination, so the shares are exact
to the row and any row can be asked alone. A sampler is simply given the value; a column that is computed from others
is drawn again, with all it is computed from, until it has it. Rows of a scenario that sets the columns count towards
the shares: the other rows get the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.column_type import Maker, Row
from workbench.columns.streams import Draws, derive_key, permute
from workbench.columns.values import DTYPES, Values, find_kind, make_text_array
from workbench.datasets.quotas import share_out
from workbench.generation.scenarios import Scenario
from workbench.spec.model import BalanceConfig

Cell = tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Balance:
    """`cells` are the combinations, `asked` their rows in the whole table, `quotas` what the rows of the pool get.

    The pool is all rows but those of the scenarios at `apart`, which set the columns themselves.
    """

    columns: tuple[str, ...]
    cells: tuple[Cell, ...]
    shares: tuple[float, ...]
    asked: tuple[int, ...]
    quotas: tuple[int, ...]
    pools: Mapping[str, Any]
    scenarios: tuple[Scenario, ...]
    apart: tuple[int, ...]
    table: str
    seed: int
    rows: int
    _chosen: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=list)

    def choose(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The position of the cell that each row gets, -1 for rows outside the pool; shape (rows,)."""
        for known, cells in self._chosen:
            if np.array_equal(known, rows):
                return cells
        cells = self._choose(rows)
        self._chosen[:] = [(rows, cells)]  # each of the columns asks, and the record of the rows
        return cells

    def _choose(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        places = permute(rows, self.rows, derive_key(self.seed, self.table, "", "", "scenarios", 0))
        inside = np.ones(len(rows), np.bool_)
        ranks = places.copy()
        for position in self.apart:
            scenario = self.scenarios[position]
            inside &= (places < scenario.first) | (places >= scenario.first + scenario.rows)
            ranks -= np.clip(places - scenario.first, 0, scenario.rows)
        cells = np.full(len(rows), -1)
        size = sum(self.quotas)
        if size:
            key = derive_key(self.seed, self.table, "\x1e".join(self.columns), "", "balance", 0)
            order = permute(ranks[inside], size, key)
            cells[inside] = np.searchsorted(np.cumsum(self.quotas), order, side="right")
        return cells

    def decide(self, name: str, draws: Draws, values: Values) -> Values:
        """The values of a column with those that the rows are to have."""
        cells = self.choose(draws.rows)
        mask = cells >= 0
        return values.overlay(mask, Values(self.pools[name][cells[mask]]))

    def find_broken(self, row: Row, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True for the rows that do not have the values they are to have."""
        cells = self.choose(rows)
        broken = np.zeros(len(rows), np.bool_)
        for name in self.columns:
            values = row[name]
            wrong = values.data != self.pools[name][np.maximum(cells, 0)]
            broken |= wrong if values.valid is None else wrong | ~values.valid
        return broken & (cells >= 0)


def plan_balance(
    config: BalanceConfig,
    makers: Mapping[str, Maker],
    scenarios: tuple[Scenario, ...],
    constants: Sequence[Mapping[str, Any]],
    table: str,
    seed: int,
    rows: int,
) -> Balance:
    """The balance made ready. `constants` holds, for each scenario, the balanced columns that it sets.

    Raises ValueError where the values do not fit the columns, or a scenario takes more rows than its value has.
    """
    names = config.names
    cells = tuple(cell for cell, _ in config.cells)
    shares = tuple(share for _, share in config.cells)
    pools = {name: _make_pool(name, makers[name], [cell[at] for cell in cells]) for at, name in enumerate(names)}
    asked = tuple(share_out(rows, shares))
    taken: Counter[Cell] = Counter()
    apart = []
    for position, (scenario, fixed) in enumerate(zip(scenarios, constants, strict=True)):
        if not fixed:
            continue
        if set(fixed) != set(names):
            raise ValueError(
                f"the scenario “{scenario.name}” sets only {' and '.join(sorted(fixed))} of them: set all or none"
            )
        cell = tuple(fixed[name] for name in names)
        if cell not in cells:
            raise ValueError(f"the scenario “{scenario.name}” sets values that have no share")
        apart.append(position)
        taken[cell] += scenario.rows
    quotas = tuple(rows_asked - taken[cell] for cell, rows_asked in zip(cells, asked, strict=True))
    for cell, quota in zip(cells, quotas, strict=True):
        if quota < 0:
            shown = ", ".join(map(str, cell))
            raise ValueError(f"the scenarios alone make more rows with {shown} than its share")
    return Balance(tuple(names), cells, shares, asked, quotas, pools, scenarios, tuple(apart), table, seed, rows)


def count_cells(balance: Balance, columns: Mapping[str, Values]) -> list[int]:
    """How many rows have each combination."""
    rows = zip(*(columns[name].to_list() for name in balance.columns), strict=True)
    counts = Counter(rows)
    return [counts[cell] for cell in balance.cells]


def _make_pool(name: str, maker: Maker, values: list[Any]) -> Any:
    """The values as an array of the column's kind. Raises ValueError where one is not of it, or never occurs."""
    for value in values:
        if maker.kind not in ("bool", "int64", "double", "string"):
            raise ValueError(f"“{name}” has no few values that can have shares")
        if find_kind(value) != maker.kind and (find_kind(value), maker.kind) != ("int64", "double"):
            raise ValueError(f"“{value}” is not of the kind of the values of “{name}”")
        if maker.options is not None and value not in maker.options:
            raise ValueError(f"“{name}” never has the value “{value}”")
        if maker.bounds is not None and not maker.bounds[0] <= value <= maker.bounds[1]:
            raise ValueError(f"“{name}” never has the value “{value}”: it lies outside its range")
    return make_text_array(values) if maker.kind == "string" else np.array(values, DTYPES[maker.kind])
