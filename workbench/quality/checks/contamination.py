"""Contamination: passages of the texts that a model will be tested with, in what it is trained on.

Evaluation texts are the files that the spec names, and, where this table is trained on, the real holdout's own texts.
Of a named file any passage is a finding. Phrases that all writers use are in the holdout and in the data alike, so
there the share is compared with that of the real training texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from workbench.errors import UsageError, WorkbenchError
from workbench.files import clean_text
from workbench.quality.check import FEWEST_ROWS, Finding, refuse, register_check
from workbench.quality.evidence import Embed, Evidence
from workbench.quality.rows import find_wilson_interval
from workbench.quality.text.columns import EMBEDDED, TextColumn, draw_embedded, find_text_columns
from workbench.quality.text.evaluation import WordRuns, find_passages, read_evaluation
from workbench.quality.text.readings import Reading, bound_share, make_finding
from workbench.quality.text.variety import find_closest

_NAME = "duplicates.contamination"
_QUESTION = "Are texts of the test in the training data?"
_FIX = "Drop the rows listed, and keep evaluation texts out of prompts and sources."
_TOLERATED = 0.02
"""Ours: rows with a passage of the holdout, above the share of real training rows that have one."""
_SOURCE = "any shared run of 13 words (GPT-3, 2020), 8 of code and short texts"
_NEAR = 0.95


@register_check(_NAME, _QUESTION, group="duplicates", gate="max_contamination")
def check_contamination(evidence: Evidence) -> list[Finding]:
    """Share of rows with a passage of evaluation texts. Not asked where there is nothing to compare with."""
    gated = evidence.gates.max_contamination is not None
    columns = find_text_columns(evidence)
    rows = len(evidence.frame)
    asked = bool(evidence.gates.evaluation)
    if not columns:
        return refuse(_NAME, _QUESTION, rows, "there are no texts", gated=gated) if gated or asked else []
    own = {column.name: WordRuns(column.texts.values) for column in columns}
    readings, lost, notes = list[Reading](), list[str](), list[str]()
    for config in evidence.gates.evaluation:
        try:
            texts = read_evaluation(config, _find_folder(evidence))
        except UsageError as error:
            lost.append(clean_text(str(error)))
            continue
        readings.append(_read_file(evidence, columns, own, Path(config.path).name, texts))
        if evidence.embed is not None:
            try:
                near = sum(_count_near(evidence, evidence.embed, column, texts) for column in columns)
                notes.append(f"{near} of at most {EMBEDDED} texts a column have a cosine above {_NEAR} to one")
            except WorkbenchError as error:
                notes.append(f"meanings were not compared: {clean_text(str(error))}")
    if evidence.training is not None:
        readings += [reading for column in columns for reading in _read_holdout(evidence, column, own[column.name])]
    if lost:
        fix = "Correct the path or the columns under “evaluation”."
        found = [reading for reading in readings if reading.verdict != "pass"]
        if not found:
            return refuse(_NAME, _QUESTION, rows, lost[0], gated=gated, fix=fix)
        notes.append(f"not read: {lost[0]}")
    if gated and not asked:
        why = "the gate is set, but no evaluation texts are named under “evaluation”"
        return refuse(_NAME, _QUESTION, rows, why, gated=True, fix="Name the files of the test under “evaluation”.")
    if not readings:
        return []
    return [make_finding(_NAME, _QUESTION, readings, seed=evidence.seed, fix=_FIX, note="; ".join(notes))]


def _read_file(
    evidence: Evidence, columns: list[TextColumn], own: dict[str, WordRuns], file: str, texts: list[str]
) -> Reading:
    """The rows that hold a passage of a named file, in whichever column."""
    gate = evidence.gates.max_contamination
    items = WordRuns(texts)
    met, hit = list[int](), set[int]()
    for column in columns:
        hits = find_passages(own[column.name], items, code=column.language is not None)
        met += column.texts.rows[hits.texts].tolist()
        hit |= set(hits.items.tolist())
    found = sorted(set(met))
    rows = max(len(column.texts) for column in columns)
    return Reading(
        file,
        "contaminated",
        f"{len(found):,} rows hold a passage of {len(hit):,} of its {len(texts):,} texts,",
        len(found) / rows,
        rows,
        threshold=gate if gate is not None else 0.0,
        interval=find_wilson_interval(len(found), rows),
        gated=gate is not None,
        source=_SOURCE,
        examples=found,
    )


def _read_holdout(evidence: Evidence, column: TextColumn, own: WordRuns) -> Iterator[Reading]:
    """Passages of the holdout; whole short texts are left out, since a fresh real sample repeats these as well."""
    if min(len(column.texts), len(column.train), len(column.holdout)) < FEWEST_ROWS:
        return
    items, code = WordRuns(column.holdout.values), column.language is not None
    hits = find_passages(own, items, code=code, whole=False)
    met = find_passages(WordRuns(column.train.values), items, code=code, whole=False)
    rows, share = len(column.texts), len(met.texts) / len(column.train)
    yield Reading(
        column.name,
        "holdout_passages",
        f"{len(hits.texts):,} rows hold a passage of {len(hits.items):,} of the {len(column.holdout):,} holdout texts,",
        len(hits.texts) / rows,
        rows,
        reference=share,
        threshold=bound_share(share, _TOLERATED, rows, len(column.train)),
        interval=find_wilson_interval(len(hits.texts), rows),
        examples=column.texts.rows[hits.texts].tolist(),
    )


def _count_near(evidence: Evidence, embed: Embed, column: TextColumn, texts: list[str]) -> int:
    """Texts of a sample that mean the same as one of a sample of the evaluation texts."""
    own = draw_embedded(evidence, column, "texts").values
    chosen = [texts[place] for place in evidence.draw("near evaluation").permutation(len(texts))[:EMBEDDED]]
    return int(np.count_nonzero(find_closest(embed(own), embed(chosen)) > _NEAR))


def _find_folder(evidence: Evidence) -> Path:
    """Where relative paths of the spec start."""
    return Path(evidence.manifest.spec_folder) if evidence.manifest is not None else Path()
