"""Quotas: the shares that `balance` asks for, and the equal rates of `parity`, counted from the rows themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.quality.check import FEWEST_ROWS, Finding, register_check
from workbench.quality.evidence import Evidence
from workbench.spec.model import BalanceConfig, ParityConfig

if TYPE_CHECKING:
    import pandas as pd

_BALANCE = "Has each combination its share of the rows?"
_PARITY = "Is the outcome equally frequent in every group?"


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


@register_check("parity", _PARITY, group="fairness", live=True)
def check_parity(evidence: Evidence) -> list[Finding]:
    """One finding a parity: the largest difference between the rates of two groups of at least FEWEST_ROWS rows."""
    return [
        _compare_rates(parity, evidence.frame)
        for parity in evidence.config.parity
        if {parity.outcome, parity.across} <= {str(name) for name in evidence.frame.columns}
    ]


def _compare_shares(balance: BalanceConfig, frame: pd.DataFrame) -> Finding:
    rows, name = len(frame), f"balance.{'_'.join(balance.names)}"
    if not rows:
        return Finding(name, _BALANCE, "not assessed", rows, detail="the table has no rows")
    counts = frame.groupby(balance.names, observed=True, dropna=False).size()
    found = {key if isinstance(key, tuple) else (key,): int(count) for key, count in counts.items()}
    cells = balance.cells
    listed = sum(found.get(cell, 0) for cell, _ in cells)
    distance = (sum(abs(found.get(cell, 0) / rows - share) for cell, share in cells) + (rows - listed) / rows) / 2
    slack = len(cells) / rows
    worst = max(cells, key=lambda cell: abs(found.get(cell[0], 0) / rows - cell[1]))
    detail = f"{', '.join(map(str, worst[0]))}: {found.get(worst[0], 0) / rows:.2%} of the rows, {worst[1]:.2%} asked"
    verdict = "pass" if distance <= slack else "fail"
    return Finding(name, _BALANCE, verdict, rows, value=distance, threshold=slack, detail=detail)  # type: ignore[arg-type]


def _compare_rates(parity: ParityConfig, frame: pd.DataFrame) -> Finding:
    name = f"parity.{parity.outcome}"
    known = frame[frame[parity.outcome].notna()]
    groups = known.groupby(parity.across, observed=True)[parity.outcome].agg(["mean", "size"])
    groups = groups[groups["size"] >= FEWEST_ROWS]
    if len(groups) < 2:
        detail = f"fewer than two groups of {parity.across} have {FEWEST_ROWS} rows"
        return Finding(name, _PARITY, "not assessed", len(frame), detail=detail)
    rates = groups["mean"].astype(float)
    gap = float(rates.max() - rates.min())
    detail = f"{rates.idxmax()}: {rates.max():.2%}, {rates.idxmin()}: {rates.min():.2%}"
    # A rate can be off by a row, which in a small group is more than the gap that is asked for.
    slack = max(parity.max_gap, 2 / float(groups["size"].min()))
    verdict = "pass" if gap <= slack else "fail"
    return Finding(name, _PARITY, verdict, len(frame), value=gap, threshold=slack, detail=detail)  # type: ignore[arg-type]
