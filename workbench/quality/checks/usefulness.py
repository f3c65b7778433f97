"""Transfer: is a model that learned from these rows as good on real ones as a model that learned from real ones?

Train on synthetic, test on real (TSTR) against train on real, test on real (TRTR): as many rows on both sides, the
same models with the same settings, tested on the holdout. What a difference means depends on two kinds of chance:
which rows are tested (a paired bootstrap of the holdout) and which rows were learned from. The latter is measured by
exchange: rows of both sides are shuffled and dealt anew, and differences between such arms are chance alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.check import FROM_SPEC, OURS, Finding, Verdict, judge_high, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.usefulness.arms import MOST_ROWS, Arm, Encoder, Task, draw_arms, find_task, join_arms, score_arm
from workbench.quality.usefulness.bootstrap import DRAWS, Resamples, find_interval
from workbench.quality.usefulness.models import BOOSTING, LINEAR, MODELS, fit_and_score

_NAME = "usefulness.transfer"
_QUESTION = "Does a model learn from these rows what it would learn from real ones?"
_TOLERANCE = 0.02
_CHANCE = 0.0003
"""The chance that the worst of three models of a fresh real sample is taken for worse: a third of 0.1 %."""
_EXCHANGES = 5
_FIX = "Look at pairs of columns and at rates by label: what links the two is lost."
_SOURCE = f"{OURS}: the difference's interval beyond -0.02"


@register_check(_NAME, _QUESTION, group="usefulness", needs_real=True, gate="max_usefulness_loss")
def check_transfer(evidence: Evidence) -> list[Finding]:
    """The largest loss over a linear model, a forest and boosted trees: AUC (or R2) of TRTR less that of TSTR.

    The interval of a model's loss joins the paired bootstrap of 2,000 resamples of the test rows with the noise of
    exchanged arms. Warns where the loss is above 0.02 beyond chance (0.1 % over the three); `reference` is the largest
    loss to be expected of a fresh real sample of this size. Figures hold each model's, with balanced accuracy and the
    lowest recall of a class (or RMSE), the smallest difference that could have been seen, and two controls: labels
    shuffled, and the commonest label or mean.
    """
    gate = evidence.gates.max_usefulness_loss
    task = find_task(evidence)
    if task is None and gate is None:
        return []
    if not isinstance(task, Task):
        return _refuse(evidence, task or "there is no label to predict", "Name the column under “quality: label:”.")
    # Each class costs the time of a model of its own.
    arms = draw_arms(evidence, task, MOST_ROWS if len(task.classes) <= 2 else 2 * MOST_ROWS // len(task.classes))
    if isinstance(arms, str):
        return _refuse(evidence, arms, "Make more rows, or give more real ones.")
    real, made, test = arms
    resamples = Resamples.draw(len(test), evidence.draw("usefulness bootstrap"), DRAWS)
    noise = _measure_noise(evidence, task, real, made, test)
    compared = [_compare(evidence, task, model.name, real, made, test, resamples, noise) for model in MODELS]
    best = max(compared, key=lambda each: each.real)
    if best.real_low <= (0.5 if task.classes else 0.0):
        reason = f"real rows do not tell {clean_text(task.label)} better than chance ({task.metric} {best.real:.3f})"
        return _refuse(evidence, reason, "Name a label that the other columns can tell.", len(made))
    worst = max(compared, key=lambda each: each.loss)
    surest = max(compared, key=lambda each: each.bound)
    verdict: Verdict = "warn" if surest.bound > _TOLERANCE else "pass"
    if gate is not None:
        verdict = judge_high(worst.loss, gate, gated=True)
    shown = surest if verdict == "warn" else worst
    figures = {key: value for each in compared for key, value in each.figures.items()}
    figures |= _measure_controls(evidence, task, made, test)
    figures |= {"smallest detectable difference": (shown.high - shown.low) / 2, "training noise": noise.spread}
    return [
        Finding(
            _NAME,
            _QUESTION,
            verdict,
            len(made),
            value=shown.loss,
            reference=noise.expected,
            interval=(shown.low, shown.high),
            threshold=_TOLERANCE if gate is None else gate,
            gated=gate is not None,
            seed=evidence.seed,
            source=_SOURCE if gate is None else FROM_SPEC,
            detail=_describe(task, shown, real, test),
            figures=figures,
            fix="" if verdict == "pass" else _FIX,
        )
    ]


@dataclass(frozen=True, slots=True)
class _Noise:
    """Of arms that chance alone parts: the spread of their difference, how many were seen, and the mean of the largest
    loss over the models."""

    spread: float
    count: int
    expected: float


@dataclass(frozen=True, slots=True)
class _Compared:
    """One model: what it reaches from real and from synthetic rows, its loss with 95 %, and the loss beyond chance."""

    name: str
    real: float
    real_low: float
    made: float
    low: float
    high: float
    bound: float
    figures: dict[str, float | None]

    @property
    def loss(self) -> float:
        return self.real - self.made


def _compare(
    evidence: Evidence, task: Task, name: str, real: Arm, made: Arm, test: Arm, resamples: Resamples, noise: _Noise
) -> _Compared:
    from scipy.stats import norm, t

    model = next(each for each in MODELS if each.name == name)
    seed = int(evidence.draw(f"usefulness {name}").integers(2**31))
    scores = [score_arm(task, model, arm, [test], seed)[0] for arm in (real, made)]
    areas = [task.measure(test, each, resamples.weights) for each in scores]
    loss = areas[0] - areas[1]
    test_low, test_high = find_interval(loss[1:])
    half = float(t.isf(0.025, noise.count)) * noise.spread
    value, spread = float(loss[0]), float(loss[1:].std())
    reach = np.hypot(float(norm.isf(_CHANCE)) * spread, float(t.isf(_CHANCE, noise.count)) * noise.spread)
    low, high = value - float(np.hypot(value - test_low, half)), value + float(np.hypot(test_high - value, half))
    figures: dict[str, float | None] = {
        f"real {name}": float(areas[0][0]),
        f"synthetic {name}": float(areas[1][0]),
        f"gap {name}": -value,
        f"gap {name} low": -high,
        f"gap {name} high": -low,
        f"gap {name} low, test rows alone": -test_high,
        f"gap {name} high, test rows alone": -test_low,
    }
    for side, each in zip(("real", "synthetic"), scores, strict=True):
        figures |= {f"{side} {name} {key}": number for key, number in describe_scores(task, test, each).items()}
    real_low = find_interval(areas[0][1:])[0]
    return _Compared(name, float(areas[0][0]), real_low, float(areas[1][0]), low, high, value - float(reach), figures)


def describe_scores(task: Task, test: Arm, scores: NDArray[np.float64]) -> dict[str, float]:
    """Balanced accuracy (the mean recall of the classes) and the lowest recall, or the root mean squared error."""
    if not task.classes:
        return {"RMSE": float(np.sqrt(np.mean((test.label - scores) ** 2)))}
    guessed = scores.argmax(axis=1)
    recalls = [float((guessed[test.label == code] == code).mean()) for code in np.unique(test.label)]
    return {"balanced accuracy": float(np.mean(recalls)), "lowest recall": min(recalls)}


def _measure_noise(evidence: Evidence, task: Task, real: Arm, made: Arm, test: Arm) -> _Noise:
    """Differences between arms that are dealt anew from all rows, by the models that are quick to fit.

    A forest varies less between samples than boosted trees do, and is given their noise.
    """
    pool, size = join_arms(real, made), len(real)
    generator = evidence.draw("usefulness exchange")
    deals = [generator.permutation(len(pool)) for _ in range(_EXCHANGES)]
    differences = np.empty((_EXCHANGES, 2))
    for place, model in enumerate((LINEAR, BOOSTING)):
        encoder = Encoder.fit(task, pool.frame, one_hot=model.one_hot)
        rows, tests = encoder.transform(pool.frame), encoder.transform(test.frame)
        for deal, order in enumerate(deals):
            reached = []
            for chosen in (order[:size], order[size:]):
                scores = fit_and_score(
                    model, rows[chosen], pool.label[chosen], [tests], len(task.classes), encoder.categorical, deal
                )
                reached.append(task.measure_one(test, scores[0]))
            differences[deal, place] = reached[0] - reached[1]
    # Both models saw the same deals, so that they count as one more deal, not as twice as many.
    spread = float(np.sqrt((differences**2).mean(axis=0).max()))
    expected = float((differences.max(axis=1) + (-differences).max(axis=1)).mean() / 2)
    return _Noise(spread, _EXCHANGES, max(0.0, expected))


def _measure_controls(evidence: Evidence, task: Task, made: Arm, test: Arm) -> dict[str, float | None]:
    """What boosted trees reach that learned from shuffled labels, and what needs no model."""
    shuffled = Arm(made.frame, evidence.draw("usefulness shuffle").permutation(made.label))
    scores = score_arm(task, BOOSTING, shuffled, [test], 0)[0]
    figures: dict[str, float | None] = {"shuffled labels boosting": task.measure_one(test, scores)}
    if task.classes:
        common = np.bincount(made.label).argmax()
        figures["commonest label accuracy"] = float((test.label == common).mean())
    else:
        figures["mean RMSE"] = float(np.sqrt(np.mean((test.label - made.label.mean()) ** 2)))
    return figures


def _describe(task: Task, shown: _Compared, real: Arm, test: Arm) -> str:
    return (
        f"{shown.name}: {task.metric} {shown.made:.3f} from {len(real):,} synthetic rows, {shown.real:.3f} from as "
        f"many real ones, on {len(test):,} real rows never seen; a difference of less than "
        f"{(shown.high - shown.low) / 2:.3f} could not be told from none"
    )


def _refuse(evidence: Evidence, reason: str, fix: str, rows: int | None = None) -> list[Finding]:
    gated = evidence.gates.max_usefulness_loss is not None
    rows = len(evidence.frame) if rows is None else rows
    return refuse(_NAME, _QUESTION, rows, reason, gated=gated, fix=fix)
