"""Pairs of columns: do they go together as in the real data?

Every column may look right while nothing in a row belongs together: draw each column on its own, and all shapes are
perfect. The mean over all pairs stands beside the holdout's; since most pairs of a wide table have nothing to do with
each other and hide the few that do, the worst pair is judged as well.
"""

from __future__ import annotations

import math

import numpy as np

from workbench.files import clean_text
from workbench.quality.check import (
    FEWEST_ROWS,
    FROM_SPEC,
    OURS,
    Finding,
    find_worst,
    judge_low,
    register_check,
)
from workbench.quality.clusters import describe_clusters
from workbench.quality.evidence import Evidence
from workbench.quality.pairs import Pair, compare_pairs

_NAME = "fidelity.pairs"
_QUESTION = "Do columns go together as in the real data?"
_TOLERANCE = 0.05
"""How far below the holdout the mean may be, and how far off a single pair, however many rows there are (ours)."""
_WORK = 20_000_000
_FEWEST_SAMPLED = 2_000
_SHOWN = 20


@register_check(_NAME, _QUESTION, group="fidelity", needs_real=True, gate="min_pair_fidelity")
def check_column_pairs(evidence: Evidence) -> list[Finding]:
    """The mean similarity over pairs of columns, of which one column has none; a gate is the threshold of the mean."""
    real = evidence.real
    assert real is not None
    gate = evidence.gates.min_pair_fidelity
    source = OURS if gate is None else FROM_SPEC
    names = list(dict.fromkeys(evidence.shared_columns))
    if len(names) == 1:
        return []
    # Rows times pairs are bounded, so that a table of many columns takes no longer than one of many rows.
    most = max(_FEWEST_SAMPLED, _WORK // max(len(names) * (len(names) - 1) // 2, 200))
    train, frame = evidence.sample(real.train, "pairs real", most), evidence.sample(evidence.frame, "pairs", most)
    holdout = evidence.sample(real.holdout, "pairs holdout", most) if len(real.holdout) >= FEWEST_ROWS else None
    rows = min(len(train), len(frame))
    clusters = evidence.clusters.take(train.index, frame.index)
    pairs = compare_pairs(train, frame, holdout, names, clusters=clusters) if rows >= FEWEST_ROWS else []
    if not pairs:
        detail = "there are no two columns, free texts aside, that the real data has too"
        if rows < FEWEST_ROWS:
            detail = f"{rows} rows are too few, {FEWEST_ROWS} are needed"
        return [
            Finding(_NAME, _QUESTION, "not assessed", len(frame), gated=gate is not None, source=source, detail=detail)
        ]
    value = float(np.mean([pair.similarity for pair in pairs]))
    held = [pair.held for pair in pairs if pair.held is not None]
    reference = float(np.mean(held)) if held else None
    likely = 1 - float(np.mean([pair.expected for pair in pairs]))
    # The holdout may have more rows than the table, and with it less noise.
    reached = likely if reference is None else min(likely, reference)
    tolerance = _TOLERANCE
    if clusters.owners:  # the mean swings more than rows tell: twice the bound sqrt(1/n + 1/m) / 2 of its deviation
        effects = float(np.mean([math.sqrt(pair.effect) for pair in pairs]))
        tolerance = max(tolerance, effects * math.sqrt(1 / len(train) + 1 / len(frame)))
    threshold = gate if gate is not None else max(0.0, reached - tolerance)
    missed = [pair for pair in pairs if _find_miss(pair) > 0]
    worst = max(missed, key=_find_miss) if missed else min(pairs, key=lambda pair: pair.similarity)
    verdict = find_worst([judge_low(value, threshold, gated=gate is not None), "warn" if missed else "pass"])
    sampled = f" (sample of {len(frame):,} rows)" if len(frame) < len(evidence.frame) else ""
    alike, effective = describe_clusters(evidence, len(frame), worst.effect)
    found = (
        f"{len(missed)} of {len(pairs)} pairs are further off than chance and tolerance allow, most"
        if missed
        else f"none of {len(pairs)} pairs is further off than chance and tolerance allow; least alike"
    )
    if value < threshold:
        found = f"the mean of {value:.3f} is below {threshold:.3f}; {found}"
    return [
        Finding(
            _NAME,
            _QUESTION,
            verdict,
            len(frame),
            value=value,
            reference=reference,
            threshold=threshold,
            gated=gate is not None,
            detail=f"{found}: {_name(worst)} ({worst.similarity:.3f}){sampled}{alike}",
            seed=evidence.seed,
            columns={
                _name(pair): {"similarity": pair.similarity, "reference": pair.held}
                for pair in sorted(pairs, key=lambda pair: pair.similarity)[:_SHOWN]
            },
            source=source,
            figures={"pairs": len(pairs), "pairs_off": len(missed), "worst": worst.similarity, **effective},
            fix=f"Make {_name(worst)} depend on each other as in the real data." if verdict != "pass" else "",
            better="high",
        )
    ]


def _find_miss(pair: Pair) -> float:
    """How much further off a pair is than chance, tolerance and the holdout allow; no more than 0 where it is not."""
    return pair.distance - max(pair.allowed, _TOLERANCE, pair.held_distance or 0.0)


def _name(pair: Pair) -> str:
    return clean_text(" and ".join(name[:60] for name in pair.names))
