"""Quotas: the shares that `balance` asks for, and the equal rates of `parity`, counted from the rows themselves.

Quotas are met by count, so a miss is a failure and no matter of chance. What chance would make of the shares is given
beside them: the interval of each share, and the p-value of Pearson's chi-squared test of all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.files import clean_text
from workbench.quality.cells import read_numbers, take_column
from workbench.quality.check import FEWEST_ROWS, FROM_SPEC, Finding, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.fairness import Rates, find_difference_interval, find_parity
from workbench.quality.rows import find_wilson_interval
from workbench.spec.model import BalanceConfig, ParityConfig

if TYPE_CHECKING:
    import pandas as pd

_BALANCE = "Has each combination its share of the rows?"
_PARITY = "Is the outcome equally frequent in every group?"
_FIX_BALANCE = "Generate the dataset again, or ask for shares that its other rules can be kept with."
_FIX_PARITY = "Generate the dataset again, or widen max_gap."


@register_check("balance", _BALANCE, group="fairness", live=True)
def check_balance(evidence: Evidence) -> list[Finding]:
    """One finding a balance: half the sum of the differences between asked and actual shares, at most a row a cell.

    That is the share of rows that would have to change (the total variation distance).
    """
    return [
        _compare_shares(balance, evidence.frame)
        for balance in evidence.config.balance
        if set(balance.names) <= {str(name) for name in evidence.frame.columns}
    ]


@register_check("parity", _PARITY, group="fairness", live=True, gate="max_parity_gap")
def check_parity(evidence: Evidence) -> list[Finding]:
    """One finding a parity: the largest difference between the rates of two groups of at least FEWEST_ROWS rows."""
    return [
        _compare_rates(parity, evidence)
        for parity in evidence.config.parity
        if {parity.outcome, parity.across} <= {str(name) for name in evidence.frame.columns}
    ]


def _compare_shares(balance: BalanceConfig, frame: pd.DataFrame) -> Finding:
    rows, name = len(frame), f"balance.{'_'.join(balance.names)}"
    if not rows:
        return Finding(name, _BALANCE, "not assessed", rows, source=FROM_SPEC, detail="the table has no rows")
    found = _count_cells(frame, balance.names)
    cells = balance.cells
    shares = {_name_cell(cell): (found.get(cell, 0), share) for cell, share in cells}
    listed = sum(count for count, _ in shares.values())
    distance = (sum(abs(count / rows - share) for count, share in shares.values()) + (rows - listed) / rows) / 2
    slack = len(cells) / rows
    worst = max(shares, key=lambda cell: abs(shares[cell][0] / rows - shares[cell][1]))
    details = [f"{worst}: {shares[worst][0] / rows:.2%} of the rows, {shares[worst][1]:.2%} asked"]
    details += _name_small([(cell, count) for cell, (count, share) in shares.items() if share > 0])
    return Finding(
        name,
        _BALANCE,
        "pass" if distance <= slack else "fail",
        rows,
        value=distance,
        threshold=slack,
        source=FROM_SPEC,
        detail="; ".join(details),
        columns={cell: _describe_share(count, rows, share) for cell, (count, share) in shares.items()},
        figures={"chi_square_p": _test_shares(list(shares.values()), rows)},
        fix="" if distance <= slack else _FIX_BALANCE,
    )


def _compare_rates(parity: ParityConfig, evidence: Evidence) -> Finding:
    frame, gate = evidence.frame, evidence.gates.max_parity_gap
    name = f"parity.{parity.outcome}"
    outcome = read_numbers(take_column(frame, parity.outcome))
    counts = _count_cells(frame[~np.isnan(outcome)], [parity.across])
    names = [_name_cell(cell) for cell in counts]
    codes = _code_cells(frame, parity.across, list(counts))
    rates = Rates.count(np.clip(outcome, 0, 1), codes, len(names))
    groups = rates.find_judged()
    small = _name_small([(each, int(rates.sizes[place])) for place, each in enumerate(names)])
    if len(groups) < 2:
        detail = "; ".join([f"fewer than two groups of {parity.across} have {FEWEST_ROWS} rows", *small])
        return Finding(name, _PARITY, "not assessed", len(frame), gated=gate is not None, source=FROM_SPEC,
                       detail=detail, fix="Make more rows.")  # fmt: skip
    gap, ratio = find_parity(rates, groups)
    order = groups[np.argsort(rates.rates[groups], kind="stable")]
    low, high = int(order[0]), int(order[-1])
    # A rate can be off by a row, which in a small group is more than the gap that is asked for.
    asked = parity.max_gap if gate is None else min(parity.max_gap, gate)
    slack = max(asked, 2 / float(rates.sizes[groups].min()))
    edges = [(int(rates.favourable[0, group]), int(rates.sizes[group])) for group in (low, high)]
    details = [f"{names[high]}: {rates.rates[high]:.2%}, {names[low]}: {rates.rates[low]:.2%}", *small]
    return Finding(
        name,
        _PARITY,
        "pass" if gap <= slack else "fail",
        len(frame),
        value=gap,
        interval=find_difference_interval(edges[0], edges[1]),
        threshold=slack,
        gated=gate is not None,
        source=FROM_SPEC,
        detail="; ".join(details),
        columns={
            names[group]: _describe_share(int(rates.favourable[0, group]), int(rates.sizes[group]), None)
            for group in groups.tolist()
        },
        figures={"ratio": ratio},
        fix="" if gap <= slack else _FIX_PARITY,
    )


def _count_cells(frame: pd.DataFrame, names: list[str]) -> dict[tuple[Any, ...], int]:
    """Rows of each combination of values; those that cannot be told apart (lists, dicts) by their text."""
    import pandas as pd

    columns = {str(place): take_column(frame, name) for place, name in enumerate(names)}
    try:
        counts = pd.DataFrame(columns).groupby(list(columns), observed=True, dropna=False).size()
    except TypeError:
        texts = pd.DataFrame({name: column.astype(str) for name, column in columns.items()})
        counts = texts.groupby(list(columns), observed=True, dropna=False).size()
    return {key if isinstance(key, tuple) else (key,): int(count) for key, count in counts.items()}


def _code_cells(frame: pd.DataFrame, name: str, cells: list[tuple[Any, ...]]) -> Any:
    """For each row the place of its value among `cells`, -1 for one that is none of them."""
    import pandas as pd

    column = take_column(frame, name)
    values = pd.Index([cell[0] for cell in cells])
    try:
        return np.asarray(values.get_indexer(pd.Index(column)), np.int64)
    except TypeError:
        return np.asarray(values.get_indexer(pd.Index(column.astype(str))), np.int64)


def _name_cell(cell: tuple[Any, ...]) -> str:
    return clean_text(", ".join(map(str, cell)))[:60]


def _name_small(counts: list[tuple[str, int]]) -> list[str]:
    """In words which cells are too small to learn or judge anything of."""
    few = [f"{cell} ({count} rows)" for cell, count in counts if count < FEWEST_ROWS]
    return [f"not enough data: {', '.join(few[:5])}{' …' if len(few) > 5 else ''}"] if few else []


def _describe_share(count: int, rows: int, asked: float | None) -> dict[str, float | None]:
    low, high = find_wilson_interval(count, rows)
    told: dict[str, float | None] = {"share": count / rows, "low": low, "high": high, "rows": float(count)}
    return told if asked is None else {**told, "asked": asked}


def _test_shares(cells: list[tuple[int, float]], rows: int) -> float | None:
    """The p-value of Pearson's chi-squared test of the asked shares; rows outside all cells are a cell of their own."""
    from scipy.stats import chi2

    asked = [(count, share * rows) for count, share in cells if share > 0]
    if len(asked) < 2:
        return None
    outside = rows - sum(count for count, _ in asked)
    statistic = sum((count - expected) ** 2 / expected for count, expected in asked)
    return 0.0 if outside else float(chi2.sf(statistic, len(asked) - 1))
