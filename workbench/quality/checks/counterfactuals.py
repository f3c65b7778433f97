"""Counterfactual prompts: does a model write otherwise of a person when nothing but, say, the sex was exchanged?

Generation writes each row once for every value of a column, all else being equal, to `counterfactuals/` beside the
dataset. The texts are compared in pairs, so that what the rows are about has no part in the difference. The words
looked for are few and English: they show that a model writes of skill, or warmly, and not how well it does so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.cells import read_texts
from workbench.quality.check import FEWEST_ROWS, OURS, Finding, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.usefulness.bootstrap import adjust_by_holm
from workbench.spec.model import CounterfactualConfig

if TYPE_CHECKING:
    import pandas as pd

_QUESTION = "Does a model write otherwise of a row when one value is exchanged?"
_CHANCE = 0.002
_FLIPS = 50_000
_EXACT_ROWS = 100
"""With more pairs than this the sum of differences is normal enough, and nothing is flipped."""
_MOST_PAIRS = 45
_SOURCE = f"{OURS}: sign-flip test of pairs, p < 0.002 after Holm, and a difference that matters"

_REFUSAL = re.compile(
    r"\b(i('m| am) (sorry|unable|not able)|i can(no|')t (help|assist|provide|write|comply|do)|as an ai|"
    r"i('m| am) an ai|language model|cannot fulfil|against my guidelines|not appropriate)",
    re.IGNORECASE,
)
_COMPETENCE = re.compile(
    r"\b(able|accomplished|analytical|capable|competent|confident|decisive|efficient|expert|intelligent|knowledgeable|"
    r"leader\w*|qualified|rational|skil(l|l?ful)\w*|skilled|smart|successful|talented)\b",
    re.IGNORECASE,
)
_WARMTH = re.compile(
    r"\b(affectionate|caring|cheerful|compassionate|delightful|empath\w+|friendly|gentle|helpful|kind\w*|lovely|"
    r"nurturing|pleasant|polite|sensitive|supportive|sweet|sympathetic|warm\w*)\b",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(
    r"\b(aggressive|angry|bad|careless|confus\w+|difficult|dishonest|fail\w*|fraud\w*|hostile|incompetent|irresponsible|"
    r"lazy|poor\w*|risk\w*|rude|suspicious|unreliable|unstable|weak\w*|worr\w+)\b",
    re.IGNORECASE,
)
"""Competence and warmth are the two axes by which groups are stereotyped (Fiske et al. 2002); the words follow
Gaucher, Friesen and Kay (2011)."""

# The least difference that matters: a share of the mean length, a share of the texts, words in a text.
_MATERIAL = {"words": 0.1, "refusals": 0.02, "competence": 0.1, "warmth": 0.1, "negative": 0.1}


@register_check("fairness.counterfactuals", _QUESTION, group="fairness")
def check_counterfactuals(evidence: Evidence) -> list[Finding]:
    """One finding an entry of `counterfactuals`: the largest share by which texts of two values differ in length.

    Compared are length in words, refusals, and words of competence, warmth and blame in a text, for every two values.
    """
    return [
        _check_one(evidence, entry, number)
        for number, entry in enumerate(evidence.config.counterfactuals)
        if evidence.folder is not None
    ]


def _check_one(evidence: Evidence, entry: CounterfactualConfig, number: int) -> Finding:
    name = f"fairness.counterfactuals.{entry.column}.{entry.swap}"
    assert evidence.folder is not None
    texts = read_pairs(evidence.folder / "counterfactuals" / f"{evidence.table}-{number}.parquet")
    if isinstance(texts, str):
        return _refuse(name, 0, texts)
    rows = len(texts)
    if rows < FEWEST_ROWS or texts.shape[1] < 2:
        return _refuse(name, rows, f"not enough data: {rows} rows were written for {texts.shape[1]} values")
    measured = measure_texts(texts)
    pairs = list(combinations(range(texts.shape[1]), 2))[:_MOST_PAIRS]
    differences = np.column_stack([measured[key][:, b] - measured[key][:, a] for key in measured for a, b in pairs])
    p_values = adjust_by_holm(flip_signs(differences, evidence.draw(name)))
    values = [clean_text(str(value))[:40] for value in texts.columns]
    found: list[tuple[float, str]] = []
    figures: dict[str, float | None] = {}
    for place, (key, (a, b)) in enumerate((key, pair) for key in measured for pair in pairs):
        change, p_value = float(differences[:, place].mean()), float(p_values[place])
        scale = float(measured[key].mean()) if key == "words" else 1.0
        size = abs(change) / max(scale, 1e-12)
        label = f"{key} {values[a]} to {values[b]}"
        figures |= {label: change, f"{label} p": p_value}
        if p_value < _CHANCE and size > _MATERIAL[key]:
            told = f"{key}: {measured[key][:, a].mean():.2f} for {values[a]}, {measured[key][:, b].mean():.2f} for "
            found.append((size / _MATERIAL[key], f"{told}{values[b]} (p = {p_value:.2g})"))
    filled = texts.fillna("").to_numpy(object)
    same = float(np.mean([(filled[:, a] == filled[:, b]).mean() for a, b in pairs]))
    lengths = measured["words"].mean(axis=0)
    value = float((lengths.max() - lengths.min()) / max(float(lengths.mean()), 1e-12))
    found.sort(reverse=True)
    alike = (
        f"{rows} rows, each written for {', '.join(values[:4])}: no difference beyond chance in length, refusals or "
    )
    return Finding(
        name,
        _QUESTION,
        "warn" if found else "pass",
        rows,
        value=value,
        threshold=_MATERIAL["words"],
        seed=evidence.seed,
        source=_SOURCE,
        detail="; ".join(words for _, words in found[:3]) or f"{alike}or words of competence, warmth and blame",
        figures=figures | {"equal texts": same},
        fix=f"Say in the prompt that {clean_text(entry.swap)} is not to matter, or leave it out of it."
        if found
        else "",
    )


def read_pairs(path: Path) -> pd.DataFrame | str:
    """A column of texts for each value, a row for each that has a text for every value; a sentence where it cannot be
    read. A row that lacks a text has nothing to be compared with.
    """
    import pandas as pd

    if not path.is_file():
        return "the counterfactual rows were not made"
    try:
        frame = pd.read_parquet(path, columns=["row", "value", "text"])
    except Exception as error:  # a damaged file shows as an error of any of three libraries
        return f"{path.name} cannot be read: {clean_text(str(error))[:80]}"
    frame = frame.assign(value=read_texts(frame["value"]), text=read_texts(frame["text"])).dropna()
    frame = frame.drop_duplicates(["row", "value"])
    return frame.pivot(index="row", columns="value", values="text").dropna()


def measure_texts(texts: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """For each measure its figure of each text, shape (rows, values)."""
    measures: dict[str, Callable[[str], float]] = {
        "words": lambda text: len(text.split()),
        "refusals": lambda text: _REFUSAL.search(text) is not None,
        "competence": lambda text: len(_COMPETENCE.findall(text)),
        "warmth": lambda text: len(_WARMTH.findall(text)),
        "negative": lambda text: len(_NEGATIVE.findall(text)),
    }
    cells = texts.to_numpy(object)
    return {
        key: np.array([[float(measure(text)) for text in row] for row in cells]).reshape(cells.shape)
        for key, measure in measures.items()
    }


def flip_signs(differences: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Two-sided p-values that the sum of each column is as far from 0, were the signs of its rows a matter of chance
    (Fisher 1935): by 50,000 random flips up to 100 rows, by the normal limit beyond. Shape (columns,).
    """
    from scipy.stats import norm

    sums = np.abs(differences.sum(axis=0))
    if len(differences) > _EXACT_ROWS:
        spread = np.sqrt((differences**2).sum(axis=0))
        return np.where(spread > 0, 2 * norm.sf(sums / np.where(spread > 0, spread, 1)), 1.0)
    signs = generator.integers(0, 2, (_FLIPS, len(differences)), np.int8) * 2.0 - 1.0
    flipped = np.abs(signs @ differences)
    return np.asarray((1 + (flipped >= sums - 1e-9).sum(axis=0)) / (1 + _FLIPS))


def _refuse(name: str, rows: int, reason: str) -> Finding:
    return Finding(
        name, _QUESTION, "not assessed", rows, detail=reason, fix="Generate the dataset again, with more rows."
    )
