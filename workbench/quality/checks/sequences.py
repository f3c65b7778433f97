"""Sequences: whether ordered records of entities have the lengths, gaps and course of real ones.

A distance from the real training entities stands beside that of the holdout, and is judged by what chance explains:
entities change sides at random (a permutation test), so that records of one entity may depend on one another in any
way. `sequences.order` asks of a table whose records are made in order whether time ever runs backwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.quality.check import FEWEST_ROWS, OURS, Finding, judge_high, register_check
from workbench.quality.clusters import find_owner
from workbench.quality.evidence import Evidence
from workbench.quality.rows import find_wilson_interval
from workbench.quality.sequences import (
    MOST_COLUMNS,
    Records,
    count_backward_steps,
    find_figures,
    measure_distances,
    read_records,
)
from workbench.synthesizers.types.sequence import SequenceConfig

if TYPE_CHECKING:
    import pandas as pd

_QUESTION = "Do the records of an entity follow one another as real ones do?"
_ORDER = "Do the records of an entity stand in order?"
_DEVIATIONS = 5.5
"""So that some forty figures together raise a false alarm less than once in 500 times, skewed as they are."""
_TOLERANCE = 0.05
"""Ours: a distance, of shares or correlations, that is not warned of however many entities there are."""
_MOST_ROWS = 100_000
_SHARED = 0.05
"""Above this share of entities on both sides the real data was split within entities, and is put together again."""
_MOST_LEVELS = 200


@dataclass(frozen=True, slots=True)
class _Layout:
    """`entity` is the column of the dataset, `real_entity` that of the real data. `ordered`: made record by record."""

    entity: str
    real_entity: str
    order_by: str
    longest: int | None
    ordered: bool


@register_check("sequences", _QUESTION, group="fidelity")
def check_sequences(evidence: Evidence) -> list[Finding]:
    """The distance that chance explains least, and steps back in time. Not asked of tables without ordered entities."""
    layout = _find_layout(evidence)
    if layout is None or not evidence.frame.columns.is_unique:
        return []
    findings = [_judge_order(evidence, layout)] if layout.ordered else []
    real = evidence.real
    needed = {layout.real_entity, layout.order_by}
    if real is not None and needed <= set(real.train.columns) & set(real.holdout.columns):
        findings.append(_judge_course(evidence, layout))
    elif layout.ordered:
        detail = "there is no real data with the same entity and order to compare with"
        fix = "Give real rows with --real, or name them under “sources:”."
        rows = len(evidence.frame)
        findings.append(Finding("sequences", _QUESTION, "not assessed", rows, detail=detail, source=OURS, fix=fix))
    return findings


def _find_layout(evidence: Evidence) -> _Layout | None:
    """What the records of the table are ordered by and whose they are; None for a table of other rows."""
    config, owner = evidence.config.synthesizer, find_owner(evidence)
    if owner is None:
        return None
    if isinstance(config, SequenceConfig):
        if config.order_by not in evidence.frame.columns:
            return None
        return _Layout(*owner, config.order_by, config.longest, ordered=True)
    if evidence.real is None:
        return None
    real = evidence.real.train
    moments = [name for name in evidence.shared_columns if _is_moment(real[name]) and _is_moment(evidence.frame[name])]
    return _Layout(*owner, moments[0], None, ordered=False) if moments else None


def _is_moment(column: Any) -> bool:
    from pandas.api import types

    return getattr(column, "ndim", 0) == 1 and types.is_datetime64_any_dtype(column.dtype)


def _judge_order(evidence: Evidence, layout: _Layout) -> Finding:
    backward, steps = count_backward_steps(evidence.frame, layout.entity, layout.order_by)
    value = len(backward) / steps if steps else None
    verdict = "not assessed" if value is None else judge_high(value, 0.0, gated=False)
    detail = f"{layout.order_by} runs backwards at {len(backward):,} of {steps:,} steps within {layout.entity}"
    return Finding(
        "sequences.order",
        _ORDER,
        verdict,
        len(evidence.frame),
        value=value,
        interval=find_wilson_interval(len(backward), steps) if steps else None,
        threshold=0.0,
        detail=detail if steps else f"no {layout.entity} has two records",
        examples=backward.tolist(),
        source=OURS,
        fix="" if verdict == "pass" else f"Sort the rows by {layout.entity} and {layout.order_by}.",
    )


def _judge_course(evidence: Evidence, layout: _Layout) -> Finding:
    real = evidence.real
    assert real is not None
    train, holdout = (each.loc[:, ~each.columns.duplicated()] for each in (real.train, real.holdout))
    # Where rows and not entities were split, no side has whole sequences.
    shared = set(train[layout.real_entity]) & set(holdout[layout.real_entity])
    whole = len(shared) <= _SHARED * max(holdout[layout.real_entity].nunique(), 1)
    sides = [evidence.frame, train, holdout] if whole else [evidence.frame, _put_together(train, holdout)]
    owners = [layout.entity, *[layout.real_entity] * (len(sides) - 1)]
    frames = [
        _sample_entities(evidence, frame, name, number)
        for number, (frame, name) in enumerate(zip(sides, owners, strict=True))
    ]
    records = read_records(frames, owners, layout.order_by, layout.longest)
    counts = np.bincount(records.side, minlength=len(frames))
    if counts[:2].min() < FEWEST_ROWS or len(records.steps) < FEWEST_ROWS:
        detail = f"{counts[0]:,} and {counts[1]:,} entities, in the dataset and the real data, are too few"
        return Finding("sequences", _QUESTION, "not assessed", len(evidence.frame), detail=detail, source=OURS)
    if len(counts) > 2 and counts[2] < FEWEST_ROWS:
        records = read_records(frames[:2], owners[:2], layout.order_by, layout.longest)
    finding = _compare(evidence, layout, records)
    notes = "" if whole else "; the real data is not split by entity, so its two parts were put together"
    sampled = len(frames[0]) < len(evidence.frame)
    notes += f"; sample of {counts[0]:,} entities" if sampled else ""
    return replace(finding, detail=finding.detail + notes)


def _compare(evidence: Evidence, layout: _Layout, records: Records) -> Finding:
    numbers, categories = _sort_columns(evidence, layout, records)
    draw = evidence.draw("sequences")
    figures = find_figures(records, numbers, categories, layout.order_by)
    distances = measure_distances(figures, records, draw, _DEVIATIONS)
    thresholds = {each.name: max(each.chance, _TOLERANCE) for each in distances}
    missed = [each.name for each in distances if each.value > thresholds[each.name]]
    worst = max(distances, key=lambda each: each.value - thresholds[each.name])
    verdict = judge_high(worst.value, thresholds[worst.name], gated=False)
    detail = f"furthest from the real entities of {len(figures)} figures: {worst.name}, by {worst.value:.3f}"
    if len(missed) > 1:
        detail += f"; further than chance explains: {', '.join(missed[:5])}"
    return Finding(
        "sequences",
        _QUESTION,
        verdict,
        len(evidence.frame),
        value=worst.value,
        reference=worst.reference,
        threshold=thresholds[worst.name],
        detail=detail,
        seed=evidence.seed,
        columns={
            each.name: {"distance": each.value, "reference": each.reference, "threshold": thresholds[each.name]}
            for each in distances
        },
        source=f"{OURS}: what permuted entities explain, at least {_TOLERANCE}",
        fix=""
        if verdict == "pass"
        else "Learn the table with a synthesizer of the type sequence, or let it learn longer.",
    )


def _put_together(train: pd.DataFrame, holdout: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([train, holdout], ignore_index=True)


def _sample_entities(evidence: Evidence, frame: pd.DataFrame, entity: str, number: int) -> pd.DataFrame:
    """About 100,000 rows of whole entities, chosen by chance."""
    import pandas as pd

    if len(frame) <= _MOST_ROWS:
        return frame
    code, uniques = pd.factorize(frame[entity])
    chosen = evidence.draw(f"entities {number}").random(len(uniques)) < _MOST_ROWS / len(frame)
    return frame[(code >= 0) & chosen[code]]


def _sort_columns(evidence: Evidence, layout: _Layout, records: Records) -> tuple[list[str], list[str]]:
    """The columns of numbers and of categories whose course is compared."""
    from pandas.api import types

    numbers, categories = [], []
    for name in evidence.shared_columns:
        column = records.frame[name]
        if name in (layout.entity, layout.real_entity, layout.order_by) or column.ndim != 1:
            continue
        if types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype):
            numbers.append(name)
        elif not types.is_datetime64_any_dtype(column.dtype) and column.astype(str).nunique() <= _MOST_LEVELS:
            categories.append(name)
    return numbers[:MOST_COLUMNS], categories[:MOST_COLUMNS]
