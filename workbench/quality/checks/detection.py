"""Detection: can a model tell the rows from real ones?

It sees what figures of single columns and pairs do not. It is asked of the holdout as well: where holdout and training
rows differ, by time say, even real rows can be told apart.
"""

from __future__ import annotations

import math

from workbench.files import clean_text
from workbench.quality.check import (
    FEWEST_ROWS,
    FROM_SPEC,
    OURS,
    Finding,
    Verdict,
    judge_high,
    register_check,
)
from workbench.quality.detection import Detection, detect, find_telltale
from workbench.quality.evidence import Evidence

_NAME = "fidelity.detection"
_QUESTION = "Can a model tell the rows from real ones?"
_MOST_AUC, _TOLERANCE = 0.65, 0.05
_LEAK_AUC, _LEAK_UPPER = 0.40, 0.45
"""Below the first, with the whole interval below the second, rows have twins among the real ones (ours)."""
_FEWEST_FOR_LEAK = 100
_ERRORS, _LEAK_ERRORS = 5.0, 6.5
"""So many standard errors of Mann and Whitney are put down to chance. Areas of cross-validation scatter 1.4 times as
much as these, since folds share rows (measured on fresh rows: 0.040 against 0.029 at 200 rows), and parts of one table
are a little more alike than two samples: below 0.5 more is allowed."""
_CONFIRMATIONS = 2
"""A leak is believed where so many further draws of the folds show it too."""
_MOST_ROWS = 10_000
_SOURCE_OF_LEAK = f"{OURS}: far below 0.5 is a leak"


@register_check(_NAME, _QUESTION, group="fidelity", needs_real=True, gate="max_detection_auc")
def check_detection(evidence: Evidence) -> list[Finding]:
    """The area under the curve of boosted trees; a gate of the spec is its threshold."""
    real = evidence.real
    assert real is not None
    gate = evidence.gates.max_detection_auc
    names = list(dict.fromkeys(evidence.shared_columns))
    rows = min(len(real.train), len(evidence.frame), _MOST_ROWS)
    if not names or rows < FEWEST_ROWS:
        few = f"{rows} rows are too few, {FEWEST_ROWS} are needed"
        detail = few if names else "no column of the real data is in the table"
        source = OURS if gate is None else FROM_SPEC
        return [Finding(_NAME, _QUESTION, "not assessed", rows, gated=gate is not None, source=source, detail=detail)]
    train = evidence.sample(real.train, "detection real", rows)
    frame = evidence.sample(evidence.frame, "detection", rows)
    found = detect(train, frame, names, evidence.seed)
    held = None
    held_rows = min(len(real.train), len(real.holdout), _MOST_ROWS)
    if held_rows >= FEWEST_ROWS:
        pair = [evidence.sample(table, "detection held", held_rows) for table in (real.train, real.holdout)]
        held = detect(pair[0], pair[1], names, evidence.seed)
    linear = detect(train, frame, names, evidence.seed, "linear")
    # Of two samples of one population the area has this standard error (Mann and Whitney 1947).
    error = math.sqrt((2 * rows + 1) / (12 * rows * rows))
    likely = max(_MOST_AUC, 0.5 + _ERRORS * error, held.auc + _TOLERANCE if held else 0.0)
    threshold = gate if gate is not None else likely
    least = min(_LEAK_AUC, 0.5 - _LEAK_ERRORS * error)
    leaks = (
        rows >= _FEWEST_FOR_LEAK
        and _is_leak(found, held, least)
        and all(
            _is_leak(detect(train, frame, names, evidence.seed + more), held, least)
            for more in range(1, _CONFIRMATIONS + 1)
        )
    )
    verdict: Verdict = "fail" if leaks else judge_high(found.auc, threshold, gated=gate is not None)
    detail, fix = f"boosted trees tell rows from real ones with an AUC of {found.auc:.3f}", ""
    if leaks:
        detail = (
            f"privacy failure: an AUC of {found.auc:.3f}, far below 0.5, means that many rows nearly equal real rows, "
            "whose twins the model has seen among the real ones"
        )
        fix = "Do not publish the rows: take near copies of real rows out, and fit with more noise or fewer epochs."
    elif verdict != "pass":
        telltale = find_telltale(train, frame, names, evidence.seed)
        detail += f", most by {clean_text(telltale)[:60]}" if telltale else ""
        fix = "Look at the columns and pairs that are off; fit a synthesizer to the real data where there is none."
    sampled = len(frame) < len(evidence.frame) or rows < len(real.train)
    return [
        Finding(
            _NAME,
            _QUESTION,
            verdict,
            rows,
            value=found.auc,
            reference=None if held is None else held.auc,
            interval=found.interval,
            threshold=least if leaks else min(threshold, 1.0),
            gated=gate is not None,
            detail=detail + (f" ({rows:,} rows of each, by chance)" if sampled else ""),
            seed=evidence.seed,
            source=_SOURCE_OF_LEAK if leaks else OURS if gate is None else FROM_SPEC,
            figures={
                "linear": linear.auc,
                "propensity_error": found.propensity_error,
                "leak": float(leaks),
            },
            fix=fix,
            better="high" if leaks else "low",
        )
    ]


def _is_leak(found: Detection, held: Detection | None, least: float) -> bool:
    """Whether the rows have twins among the real ones, more than those of the holdout, which equal some by chance."""
    if found.auc >= least or found.interval[1] >= _LEAK_UPPER:
        return False
    return held is None or found.auc < held.auc - _TOLERANCE
