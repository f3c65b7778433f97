"""What pictures and sounds are judged alike by: files that cannot be used, and shares of those that could be better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from workbench.quality.check import FEWEST_ROWS, FROM_SPEC, OURS, Finding, judge_high
from workbench.quality.evidence import Evidence
from workbench.quality.media.files import MediaColumn, Unreadable, read_media_file
from workbench.quality.rows import find_wilson_interval

T = TypeVar("T")

MOST_FILES = 2_000
"""Files that are looked at, chosen by chance where a column has more."""
UNUSABLE = 0.0
"""Ours: one file that cannot be used is warned of. Nobody asks for it, so that chance makes none."""
TOLERATED = 0.01
"""Ours: a higher share of pairs that are not whole is warned of."""
GENERATE = "Generate the dataset first."
NO_FILES = "the files are not there yet: they are made with the dataset"


@dataclass(frozen=True, slots=True)
class Measured(Generic[T]):
    """Files of a column: `figures` of those that could be read, and why others could not, both by row number."""

    column: MediaColumn
    figures: Mapping[int, T]
    unreadable: Mapping[int, str]

    @property
    def looked_at(self) -> int:
        """How many files were tried."""
        return len(self.figures) + len(self.unreadable)


def choose_files(evidence: Evidence, column: MediaColumn, most: int = MOST_FILES) -> list[int]:
    """Row numbers of the files to look at, rising; a part by chance where there are more than `most`."""
    rows = list(column.paths)
    if len(rows) <= most:
        return rows
    chosen = evidence.draw(f"files of {column.name}").choice(len(rows), most, replace=False)
    return [rows[place] for place in np.sort(chosen)]


def measure_files(
    evidence: Evidence, column: MediaColumn, measure: Callable[[bytes], T], rows: Sequence[int]
) -> Measured[T]:
    """The figures of the files that `rows` name. The dataset's folder has to be known."""
    assert evidence.folder is not None
    figures: dict[int, T] = {}
    unreadable: dict[int, str] = {}
    for row in rows:
        try:
            figures[row] = measure(read_media_file(evidence.folder, column.paths[row]))
        except Unreadable as reason:
            unreadable[row] = str(reason)
    return Measured(column, figures, unreadable)


def find_hindrance(evidence: Evidence, column: MediaColumn) -> str:
    """Why the files of a column cannot be judged, empty where they can."""
    if evidence.folder is None:
        return NO_FILES
    return "" if column.paths else f"{column.name} names no file"


def judge_usable(
    name: str, question: str, evidence: Evidence, measured: Measured[T], faults: Mapping[int, str], fix: str
) -> Finding:
    """The share of files that cannot be used: those that could not be read and those with one of `faults`."""
    gate = evidence.gates.max_broken_media
    bad = {**measured.unreadable, **faults}
    rows, total = sorted(bad), measured.looked_at
    value = len(rows) / total
    threshold = UNUSABLE if gate is None else gate
    verdict = judge_high(value, threshold, gated=gate is not None)
    counts = Counter(bad.values()).most_common()
    detail = f"{measured.column.name}: {_say_share(rows, total)} cannot be used"
    if counts:
        detail += f" ({', '.join(f'{count:,} {reason}' for reason, count in counts)})"
    return Finding(
        name,
        question,
        verdict,
        total,
        value=value,
        interval=find_wilson_interval(len(rows), total),
        threshold=threshold,
        gated=gate is not None,
        detail=detail + _say_sample(measured),
        seed=evidence.seed,
        examples=rows,
        source=OURS if gate is None else FROM_SPEC,
        figures={reason: float(count) for reason, count in counts},
        fix="" if verdict == "pass" else fix,
    )


def judge_share(
    name: str,
    question: str,
    evidence: Evidence,
    measured: Measured[T],
    hit: Collection[int],
    of: int,
    threshold: float,
    what: str,
    fix: str,
) -> Finding:
    """The share of the rows `hit` of `of` files, which `what` says something of; a share above `threshold` warns."""
    rows = sorted(hit)
    label = measured.column.name
    if of < FEWEST_ROWS:
        detail = f"{label}: {of} files are too few, {FEWEST_ROWS} are needed"
        return Finding(name, question, "not assessed", of, detail=detail, source=OURS)
    verdict = judge_high(len(rows) / of, threshold, gated=False)
    return Finding(
        name,
        question,
        verdict,
        of,
        value=len(rows) / of,
        interval=find_wilson_interval(len(rows), of),
        threshold=threshold,
        detail=f"{label}: {_say_share(rows, of)} {what}{_say_sample(measured)}",
        seed=evidence.seed,
        examples=rows,
        source=OURS,
        fix="" if verdict == "pass" else fix,
    )


def keep_worst(findings: Iterable[Finding]) -> list[Finding]:
    """Of the findings of each name the one that is furthest above its threshold, with the columns' figures of all."""
    named: dict[str, list[Finding]] = {}
    for finding in findings:
        named.setdefault(finding.name, []).append(finding)
    kept = []
    for group in named.values():
        worst = max(group, key=lambda finding: (finding.value is not None, _exceed(finding)))
        columns = {name: figures for finding in group for name, figures in finding.columns.items()}
        kept.append(replace(worst, columns=columns))
    return kept


def _exceed(finding: Finding) -> float:
    return (finding.value or 0.0) - (finding.threshold or 0.0)


def _say_share(rows: Sequence[int], total: int) -> str:
    return f"{len(rows):,} of {total:,} files ({len(rows) / total:.1%})"


def _say_sample(measured: Measured[T]) -> str:
    total = len(measured.column.paths)
    return f"; sample of {measured.looked_at:,} of {total:,} files" if measured.looked_at < total else ""
