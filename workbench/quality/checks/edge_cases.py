"""Edge cases: which real rows stand apart, and has the dataset nothing like them?

Rare people and events are what a model is most needed for, and what synthetic data loses first. An average of
distances does not show it, since edge cases are few. So they are looked for one by one: regions at the edge of each
column, rare categories and pairs of these, and rows that are far from all others. Real rows are named by number only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.cells import take_column
from workbench.quality.check import FEWEST_ROWS, OURS, Finding, Verdict, refuse, register_check
from workbench.quality.clusters import describe_clusters
from workbench.quality.distances import Points
from workbench.quality.edges import Apart, Region, find_apart, find_extremes, find_regions, weigh_region
from workbench.quality.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

_NAME = "trust.edge_cases"
_QUESTION = "Is there something like every real edge case?"
_CHANCE = 0.0005
_LOST = 0.5
"""A region is lost where the dataset has less than half of the rows that it should have there."""
_MORE = 0.1
_MOST_ROWS = 5_000
_FEWEST_APART = 200
_LISTED = 10
_SOURCE = f"{OURS}: under half of the real rows' share at p < 0.0005 over all regions"


@register_check(_NAME, _QUESTION, group="trust", needs_real=True)
def check_edge_cases(evidence: Evidence) -> list[Finding]:
    """The share of the real rows that stand apart (the 2 % whose fifth neighbour is farthest) which no row of the
    dataset is near, beside the share that as many holdout rows leave.

    Warns where that is larger than the holdout's by 0.1 beyond chance, or where a region at the edge (see `edges`) has
    less than half of its rows beyond chance (Bonferroni over all regions).
    """
    real, frame, rows = evidence.real, evidence.frame, len(evidence.frame)
    assert real is not None
    columns = evidence.shared_columns
    if not columns or min(rows, len(real.train)) < FEWEST_ROWS:
        return _refuse(rows, f"not enough data: {rows} rows" if columns else "no column is shared with the real data")
    joined = _join(real.train, real.holdout)
    clusters = evidence.clusters.join_real()
    found = find_regions(joined, frame, columns, clusters)
    regions = [weigh_region(each, clusters, len(joined), rows) for each in found]
    lost = sorted((each for each in regions if _is_lost(each, len(joined), rows, len(regions))),
                  key=lambda each: each.p_value)  # fmt: skip
    apart, numbers = _find_apart(evidence, columns)
    if apart is not None and not len(apart.rows):
        apart = None
    if not regions and apart is None:
        return _refuse(rows, "not enough data: there are too few real rows to have edge cases among them")
    alone = 1 - float(apart.reached.mean()) if apart is not None else None
    held = 1 - float(apart.held.mean()) if apart is not None else None
    missed = apart is not None and alone is not None and held is not None
    missed = bool(missed and apart is not None and apart.p_value < _CHANCE and (alone or 0) > (held or 0) + _MORE)
    verdict: Verdict = "warn" if lost or missed else "pass"
    notes = [f"{each.words}: {each.made:,} of {rows:,} rows, {each.real:,} of {len(joined):,} real ones"
             for each in lost[:3]]  # fmt: skip
    notes += [f"and {len(lost) - 3} more such places"] if len(lost) > 3 else []
    if apart is not None:
        told = f"of {len(apart.rows)} real rows far from all others {(~apart.reached).sum()} have no row near"
        notes.append(f"{told}, {(~apart.held).sum()} with holdout rows instead")
    missing = _list_missing(lost, apart if missed else None, numbers, len(real.train))
    if missing:
        notes.append(f"real training rows {', '.join(map(str, missing[:_LISTED]))}{' …' if len(missing) > 10 else ''}")
    if missed and apart is not None:
        names = find_extremes(real.train, numbers[apart.rows[~apart.reached]], columns)
        notes += [f"extreme in {', '.join(clean_text(name)[:40] for name in names[:3])}"] if names else []
    effects = [clusters.find_column_effect(take_column(joined, name), 1) for name in columns]
    alike, effective = describe_clusters(evidence, rows, sum(effects) / len(effects))
    named = list(dict.fromkeys(clean_text(name)[:40] for each in lost for name in each.columns))
    return [
        Finding(
            _NAME,
            _QUESTION,
            verdict,
            rows,
            value=len(lost) / len(regions) if alone is None else alone,
            reference=held,
            threshold=None if held is None else held + _MORE,
            seed=evidence.seed,
            source=_SOURCE,
            detail=("; ".join(notes) or f"all {len(regions)} places at the edge of a column have rows") + alike,
            columns={
                each.words: {"rows": float(each.made), "real": float(each.real), "p": each.p_value}
                for each in sorted(regions, key=lambda region: region.p_value)[:20]
            },
            figures={
                "regions": float(len(regions)),
                "lost regions": float(len(lost)),
                "rows apart": None if apart is None else float(len(apart.rows)),
                "p of rows apart": None if apart is None else apart.p_value,
                **effective,
                **{f"missing real row {place + 1}": float(row) for place, row in enumerate(missing[:_LISTED])},
            },
            fix="" if verdict == "pass" else _advise(named),
        )
    ]


def _is_lost(region: Region, real: int, rows: int, family: int) -> bool:
    return region.p_value < _CHANCE / family and region.made * real < _LOST * region.real * rows


def _find_apart(evidence: Evidence, columns: list[str]) -> tuple[Apart | None, NDArray[np.int64]]:
    """Rows apart among the training rows looked at, with the numbers of these; None where there are too few rows."""
    real = evidence.real
    assert real is not None
    size = min(len(evidence.frame), len(real.holdout), _MOST_ROWS)
    train = evidence.sample(real.train, "edge cases train", _MOST_ROWS)
    numbers = train.index.to_numpy(np.int64)
    points = Points.fit(real.train, real.holdout, columns)
    if min(size, len(train)) < _FEWEST_APART or not points.names:
        return None, numbers
    made = evidence.sample(evidence.frame, "edge cases", size)
    held = evidence.sample(real.holdout, "edge cases holdout", size)
    clusters = evidence.clusters.take(train.index, made.index, held.index)
    return find_apart(points.transform(train), points.transform(made), points.transform(held), clusters), numbers


def _list_missing(lost: list[Region], apart: Apart | None, numbers: NDArray[np.int64], train: int) -> list[int]:
    """Numbers of real training rows that nothing stands for, those of lost regions first."""
    found = [int(row) for each in lost for row in each.inside if row < train]
    found += [int(row) for row in numbers[apart.rows[~apart.reached]]] if apart is not None else []
    return list(dict.fromkeys(found))


def _advise(columns: list[str]) -> str:
    where = f" of {', '.join(columns[:3])}" if columns else ""
    return f"Ask for such rows{where} by name under “scenarios:”, or keep the real ones in training."


def _join(train: pd.DataFrame, holdout: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    parts = [frame.loc[:, ~frame.columns.duplicated()] for frame in (train, holdout) if len(frame)]
    return pd.concat(parts, ignore_index=True)


def _refuse(rows: int, reason: str) -> list[Finding]:
    return refuse(_NAME, _QUESTION, rows, reason, fix="Give more rows on both sides.")
