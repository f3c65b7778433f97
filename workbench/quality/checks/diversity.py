"""Diversity: whether texts differ from one another, column by column, by figures that are never blended.

All grow or fall with the number of texts and words, so each has a fixed budget, and where there are real texts of the
same name as many are taken of both (`workbench.quality.text.variety` has the definitions). Without real texts only near
duplicates are judged, since how much the others may be depends on what is written about.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.likeness.minhash import find_families, find_repeats
from workbench.quality.check import FEWEST_ROWS, Finding, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.rows import find_wilson_interval
from workbench.quality.text.columns import TextColumn, Texts, find_text_columns
from workbench.quality.text.readings import Reading, bound_share, make_finding
from workbench.quality.text.variety import count_words, measure_kernel, measure_self_bleu, measure_words

_NAME = "diversity"
_QUESTION = "Do texts differ from one another?"
_FIX = "Vary what the prompt is given (topics, personas, forms), or draw near duplicates again with “near_unique”."

_TOLERATED = 0.05
_COMPRESSION = 1.3
_SELF_BLEU = 0.10
_VENDI = 0.7
"""Ours, all relative to the real texts: share of near duplicates above, ratio of compression, BLEU above, ratio of the
Vendi score."""

_TEXTS = 2_000
_KERNEL = 1_000
_PAIRED = 200
_WORDS = 10_000

Figures = dict[str, float | None]

_WORDING = {
    "near_duplicates": "near duplicates",
    "distinct_1": "distinct-1",
    "distinct_2": "distinct-2",
    "distinct_3": "distinct-3",
    "compression": "compression ratio",
    "self_bleu": "self-BLEU",
    "vendi": "Vendi score",
    "self_similarity": "mean similarity",
}


@register_check(_NAME, _QUESTION, group="content")
def check_diversity(evidence: Evidence) -> list[Finding]:
    """Figures of each text column; the worst one speaks. Not asked without texts."""
    columns = find_text_columns(evidence)
    enough = [column for column in columns if len(column.texts) >= FEWEST_ROWS]
    if not columns:
        return []
    if not enough:
        return refuse(_NAME, _QUESTION, len(columns[0].texts), f"there are fewer than {FEWEST_ROWS} texts")
    readings = [reading for column in enough for reading in _read(evidence, column)]
    counts = max(min(len(column.texts), _TEXTS) for column in enough)
    note = f"{counts:,} texts a column, {_KERNEL:,} of them for the Vendi score (TF-IDF) and {_PAIRED} for self-BLEU"
    return [make_finding(_NAME, _QUESTION, readings, seed=evidence.seed, fix=_FIX, note=note)]


def measure_diversity(texts: list[str], words: int = _WORDS, kernel: int = _KERNEL) -> tuple[Figures, list[int]]:
    """All figures of some texts, of which there is at least one, and the places of the near duplicates.

    `words` is the budget of the figures of words, `kernel` the number of texts that the Vendi score is of.
    """
    repeats = find_repeats(find_families(texts)).tolist()
    vendi, similarity = measure_kernel(texts[:kernel])
    figures: Figures = {
        "near_duplicates": len(repeats) / len(texts),
        **measure_words(texts, words),
        "self_bleu": measure_self_bleu(texts[:_PAIRED]),
        "vendi": vendi,
        "self_similarity": similarity,
    }
    return figures, repeats


def _read(evidence: Evidence, column: TextColumn) -> Iterator[Reading]:
    random = evidence.draw(f"diversity {column.name}")
    real: Texts | None = column.real.draw(_TEXTS, random)
    if real is not None and len(real) < FEWEST_ROWS:
        real = None
    texts = column.texts.draw(len(real) if real else _TEXTS, random)
    if real:
        real = Texts(real.values[: len(texts)], real.rows[: len(texts)], real.total)
    words = min([_WORDS, count_words(texts.values), *([count_words(real.values)] if real else [])])
    figures, repeats = measure_diversity(texts.values, words)
    beside: Figures = measure_diversity(real.values, words)[0] if real else {}
    for figure, value in figures.items():
        if value is None:
            continue
        near = figure == "near_duplicates"
        yield Reading(
            column.name,
            figure,
            _WORDING[figure],
            value,
            len(texts),
            reference=beside.get(figure),
            threshold=_find_threshold(figure, column, beside.get(figure), len(texts)),
            interval=find_wilson_interval(len(repeats), len(texts)) if near else None,
            low=figure == "vendi",
            percent=near,
            examples=sorted(texts.rows[repeats].tolist()) if near else (),
        )


def _find_threshold(figure: str, column: TextColumn, real: float | None, rows: int) -> float | None:
    if real is None:
        # Texts of the spec's own templates are alike by design; others may be of any kind, but not repeats.
        return _TOLERATED if figure == "near_duplicates" and not column.designed else None
    if figure == "near_duplicates":
        return bound_share(real, _TOLERATED, rows, rows)
    return {"compression": real * _COMPRESSION, "self_bleu": real + _SELF_BLEU, "vendi": real * _VENDI}.get(figure)
