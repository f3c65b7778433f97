"""Duplicates by meaning: texts that say the same in other words, by the cosines of an embedding model."""

from __future__ import annotations

import numpy as np

from workbench.errors import WorkbenchError
from workbench.files import clean_text
from workbench.quality.check import FEWEST_ROWS, Finding, refuse, register_check
from workbench.quality.evidence import Embed, Evidence
from workbench.quality.rows import find_wilson_interval
from workbench.quality.text.columns import EMBEDDED, TextColumn, draw_embedded, find_text_columns
from workbench.quality.text.readings import Reading, bound_share, make_finding

_NAME = "duplicates.semantic"
_QUESTION = "Do texts say the same in other words?"
_FIX = "Vary what the prompt is given, or draw again what means the same with “near_unique” by embedding."
_COSINE = 0.9
"""The default of SemHash, by which paraphrases are told from texts on the same matter."""
_TOLERATED = 0.10
"""Ours, above the share of as many real texts."""


@register_check(_NAME, _QUESTION, group="duplicates")
def check_semantic_duplicates(evidence: Evidence) -> list[Finding]:
    """Share of texts with a cosine of 0.9 to an earlier one. Asked of prose that a model wrote alone."""
    columns = [column for column in find_text_columns(evidence) if column.made and column.language is None]
    if not columns:
        return []
    rows = max(len(column.texts) for column in columns)
    if evidence.embed is None:
        why = "no embedding model is installed"
        fix = "Install one: workbench models get all-minilm-l6-v2."
        return refuse(_NAME, _QUESTION, rows, why, fix=fix)
    enough = [column for column in columns if len(column.texts) >= FEWEST_ROWS]
    if not enough:
        return refuse(_NAME, _QUESTION, rows, f"there are fewer than {FEWEST_ROWS} texts")
    try:
        readings = [_read(evidence, evidence.embed, column) for column in enough]
    except WorkbenchError as error:
        return refuse(_NAME, _QUESTION, rows, clean_text(str(error)), fix="See `workbench doctor`.")
    return [make_finding(_NAME, _QUESTION, readings, seed=evidence.seed, fix=_FIX)]


def find_same_meaning(embed: Embed, texts: list[str]) -> list[int]:
    """The places of the texts with a cosine of 0.9 or more to an earlier one."""
    vectors = embed(texts)
    near = np.triu(vectors @ vectors.T >= _COSINE, 1)
    return np.flatnonzero(near.any(axis=0)).tolist()


def _read(evidence: Evidence, embed: Embed, column: TextColumn) -> Reading:
    real = column.train if len(column.train) >= FEWEST_ROWS else None
    most = min(EMBEDDED, len(column.texts), len(real) if real else EMBEDDED)
    texts = draw_embedded(evidence, column, "texts", most)
    found = find_same_meaning(embed, texts.values)
    value = len(found) / most
    reference = (
        len(find_same_meaning(embed, draw_embedded(evidence, column, "train", most).values)) / most if real else None
    )
    return Reading(
        column.name,
        "semantic_duplicates",
        f"texts of {most:,} with a cosine of {_COSINE} to another",
        value,
        most,
        reference=reference,
        threshold=_TOLERATED if reference is None else bound_share(reference, _TOLERATED, most, most),
        interval=find_wilson_interval(len(found), most),
        examples=sorted(texts.rows[found].tolist()),
    )
