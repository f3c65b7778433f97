"""Diversity: whether texts differ from one another, column by column, by four figures that are never blended.

All grow or fall with the number of texts and words, so each has a fixed budget, and where there are real texts of the
same name as many are taken of both:

- `near_duplicates`: the share of the first 2,000 texts that are nearly an earlier one (Jaccard of 3-character shingles
  above 0.7; digits count as one).
- `distinct_2`: different pairs of neighbouring words by all of them, in the first 10,000 words (Li, Galley, Brockett,
  Gao, Dolan: A Diversity-Promoting Objective Function, 2016).
- `compression`: bytes by compressed bytes (gzip) of the same words; texts of one template are high (Shaib, Barrow, Sun,
  Siu, Wallace, Nenkova: Standardizing the Measurement of Text Diversity, 2024).
- `self_similarity`: the mean similarity of any two of the first 200 texts, by the same shingles.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.columns.registry import COLUMNS
from workbench.likeness.shingles import ShingleIndex, cut_shingles
from workbench.quality.check import FEWEST_ROWS, Finding, judge_high, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.rows import find_wilson_interval

if TYPE_CHECKING:
    import pandas as pd

_QUESTION = "Do texts differ from one another?"
_NEAR = 0.7
_TOLERATED = 0.05
"""Ours: above the same share of the real texts by this much, near duplicates are warned of."""

_TEXTS = 2_000
_WORDS = 10_000
_PAIRED = 200
_LONG = 40
"""A column of texts with more characters than this on average is looked at also where no model made it."""

Figures = dict[str, float | None]


@register_check("diversity", _QUESTION, group="content")
def check_diversity(evidence: Evidence) -> list[Finding]:
    """Figures of each text column; the verdict is on near duplicates where most are. Not asked without texts."""
    findings = [_judge(evidence, name, column) for name, column in _find_texts(evidence)]
    if not findings:
        return []
    worst = max(findings, key=lambda finding: (finding.value or 0.0) - (finding.reference or 0.0))
    worst.columns.update({name: figures for finding in findings for name, figures in finding.columns.items()})
    return [worst]


def measure_diversity(texts: Sequence[str]) -> tuple[Figures, list[int]]:
    """The four figures of some texts, of which there is at least one, and the places of the near duplicates."""
    repeats = _find_near_duplicates(texts)
    figures = {
        "near_duplicates": len(repeats) / len(texts),
        **_measure_words(texts),
        "self_similarity": _measure_self_similarity(texts[:_PAIRED]),
    }
    return figures, repeats


def _find_near_duplicates(texts: Sequence[str]) -> list[int]:
    """The places of the texts that are nearly the same as an earlier one."""
    index, found = ShingleIndex(_NEAR), []
    for place, text in enumerate(texts):
        shingles = index.read(text)
        if index.has_near(shingles):
            found.append(place)
        index.add(shingles)
    return found


def _find_texts(evidence: Evidence) -> Iterator[tuple[str, pd.Series[Any]]]:
    """The columns of texts that a model made, and all of long texts, without nulls; names of files are none."""
    types = {column.name: COLUMNS.get(column.type) for column in evidence.config.columns}
    for name in map(str, evidence.frame.columns):
        column, maker, own = evidence.frame[name].dropna(), evidence.makers.get(name), types.get(name)
        if not len(column) or not all(isinstance(value, str) for value in column.head(_PAIRED)):
            continue
        if maker is not None and (maker.kind != "string" or maker.files is not None or maker.options is not None):
            continue
        made = own is not None and own.group == "generated"
        if made or float(column.head(_TEXTS).str.len().mean()) > _LONG:
            yield name, column


def _judge(evidence: Evidence, name: str, column: pd.Series[Any]) -> Finding:
    real_texts = _read_real(evidence, name)
    texts = [str(value) for value in column.head(len(real_texts) or _TEXTS)]
    figures, repeats = measure_diversity(texts)
    real = measure_diversity(real_texts[: len(texts)])[0] if real_texts else {}
    reference = real.get("near_duplicates")
    threshold = (reference or 0.0) + _TOLERATED
    few = len(texts) < FEWEST_ROWS
    detail = f"{name}: {_describe(figures)}"
    if real:
        detail += f"; real: {_describe(real)}"
    return Finding(
        "diversity",
        _QUESTION,
        "not assessed" if few else judge_high(len(repeats) / len(texts), threshold, gated=False),
        len(texts),
        value=len(repeats) / len(texts),
        reference=reference,
        interval=find_wilson_interval(len(repeats), len(texts)),
        threshold=threshold,
        detail=f"{detail}; fewer than {FEWEST_ROWS} texts" if few else detail,
        examples=[int(column.index[place]) for place in repeats],
        columns={name: {**figures, **{f"real_{key}": number for key, number in real.items()}}},
    )


def _read_real(evidence: Evidence, name: str) -> list[str]:
    """The first texts of the real holdout; none where it has too few, or no such column."""
    if evidence.real is None or name not in evidence.real.holdout.columns:
        return []
    texts = [str(value) for value in evidence.real.holdout[name].dropna().head(_TEXTS)]
    return texts if len(texts) >= FEWEST_ROWS else []


def _measure_words(texts: Sequence[str]) -> Figures:
    budget, pairs, lines = _WORDS, list[tuple[str, str]](), list[str]()
    for text in texts:
        words = text.split()[:budget]
        folded = [word.casefold() for word in words]
        pairs += pairwise(folded)
        lines.append(" ".join(words))
        budget -= len(words)
        if not budget:
            break
    written = "\n".join(lines).encode("utf-8", "replace")
    return {
        "distinct_2": len(set(pairs)) / len(pairs) if pairs else None,
        "compression": len(written) / len(gzip.compress(written, mtime=0)),
    }


def _measure_self_similarity(texts: Sequence[str]) -> float | None:
    if len(texts) < 2:
        return None
    sets = [cut_shingles(text) for text in texts]
    places = {each: place for place, each in enumerate(sorted(set().union(*sets)))}
    held = np.zeros((len(sets), len(places)), np.float32)
    for row, own in enumerate(sets):
        held[row, [places[each] for each in own]] = 1
    shared = (held @ held.T).astype(np.float64)
    sizes = np.diag(shared)
    upper = np.triu_indices(len(sets), 1)
    return float((shared / (sizes[:, None] + sizes - shared))[upper].mean())


def _describe(figures: Figures) -> str:
    """The figures in words."""
    words = [f"{figures['near_duplicates']:.1%} near duplicates"]
    if figures["distinct_2"] is not None:
        words.append(f"distinct-2 {figures['distinct_2']:.2f}")
    words.append(f"compression {figures['compression']:.1f}")
    if figures["self_similarity"] is not None:
        words.append(f"self-similarity {figures['self_similarity']:.2f}")
    return ", ".join(words)
