"""What ties the columns of a table: categories that depend on one another, and numbers never above others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.importing.columns import MIN_ROWS, OTHER, InferredColumn, write_shares
from workbench.importing.draft import DraftItem

if TYPE_CHECKING:
    import pandas as pd

STRONG = 0.5
"""Cramér's V beyond which a category is drawn given another one."""

FEWEST_ROWS = 100
"""An inequality that holds in fewer rows may hold by chance."""

_MOST_CELLS = 150
_MOST_COMBINATIONS = 50
_MOST_RULES = 6
_BROKEN = (0.02, 0.7)
"""How often an inequality is broken where rows are paired at random: below, it says nothing; above, drawing again until
it holds would take too many rounds."""


def relate_categories(columns: Sequence[InferredColumn]) -> list[DraftItem]:
    """Give categories that depend on an earlier one their `given:`, in place, and return `fixed_combinations` rules.

    Each column depends on one other at most, and no two on each other. Two columns that determine one another become
    a rule: the second then has equal shares, so that the combinations get those of the first.
    """
    import pandas as pd

    rules: list[DraftItem] = []
    settled: set[str] = set()
    categories = [column for column in columns if column.role == "category" and not column.item.disabled]
    pairs: list[tuple[float, int, int, int, pd.DataFrame]] = []
    for right in range(len(categories)):
        for left in range(len(categories)):
            if (
                left == right
                or not _can_decide(categories[left])
                or categories[right].item.fields["type"] != "category"
            ):
                continue
            table = pd.crosstab(categories[left].values, categories[right].values)
            if min(table.shape) < 2 or table.size > _MOST_CELLS:
                continue
            strength = measure_dependence(table.to_numpy(np.float64))
            if strength > STRONG:
                # Of two ways to draw a pair, the one from the finer to the coarser column keeps more of it.
                pairs.append((-round(strength, 3), -table.shape[0], left, right, table))
    pairs.sort(key=lambda pair: pair[:-1])
    parents: dict[str, str] = {}
    for *_, left, right, table in pairs:
        parent, child = categories[left], categories[right]
        if child.name in settled or _leads_to(parents, parent.name, child.name):
            continue
        if _determine_each_other(table) and parent.item.fields["type"] == "category":
            if parent.name in settled or "missing" in child.item.fields:
                continue
            rules.append(_make_combinations(parent, child, table))
            settled |= {parent.name, child.name}
        elif _give(parent, child, table):
            parents[child.name] = parent.name
            settled.add(child.name)
    return rules


def measure_dependence(table: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Cramér's V of a table of counts, from 0 (independent) to 1, with Bergsma's correction for its bias (2013)."""
    total = table.sum()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    rows, columns = table.shape
    phi = ((table - expected) ** 2 / expected).sum() / total
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (total - 1))
    least = min(rows - (rows - 1) ** 2 / (total - 1), columns - (columns - 1) ** 2 / (total - 1)) - 1
    return float(min(1.0, math.sqrt(phi / least))) if least > 0 else 0.0


def find_inequalities(columns: Sequence[InferredColumn]) -> list[DraftItem]:
    """`inequality` rules that hold in every row and would often not hold between unrelated columns of such ranges.

    Those that follow from two others are left out, and beyond a handful they are written as comments.
    """
    usable = [
        column for column in columns
        if column.role in ("number", "date") and not column.item.disabled and len(column.values) >= FEWEST_ROWS
    ]  # fmt: skip
    arrays = {column.name: _as_numbers(column) for column in usable}
    found: dict[tuple[str, str], float] = {}
    for low in usable:
        for high in usable:
            if low is not high and low.role == high.role:
                broken = _measure_inequality(arrays[low.name], arrays[high.name])
                if broken is not None:
                    found[low.name, high.name] = broken
    names = [column.name for column in usable]
    direct = [
        pair for pair in found
        if not any((pair[0], name) in found and (name, pair[1]) in found for name in names)
    ]  # fmt: skip
    rules: list[DraftItem] = []
    busy: set[str] = set()
    for pair in sorted(direct, key=lambda each: -found[each]):
        # A column in two rules is drawn again for both at once, which seldom succeeds.
        disabled = found[pair] > _BROKEN[1] or len(rules) >= _MOST_RULES or not busy.isdisjoint(pair)
        comment = ["holds in every row too; keeping it as well means many more rows drawn again"] if disabled else []
        rules.append(DraftItem({"type": "inequality", "low": pair[0], "high": pair[1]}, comment, disabled))
        if not disabled:
            busy |= set(pair)
    return sorted(rules, key=lambda rule: rule.disabled)[: 2 * _MOST_RULES]


def _can_decide(column: InferredColumn) -> bool:
    """A row whose deciding value is null would get null: only columns without missing values decide."""
    return "missing" not in column.item.fields


def _determine_each_other(table: pd.DataFrame) -> bool:
    filled = table.to_numpy() > 0
    one_to_one = bool((filled.sum(axis=0) == 1).all() and (filled.sum(axis=1) == 1).all())
    return one_to_one and len(table) <= _MOST_COMBINATIONS and OTHER not in table.index and OTHER not in table.columns


def _make_combinations(parent: InferredColumn, child: InferredColumn, table: pd.DataFrame) -> DraftItem:
    combinations = [[left, table.columns[int(np.argmax(table.loc[left].to_numpy()))]] for left in table.index]
    plain = [[_plain(value) for value in combination] for combination in combinations]
    child.item.fields = child.item.fields | {"values": [value for _, value in plain]}
    child.item.comments.append(f"equal shares here: it follows {parent.name}, which has the measured ones")
    fields = {"type": "fixed_combinations", "columns": [parent.name, child.name], "values": plain}
    return DraftItem(fields, ["each value of one stands with one value of the other in every row"])


def _give(parent: InferredColumn, child: InferredColumn, table: pd.DataFrame) -> bool:
    """Make the child depend on the parent, without combinations of few rows. False where too little is left."""
    options = parent.item.fields.get("values", {False: 0, True: 0})
    entries: dict[Any, dict[Any, float]] = {}
    rare = 0
    for value in options:
        counts = table.loc[value] if value in table.index else None
        kept = [] if counts is None else [(_plain(name), int(n)) for name, n in counts.items() if n >= MIN_ROWS]
        if not kept:
            return False
        rare += int((counts > 0).sum()) - len(kept) if counts is not None else 0
        entries[value] = write_shares(kept)
    fields = child.item.fields
    rest = {key: value for key, value in fields.items() if key not in ("name", "type", "values")}
    child.item.fields = {"name": fields["name"], "type": "category", "given": parent.name, "values": entries, **rest}
    if rare:
        child.item.comments.append(
            f"{rare} combinations with {parent.name}, in fewer than {MIN_ROWS} rows each, are left out"
        )
    return True


def _leads_to(parents: dict[str, str], start: str, end: str) -> bool:
    """Whether `start` depends on `end`, directly or through others."""
    step: str | None = start
    while step is not None:
        if step == end:
            return True
        step = parents.get(step)
    return False


def _as_numbers(column: InferredColumn) -> np.ndarray[Any, np.dtype[np.float64]]:
    if column.role == "date":
        moments = column.values.to_numpy("datetime64[us]")
        return np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(np.float64))
    return np.asarray(column.values.to_numpy(np.float64))


def _measure_inequality(
    low: np.ndarray[Any, np.dtype[np.float64]], high: np.ndarray[Any, np.dtype[np.float64]]
) -> float | None:
    """How often low <= high would be broken among unrelated rows; None where it says nothing or does not hold."""
    both = np.isfinite(low) & np.isfinite(high)
    if both.sum() < FEWEST_ROWS or (low[both] > high[both]).any() or (low[both] == high[both]).all():
        return None
    # Rows paired with those a prime number away: unrelated enough, and the same at every run.
    shifted = [float((low[both] > np.roll(high[both], shift)).mean()) for shift in (7, 31, 61)]
    broken = sum(shifted) / len(shifted)
    return broken if broken >= _BROKEN[0] else None


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
