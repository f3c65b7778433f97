"""Repeated openings and template families: models begin alike, and fill the same form over and over."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from workbench.quality.check import FEWEST_ROWS, Finding, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.rows import find_wilson_interval
from workbench.quality.text.columns import TextColumn, find_text_columns
from workbench.quality.text.readings import Reading, bound_share, make_finding
from workbench.quality.text.templates import cut_opening, find_most_frequent, mask_template

_NAME = "duplicates.openings"
_QUESTION = "Do texts begin alike, or follow one template?"
_FIX = "Vary the form that the prompt asks for, or forbid the opening in the prompt."
_TOLERATED = 0.05
_ALONE = 0.5
_EFFECTIVE = 0.5
"""All ours: a share above the real one by this much, a share where there are no real texts and a model wrote them, and
the effective number of families relative to the real texts."""
_TEXTS = 20_000
_KINDS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("opening", "texts with the same first four words", cut_opening),
    ("template", "texts of the same template, names and numbers masked,", mask_template),
)


@register_check(_NAME, _QUESTION, group="duplicates")
def check_openings(evidence: Evidence) -> list[Finding]:
    """The share of the most frequent opening and template of each prose column. Not asked without texts."""
    columns = [column for column in find_text_columns(evidence) if column.language is None]
    enough = [column for column in columns if len(column.texts) >= FEWEST_ROWS]
    if not columns:
        return []
    if not enough:
        return refuse(_NAME, _QUESTION, len(columns[0].texts), f"there are fewer than {FEWEST_ROWS} texts")
    readings = [reading for column in enough for reading in _read(evidence, column)]
    return [make_finding(_NAME, _QUESTION, readings, seed=evidence.seed, fix=_FIX)]


def _read(evidence: Evidence, column: TextColumn) -> Iterator[Reading]:
    random = evidence.draw(f"openings {column.name}")
    real = column.real.draw(_TEXTS, random) if len(column.real) >= FEWEST_ROWS else None
    texts = column.texts.draw(len(real) if real else _TEXTS, random)
    real = real.draw(len(texts), random) if real else None
    for figure, words, cut in _KINDS:
        value, places, effective = find_most_frequent([cut(text) for text in texts.values])
        found = find_most_frequent([cut(text) for text in real.values]) if real else None
        threshold = _ALONE if column.made else None
        if found:
            threshold = bound_share(found[0], _TOLERATED, len(texts), len(texts))
        yield Reading(
            column.name,
            f"largest_{figure}",
            words,
            value,
            len(texts),
            reference=found[0] if found else None,
            threshold=threshold,
            interval=find_wilson_interval(len(places), len(texts)),
            examples=sorted(texts.rows[places].tolist()),
        )
        yield Reading(
            column.name,
            f"effective_{figure}s",
            f"effective number of {figure}s",
            effective,
            len(texts),
            reference=found[2] if found else None,
            threshold=found[2] * _EFFECTIVE if found else None,
            low=True,
            percent=False,
        )
