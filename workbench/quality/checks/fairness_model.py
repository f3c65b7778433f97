"""Fairness of a trained model: does one that learned from these rows err more on one group of real people?

A dataset with equal shares and rates can still teach a model to fail a group: what links its features to the outcome
may be wrong for that group alone. So a model is trained, and its errors on the real holdout are counted by group,
beside those of the same model trained on real rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.check import FEWEST_ROWS, OURS, Finding, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.groups import make_groupings
from workbench.quality.usefulness.arms import Arm, Encoder, Task, draw_arms, find_task, join_arms, score_arm
from workbench.quality.usefulness.models import LINEAR, fit_and_score

_NAME = "fairness.model"
_QUESTION = "Is a model that learned from these rows as good for each group?"
_CHANCE = 0.001
_MATERIAL = 0.05
_EXCHANGES = 5
_SOURCE = f"{OURS}: 0.05 beyond the model of real rows; equalised odds: Hardt, Price and Srebro 2016"
_FIX = "Look at fairness.outcomes and at pairs of columns within the group; add rows of it that are right."


@register_check(_NAME, _QUESTION, group="fairness", needs_real=True)
def check_model(evidence: Evidence) -> list[Finding]:
    """The equalised odds difference on the real holdout: the largest difference between two groups in the share of
    positive rows found, or of negative rows taken for positive (fairlearn's `equalized_odds_difference`); the error
    rate where there are more than two labels, and the mean absolute error in standard deviations for a number.

    One linear model. Warns where a group is further from the rest than by the model of real rows, by more than 0.05
    and beyond chance: test rows are paired, and the noise of training is measured on arms dealt anew.
    """
    fairness = evidence.gates.fairness
    if fairness is None:
        return []
    across = [name for name in fairness.across if name in evidence.shared_columns]
    task = find_task(evidence)
    if task is None or not across:
        return []
    if not isinstance(task, Task):
        return _refuse(evidence, task)
    arms = draw_arms(evidence, task)
    if isinstance(arms, str):
        return _refuse(evidence, arms)
    real, made, test = arms
    cells = _find_cells(task, test, across)
    if not cells:
        return _refuse(evidence, f"not enough data: no two groups of the holdout have {FEWEST_ROWS} rows each")
    by_real, by_made = (_measure_rows(task, test, score_arm(task, LINEAR, arm, [test], 0)[0]) for arm in (real, made))
    inflation = _measure_training_noise(evidence, task, real, made, test, cells)
    return [_judge(evidence, cells, by_real, by_made, inflation, len(made), task)]


@dataclass(frozen=True, slots=True)
class _Cell:
    """The test rows of one group, and those of the others, that one rate is taken over."""

    group: str
    column: str
    rate: str
    inside: NDArray[np.bool_]
    outside: NDArray[np.bool_]


def _find_cells(task: Task, test: Arm, across: list[str]) -> list[_Cell]:
    """Each group with rows enough, for each rate: of positive and negative rows apart where there are two labels."""
    kinds = {"error": np.ones(len(test), np.bool_)}
    if len(task.classes) == 2:
        kinds = {"positives found": test.label == 1, "negatives taken for positive": test.label == 0}
    cells = []
    for grouping in make_groupings([test.frame], across):
        if len(grouping.columns) > 1:
            continue
        codes = grouping.code(test.frame)
        for rate, rows in kinds.items():
            counts = np.bincount(codes[rows & (codes >= 0)], minlength=len(grouping.names))
            judged = np.flatnonzero(counts >= FEWEST_ROWS)
            for group in judged if len(judged) > 1 else []:
                inside = rows & (codes == group)
                outside = rows & np.isin(codes, judged) & ~inside
                cells.append(_Cell(grouping.names[group], grouping.label, rate, inside, outside))
    return cells


def _measure_rows(task: Task, test: Arm, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each test row what its rate is the mean of: whether it is taken for positive, or wrong, or how far off."""
    if not task.classes:
        return np.asarray(np.abs(scores - test.label) / max(float(np.std(test.label)), 1e-12))
    guessed = scores.argmax(axis=1)
    return np.asarray(guessed == 1 if len(task.classes) == 2 else guessed != test.label, np.float64)


def _contrast(cell: _Cell, rows: NDArray[np.float64]) -> float:
    return float(rows[cell.inside].mean() - rows[cell.outside].mean())


def _find_error(cell: _Cell, difference: NDArray[np.float64]) -> float:
    """The standard error of a contrast of `difference`; half a row more on each side, so that none is not certainty."""
    parts = [difference[mask] for mask in (cell.inside, cell.outside)]
    return float(np.sqrt(sum((part.var() + 0.5 / len(part)) / len(part) for part in parts)))


def _measure_training_noise(
    evidence: Evidence, task: Task, real: Arm, made: Arm, test: Arm, cells: list[_Cell]
) -> float:
    """How much larger the square of a standardised contrast is, on average, between arms dealt anew from all rows."""
    pool, size = join_arms(real, made), len(real)
    encoder = Encoder.fit(task, pool.frame, one_hot=True)
    rows, tests = encoder.transform(pool.frame), encoder.transform(test.frame)
    generator = evidence.draw("fairness model exchange")
    squares = []
    for deal in range(_EXCHANGES):
        order = generator.permutation(len(pool))
        sides = [
            _measure_rows(task, test, fit_and_score(
                LINEAR, rows[chosen], pool.label[chosen], [tests], len(task.classes), encoder.categorical, deal
            )[0])
            for chosen in (order[:size], order[size:])
        ]  # fmt: skip
        difference = sides[1] - sides[0]
        squares += [(_contrast(cell, difference) / _find_error(cell, difference)) ** 2 for cell in cells]
    return float(np.mean(squares))


def _judge(
    evidence: Evidence,
    cells: list[_Cell],
    by_real: NDArray[np.float64],
    by_made: NDArray[np.float64],
    inflation: float,
    rows: int,
    task: Task,
) -> Finding:
    from scipy.stats import t

    reach = float(t.isf(_CHANCE / len(cells) / 2, 3 * _EXCHANGES)) * np.sqrt(1 + inflation)
    excess: list[float] = []
    columns: dict[str, dict[str, float | None]] = {}
    for cell in cells:
        made, real = _contrast(cell, by_made), _contrast(cell, by_real)
        noise = float(reach) * _find_error(cell, by_made - by_real)
        worse = abs(made) > abs(real)
        excess.append(abs(made - real) - max(_MATERIAL, noise) if worse else -np.inf)
        columns[f"{cell.column}={cell.group}: {cell.rate}"] = {
            "rate": float(by_made[cell.inside].mean()),
            "real": float(by_real[cell.inside].mean()),
            "rows": float(cell.inside.sum()),
        }
    spans = {(cell.column, cell.rate): (_find_span(cells, cell, by_made), _find_span(cells, cell, by_real))
             for cell in cells}  # fmt: skip
    place = int(np.argmax(excess))
    tripped = excess[place] > 0
    widest = max(spans, key=lambda key: spans[key][0])
    shown = (cells[place].column, cells[place].rate) if tripped else widest
    value, reference = spans[shown]
    detail = f"{shown[0]}: “{shown[1]}” differs by {value:.3f} between groups, {reference:.3f} if real rows teach"
    if tripped:
        cell = cells[place]
        detail += (
            f"; {cell.group} {by_made[cell.inside].mean():.1%} against {by_real[cell.inside].mean():.1%}"
            f", on {int(cell.inside.sum()):,} real rows"
        )
    figures: dict[str, float | None] = {f"{column}: {rate}": made for (column, rate), (made, _) in spans.items()}
    figures |= {f"real {column}: {rate}": real for (column, rate), (_, real) in spans.items()}
    return Finding(
        _NAME,
        _QUESTION,
        "warn" if tripped else "pass",
        rows,
        value=value,
        reference=reference,
        threshold=reference + _MATERIAL,
        seed=evidence.seed,
        source=_SOURCE,
        detail=f"{clean_text(task.label)[:40]} by {detail}",
        columns=columns,
        figures=figures,
        fix=_FIX if tripped else "",
    )


def _find_span(cells: list[_Cell], like: _Cell, rows: NDArray[np.float64]) -> float:
    rates = [float(rows[cell.inside].mean()) for cell in cells if (cell.column, cell.rate) == (like.column, like.rate)]
    return max(rates) - min(rates)


def _refuse(evidence: Evidence, reason: str) -> list[Finding]:
    return refuse(
        _NAME,
        _QUESTION,
        len(evidence.frame),
        reason,
        fix="Name a label that can be predicted, and give real rows of each group.",
    )
