"""Embedding distance: whether texts are nearer to the training texts than fresh real ones are, or miss what is real.

Each text has a cosine to the closest one of another set of equal size. Two pairs of distributions are compared by the
one-sided Kolmogorov-Smirnov statistic (the design of NeMo Safe Synthesizer's text similarity, against a holdout):

- `overfit`: dataset to training texts, against holdout to training texts; above it, texts are copied or hugged.
- `underfit`: holdout to training texts, against holdout to dataset; above it, the dataset does not reach what is real.

A statistic of averages cannot see a few copies among many. So families of near duplicates are counted that hold texts
of the dataset and of only one real part: where nothing is copied, they are of the training part as often as by lot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.files import clean_text
from workbench.likeness.minhash import find_families
from workbench.quality.check import FEWEST_ROWS, MAX_EXAMPLES, Finding, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.text.columns import EMBEDDED, PARTS, TextColumn, draw_embedded, find_text_columns
from workbench.quality.text.readings import Reading, bound_ks, make_finding
from workbench.quality.text.variety import find_closest, weigh_words

_NAME = "text.distance"
_QUESTION = "Are texts near to what is real, and not copies of it?"
_TOLERATED = 0.10
"""Ours: the statistic that is tolerated where chance does less."""
_CHANCE = 0.001
_CHANCE_OF_STATISTIC = 0.0001
_WEIGHED = 2_000
"""Texts of each set where their words are counted; an embedding model takes longer, and reads fewer."""
_JOINED = 20_000
_DROP = "Drop the rows listed, show fewer real examples in prompts, or fit for fewer steps."
_WIDEN = "Ask for what the real texts are about: more topics, forms and lengths."


@register_check(_NAME, _QUESTION, group="fidelity")
def check_text_distance(evidence: Evidence) -> list[Finding]:
    """Statistics of each prose column that is in the real data. Not asked without texts."""
    columns = [column for column in find_text_columns(evidence) if column.language is None]
    if not columns:
        return []
    judged = [
        column for column in columns if min(map(len, (column.texts, column.train, column.holdout))) >= FEWEST_ROWS
    ]
    if not judged:
        why = f"a text column needs {FEWEST_ROWS} texts here, in the real training rows and in a holdout"
        return refuse(_NAME, _QUESTION, len(columns[0].texts), why, fix="Give real rows with a holdout.")
    by = "an embedding model" if evidence.embed else "TF-IDF, since no embedding model is installed"
    try:
        readings = [reading for column in judged for reading in _read(evidence, column, len(judged))]
    except WorkbenchError as error:
        evidence, by = (
            replace(evidence, embed=None),
            f"TF-IDF, since the embedding model failed: {clean_text(str(error))}",
        )
        readings = [reading for column in judged for reading in _read(evidence, column, len(judged))]
    note = f"cosines by {by}, {readings[0].rows:,} texts of each set"
    return [make_finding(_NAME, _QUESTION, readings, seed=evidence.seed, note=note)]


def measure_excess(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """sup (F_low - F_high): how far the numbers of `high` lie above those of `low`; 0 where they nowhere do."""
    places = np.concatenate([low, high])
    below = [np.searchsorted(np.sort(each), places, side="right") / len(each) for each in (low, high)]
    return max(0.0, float((below[0] - below[1]).max()))


def count_met_families(made: list[str], train: list[str], holdout: list[str]) -> tuple[int, int, list[int]]:
    """Families of near duplicates with texts of `made` and of only one real part: (of train, of holdout).

    The third are the places in `made` of those that are near texts of `train` alone.
    """
    labels = find_families([*made, *train, *holdout])
    ends = len(made), len(made) + len(train)
    own, met, other = labels[: ends[0]], np.unique(labels[ends[0] : ends[1]]), np.unique(labels[ends[1] :])
    only_train, only_holdout = np.setdiff1d(met, other), np.setdiff1d(other, met)
    copied = np.flatnonzero(np.isin(own, only_train))
    return len(np.unique(own[copied])), int(np.isin(only_holdout, own).sum()), copied.tolist()


def _read(evidence: Evidence, column: TextColumn, columns: int) -> Iterator[Reading]:
    most = min(*map(len, (column.texts, column.train, column.holdout)), EMBEDDED if evidence.embed else _WEIGHED)
    made, train, holdout = (draw_embedded(evidence, column, part, most) for part in PARTS)
    vectors: list[Any] = (
        [evidence.embed(part.values) for part in (made, train, holdout)]
        if evidence.embed
        else weigh_words(made.values, train.values, holdout.values)
    )
    own, fresh = find_closest(vectors[0], vectors[1]), find_closest(vectors[2], vectors[1])
    covered = find_closest(vectors[2], vectors[0])
    threshold = max(_TOLERATED, bound_ks(most, most, _CHANCE_OF_STATISTIC / (2 * columns), one_sided=True))
    yield Reading(
        column.name,
        "overfit",
        "nearer to training texts than the holdout is, by a statistic of",
        measure_excess(fresh, own),
        most,
        threshold=threshold,
        percent=False,
        fix=_DROP,
        examples=made.rows[np.argsort(-own, kind="stable")[:MAX_EXAMPLES]].tolist(),
    )
    yield Reading(
        column.name,
        "underfit",
        "further from the holdout than training texts are, by a statistic of",
        measure_excess(covered, fresh),
        most,
        threshold=threshold,
        percent=False,
        fix=_WIDEN,
    )
    yield _read_copies(evidence, column, columns)


def _read_copies(evidence: Evidence, column: TextColumn, columns: int) -> Reading:
    from scipy.stats import binom

    random = evidence.draw(f"copied families {column.name}")
    made, train, holdout = (part.draw(_JOINED, random) for part in (column.texts, column.train, column.holdout))
    of_train, of_holdout, places = count_met_families(made.values, train.values, holdout.values)
    share = len(train) / (len(train) + len(holdout))
    allowed = int(binom.isf(_CHANCE / columns, of_train + of_holdout, share))
    return Reading(
        column.name,
        "copied_families",
        f"with {of_holdout} families of near duplicates met in the holdout of {len(holdout):,} texts, and in the "
        f"training part of {len(train):,}",
        float(of_train),
        len(made),
        reference=of_holdout * len(train) / len(holdout),
        threshold=float(allowed),
        percent=False,
        source=f"exact binomial test, p < {_CHANCE}",
        fix=_DROP,
        examples=sorted(made.rows[places].tolist()),
    )
