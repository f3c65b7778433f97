"""Duplicates: rows that repeat an earlier one, and texts that repeat although the rows around them differ.

How much is repeated grows with the number of rows, so the share is compared with that of as many real rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.quality.check import FEWEST_ROWS, Finding, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.rows import find_wilson_interval, hash_rows
from workbench.quality.similarity import find_kind
from workbench.quality.text.columns import TextColumn, find_text_columns
from workbench.quality.text.readings import Reading, bound_repeats, bound_share, make_finding

if TYPE_CHECKING:
    import pandas as pd

_ROWS = "Do rows repeat?"
_TEXTS = "Do texts repeat?"
_TOLERATED_ROWS = 0.01
_TOLERATED_TEXTS = 0.10
"""Both ours: above the same share of as many real rows by this much, a repetition is warned of."""
_MOST_REAL = 50_000
_FIX_ROWS = "Drop repeated rows, or make columns with more different values."
_FIX_TEXTS = "Vary what the prompt is given, or draw again what was there with “near_unique”."


@register_check("duplicates", _ROWS, group="duplicates", live=True, gate="max_duplicates")
def check_duplicates(evidence: Evidence) -> list[Finding]:
    """Share of rows equal to an earlier row in everything but their ids."""
    names = _find_content_columns(evidence)
    rows, gate = len(evidence.frame), evidence.gates.max_duplicates
    if not names or not rows:
        return refuse("duplicates", _ROWS, rows, "the table has no rows or only ids", gated=gate is not None)
    repeats = _find_repeats(evidence.frame, names)
    value, compared, reference, threshold = len(repeats) / rows, rows, None, _TOLERATED_ROWS
    real = _read_real_rows(evidence, names)
    if real is not None:
        known = len(_find_repeats(real, names))
        reference, threshold = known / len(real), _TOLERATED_ROWS + bound_repeats(known, len(real), rows)
        if known >= FEWEST_ROWS:
            # Many repeats have a rate of their own at each number of rows, so that as many of both are compared.
            compared = min(rows, len(real))
            reference = len(_find_repeats(evidence.sample(real, "repeated real rows", compared), names)) / compared
            if gate is None and compared < rows:
                part = evidence.sample(evidence.frame, "repeated rows", compared)
                value = len(_find_repeats(part, names)) / compared
            threshold = bound_share(reference, _TOLERATED_ROWS, compared, compared)
        if gate is not None:
            compared = rows
    reading = Reading(
        "rows",
        "repeated",
        f"{len(repeats):,} of {rows:,} equal an earlier one, of {compared:,} compared",
        value,
        compared,
        reference=reference,
        threshold=gate if gate is not None else threshold,
        interval=find_wilson_interval(round(value * compared), compared),
        gated=gate is not None,
        examples=repeats,
    )
    return [make_finding("duplicates", _ROWS, [reading], seed=evidence.seed, fix=_FIX_ROWS)]


@register_check("duplicates.text", _TEXTS, group="duplicates", live=True)
def check_repeated_texts(evidence: Evidence) -> list[Finding]:
    """Share of texts equal to an earlier one, but for case and blanks. Not asked without texts."""
    columns = find_text_columns(evidence)
    if not columns:
        return []
    readings = [_read_texts(evidence, column) for column in columns]
    return [make_finding("duplicates.text", _TEXTS, readings, seed=evidence.seed, fix=_FIX_TEXTS)]


def _read_texts(evidence: Evidence, column: TextColumn) -> Reading:
    repeats = _find_repeated_texts(column.texts.values)
    texts, value = column.texts, len(repeats) / len(column.texts)
    reference: float | None = None
    # A template of the spec's own that has few outcomes is a category in so many words.
    few = column.designed and find_kind(evidence.frame[column.name]) == "category"
    threshold = None if few else _TOLERATED_TEXTS
    if len(column.real) >= FEWEST_ROWS:
        random = evidence.draw(f"repeated texts {column.name}")
        most = min(len(texts), len(column.real))
        reference = len(_find_repeated_texts(column.real.draw(most, random).values)) / most
        if most < len(texts):
            texts = texts.draw(most, random)
            value = len(_find_repeated_texts(texts.values)) / most
        threshold = bound_share(reference, _TOLERATED_TEXTS, most, most)
    return Reading(
        column.name,
        "repeated",
        f"{len(column.texts) - len(repeats):,} different texts in {len(column.texts):,}; repeated",
        value,
        len(texts),
        reference=reference,
        threshold=threshold,
        interval=find_wilson_interval(round(value * len(texts)), len(texts)),
        examples=column.texts.rows[repeats].tolist(),
    )


def _find_content_columns(evidence: Evidence) -> list[str]:
    """All columns but keys and ids, which differ in every row by design."""
    ids = {column.name for column in evidence.config.columns if column.type in ("id", "uuid")}
    if not evidence.frame.columns.is_unique:
        return []
    return [name for name in evidence.frame.columns if name not in ids | {evidence.config.primary_key}]


def _find_repeats(frame: pd.DataFrame, names: Sequence[str]) -> list[int]:
    """The numbers of the rows that equal an earlier one."""
    import pandas as pd

    repeated = pd.Series(hash_rows(frame, names), index=frame.index).duplicated()
    return [int(row) for row in frame.index[repeated.to_numpy()]]


def _find_repeated_texts(texts: Sequence[str]) -> list[int]:
    """The places of the texts that equal an earlier one."""
    import pandas as pd

    plain = pd.Series([" ".join(text.casefold().split()) for text in texts], dtype=object)
    return np.flatnonzero(plain.duplicated().to_numpy()).tolist()


def _read_real_rows(evidence: Evidence, names: Sequence[str]) -> pd.DataFrame | None:
    """The real rows of both parts, where they have all of the columns and are enough."""
    import pandas as pd

    real = evidence.real
    if real is None or not set(names) <= set(real.train.columns) or not real.train.columns.is_unique:
        return None
    both = pd.concat([real.train, real.holdout], ignore_index=True)
    both = evidence.sample(both, "real rows that may repeat", _MOST_REAL)
    return both if len(both) >= FEWEST_ROWS else None
