"""Accuracy: are shares of combinations of columns as near to the real ones as fresh real rows are, and no nearer?"""

from __future__ import annotations

from workbench.quality.accuracy import Accuracy, measure_accuracy
from workbench.quality.check import FEWEST_ROWS, OURS, Finding, register_check
from workbench.quality.clusters import describe_clusters
from workbench.quality.evidence import Evidence

_NAME = "fidelity.accuracy"
_QUESTION = "Are the shares of single columns, pairs and triples as near to the real ones as fresh real rows are?"
_TOLERANCE = 0.03
_ERRORS = 3.5
"""Beyond the tolerance so many standard errors are put down to chance; on either side one in 4,000 lies further."""
_MOST_ROWS = 100_000


@register_check(_NAME, _QUESTION, group="fidelity", needs_real=True)
def check_accuracy(evidence: Evidence) -> list[Finding]:
    """The mean accuracy beside its ceiling and the holdout's: far below is unlike, far above is learned by heart."""
    real = evidence.real
    assert real is not None
    names = evidence.shared_columns
    train = evidence.sample(real.train, "accuracy real", _MOST_ROWS)
    frame = evidence.sample(evidence.frame, "accuracy", _MOST_ROWS)
    if not names or min(len(train), len(frame)) < FEWEST_ROWS:
        few = f"{min(len(train), len(frame))} rows are too few, {FEWEST_ROWS} are needed"
        detail = few if names else "no column of the real data is in the table"
        return [Finding(_NAME, _QUESTION, "not assessed", len(frame), source=OURS, detail=detail)]
    tables = [frame]
    if len(real.holdout) >= FEWEST_ROWS:
        tables.append(evidence.sample(real.holdout, "accuracy holdout", _MOST_ROWS))
    clusters = evidence.clusters.take(train.index, frame.index, tables[-1].index if len(tables) > 1 else slice(0, 0))
    found, *held = measure_accuracy(train, tables, names, evidence.draw("triples"), clusters)
    # The holdout may have another number of rows, and with it another ceiling: how far it is from its own counts.
    gap = held[0].value - held[0].ceiling if held else 0.0
    noise = _ERRORS * found.error
    low = found.ceiling + min(gap, 0.0) - _TOLERANCE - noise
    # Large tables have ceilings near 1, so that even copied rows are not far above: half the way to 1 is too far.
    high = found.ceiling + max(gap, 0.0) + min(_TOLERANCE, (1 - found.ceiling) / 2) + noise
    return [_describe(found, held[0] if held else None, (low, high), evidence, len(frame))]


def _describe(
    found: Accuracy, held: Accuracy | None, bounds: tuple[float, float], evidence: Evidence, rows: int
) -> Finding:
    low, high = bounds
    overfit = found.value > high
    sampled = f" (sample of {rows:,} rows)" if rows < len(evidence.frame) else ""
    beside = f"{found.value:.3f} where two real samples of this size are expected to have {found.ceiling:.3f}"
    detail, fix = beside, ""
    if overfit:
        detail = f"{beside}: nearer to the training rows than chance allows, as if learned by heart"
        fix = "Look at the privacy checks: fit with fewer epochs or more noise, and take copied rows out."
    elif found.value < low:
        worst = min(found.parts, key=lambda name: found.parts[name][0] - found.parts[name][1])
        detail = f"{beside}: too far off, most in {worst} shares"
        fix = "Look at the columns and pairs that are off, and bring them closer to the real data."
    alike, effective = describe_clusters(evidence, rows, found.effect)
    return Finding(
        _NAME,
        _QUESTION,
        "pass" if low <= found.value <= high else "warn",
        rows,
        value=found.value,
        reference=None if held is None else held.value,
        interval=(max(0.0, found.value - 1.96 * found.error), min(1.0, found.value + 1.96 * found.error)),
        threshold=high if overfit else max(0.0, low),
        detail=detail + sampled + alike,
        seed=evidence.seed,
        source=OURS,
        figures={
            "ceiling": found.ceiling,
            **{name: accuracy for name, (accuracy, _) in found.parts.items()},
            **{f"{name}_ceiling": ceiling for name, (_, ceiling) in found.parts.items()},
            **effective,
        },
        fix=fix,
        better="low" if overfit else "high",
    )
