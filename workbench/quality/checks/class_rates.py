"""Classes: is each class as frequent as in the real data, and does each look like the real rows of its class?

A model is trained to tell classes apart, so what counts is the shape of each column *within* a class. Labels that are
drawn by chance leave every column as it is, and teach nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.binning import bin_by_rank
from workbench.quality.cells import find_scale, read_numbers, read_texts, take_column
from workbench.quality.check import FEWEST_ROWS, OURS, Finding, register_check
from workbench.quality.clusters import Clusters, describe_clusters
from workbench.quality.evidence import Evidence
from workbench.quality.similarity import (
    Codes,
    bootstrap_similarity,
    encode_columns,
    expect_similarity,
    find_kind,
    measure_similarity,
)

if TYPE_CHECKING:
    import pandas as pd

_NAME = "fidelity.classes"
_QUESTION = "Does each class have its real share, and look like the real rows of its class?"
_TOLERANCE = 0.05
_MOST_CLASSES = 20
_QUARTERS = 4
_MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class _Part:
    """One column within one class (None: the label over all classes), and how far it misses its threshold."""

    column: str
    level: str | None
    codes: Codes
    similarity: float
    held: float | None
    threshold: float

    @property
    def miss(self) -> float:
        return self.threshold - self.similarity


@register_check(_NAME, _QUESTION, group="fidelity", needs_real=True)
def check_classes(evidence: Evidence) -> list[Finding]:
    """The similarity of that column and class that misses its threshold by most, or comes nearest to it."""
    real, label = evidence.real, evidence.label
    assert real is not None
    if label is None or label not in evidence.shared_columns or find_kind(take_column(real.train, label)) == "text":
        return []
    train = evidence.sample(real.train, "classes real", _MOST_ROWS)
    frame = evidence.sample(evidence.frame, "classes", _MOST_ROWS)
    holdout = evidence.sample(real.holdout, "classes holdout", _MOST_ROWS)
    if min(len(train), len(frame)) < FEWEST_ROWS:
        detail = f"{min(len(train), len(frame))} rows are too few, {FEWEST_ROWS} are needed"
        return [Finding(_NAME, _QUESTION, "not assessed", len(frame), source=OURS, detail=detail)]
    columns = [name for name in dict.fromkeys(evidence.shared_columns) if name != label]
    levels, members = _find_members([take_column(table, label) for table in (train, frame, holdout)])
    if not levels:
        return []
    judged = [
        level
        for level in levels[:_MOST_CLASSES]
        if min(members[0][level].sum(), members[1][level].sum()) >= FEWEST_ROWS
    ]
    total = 1 + len(judged) * len(columns)
    clusters = evidence.clusters.take(train.index, frame.index)
    parts = [_compare_shares(levels, members, label, total, clusters)]
    for name in columns:
        parts += _compare_within(name, (train, frame, holdout), judged, members, total, clusters)
    worst = max(parts, key=lambda part: part.miss)
    missed = [part for part in parts if part.miss > 0]
    where = "the shares of the classes"
    if worst.level is not None:
        where = f"{_show(worst.column)} where {_show(label)} is {_show(worst.level)}"
    few = [level for level in levels if level not in judged]
    alike, effective = describe_clusters(evidence, len(worst.codes.b), worst.codes.effects[1])
    detail = f"{len(missed)} of {total} shapes are off; worst: {where}" + (
        f"; {len(few)} classes of few rows are left out" if few else ""
    )
    return [
        Finding(
            _NAME,
            _QUESTION,
            "warn" if missed else "pass",
            len(frame),
            value=worst.similarity,
            reference=worst.held,
            interval=bootstrap_similarity(worst.codes, evidence.seed),
            threshold=worst.threshold,
            detail=detail + (f" (sample of {len(frame):,} rows)" if len(frame) < len(evidence.frame) else "") + alike,
            seed=evidence.seed,
            columns={
                name: _tabulate([part for part in parts if part.column == name and part.level is not None])
                for name in columns
                if judged
            },
            source=OURS,
            figures=effective
            | {
                f"{kind} of {_show(level)}": float(members[side][level].mean())
                for level in judged
                for kind, side in (("share", 1), ("real share", 0))
            },
            fix=_advise(worst, label) if missed else "",
            better="high",
        )
    ]


def _find_members(labels: list[pd.Series[Any]]) -> tuple[list[str], list[dict[str, NDArray[np.bool_]]]]:
    """The classes, commonest first, and for each table which rows are in each; quarters of a label of many numbers."""
    scales = {find_scale(column) for column in labels if column.notna().any()}
    if len(scales) == 1 and None not in scales:
        if labels[0].nunique() > _MOST_CLASSES:
            binned = bin_by_rank(labels[0], labels[1:], _QUARTERS)
            names = [f"in the real quarter {number + 1}" for number in range(_QUARTERS)]
            return names, [{name: codes == number for number, name in enumerate(names)} for codes in binned.codes]
        numbers = [read_numbers(column) for column in labels]
        values, counts = np.unique(numbers[0][~np.isnan(numbers[0])], return_counts=True)
        found = {f"{value:g}": value for value in values[np.argsort(-counts, kind="stable")]}
        return list(found), [{name: each == value for name, value in found.items()} for each in numbers]
    texts = [read_texts(column) for column in labels]
    levels = [level for level, _ in Counter(texts[0].dropna()).most_common()]
    return levels, [{level: (column == level).to_numpy(np.bool_) for level in levels} for column in texts]


def _compare_shares(
    levels: list[str], members: list[dict[str, NDArray[np.bool_]]], label: str, total: int, clusters: Clusters
) -> _Part:
    coded = []
    for table in members:
        rows = len(table[levels[0]])
        classes = np.full(rows, len(levels), np.int64)
        for place, level in enumerate(levels):
            classes[table[level]] = place
        coded.append(classes)
    codes = clusters.weigh(Codes(coded[0], coded[1], len(levels) + 1, ordered=False))
    held = None
    if len(coded[2]) >= FEWEST_ROWS:
        held = measure_similarity(Codes(coded[0], coded[2], len(levels) + 1, ordered=False))
    threshold = expect_similarity(codes, held, total, _TOLERANCE)
    return _Part(label, None, codes, measure_similarity(codes), held, threshold)


def _compare_within(
    name: str,
    tables: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    levels: list[str],
    members: list[dict[str, NDArray[np.bool_]]],
    total: int,
    clusters: Clusters,
) -> list[_Part]:
    """One column in each class. What it is off as a whole is the finding of another check and not asked again."""
    train, frame, holdout = (take_column(table, name) for table in tables)
    kind = find_kind(train)
    codes, held_codes = encode_columns(train, frame, kind), encode_columns(train, holdout, kind)
    whole = 1 - measure_similarity(codes)
    excess = whole if whole > _TOLERANCE else 0.0
    parts = []
    for level in levels:
        real, mine, held_rows = (table[level] for table in members)
        part = clusters.take(real, mine).weigh(replace(codes, a=codes.a[real], b=codes.b[mine]))
        held = None
        if held_rows.sum() >= FEWEST_ROWS:
            held = measure_similarity(replace(held_codes, a=held_codes.a[real], b=held_codes.b[held_rows]))
        threshold = max(0.0, expect_similarity(part, held, total, _TOLERANCE) - excess)
        parts.append(_Part(name, level, part, measure_similarity(part), held, threshold))
    return parts


def _tabulate(parts: list[_Part]) -> dict[str, float | None]:
    worst = max(parts, key=lambda part: part.miss)
    return {"similarity": worst.similarity, "reference": worst.held, "threshold": worst.threshold}


def _advise(worst: _Part, label: str) -> str:
    if worst.level is None:
        return f"Give the classes of {_show(label)} their real shares, by options or a balance."
    return f"Make {_show(worst.column)} and {_show(label)} depend on each other as in the real data."


def _show(text: str) -> str:
    return clean_text(text)[:60]
