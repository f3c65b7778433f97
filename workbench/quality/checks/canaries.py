"""Canaries: secrets that were planted among the real rows, and must not come out again.

A canary is planted to be found: one row that repeats it proves that rows were learned by heart (Carlini et al., "The
Secret Sharer", 2019). That none comes out proves little, since an odd text is seldom written by a model that learned
it; one that begins like the data and ends oddly shows more (Meeus et al., arXiv 2502.14921).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.quality.cells import read_texts, take_column
from workbench.quality.check import MAX_EXAMPLES, Finding, register_check
from workbench.quality.evidence import Evidence

_QUESTION = "Do planted secrets come out again?"
_PART = 0.6
_LONG = 12
_SHORTEST = 6
_TELLING_DIGITS = 3
_END = "\0"


@register_check("privacy.canaries", _QUESTION, group="privacy", live=True)
def check_canaries(evidence: Evidence) -> list[Finding]:
    """Number of rows with a canary or a long part of one, whatever their case and spaces. Every row is looked at."""
    canaries = evidence.gates.canaries
    if not canaries:
        return []
    cells = _join_cells(evidence)
    rows: set[int] = set()
    leaked = 0
    for canary in canaries:
        hit = {row for part in find_parts(canary) for row in cells.find_rows(part)}
        leaked += bool(hit)
        rows |= hit
    detail = f"{leaked} of {len(canaries)} planted secrets, or long parts of them, stand in {len(rows):,} rows"
    return [
        Finding(
            "privacy.canaries",
            _QUESTION,
            "fail" if rows else "pass",
            len(evidence.frame),
            value=float(len(rows)),
            threshold=0.0,
            gated=True,
            detail=detail if rows else f"no sign of the {len(canaries)} planted secrets",
            examples=sorted(rows)[:MAX_EXAMPLES],
            source="none may come out (Carlini et al. 2019)",
            figures={"canaries": float(len(canaries)), "leaked": float(leaked)},
            fix="Drop these rows, and learn with differential privacy or fewer epochs." if rows else "",
        )
    ]


def find_parts(canary: str) -> list[str]:
    """The shortest runs of characters that give the canary away, folded and without spaces.

    Three fifths of it do, and so do 12 characters with three digits among them; 12 of words alone are common language.
    """
    plain = fold(canary)
    length = min(len(plain), max(_SHORTEST, math.ceil(_PART * len(plain))))
    parts = {plain[start : start + length] for start in range(len(plain) - length + 1)}
    if length > _LONG:
        runs = (plain[start : start + _LONG] for start in range(len(plain) - _LONG + 1))
        parts |= {run for run in runs if sum(character.isdigit() for character in run) >= _TELLING_DIGITS}
    return sorted(parts - {""})


def fold(text: str) -> str:
    """The text in one case, without any space."""
    return re.sub(r"\s+", "", text.casefold())


@dataclass(frozen=True, slots=True)
class _Cells:
    """All different cells as one folded text, and where each starts. `columns` are, for each column, the number of its
    first cell and those of all rows, -1 for a missing one."""

    whole: str
    starts: NDArray[np.int64]
    columns: list[tuple[int, NDArray[np.int64]]]

    def find_rows(self, part: str) -> list[int]:
        offsets = []
        offset = self.whole.find(part)
        while offset >= 0:
            offsets.append(offset)
            offset = self.whole.find(part, offset + 1)
        if not offsets:
            return []
        places = np.unique(np.searchsorted(self.starts, offsets, side="right") - 1)
        hit = [np.flatnonzero((codes >= 0) & np.isin(codes + first, places)) for first, codes in self.columns]
        return [int(row) for row in np.concatenate(hit)]


def _join_cells(evidence: Evidence) -> _Cells:
    """Cells of texts and whole numbers, each different one of a column once."""
    import pandas as pd
    from pandas.api import types

    texts: list[str] = []
    columns: list[tuple[int, NDArray[np.int64]]] = []
    for name in dict.fromkeys(evidence.frame.columns):
        column = take_column(evidence.frame, name)
        if types.is_float_dtype(column.dtype) or types.is_bool_dtype(column.dtype):
            continue
        if types.is_datetime64_any_dtype(column.dtype) or types.is_timedelta64_dtype(column.dtype):
            continue
        codes, different = pd.factorize(read_texts(column))
        columns.append((len(texts), np.asarray(codes, np.int64)))
        texts += [str(text).replace(_END, " ") for text in different]
    folded = fold(_END.join(texts))
    lengths = [len(text) + 1 for text in folded.split(_END)]
    return _Cells(folded, np.cumsum([0, *lengths[:-1]]).astype(np.int64), columns)
