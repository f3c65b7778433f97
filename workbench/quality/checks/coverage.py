"""Coverage: does the table reach all that the real data has, and nothing that the real data does not know?

Two tables of the same population have different extremes and different rare categories. How far they are apart by
chance is known whatever the distribution: if k rows lie beyond all rows of the other table, then the k outermost of the
pooled rows are all of one side, which n and m rows are with a chance of the product of (n - i)/(n + m - i), i below k.
The same holds for the k rows of a category that the other table lacks. Rows of one entity lie there together: rows and
k are divided by the design effect of lying there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.cells import find_scale, read_numbers, read_texts, take_column
from workbench.quality.check import FEWEST_ROWS, OURS, Finding, register_check
from workbench.quality.clusters import Clusters, describe_clusters
from workbench.quality.evidence import Evidence
from workbench.quality.similarity import find_kind

if TYPE_CHECKING:
    import pandas as pd

_NAME = "fidelity.coverage"
_QUESTION = "Do all categories and ranges of the real data occur, and no others?"
_CHANCE = 0.001
_LEAST_COVERED = 0.95
_MOST_BEYOND = 0.01
"""What lies beyond chance is warned of where less than 95 % of the real range is reached, or where more than 1 % of the
rows lie outside it (ours)."""
_NEVER = 1e-9
_NAMED_ROWS = 10
"""A category of fewer real rows is not named: it might give somebody away."""


@dataclass(frozen=True, slots=True)
class _Column:
    """What one column reaches. `notes` say what is wrong; `examples` are rows with values the real data lacks."""

    coverage: float
    reference: float | None
    inside: float
    notes: tuple[str, ...]
    examples: NDArray[np.int64]


@register_check(_NAME, _QUESTION, group="fidelity", live=True, needs_real=True)
def check_coverage(evidence: Evidence) -> list[Finding]:
    """The lowest share, over categories and numbers, of the real training rows whose value is reached."""
    real = evidence.real
    assert real is not None
    rows = len(evidence.frame)
    # Other entities than the real ones are no values that are lost or invented.
    names = [name for name in dict.fromkeys(evidence.shared_columns) if name not in evidence.clusters.names]
    kinds = {name: find_kind(take_column(real.train, name)) for name in names}
    asked = [name for name in names if kinds[name] != "text"]
    if not asked or min(rows, len(real.train)) < FEWEST_ROWS:
        few = f"{min(rows, len(real.train))} rows are too few, {FEWEST_ROWS} are needed"
        detail = few if asked else "no column of categories or numbers is shared with the real data"
        return [Finding(_NAME, _QUESTION, "not assessed", rows, source=OURS, detail=detail)]
    share = _CHANCE / len(asked)
    found: dict[str, _Column] = {}
    for name in asked:
        series = [take_column(table, name) for table in (real.train, real.holdout, evidence.frame)]
        scales = {find_scale(column) for column in series if column.notna().any()}
        if kinds[name] == "category":
            found[name] = _cover_levels(series[0], series[1], series[2], name, share, evidence.clusters)
        elif len(scales) == 1:
            found[name] = _cover_range(series[0], series[1], series[2], name, share, evidence.clusters)
    if not found:
        detail = "no column holds what the real column of its name holds"
        return [Finding(_NAME, _QUESTION, "not assessed", rows, source=OURS, detail=detail)]
    notes = [note for column in found.values() for note in column.notes]
    worst = min(found, key=lambda name: (not found[name].notes, found[name].coverage))
    effect = evidence.clusters.find_column_effect(take_column(real.train, worst), 1)
    alike, effective = describe_clusters(evidence, rows, effect)
    return [
        Finding(
            _NAME,
            _QUESTION,
            "warn" if notes else "pass",
            rows,
            value=found[worst].coverage,
            reference=found[worst].reference,
            threshold=1.0 if kinds[worst] == "category" else _LEAST_COVERED,
            detail=("; ".join(notes[:5]) or f"all categories and ranges of {len(found)} columns occur") + alike,
            examples=[int(row) for row in np.unique(np.concatenate([each.examples for each in found.values()]))[:20]],
            columns={
                name: {"coverage": each.coverage, "reference": each.reference, "inside": each.inside}
                for name, each in found.items()
            },
            source=OURS,
            figures=effective,
            fix=_advise(notes),
            better="high",
        )
    ]


def find_chance(count: int, rows: float, other_rows: float) -> float:
    """How likely the `count` outermost of `rows` + `other_rows` rows of one population are all among the `rows`.

    Rows are effective ones, so they need not be whole.
    """
    if count > rows:
        return 0.0
    if not count:
        return 1.0
    places = np.arange(min(count, 2_000))
    return float(np.exp(np.log((rows - places) / (rows + other_rows - places)).sum()))


def bound_unknown(pooled: NDArray[np.float64], unknown: float, rows: float, other_rows: float) -> float:
    """A bound of how likely so many of `rows` are in categories that `other_rows` of the same population lack.

    `pooled` has the rows of each category on both sides, shape (categories,). All c rows of a category are on the one
    side with a chance of at most (n / (n + m))^c; the bound is Chernoff's over their sum, which holds since categories
    are negatively associated (Joag-Dev and Proschan 1983).
    """
    if not unknown:
        return 1.0
    chances = pooled * np.log(rows / (rows + other_rows))
    open_ = chances > np.log(_NEVER)
    never = float(np.exp(chances[~open_]).sum())
    counts, logs = pooled[open_], chances[open_]
    slopes = np.geomspace(1e-3, 30, 100)[:, None]
    terms = np.logaddexp(np.log1p(-np.exp(logs)), logs + slopes * counts).sum(axis=1) - slopes[:, 0] * unknown
    return min(1.0, float(np.exp(min(0.0, terms.min()))) + never)


def _cover_levels(
    train: pd.Series[Any],
    holdout: pd.Series[Any],
    column: pd.Series[Any],
    name: str,
    share: float,
    clusters: Clusters,
) -> _Column:
    real_texts, texts = read_texts(train), read_texts(column)
    counts, held, mine = (Counter(each.dropna()) for each in (real_texts, read_texts(holdout), texts))
    known = counts + held
    total = share / max(len(counts), 1)
    lost = [
        _show(level) if count >= _NAMED_ROWS else "one of few rows"
        for level, count in counts.items()
        if level not in mine
        and _find_chance((real_texts == level).to_numpy(np.float64), train, len(column), 0, clusters) < total
    ]
    invented = sorted(level for level in mine if level not in known)
    beyond = sum(mine[level] for level in invented)
    pooled = np.array(list((known + mine).values()), np.float64)
    strange = texts.isin(invented).to_numpy(np.bool_)
    own, other = _find_effects(strange.astype(np.float64), train, 1, clusters)
    sides = len(column) / own, (len(train) + len(holdout)) / other
    surprising = bound_unknown(pooled / own, beyond / own, *sides) < share
    notes = [f"{_show(name)} never is {', '.join(lost[:3])}"] if lost else []
    if surprising:
        notes.append(f"{_show(name)} has values the real data lacks: {', '.join(map(_show, invented[:3]))}")
    whole = max(sum(counts.values()), 1)
    rows = np.flatnonzero(strange) if surprising else np.empty(0, np.int64)
    return _Column(
        sum(count for level, count in counts.items() if level in mine) / whole,
        sum(count for level, count in counts.items() if level in held) / whole if held else None,
        1 - beyond / max(sum(mine.values()), 1),
        tuple(notes),
        rows,
    )


def _cover_range(
    train: pd.Series[Any],
    holdout: pd.Series[Any],
    column: pd.Series[Any],
    name: str,
    share: float,
    clusters: Clusters,
) -> _Column:
    numbers, held, mine = (_read_present(each) for each in (train, holdout, column))
    if not len(mine) or not len(numbers):
        return _Column(1.0 if not len(numbers) else 0.0, None, 1.0, (), np.empty(0, np.int64))
    known = np.concatenate([numbers, held])
    notes = []
    values, real = read_numbers(column), read_numbers(train)
    outside = [int((mine < known.min()).sum()), int((mine > known.max()).sum())]
    beyond = [
        count
        for count, where in zip(outside, (values < known.min(), values > known.max()), strict=True)
        if count > _MOST_BEYOND * len(mine)
        and _find_chance(_ask(where, values), train, len(known), 1, clusters) < share / 4
    ]
    if beyond:
        notes.append(f"{sum(beyond) / len(mine):.1%} of {_show(name)} lie outside the real range")
    missed = [int((numbers < mine.min()).sum()), int((numbers > mine.max()).sum())]
    surprising = [
        _find_chance(_ask(where, real), train, len(mine), 0, clusters) < share / 4
        for where in (real < mine.min(), real > mine.max())
    ]
    reached = find_range_coverage(numbers, mine)
    if (surprising[0] or surprising[1]) and (reached < _LEAST_COVERED or sum(missed) > _MOST_BEYOND * len(numbers)):
        notes.append(f"{_show(name)} covers {reached:.1%} of the real range and misses {sum(missed)} real rows")
    rows = np.flatnonzero((values < known.min()) | (values > known.max())) if beyond else np.empty(0, np.int64)
    return _Column(
        1 - sum(missed) / len(numbers),
        1 - float(((numbers < held.min()) | (numbers > held.max())).mean()) if len(held) else None,
        1 - sum(outside) / len(mine),
        tuple(notes),
        rows,
    )


def find_range_coverage(real: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """How much of the span of `real` values `other` ones reach (SDMetrics' RangeCoverage); 1 where it has no span."""
    span = float(real.max() - real.min())
    if not np.isfinite(span) or span <= 0:
        return 1.0
    below = max(0.0, float(other.min() - real.min()) / span)
    above = max(0.0, float(real.max() - other.max()) / span)
    return max(0.0, 1 - below - above)


def _find_chance(
    where: NDArray[np.float64], train: pd.Series[Any], other_rows: int, side: int, clusters: Clusters
) -> float:
    """`find_chance` of the rows of a side, 0 training or 1 dataset, that are 1; 0 are the others, NaN is not asked."""
    own, other = _find_effects(where, train, side, clusters)
    return find_chance(int(np.nansum(where) / own), int(np.isfinite(where).sum()) / own, other_rows / other)


def _find_effects(
    where: NDArray[np.float64], train: pd.Series[Any], side: int, clusters: Clusters
) -> tuple[float, float]:
    """The design effects of lying there, of the side and of the other.

    A dataset that has no entity twice cannot tell how alike rows are there: the training rows stand in for it.
    """
    effects = clusters.find_effects(where, side)
    return effects[side], effects[1 - side] if clusters.repeat(side) else clusters.find_column_effect(train, 0)


def _ask(where: NDArray[np.bool_], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`where` as numbers, NaN where there is no finite value, which is neither inside nor outside."""
    return np.where(np.isfinite(values), where, np.nan).astype(np.float64)


def _read_present(column: pd.Series[Any]) -> NDArray[np.float64]:
    numbers = read_numbers(column)
    return numbers[np.isfinite(numbers)]


def _advise(notes: list[str]) -> str:
    if not notes:
        return ""
    if any("lack" in note or "outside" in note for note in notes):
        return "Keep to the values and ranges of the real data, by options or bounds of the column."
    return "Make the values that are never reached as well, by a scenario or a balance."


def _show(text: str) -> str:
    return clean_text(text)[:60]
