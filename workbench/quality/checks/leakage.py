"""Label leak: does one column give the label away, which in reality it does not?

A model that is told the answer learns nothing else, and its figures on such rows are splendid. Where a column gives
the label away in the real data too, that is how it is; where the spec computes the label from it, it is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.cells import code_levels, find_scale, read_numbers, read_texts, take_column
from workbench.quality.check import OURS, Finding, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.similarity import find_kind

if TYPE_CHECKING:
    import pandas as pd

_NAME = "training.label_leak"
_QUESTION = "Does one column alone give the label away?"
_GIVES_AWAY = 0.97
_LESS_IN_REALITY = 0.1
_FEWEST = 100
_FEWEST_OTHERS = 10
"""Rows of other labels than the commonest, below which guessing all of them is luck."""
_MOST_ROWS = 10_000
_MOST_NUMBERS = 10
_LEAVES = 64
_SOURCE = f"{OURS}: 97 % of what is to be guessed"


@register_check(_NAME, _QUESTION, group="rules")
def check_label_leak(evidence: Evidence) -> list[Finding]:
    """The most that one column alone tells of the label: the share of errors it saves (Goodman and Kruskal's lambda,
    1954), or R2 for a number, on the half of the rows that the rule was not made from.

    The rule is a tree of at most 64 leaves for numbers, the commonest label of each value for categories, and for texts
    whether they name a label. Warns from 0.97 where the real data has at least 0.1 less; without real data only where
    a column fixes the label without a single exception, and the spec computes neither from the other.
    """
    name, rows = evidence.label, len(evidence.frame)
    if name is None:
        return []
    frame = evidence.sample(evidence.frame, "label leak", _MOST_ROWS)
    label = take_column(frame, name)
    is_class = _is_class(label)
    if find_kind(label) == "text" or (not is_class and find_scale(label) != "number"):
        return []
    if len(frame) < _FEWEST or _count_different(label) < 2:
        return [Finding(_NAME, _QUESTION, "not assessed", rows, detail=f"not enough data: {rows} rows of {name}",
                        fix="Make more rows, of more than one label.")]  # fmt: skip
    excused = _find_excused(evidence, name)
    columns = [str(each) for each in dict.fromkeys(frame.columns) if str(each) not in {name, *evidence.keys}]
    real = _take_real(evidence, name)
    told: dict[str, dict[str, float | None]] = {}
    leaking: dict[str, float] = {}
    for column in columns:
        value = measure_telling(take_column(frame, column), label, is_class)
        known = None
        if value >= _GIVES_AWAY and real is not None and column in real.columns:
            known = measure_telling(take_column(real, column), take_column(real, name), is_class)
        told[column] = {"told": value, "real": known}
        if column in excused:
            continue
        if (known is None and value >= 1 - 1e-12) or (known is not None and value >= known + _LESS_IN_REALITY):
            leaking[column] = value
    worst = max(leaking or {key: each["told"] or 0.0 for key, each in told.items()},
                key=lambda key: told[key]["told"] or 0.0, default=None)  # fmt: skip
    return [
        Finding(
            _NAME,
            _QUESTION,
            "warn" if leaking else "pass",
            len(frame),
            value=told[worst]["told"] if worst else None,
            reference=told[worst]["real"] if worst else None,
            threshold=_GIVES_AWAY,
            seed=evidence.seed,
            source=_SOURCE,
            detail=_describe(name, worst, told, leaking, excused),
            columns=told,
            fix=f"Leave {clean_text(worst or '')} out of what a model is given, or drop it." if leaking else "",
        )
    ]


def measure_telling(column: pd.Series[Any], label: pd.Series[Any], is_class: bool) -> float:
    """How much of the label `column` tells: 0 nothing, 1 all of it; both have the same rows."""
    if is_class:
        codes, names = code_levels(label)
        target: NDArray[Any] = codes
        known = codes >= 0
    else:
        names, target = [], read_numbers(label)
        known = np.isfinite(target)
    column, target = column[known], target[known]
    if len(target) < _FEWEST:
        return 0.0
    # Every other row: the rule is made from one half and counted on the other.
    learn = np.arange(len(target)) % 2 == 0
    guessed = _guess(column, target, learn, names)
    if guessed is None:
        return 0.0
    tested = target[~learn]
    if not is_class:
        spread = float(((tested - tested.mean()) ** 2).sum())
        return max(0.0, 1 - float(((tested - guessed) ** 2).sum()) / spread) if spread > 0 else 0.0
    wrong = float((guessed != tested).mean())
    others = tested != np.bincount(target[learn]).argmax()
    return max(0.0, 1 - wrong / float(others.mean())) if others.sum() >= _FEWEST_OTHERS else 0.0


def _guess(
    column: pd.Series[Any], target: NDArray[Any], learn: NDArray[np.bool_], names: list[str]
) -> NDArray[Any] | None:
    """The label of the rows that are not to learn from; None where the column is no ground to guess on."""
    if find_scale(column) is not None:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        numbers = np.clip(np.nan_to_num(read_numbers(column), nan=-1e30, posinf=1e30, neginf=-1e30), -1e30, 1e30)
        leaves = _LEAVES if names else 4 * _LEAVES
        tree = (DecisionTreeClassifier if names else DecisionTreeRegressor)(max_leaf_nodes=leaves, random_state=0)
        return np.asarray(tree.fit(numbers[learn, None], target[learn]).predict(numbers[~learn, None]))
    if find_kind(column) == "text":
        return _guess_from_texts(read_texts(column)[~learn], target[learn], names) if names else None
    codes, levels = code_levels(column)
    codes = codes + 1  # a missing value is a value
    size = len(levels) + 1
    if not names:
        counts = np.bincount(codes[learn], minlength=size)
        sums = np.bincount(codes[learn], weights=target[learn], minlength=size)
        return np.where(counts > 0, sums / np.maximum(counts, 1), target[learn].mean())[codes[~learn]]
    table = np.zeros((size, len(names)))
    np.add.at(table, (codes[learn], target[learn]), 1)
    common = int(np.bincount(target[learn]).argmax())
    return np.where(table.sum(axis=1) > 0, table.argmax(axis=1), common)[codes[~learn]]


def _guess_from_texts(texts: pd.Series[Any], learned: NDArray[np.int64], names: list[str]) -> NDArray[np.int64] | None:
    """The one label that a text names, the commonest where it names none or several."""
    import re

    if any(len(name) < 3 for name in names) or {name.casefold() for name in names} == {"true", "false"}:
        return None
    words = texts.fillna("").str.casefold()
    named = np.column_stack([
        words.str.contains(rf"\b{re.escape(name.casefold())}\b", regex=True).to_numpy(np.bool_) for name in names
    ])  # fmt: skip
    return np.where(named.sum(axis=1) == 1, named.argmax(axis=1), np.bincount(learned).argmax())


def _is_class(label: pd.Series[Any]) -> bool:
    return find_scale(label) is None or (find_scale(label) == "number" and _count_different(label) <= _MOST_NUMBERS)


def _count_different(column: pd.Series[Any]) -> int:
    return len(code_levels(column)[1])


def _take_real(evidence: Evidence, name: str) -> pd.DataFrame | None:
    """Real training rows with the label, None where these are too few to tell."""
    real = evidence.real
    if real is None or name not in real.train.columns or len(real.train) < _FEWEST:
        return None
    return evidence.sample(real.train, "label leak real", _MOST_ROWS)


def _find_excused(evidence: Evidence, name: str) -> set[str]:
    """Columns that the spec computes the label from, by however many steps; and without real data those it computes
    from the label, which is the only thing to go by."""
    references = {column.name: _read_references(column) for column in evidence.config.columns}

    def follow(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            for each in references.get(waiting.pop(), frozenset()) - found:
                found.add(each)
                waiting.append(each)
        return found

    causes = follow(name)
    if evidence.real is not None:
        return causes
    return causes | {column for column in references if name in follow(column)}


def _read_references(column: Any) -> frozenset[str]:
    try:
        return frozenset(column.references())
    except ValueError:
        return frozenset()


def _describe(
    name: str,
    worst: str | None,
    told: dict[str, dict[str, float | None]],
    leaking: dict[str, float],
    excused: set[str],
) -> str:
    label = clean_text(name)[:60]
    if worst is None:
        return f"there is no column beside {label}"
    words = f"{clean_text(worst)[:60]} tells {told[worst]['told']:.1%} of {label}"
    known = told[worst]["real"]
    if leaking:
        more = f"; so do {', '.join(clean_text(each) for each in leaking if each != worst)}" if len(leaking) > 1 else ""
        return f"{words}, in the real data {known:.1%}{more}" if known is not None else f"{words}{more}"
    if worst in excused:
        return f"{words}, which the spec computes from one another"
    return f"at most: {words}" if known is None else f"at most: {words}, in the real data {known:.1%}"
