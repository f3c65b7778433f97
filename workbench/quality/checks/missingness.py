"""Missing values: are they missing together as in the real data?

That a column has as many gaps as the real one is part of its shape. Here whole rows are looked at: which columns are
empty at the same time. Values that are made column by column get this wrong, and a model that learns from them takes
every gap for an accident.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.cells import take_column
from workbench.quality.check import FEWEST_ROWS, OURS, Finding, judge_low, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.similarity import Codes, bootstrap_similarity, expect_similarity, measure_similarity

if TYPE_CHECKING:
    import pandas as pd

_NAME = "fidelity.missing"
_QUESTION = "Are values missing together as in the real data?"
_TOLERANCE = 0.05
_PAIR_TOLERANCE = 0.1
"""How far the share of rows that lack one value, of those that lack another, may be off before it is warned of."""
_CHANCE = 0.001
_MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class _Gap:
    """Of the rows without `first`, the shares without `second`; `miss` above 0 is further off than allowed."""

    first: str
    second: str
    real: float
    synthetic: float
    miss: float


@register_check(_NAME, _QUESTION, group="fidelity", needs_real=True)
def check_missing(evidence: Evidence) -> list[Finding]:
    """The similarity of the patterns of gaps, over all columns that have any: 1 - the total variation distance."""
    real = evidence.real
    assert real is not None
    names = list(dict.fromkeys(evidence.shared_columns))
    train = evidence.sample(real.train, "missing real", _MOST_ROWS)
    frame = evidence.sample(evidence.frame, "missing", _MOST_ROWS)
    gaps = [_find_gaps(table, names) for table in (train, frame)]
    some = [name for place, name in enumerate(names) if any(table[:, place].any() for table in gaps)]
    if not some:
        return []
    if min(len(train), len(frame)) < FEWEST_ROWS:
        detail = f"{min(len(train), len(frame))} rows are too few, {FEWEST_ROWS} are needed"
        return [Finding(_NAME, _QUESTION, "not assessed", len(frame), source=OURS, detail=detail)]
    kept = [place for place, name in enumerate(names) if name in set(some)]
    gaps = [table[:, kept] for table in gaps]
    held_gaps = None
    if len(real.holdout) >= FEWEST_ROWS:
        held_gaps = _find_gaps(evidence.sample(real.holdout, "missing holdout", _MOST_ROWS), some)
    codes = _code_patterns(gaps[0], gaps[1])
    value = measure_similarity(codes)
    held = None if held_gaps is None else measure_similarity(_code_patterns(gaps[0], held_gaps))
    off = _find_excess(gaps[0], gaps[1])
    threshold = max(0.0, expect_similarity(codes, held, 1, _TOLERANCE) - float(off.sum()))
    pairs = _compare_pairs(some, gaps[0], gaps[1], held_gaps)
    worst = max(pairs, key=lambda pair: pair.miss, default=None)
    apart = worst is not None and worst.miss > 0
    verdict = "warn" if apart else judge_low(value, threshold, gated=False)
    detail = f"{codes.levels} patterns of gaps over {len(some)} columns"
    if worst is not None and (apart or verdict != "pass"):
        detail += (
            f"; of the rows without {_show(worst.first)}, {worst.synthetic:.1%} have no {_show(worst.second)} either, "
            f"{worst.real:.1%} of the real ones"
        )
    return [
        Finding(
            _NAME,
            _QUESTION,
            verdict,
            len(frame),
            value=value,
            reference=held,
            interval=bootstrap_similarity(codes, evidence.seed),
            threshold=threshold,
            detail=detail + (f" (sample of {len(frame):,} rows)" if len(frame) < len(evidence.frame) else ""),
            seed=evidence.seed,
            columns={
                name: {"missing": float(mine.mean()), "missing_real": float(theirs.mean())}
                for name, mine, theirs in zip(some, gaps[1].T, gaps[0].T, strict=True)
            },
            source=OURS,
            fix="Leave values out together, row by row, as the real data does." if verdict != "pass" else "",
            better="high",
        )
    ]


def _find_gaps(frame: pd.DataFrame, names: list[str]) -> NDArray[np.bool_]:
    """Shape (rows, columns)."""
    columns = [take_column(frame, name).isna().to_numpy(np.bool_) for name in names]
    return np.column_stack(columns) if columns else np.empty((len(frame), 0), np.bool_)


def _code_patterns(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Codes:
    """Which columns are empty in each row, each different pattern a level."""
    packed = np.ascontiguousarray(np.packbits(np.concatenate([a, b]), axis=1))
    keys = packed.view([("", packed.dtype)] * packed.shape[1]).ravel()
    levels, codes = np.unique(keys, return_inverse=True)
    return Codes(codes[: len(a)].astype(np.int64), codes[len(a) :].astype(np.int64), len(levels), ordered=False)


def _compare_pairs(
    names: list[str], real: NDArray[np.bool_], synthetic: NDArray[np.bool_], holdout: NDArray[np.bool_] | None
) -> list[_Gap]:
    """All ordered pairs of columns of which the first is empty often enough on both sides.

    Chance: Hoeffding's inequality (1963) for both shares, Bonferroni over the pairs.
    """
    counts, other_counts = real.sum(axis=0), synthetic.sum(axis=0)
    share, other_share = _find_shares(real), _find_shares(synthetic)
    held_share = None if holdout is None else _find_shares(holdout)
    excess = _find_excess(real, synthetic)
    enough = [place for place in range(len(names)) if min(counts[place], other_counts[place]) >= FEWEST_ROWS]
    total = max(len(enough) * (len(names) - 1), 1)
    found = []
    for first in enough:
        spread = 1 / counts[first] + 1 / other_counts[first]
        allowed = max(_PAIR_TOLERANCE, math.sqrt(math.log(2 * total / _CHANCE) / 2 * spread))
        for second in range(len(names)):
            if second == first:
                continue
            held = 0.0 if held_share is None else abs(float(held_share[first, second] - share[first, second]))
            off = abs(float(share[first, second] - other_share[first, second]))
            found.append(
                _Gap(
                    names[first],
                    names[second],
                    float(share[first, second]),
                    float(other_share[first, second]),
                    off - max(allowed, held) - float(excess[second]),
                )
            )
    return found


def _find_excess(real: NDArray[np.bool_], synthetic: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For each column how far its own share of gaps is off, where its shape is warned of for that: not asked again."""
    off = np.abs(real.mean(axis=0) - synthetic.mean(axis=0))
    return np.where(off > _TOLERANCE, off, 0.0)


def _find_shares(gaps: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of the rows without the first, the share without the second, shape (columns, columns)."""
    numbers = gaps.astype(np.float64)
    return np.asarray(numbers.T @ numbers / np.maximum(numbers.sum(axis=0), 1)[:, None])


def _show(name: str) -> str:
    return clean_text(name)[:60]
