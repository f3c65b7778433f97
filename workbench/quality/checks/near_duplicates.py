"""Near duplicates: texts, and rows of many columns, that are nearly an earlier one; and the largest family of them.

Texts by MinHash over all of them (`workbench.likeness.minhash`), rows alike as sets of their cells. The share of near
duplicates grows with the number of texts, so it is also given for 2,000 of them, and compared with as many real ones.
The largest family is what one text, varied over and over, makes: 5 % of the rows hardly move the share.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.likeness.minhash import SIMILARITY, Labels, find_families, find_largest, find_repeats, find_set_families
from workbench.likeness.ngrams import Sequences
from workbench.quality.check import FEWEST_ROWS, Finding, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.rows import find_wilson_interval
from workbench.quality.text.columns import TextColumn, find_text_columns
from workbench.quality.text.readings import Reading, bound_share, make_finding

_NAME = "duplicates.near"
_QUESTION = "Are texts or rows nearly repeated?"
_FIX = "Draw near duplicates again with “near_unique”, or drop all but one row of each family."
_TOLERATED = 0.05
_FAMILY = 0.02
"""Both ours: the share of near duplicates above that of real texts, and the share of one family above the real one."""
_FEW = 3
"""So many more texts in a family are no finding, however few there are."""
_FIXED = 2_000
_FEWEST_CELLS = 7
"""From so many columns on, rows that differ in one cell are of a Jaccard similarity of 0.75."""
_MOST_ROWS = 20_000


@register_check(_NAME, _QUESTION, group="duplicates", gate="max_near_duplicates")
def check_near_duplicates(evidence: Evidence) -> list[Finding]:
    """Shares of each text column, and of whole rows where there are real ones. Only texts are gated."""
    gate = evidence.gates.max_near_duplicates
    columns = find_text_columns(evidence)
    enough = [column for column in columns if len(column.texts) >= FEWEST_ROWS]
    rows = list(_read_rows(evidence))
    if gate is not None and not enough:
        return refuse(_NAME, _QUESTION, len(evidence.frame), f"there are fewer than {FEWEST_ROWS} texts", gated=True)
    if not enough and not rows:
        why = f"there are fewer than {FEWEST_ROWS} texts"
        return refuse(_NAME, _QUESTION, len(columns[0].texts), why) if columns else []
    readings = [*(reading for column in enough for reading in _read_texts(evidence, column)), *rows]
    return [make_finding(_NAME, _QUESTION, readings, seed=evidence.seed, fix=_FIX)]


def _read_texts(evidence: Evidence, column: TextColumn) -> Iterator[Reading]:
    gate = evidence.gates.max_near_duplicates
    random = evidence.draw(f"near duplicates {column.name}")
    texts = column.texts
    labels = find_families(texts.values)
    repeats = find_repeats(labels)
    share = len(repeats) / len(texts)
    fixed = texts.draw(_FIXED, random)
    at_fixed = _share_repeats(find_families(fixed.values)) if len(fixed) < len(texts) else share
    real = column.real if len(column.real) >= FEWEST_ROWS else None
    most = min(len(texts), len(real)) if real else min(_FIXED, len(texts))
    own = find_families(texts.draw(most, random).values) if most < len(texts) else labels
    beside = find_families(real.draw(most, random).values) if real else None
    reference = None if beside is None else _share_repeats(beside)
    threshold: float | None = None if column.designed else _TOLERATED
    if reference is not None:
        threshold = bound_share(reference, _TOLERATED, most, most)
    judged = share if gate is not None else _share_repeats(own)
    compared = len(texts) if gate is not None else most
    words = f"near duplicates (Jaccard {SIMILARITY}, {compared:,} texts)"
    yield Reading(
        column.name,
        "near_duplicates",
        words,
        judged,
        compared,
        reference=reference,
        threshold=gate if gate is not None else threshold,
        interval=find_wilson_interval(round(judged * compared), compared),
        gated=gate is not None,
        examples=texts.rows[repeats].tolist(),
    )
    yield Reading(column.name, "near_duplicates_of_all", "near duplicates of all", share, len(texts))
    yield Reading(column.name, "near_duplicates_of_2000", "near duplicates of 2,000", at_fixed, len(fixed))
    if beside is not None or not column.designed:
        places = texts.rows[find_largest(labels)].tolist()
        yield _read_family(column.name, "texts", own, beside, places)


def _read_rows(evidence: Evidence) -> Iterator[Reading]:
    """Rows of at least so many columns that the real data has as well."""
    real = evidence.real
    names = evidence.shared_columns if evidence.frame.columns.is_unique else []
    if real is None or len(names) < _FEWEST_CELLS or not real.train.columns.is_unique:
        return
    import pandas as pd

    both = pd.concat([real.train[names], real.holdout[names]], ignore_index=True)
    most = min(len(evidence.frame), len(both), _MOST_ROWS)
    if most < FEWEST_ROWS:
        return
    made = evidence.sample(evidence.frame, "near rows", most)
    own = find_set_families(_hash_cells(made, names))
    beside = find_set_families(_hash_cells(evidence.sample(both, "near real rows", most), names))
    repeats, reference = find_repeats(own), _share_repeats(beside)
    yield Reading(
        "rows",
        "near_duplicates",
        f"near duplicates (all but some of {len(names)} cells alike, {most:,} rows)",
        len(repeats) / most,
        most,
        reference=reference,
        threshold=bound_share(reference, _TOLERATED, most, most),
        interval=find_wilson_interval(len(repeats), most),
        examples=np.asarray(made.index, np.int64)[repeats].tolist(),
    )
    yield _read_family("rows", "rows", own, beside, np.asarray(made.index, np.int64)[find_largest(own)].tolist())


def _read_family(name: str, what: str, own: Labels, beside: Labels | None, places: list[int]) -> Reading:
    """The share of the largest family, of at most the double of the real one and a little more."""
    value, rows = len(find_largest(own)) / len(own), len(own)
    reference = None if beside is None else len(find_largest(beside)) / len(beside)
    # Families join by chance where many are large, so that the largest of two fresh samples may differ by a factor.
    return Reading(
        name,
        "largest_family",
        f"the largest family of {what} nearly alike holds",
        value,
        rows,
        reference=reference,
        threshold=2 * (reference or 0.0) + _FAMILY + _FEW / rows,
        interval=find_wilson_interval(round(value * rows), rows),
        examples=places,
    )


def _share_repeats(labels: Labels) -> float:
    return len(find_repeats(labels)) / max(len(labels), 1)


def _hash_cells(frame: object, names: list[str]) -> Sequences:
    """The cells of each row as a set of numbers, each of its column and its value; a missing one is a value."""
    from workbench.quality.rows import hash_rows

    cells: NDArray[np.uint64] = np.stack([hash_rows(frame, [name]) for name in names], axis=1)  # type: ignore[arg-type]
    salts = np.random.Generator(np.random.Philox(7)).integers(0, 1 << 63, len(names), dtype=np.uint64)
    mixed = (cells ^ salts) * np.uint64(0x9E3779B97F4A7C15)
    return Sequences(mixed.ravel(), np.arange(0, mixed.size + 1, len(names), dtype=np.int64))
