"""Representation: has each group of people, and each two of them together, the share that it should have?

The share that it should have is the one that `balance` asks for, else the real one, else the one that the column's own
weights ask for. These are different aims, and the report says which one was taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.quality.cells import find_scale, take_column
from workbench.quality.check import FEWEST_ROWS, FROM_SPEC, OURS, Finding, Verdict, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.fairness import FOUR_FIFTHS
from workbench.quality.groups import MISSING, Grouping, make_groupings
from workbench.quality.rows import find_wilson_interval
from workbench.quality.support import make_columns

if TYPE_CHECKING:
    import pandas as pd

_NAME = "fairness.representation"
_QUESTION = "Has each group the share of the rows that it should have?"
_CHANCE = 0.001
"""The chance that fresh real rows are warned of, over all groups together."""
_TOLERANCE = 0.05
_MOST_CELLS = 200
_SOURCE = f"{OURS}; four fifths of the share: EEOC 1978, 29 CFR 1607.4 D"


@dataclass(frozen=True, slots=True)
class _Target:
    """The asked share of each group. `rows` is the number of real rows it was counted in, None where it is exact."""

    shares: NDArray[np.float64]
    rows: int | None
    words: str


@register_check(_NAME, _QUESTION, group="fairness")
def check_representation(evidence: Evidence) -> list[Finding]:
    """The largest distance (total variation, half the sum of |share - asked share|) over groups and pairs of columns.

    Warns where that is beyond 0.05 and beyond chance (McDiarmid's bound), and where a group has, beyond chance, less
    than four fifths of the share that it should have (the interval of a log ratio of shares, Katz et al. 1978, at
    0.1 % over all groups). Groups of whom fewer than 30 rows are to be expected are listed as too small to judge.
    """
    fairness, frame, rows = evidence.gates.fairness, evidence.frame, len(evidence.frame)
    if fairness is None:
        return []
    names = [name for name in fairness.across if name in frame.columns]
    if not names:
        return []
    if rows < FEWEST_ROWS:
        return _refuse(evidence, f"{rows} rows are not enough data")
    real = _join_real(evidence)
    groupings = [(each, target) for each in make_groupings([frame, *real], names)
                 if (target := _find_target(evidence, each, real)) is not None]  # fmt: skip
    if not groupings:
        return _refuse(evidence, "no shares are asked for, and there are no real ones to compare with")
    judged = [_compare(each, target, frame, len(groupings)) for each, target in groupings]
    worst = max(judged, key=lambda each: (bool(each.lost), each.distance - each.threshold))
    small = [name for each in judged for name in each.small]
    verdict: Verdict = "warn" if any(each.lost or each.distance > each.threshold for each in judged) else "pass"
    notes = [f"{worst.label}: {worst.words}", *_describe_lost(judged)]
    notes += [f"not enough data: {', '.join(small[:5])}{' …' if len(small) > 5 else ''}"] if small else []
    return [
        Finding(
            _NAME,
            _QUESTION,
            verdict,
            rows,
            value=worst.distance,
            reference=_measure_holdout(evidence, worst.grouping),
            interval=worst.interval,
            threshold=worst.threshold,
            source=FROM_SPEC if worst.exact else _SOURCE,
            detail="; ".join(notes),
            columns=dict([item for each in judged for item in each.cells.items()][:_MOST_CELLS]),
            figures={f"distance {each.label}": each.distance for each in judged},
            fix="" if verdict == "pass" else "Ask for the shares with “balance:”, or make more rows of these groups.",
        )
    ]


@dataclass(frozen=True, slots=True)
class _Judged:
    grouping: Grouping
    label: str
    distance: float
    threshold: float
    interval: tuple[float, float]
    words: str
    exact: bool
    lost: list[str]
    small: list[str]
    cells: dict[str, dict[str, float | None]]


def _describe_lost(judged: list[_Judged]) -> list[str]:
    lost = [name for each in judged for name in each.lost]
    return [f"less than four fifths of their share: {'; '.join(lost[:5])}"] if lost else []


def _compare(grouping: Grouping, target: _Target, frame: pd.DataFrame, family: int) -> _Judged:
    counts, rows, names = grouping.count(frame), len(frame), grouping.names
    shares = counts / rows
    distance = float(np.abs(shares - target.shares).sum() + (rows - counts.sum()) / rows) / 2
    spread = 1 / rows + (1 / target.rows if target.rows else 0.0)
    expected = float(np.sqrt(2 / np.pi * target.shares * (1 - target.shares) * spread).sum()) / 2
    slack = math.sqrt(-math.log(_CHANCE / family) / 2 * spread)
    half = math.sqrt(-math.log(0.025) / 2 * spread)
    asked = target.shares * rows
    judged = asked >= FEWEST_ROWS
    if target.rows is not None:
        judged &= target.shares * target.rows >= FEWEST_ROWS
    lost = _find_lost(counts, rows, target, judged, family)
    order = np.argsort(-np.abs(shares - target.shares), kind="stable")
    worst = int(order[0])
    shown = [int(group) for group in order if counts[group] or target.shares[group] > 0]
    return _Judged(
        grouping,
        grouping.label,
        distance,
        max(_TOLERANCE, expected + slack),
        (max(0.0, distance - half), min(1.0, distance + half)),
        f"{names[worst]} is {shares[worst]:.2%} of the rows, {target.shares[worst]:.2%} {target.words}",
        target.rows is None,
        [names[group] for group in np.flatnonzero(lost)],
        [f"{names[group]} ({counts[group]} rows)" for group in shown if not judged[group]],
        {
            f"{grouping.label}={names[group]}": {
                "share": float(shares[group]),
                "asked": float(target.shares[group]),
                "low": find_wilson_interval(int(counts[group]), rows)[0],
                "high": find_wilson_interval(int(counts[group]), rows)[1],
                "rows": float(counts[group]),
            }
            for group in shown
        },
    )


def _find_lost(
    counts: NDArray[np.int64], rows: int, target: _Target, judged: NDArray[np.bool_], family: int
) -> NDArray[np.bool_]:
    """Groups whose share is below four fifths of the asked one even at the upper end of its interval."""
    from scipy.stats import norm

    z = float(norm.isf(_CHANCE / family / max(int(judged.sum()), 1)))
    seen = counts + 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(seen / (rows + 1) / target.shares)
        variance = 1 / seen - 1 / (rows + 1)
        if target.rows is not None:
            variance = variance + 1 / (target.shares * target.rows) - 1 / target.rows
        upper = log_ratio + z * np.sqrt(np.maximum(variance, 0))
    return np.asarray(judged & (upper < math.log(FOUR_FIFTHS)))


def _join_real(evidence: Evidence) -> list[pd.DataFrame]:
    """The real rows, train and holdout, where there are enough of them."""
    real = evidence.real
    if real is None or len(real.train) + len(real.holdout) < FEWEST_ROWS:
        return []
    return [frame for frame in (real.train, real.holdout) if len(frame)]


def _find_target(evidence: Evidence, grouping: Grouping, real: list[pd.DataFrame]) -> _Target | None:
    for balance in evidence.config.balance:
        if set(grouping.columns) <= set(balance.names):
            places = [balance.names.index(name) for name in grouping.columns]
            asked: dict[str, float] = {}
            for cell, share in balance.cells:
                name = ", ".join(MISSING if cell[place] is None else str(cell[place]) for place in places)
                asked[name] = asked.get(name, 0.0) + share
            return _Target(np.array([asked.get(name, 0.0) for name in grouping.names]), None, "asked for by “balance”")
    if real and all(set(grouping.columns) <= {str(name) for name in frame.columns} for frame in real):
        counts = np.sum([grouping.count(frame) for frame in real], axis=0)
        rows = sum(len(frame) for frame in real)
        return _Target(counts / rows, rows, "of the real ones")
    return _find_weights(evidence, grouping)


def _find_weights(evidence: Evidence, grouping: Grouping) -> _Target | None:
    """The shares that a column of categories asks for itself, unless a scenario or quota moves them."""
    if len(grouping.columns) > 1:
        return None
    name = grouping.columns[0]
    maker = make_columns(evidence.config, evidence.models).get(name)
    moved = any(name in scenario.set for scenario in evidence.config.scenarios)
    if maker is None or maker.options is None or maker.shares is None or moved or evidence.config.balance:
        return None
    if find_scale(take_column(evidence.frame, name)) is not None:
        return None
    missing = float(take_column(evidence.frame, name).isna().mean())
    weights = {str(option): share for option, share in zip(maker.options, maker.shares, strict=True)}
    shares = [missing if place == MISSING else weights.get(place, 0.0) * (1 - missing) for place in grouping.names]
    return _Target(np.array(shares), None, "by the column's weights")


def _measure_holdout(evidence: Evidence, grouping: Grouping) -> float | None:
    real = evidence.real
    if real is None or min(len(real.train), len(real.holdout)) < FEWEST_ROWS:
        return None
    if not set(grouping.columns) <= {str(name) for name in real.train.columns}:
        return None
    train, held = grouping.count(real.train) / len(real.train), grouping.count(real.holdout) / len(real.holdout)
    return float(np.abs(train - held).sum()) / 2


def _refuse(evidence: Evidence, reason: str) -> list[Finding]:
    return refuse(
        _NAME,
        _QUESTION,
        len(evidence.frame),
        reason,
        fix="State shares with “balance:”, or give real rows with --real.",
    )
