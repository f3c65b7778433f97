"""Mixing: does adding these rows to the real ones help, and how many real ones can they take the place of?"""

from __future__ import annotations

from workbench.quality.check import OURS, Finding, Verdict, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.usefulness.arms import Arm, Task, draw_rows, find_task
from workbench.quality.usefulness.curves import Curves, Point, draw_curves
from workbench.quality.usefulness.models import MIXING

_NAME = "usefulness.mixing"
_QUESTION = "Does it help to add these rows to real ones?"
_REAL, _MOST_REAL, _MOST_TEST, _MOST_MADE = 1_000, 5_000, 3_000, 10_000
_FEWEST = 100
_HURT_CHANCE, _HURT = 0.01, 0.01
_SOURCE = f"{OURS}: a loss above 0.01 at p < 0.01 after Holm"


@register_check(_NAME, _QUESTION, group="usefulness", needs_real=True)
def check_mixing(evidence: Evidence) -> list[Finding]:
    """The gain in AUC (or R2) of the best amount of rows added, over real rows alone, by boosted trees.

    Amounts are 1/4, 1, 3 and 10 times the real rows, of which 1,000 at most are taken, each with 5 seeds; tests are
    paired bootstraps of the test rows with seeds nested, adjusted by Holm. The curve of replacing (25 to 100 % of a
    fixed number of rows) stands beside it. Warns where an amount hurts by more than 0.01, beyond chance.
    """
    task = find_task(evidence)
    if task is None:
        return []
    if not isinstance(task, Task):
        return _refuse(evidence, task)
    arms = _draw_arms(evidence, task)
    if isinstance(arms, str):
        return _refuse(evidence, arms)
    most = _REAL if len(task.classes) <= 4 else 4 * _REAL // len(task.classes)
    size = min(len(arms[0]), max(most, _FEWEST))
    curves = draw_curves(task, MIXING, arms, size, evidence.draw("mixing"))
    if not curves.added:
        return _refuse(evidence, f"not enough data: {len(arms[1])} rows to add to {size} real ones")
    best = max(curves.added, key=lambda each: each.gain)
    hurting = [each for each in curves.added if each.p_value < _HURT_CHANCE and each.gain < -_HURT]
    shown = min(hurting, key=lambda each: each.gain) if hurting else best
    verdict: Verdict = "warn" if hurting else "pass"
    return [
        Finding(
            _NAME,
            _QUESTION,
            verdict,
            len(arms[1]),
            value=shown.gain,
            reference=0.0,
            interval=(shown.gain - 2 * shown.error, shown.gain + 2 * shown.error),
            threshold=-_HURT,
            seed=evidence.seed,
            source=_SOURCE,
            detail=_describe(task, curves, best, size, len(arms[2])),
            figures=_list_figures(curves),
            fix="" if verdict == "pass" else "Add fewer rows, or none, to real ones until usefulness.transfer passes.",
        )
    ]


def _draw_arms(evidence: Evidence, task: Task) -> tuple[Arm, Arm, Arm] | str:
    """Real, synthetic and test rows; of the synthetic ones as many as the curve may add."""
    real = evidence.real
    assert real is not None
    frames = (real.train, evidence.frame, real.holdout)
    arms = [
        draw_rows(task.make_arm(frame), most, evidence.draw(f"mixing {place}"))
        for place, (frame, most) in enumerate(zip(frames, (_MOST_REAL, _MOST_MADE, _MOST_TEST), strict=True))
    ]
    if min(len(arms[0]), len(arms[1])) < _FEWEST:
        return f"not enough data: the curve takes {_FEWEST} rows with a known label on both sides"
    return arms[0], arms[1], arms[2]


def _describe(task: Task, curves: Curves, best: Point, size: int, tests: int) -> str:
    parts = [f"{_tell(each.share)} {each.words} ({each.gain:+.3f})" for each in curves.added]
    told = f"{size:,} real rows reach {task.metric} {curves.alone.mean:.3f} on {tests:,}; adding {', '.join(parts)}"
    told += f"; best {_tell(best.share)}, a gain that is {'real' if best.words == 'helps' else 'not shown to be real'}"
    if curves.replaced:
        whole = curves.replaced[-1]
        told += f"; {whole.share:.0%} of the real rows replaced {whole.gain:+.3f}"
    return told


def _tell(share: float) -> str:
    return f"{share:g} x"


def _list_figures(curves: Curves) -> dict[str, float | None]:
    figures: dict[str, float | None] = {"real alone": curves.alone.mean, "real alone sd": curves.alone.spread}
    for word, points in (("add", curves.added), ("replace", curves.replaced)):
        for each in points:
            name = f"{word} {each.share:g}"
            figures |= {
                name: each.mean,
                f"{name} sd": each.spread,
                f"{name} gain": each.gain,
                f"{name} p": each.p_value,
            }
    return figures


def _refuse(evidence: Evidence, reason: str) -> list[Finding]:
    return refuse(
        _NAME,
        _QUESTION,
        len(evidence.frame),
        reason,
        fix="Name a label that can be predicted, and give more rows on both sides.",
    )
