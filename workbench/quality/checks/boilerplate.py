"""Boilerplate: refusals, words around the answer, places nobody filled in, echoes of the prompt, broken characters.

The share of texts with each kind stands beside that of the real texts: real messages do hold fences and cut ends.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.quality.check import FEWEST_ROWS, Finding, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.rows import find_wilson_interval
from workbench.quality.text.columns import TextColumn, find_text_columns
from workbench.quality.text.patterns import list_searches
from workbench.quality.text.readings import Reading, bound_share, make_finding

_NAME = "text.boilerplate"
_QUESTION = "Do texts hold what nobody asked for?"
_FIX = "Tell the model to answer with the text alone, or refuse such answers with “must_match”; drop the listed rows."
_TOLERATED = 0.02
"""Ours: so much above the share of the real texts is warned of, where it is no chance."""
_REAL = 20_000


@register_check(_NAME, _QUESTION, group="content", live=True)
def check_boilerplate(evidence: Evidence) -> list[Finding]:
    """Shares by kind, of each text column. Not asked without texts."""
    columns = find_text_columns(evidence)
    if not columns:
        return []
    readings = [reading for column in columns for reading in _read(evidence, column)]
    rows = max(len(column.texts) for column in columns)
    if rows < FEWEST_ROWS and not any(reading.value for reading in readings):
        return refuse(_NAME, _QUESTION, rows, f"there are fewer than {FEWEST_ROWS} texts")
    return [make_finding(_NAME, _QUESTION, readings, seed=evidence.seed, fix=_FIX)]


def _read(evidence: Evidence, column: TextColumn) -> Iterator[Reading]:
    texts, real = column.texts, column.real.draw(_REAL, evidence.draw(f"boilerplate {column.name}"))
    compared = len(real) >= FEWEST_ROWS
    for kind, (words, search) in list_searches(column.config, code=column.language is not None).items():
        found = search(texts.values)
        value = len(found) / len(texts)
        reference = len(search(real.values)) / len(real) if compared else None
        threshold = None
        if reference is not None:
            threshold = bound_share(reference, _TOLERATED, len(texts), len(real))
        elif not column.designed and kind != "cut":  # titles and notes end anywhere, so that alone says nothing
            threshold = _TOLERATED
        yield Reading(
            column.name,
            kind,
            f"texts with {words}",
            value,
            len(texts),
            reference=reference,
            threshold=threshold,
            interval=find_wilson_interval(len(found), len(texts)),
            examples=texts.rows[found].tolist(),
        )
